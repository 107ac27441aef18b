package workflows_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"aftercall/activities"
	"aftercall/internal/billing"
	"aftercall/internal/notify"
	"aftercall/workflows"
)

var (
	waive    = workflows.DecideParams{Verdict: billing.VerdictWaive, By: "alice", Reason: "test call"}
	confirm  = workflows.DecideParams{Verdict: billing.VerdictCharge, By: "alice", Reason: "checked with the doctor"}
	chargeAs = workflows.DecideParams{Verdict: billing.VerdictChargeAs, ConnectedSeconds: 60, By: "bob", Reason: "the line was dead after a minute"}

	errReview = temporal.NewNonRetryableApplicationError("needs review: connected for 90000 s", activities.NeedsReview, nil)
	errNever  = temporal.NewNonRetryableApplicationError("no record of this call", activities.RecordNeverAppeared, nil)
)

// opensReview expects that targets are notified of the review, but none unless named.
func (e *env) opensReview(targets ...string) {
	e.OnActivity("OpenReview", mock.Anything, mock.Anything).Return(activities.OpenReviewResult{
		Event: notify.Event{Type: notify.EventCallReview}, MessageID: "msg_review", Targets: targets,
	}, nil).Once()
}

// decision is the answer to an Update.
type decision struct {
	answered bool
	rejected bool // by the validator, without a trace
	err      error
	result   workflows.DecideResult
}

func (d *decision) Accept() {}

func (d *decision) Reject(err error) { d.answered, d.rejected, d.err = true, true, err }

func (d *decision) Complete(result any, err error) {
	d.answered, d.err = true, err
	if err == nil {
		d.result, _ = result.(workflows.DecideResult)
	}
}

// decides sends a decision at a time of the workflow's clock.
func (e *env) decides(at time.Time, p workflows.DecideParams) *decision {
	d := &decision{}
	e.RegisterDelayedCallback(func() { e.UpdateWorkflow(workflows.UpdateDecide, uuid.NewString(), d, p) }, at.Sub(endedAt))
	return d
}

func (e *env) status() (s workflows.Status) {
	e.t.Helper()
	value, err := e.QueryWorkflow(workflows.QueryStatus)
	require.NoError(e.t, err)
	require.NoError(e.t, value.Get(&s))
	return s
}

// stages notes the stages that the list of workflows shows.
func (e *env) stages() *[]string {
	var stages []string
	e.OnUpsertTypedSearchAttributes(mock.MatchedBy(func(attributes temporal.SearchAttributes) bool {
		stage, ok := attributes.GetKeyword(workflows.AttributeStage)
		if ok {
			stages = append(stages, stage)
		}
		return ok
	})).Return(nil)
	return &stages
}

func TestReview(t *testing.T) {
	e := newEnv(t)
	stages := e.stages()
	e.fetches(found, nil)
	e.charges(activities.ChargeResult{}, errReview).Once()
	e.opensReview("crm")
	e.OnActivity("Notify", mock.Anything, activities.NotifyParams{
		Target: "crm", MessageID: "msg_review", Event: notify.Event{Type: notify.EventCallReview}, Since: endedAt.Add(workflows.RecordDelay),
	}).Return(nil).Once()
	e.OnActivity("Charge", mock.Anything, mock.MatchedBy(func(p activities.ChargeParams) bool {
		return p.Decided != nil && p.Record.CallID == "call-1" && *p.Decided == activities.Decided{
			Decision: billing.Decision{Verdict: billing.VerdictChargeAs, ConnectedSeconds: 60}, By: "bob", Reason: "the line was dead after a minute",
		}
	})).Return(charged("crm"), nil).Once()
	e.OnActivity("Notify", mock.Anything, mock.MatchedBy(func(p activities.NotifyParams) bool { return p.MessageID == "msg_1" })).Return(nil).Once()

	day := 24 * time.Hour
	e.RegisterDelayedCallback(func() {
		status := e.status()
		require.Equal(t, workflows.StageReview, status.Stage)
		require.Equal(t, &workflows.ReviewStatus{
			Reason: "needs review: connected for 90000 s", Since: endedAt.Add(workflows.RecordDelay),
		}, status.Review)
	}, day)
	d := e.decides(endedAt.Add(90*day), chargeAs)
	result, err := e.run()
	require.NoError(t, err)
	require.NoError(t, d.err)
	require.Equal(t, workflows.DecideResult{
		Outcome: workflows.OutcomeCharged, BilledSeconds: 132, Amount: "0.66", Currency: "USD", LedgerKey: "charge:1400000000:call-1",
	}, d.result)
	require.Equal(t, &chargeAs, result.Decided)
	require.Equal(t, []workflows.Delivery{{Event: notify.EventCallReview, Target: "crm", Delivered: true}, deliveredTo("crm")}, result.Deliveries)
	require.Equal(t, []string{"waiting", "review", "done"}, *stages)
	require.Equal(t, &chargeAs, e.status().Review.Decided)
}

// TestCallIDIsQuotedOnTheReviewPage: a CallId may be a command, or Markdown.
func TestCallIDIsQuotedOnTheReviewPage(t *testing.T) {
	for callID, want := range map[string]string{
		"call-1":              "`aftercall review decide call-1`",
		"x; touch /tmp/y":     "`aftercall review decide 'x; touch /tmp/y'`",
		"`x` **b** $(id)":     "`` aftercall review decide '`x` **b** $(id)' ``",
		"a``b\n| c":           "``` aftercall review decide $'a``b\\x0a\\| c' ```",
		"--config=/tmp/x.yml": "`aftercall review decide -- --config=/tmp/x.yml`",
	} {
		e := newEnv(t)
		e.stages()
		e.fetches(found, nil)
		e.charges(activities.ChargeResult{}, errReview).Once()
		e.opensReview()
		e.RegisterDelayedCallback(func() {
			require.Contains(t, e.page(), want)
			e.CancelWorkflow()
		}, time.Hour)
		p := params()
		p.CallID = callID
		e.ExecuteWorkflow(workflows.AfterCallName, p)
	}
}

func TestDecisionsAreValidated(t *testing.T) {
	e := newEnv(t)
	e.stages()
	e.fetches(found, nil)
	e.charges(activities.ChargeResult{}, errReview).Once()
	e.opensReview()
	early := e.decides(endedAt, waive)
	nobody, why, seconds, none := waive, waive, chargeAs, waive
	nobody.By, why.Reason, seconds.ConnectedSeconds, none.Verdict = " ", "", 0, ""
	refused := map[string]*decision{
		"by:":                e.decides(endedAt.Add(time.Minute), nobody),
		"reason:":            e.decides(endedAt.Add(time.Minute), why),
		"connected_seconds:": e.decides(endedAt.Add(time.Minute), seconds),
		"verdict:":           e.decides(endedAt.Add(time.Minute), none),
	}
	free := charged()
	free.Event.Type = notify.EventCallFree
	e.charges(free, nil).Once()
	last := e.decides(endedAt.Add(time.Hour), waive)
	result, err := e.run()
	require.NoError(t, err)
	require.ErrorContains(t, early.err, "not in review")
	for field, d := range refused {
		require.True(t, d.rejected, field)
		require.ErrorContains(t, d.err, field)
	}
	require.NoError(t, last.err)
	require.Equal(t, workflows.OutcomeWaived, result.Outcome)
}

func TestDecisionThatCannotBeCarriedOutLeavesTheReviewOpen(t *testing.T) {
	e := newEnv(t)
	e.stages()
	e.fetches(found, nil)
	e.charges(activities.ChargeResult{}, errReview).Once()
	e.opensReview()
	e.charges(activities.ChargeResult{}, temporal.NewNonRetryableApplicationError("use charge-as", activities.NeedsReview, nil)).Once()
	first := e.decides(endedAt.Add(time.Minute), confirm)
	e.charges(charged(), nil).Once()
	second := e.decides(endedAt.Add(time.Hour), chargeAs)
	_, err := e.run()
	require.NoError(t, err)
	require.ErrorContains(t, first.err, "use charge-as")
	require.NoError(t, second.err)
}

func TestOneDecisionAtATime(t *testing.T) {
	e := newEnv(t)
	e.stages()
	e.fetches(found, nil)
	e.charges(activities.ChargeResult{}, errReview).Once()
	e.opensReview()
	e.charges(activities.ChargeResult{}, errBroken).Once() // tried again a second later
	e.charges(charged(), nil).Once()
	first := e.decides(endedAt.Add(time.Hour), confirm)
	second := e.decides(endedAt.Add(time.Hour+time.Second/2), waive)
	result, err := e.run()
	require.NoError(t, err)
	require.NoError(t, first.err)
	require.True(t, second.rejected)
	require.ErrorContains(t, second.err, "being carried out")
	require.Equal(t, &confirm, result.Decided)
}

func TestReviewWithoutRecord(t *testing.T) {
	chargeOf := func(e *env, unconfirmed bool, caller string) {
		e.OnActivity("Charge", mock.Anything, mock.MatchedBy(func(p activities.ChargeParams) bool {
			return p.Decided.Unconfirmed == unconfirmed && p.Record.Caller == caller
		})).Return(charged(), nil).Once()
	}
	t.Run("charged as a person says", func(t *testing.T) {
		e := newEnv(t)
		e.stages()
		e.fetches(activities.FetchRecordResult{}, errNever).Times(3)
		e.opensReview()
		confirmed := e.decides(endedAt.Add(time.Minute), confirm)
		chargeOf(e, true, "patient-1001")
		named := chargeAs
		named.Payer = "patient-1001"
		decided := e.decides(endedAt.Add(time.Hour), named)
		e.RegisterDelayedCallback(func() { require.True(t, e.status().Review.NoRecord) }, time.Minute)
		_, err := e.run()
		require.NoError(t, err)
		require.ErrorContains(t, confirmed.err, "still no record")
		require.NoError(t, decided.err)
	})
	t.Run("the record is there after all", func(t *testing.T) {
		e := newEnv(t)
		e.stages()
		e.fetches(activities.FetchRecordResult{}, errNever).Once()
		e.opensReview()
		truth := record()
		truth.Caller = "patient-1002"
		e.fetches(activities.FetchRecordResult{Record: truth}, nil).Once()
		e.OnActivity("Charge", mock.Anything, mock.MatchedBy(func(p activities.ChargeParams) bool {
			return p.Decided == nil && p.Record.Caller == "patient-1002"
		})).Return(charged(), nil).Once()
		confirmed := e.decides(endedAt.Add(time.Hour), confirm)
		_, err := e.run()
		require.NoError(t, err)
		require.NoError(t, confirmed.err)
	})
	t.Run("nothing is known but the CallId", func(t *testing.T) {
		e := newEnv(t)
		e.stages()
		e.fetches(activities.FetchRecordResult{}, errNever).Twice()
		e.opensReview()
		chargeOf(e, true, "")
		e.decides(endedAt.Add(time.Hour), waive)
		p := params()
		p.Callback = nil
		e.ExecuteWorkflow(workflows.AfterCallName, p)
		require.NoError(t, e.GetWorkflowError())
	})
}

// TestWithoutAnAnswerItIsNotKnownThatThereIsNoRecord for as long as Tencent keeps
// records.
func TestWithoutAnAnswerItIsNotKnownThatThereIsNoRecord(t *testing.T) {
	e := newEnv(t)
	e.stages()
	e.fetches(activities.FetchRecordResult{}, errNever).Once()
	e.fetches(activities.FetchRecordResult{}, errBroken)
	e.opensReview()
	e.charges(charged(), nil).Once()
	kept := endedAt.Add(workflows.RecordDelay + 7*24*time.Hour)
	early := e.decides(kept.Add(-time.Minute), waive)
	e.decides(kept, waive)
	_, err := e.run()
	require.NoError(t, err)
	require.ErrorContains(t, early.err, "it is not known whether Tencent has a record by now")
	require.Equal(t, kept, e.status().Since, "it was carried out")
}

// TestDecisionsOfEarlierReleases read the record again only to charge a call without
// record.
func TestDecisionsOfEarlierReleases(t *testing.T) {
	for name, tt := range map[string]struct {
		first    error
		decision workflows.DecideParams
		reads    int
	}{
		"charge without record": {errNever, confirm, 1},
		"waive without record":  {errNever, waive, 0},
		"charge by the record":  {nil, confirm, 0},
	} {
		t.Run(name, func(t *testing.T) {
			e := newEnv(t)
			e.stages()
			e.OnGetVersion("read-again-1", workflow.DefaultVersion, workflow.Version(1)).Return(workflow.DefaultVersion)
			e.fetches(found, tt.first).Once()
			if tt.reads > 0 {
				e.fetches(found, nil).Times(tt.reads)
			}
			if tt.first == nil {
				e.charges(activities.ChargeResult{}, errReview).Once()
			}
			e.opensReview()
			e.charges(charged(), nil).Once()
			d := e.decides(endedAt.Add(time.Hour), tt.decision)
			_, err := e.run()
			require.NoError(t, err)
			require.NoError(t, d.err)
		})
	}
}

// rechecks sends SignalRecheck at a time of the workflow's clock.
func (e *env) rechecks(at time.Time) {
	e.RegisterDelayedCallback(func() { e.SignalWorkflow(workflows.SignalRecheck, nil) }, at.Sub(endedAt))
}

// TestRecheck signals to calls in review, some of which wait for a record.
func TestRecheck(t *testing.T) {
	minute := func(n int) time.Time { return endedAt.Add(time.Duration(n) * time.Minute) }
	withoutRecord := func(t *testing.T) *env {
		t.Helper()
		e := newEnv(t)
		e.fetches(activities.FetchRecordResult{}, errNever).Once()
		e.opensReview()
		return e
	}
	t.Run("the record is there now", func(t *testing.T) {
		e := withoutRecord(t)
		stages := e.stages()
		e.fetches(activities.FetchRecordResult{}, errNever).Once()
		e.fetches(found, nil).Once()
		e.charges(charged("crm"), nil).Once()
		e.notifies("crm", nil).Once()
		e.rechecks(minute(1))
		e.RegisterDelayedCallback(func() {
			review := e.status().Review
			require.True(t, review.NoRecord)
			require.Equal(t, 1, review.Rechecks)
			require.Equal(t, minute(1).Add(workflows.RecordDelay), review.RecheckedAt, "when its record is there, if the call has just ended")
		}, 2*time.Minute)
		e.rechecks(minute(3))
		result, err := e.run()
		require.NoError(t, err)
		require.Equal(t, workflows.OutcomeCharged, result.Outcome)
		require.Nil(t, result.Decided, "nobody decided")
		require.Equal(t, []workflows.Delivery{deliveredTo("crm")}, result.Deliveries)
		require.Equal(t, []string{"waiting", "review", "done"}, *stages)
	})
	t.Run("the record needs a review for another reason", func(t *testing.T) {
		e := withoutRecord(t)
		e.stages()
		e.fetches(found, nil).Once()
		e.charges(activities.ChargeResult{}, errReview).Once()
		e.rechecks(minute(1))
		e.rechecks(minute(2)) // has no effect: there is a record
		e.RegisterDelayedCallback(func() {
			status := e.status()
			require.Equal(t, workflows.StageReview, status.Stage)
			require.Equal(t, "needs review: connected for 90000 s", status.Review.Reason)
			require.False(t, status.Review.NoRecord)
			require.Empty(t, status.Failure)
		}, 3*time.Minute)
		e.charges(charged(), nil).Once()
		d := e.decides(minute(4), confirm)
		_, err := e.run()
		require.NoError(t, err)
		require.NoError(t, d.err)
	})
	t.Run("the record can be read only in part", func(t *testing.T) {
		e := withoutRecord(t)
		e.stages()
		e.fetches(activities.FetchRecordResult{}, errUnreadable(record(), "AcceptTime")).Once()
		e.rechecks(minute(1))
		e.RegisterDelayedCallback(func() {
			review := e.status().Review
			require.False(t, review.NoRecord)
			require.Contains(t, review.Reason, "the record cannot be read")
			require.Len(t, review.Unreadable, 1)
		}, 2*time.Minute)
		e.charges(charged(), nil).Once()
		e.decides(minute(3), chargeAs)
		_, err := e.run()
		require.NoError(t, err)
	})
	t.Run("a call with a record is left alone", func(t *testing.T) {
		e := newEnv(t)
		e.stages()
		e.fetches(found, nil)
		e.charges(activities.ChargeResult{}, errReview).Once()
		e.opensReview()
		e.rechecks(minute(1))
		e.charges(charged(), nil).Once()
		e.decides(minute(2), confirm)
		_, err := e.run()
		require.NoError(t, err)
	})
	t.Run("a signal that comes before the review", func(t *testing.T) {
		e := withoutRecord(t)
		e.stages()
		e.fetches(found, nil).Once()
		e.charges(charged(), nil).Once()
		e.rechecks(endedAt.Add(time.Second))
		_, err := e.run()
		require.NoError(t, err)
	})
	t.Run("the ledger has another sum", func(t *testing.T) {
		e := withoutRecord(t)
		e.stages()
		e.fetches(found, nil).Once()
		e.charges(activities.ChargeResult{}, temporal.NewNonRetryableApplicationError("another sum", activities.ChargeConflict, nil)).Once()
		e.rechecks(minute(1))
		_, err := e.run()
		require.Equal(t, activities.ChargeConflict, errorTypes(err))
	})
}

// TestReviewOfChargedCall has a workflow that was charged by an attempt that
// nobody remembers, and whose record is gone since.
func TestReviewOfChargedCall(t *testing.T) {
	t.Run("before a decision", func(t *testing.T) {
		e := newEnv(t)
		e.stages()
		own := charged("crm")
		own.Recomputed = "no record of this call"
		e.fetches(activities.FetchRecordResult{}, errNever).Once()
		e.OnActivity("OpenReview", mock.Anything, mock.Anything).Return(activities.OpenReviewResult{Charged: &own}, nil).Once()
		e.notifies("crm", nil).Once()
		result, err := e.run()
		require.NoError(t, err)
		require.Equal(t, workflows.OutcomeCharged, result.Outcome)
		require.Equal(t, []workflows.Delivery{deliveredTo("crm")}, result.Deliveries)
		require.Equal(t, "no record of this call", e.status().Charge.Recomputed)
	})
	t.Run("by a decision", func(t *testing.T) {
		e := newEnv(t)
		e.stages()
		own := charged("crm")
		own.Recomputed = "0.00 USD for 0 s"
		e.fetches(found, nil)
		e.charges(activities.ChargeResult{}, errReview).Once()
		e.opensReview()
		e.charges(own, nil).Once()
		e.notifies("crm", nil).Once()
		d := e.decides(endedAt.Add(time.Hour), waive)
		result, err := e.run()
		require.NoError(t, err)
		require.ErrorContains(t, d.err, "charged already, 0.66 USD, and would now be 0.00 USD for 0 s")
		require.Equal(t, workflows.OutcomeCharged, result.Outcome)
		require.Nil(t, result.Decided)
	})
}

// TestDecidedBeforeTheReviewWasCounted has a ledger that does not answer until a person
// has decided.
func TestDecidedBeforeTheReviewWasCounted(t *testing.T) {
	e := newEnv(t)
	e.stages()
	e.fetches(found, nil)
	e.charges(activities.ChargeResult{}, errReview).Once()
	own := charged()
	e.OnActivity("OpenReview", mock.Anything, mock.Anything).Return(func(context.Context, activities.OpenReviewParams) (activities.OpenReviewResult, error) {
		if e.Now().Before(endedAt.Add(time.Minute)) {
			return activities.OpenReviewResult{}, errBroken
		}
		return activities.OpenReviewResult{Charged: &own, Event: notify.Event{Type: notify.EventCallReview}, MessageID: "msg_r", Targets: []string{"crm"}}, nil
	})
	e.charges(own, nil).Once()
	e.notifies("crm", nil).Once()
	d := e.decides(endedAt.Add(30*time.Second), confirm)
	result, err := e.run()
	require.NoError(t, err)
	require.NoError(t, d.err)
	require.Equal(t, &confirm, result.Decided)
	require.Equal(t, []workflows.Delivery{{Event: notify.EventCallReview, Target: "crm", Delivered: true}}, result.Deliveries)
}

func TestConflictEndsTheReview(t *testing.T) {
	e := newEnv(t)
	e.stages()
	e.fetches(found, nil)
	e.charges(activities.ChargeResult{}, errReview).Once()
	e.opensReview()
	e.charges(activities.ChargeResult{}, temporal.NewNonRetryableApplicationError("another sum", activities.ChargeConflict, nil)).Once()
	d := e.decides(endedAt.Add(time.Hour), confirm)
	_, err := e.run()
	require.ErrorContains(t, d.err, "another sum")
	require.Equal(t, activities.ChargeConflict, errorTypes(err))
	require.Contains(t, e.page(), "| Failed | **not charged: another sum**")
}

func TestFailedReviewNotificationDoesNotFailTheCall(t *testing.T) {
	e := newEnv(t)
	e.stages()
	e.fetches(found, nil)
	e.charges(activities.ChargeResult{}, errReview).Once()
	e.opensReview("crm")
	e.notifies("crm", errHopeless).Once()
	e.charges(charged(), nil).Once()
	e.decides(endedAt.Add(time.Hour), confirm)
	result, err := e.run()
	require.NoError(t, err)
	require.Equal(t, workflows.OutcomeCharged, result.Outcome)
}

// TestWorkflowWaitsForTheNotificationsOfItsReview decides while the target of
// the review still fails.
func TestWorkflowWaitsForTheNotificationsOfItsReview(t *testing.T) {
	e := newEnv(t)
	e.stages()
	e.fetches(found, nil)
	e.charges(activities.ChargeResult{}, errReview).Once()
	e.opensReview("crm")
	e.notifies("crm", errBroken).Times(6)
	e.notifies("crm", nil).Once()
	e.charges(charged(), nil).Once()
	decided := endedAt.Add(workflows.RecordDelay + time.Second)
	e.decides(decided, confirm)
	result, err := e.run()
	require.NoError(t, err)
	require.Equal(t, []workflows.Delivery{{Event: notify.EventCallReview, Target: "crm", Delivered: true}}, result.Deliveries)
	require.Greater(t, e.Now().Sub(decided), 30*time.Second)
}

func TestStages(t *testing.T) {
	e := newEnv(t)
	stages := e.stages()
	e.fetches(activities.FetchRecordResult{}, errNotYet).Times(3)
	e.fetches(found, nil).Once()
	e.charges(charged("crm"), nil).Once()
	e.notifies("crm", errBroken).Times(2)
	e.notifies("crm", nil).Once()
	_, err := e.run()
	require.NoError(t, err)
	require.Equal(t, []string{"waiting", "record", "notify", "done"}, *stages)
}
