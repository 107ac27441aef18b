package workflows_test

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/temporal"

	"aftercall/activities"
	"aftercall/internal/billing"
	"aftercall/internal/tencent"
	"aftercall/workflows"
)

// forgedPayer is named by a callback that Tencent did not send.
const forgedPayer = "victim-1"

// runForged runs a call whose callback names another payer.
func (e *env) runForged() (workflows.AfterCallResult, error) {
	e.t.Helper()
	p := params()
	forged := record()
	forged.Caller, forged.Members = forgedPayer, []string{forgedPayer, "doctor-17"}
	p.Callback = &forged
	e.ExecuteWorkflow(workflows.AfterCallName, p)
	var result workflows.AfterCallResult
	if err := e.GetWorkflowError(); err != nil {
		return result, err
	}
	require.NoError(e.t, e.GetWorkflowResult(&result))
	return result, nil
}

// forgedInReview has a forged callback of a call without record.
func forgedInReview(t *testing.T) *env {
	t.Helper()
	e := newEnv(t)
	e.stages()
	e.fetches(activities.FetchRecordResult{}, errNever).Once()
	e.opensReview()
	return e
}

// chargesRecord expects that the record is charged without a decision.
func (e *env) chargesRecord(result activities.ChargeResult, err error) {
	e.OnActivity("Charge", mock.Anything, mock.MatchedBy(func(p activities.ChargeParams) bool {
		return p.Decided == nil && p.Record.Caller == record().Caller
	})).Return(result, err).Once()
}

// TestTheRecordDecidesIfItIsThereByNow: every verdict about a call without record
// reads the record again first.
func TestTheRecordDecidesIfItIsThereByNow(t *testing.T) {
	payer := chargeAs
	payer.Payer = "patient-3"
	for name, verdict := range map[string]workflows.DecideParams{"charge-as": payer, "charge-as without payer": chargeAs, "waive": waive} {
		t.Run(name, func(t *testing.T) {
			e := forgedInReview(t)
			e.fetches(found, nil).Once()
			e.chargesRecord(charged(), nil)
			d := e.decides(endedAt.Add(time.Hour), verdict)
			result, err := e.runForged()
			require.NoError(t, err)
			require.ErrorContains(t, d.err, "Tencent has a record of the call by now, which decides: charged 0.66 USD for 132 s")
			require.Nil(t, result.Decided)
			require.Equal(t, workflows.OutcomeCharged, result.Outcome)
		})
	}
	t.Run("charge", func(t *testing.T) {
		e := forgedInReview(t)
		e.fetches(found, nil).Once()
		e.chargesRecord(charged(), nil)
		d := e.decides(endedAt.Add(time.Hour), confirm)
		_, err := e.runForged()
		require.NoError(t, err)
		require.NoError(t, d.err, "this is what the person wanted")
		require.Equal(t, "0.66", d.result.Amount)
	})
	t.Run("and needs a review itself", func(t *testing.T) {
		e := forgedInReview(t)
		e.fetches(found, nil).Twice() // for each decision
		e.chargesRecord(activities.ChargeResult{}, errReview)
		first := e.decides(endedAt.Add(time.Hour), payer)
		e.OnActivity("Charge", mock.Anything, mock.MatchedBy(func(p activities.ChargeParams) bool {
			return p.Decided != nil && !p.Decided.Unconfirmed && p.Record.Caller == record().Caller
		})).Return(charged(), nil).Once()
		second := e.decides(endedAt.Add(2*time.Hour), chargeAs)
		_, err := e.runForged()
		require.NoError(t, err)
		require.ErrorContains(t, first.err, "Tencent has a record of the call by now, which needs a decision of its own: needs review: connected for 90000 s")
		require.NoError(t, second.err)
	})
	t.Run("and cannot be read completely", func(t *testing.T) {
		e := forgedInReview(t)
		unreadable := record()
		unreadable.Caller = ""
		e.fetches(activities.FetchRecordResult{}, errUnreadable(unreadable, "Caller_Account")).Times(3)
		appeared := e.decides(endedAt.Add(time.Hour), chargeAs)
		withoutPayer := e.decides(endedAt.Add(2*time.Hour), chargeAs)
		e.OnActivity("Charge", mock.Anything, mock.MatchedBy(func(p activities.ChargeParams) bool {
			return p.Record.Caller == "patient-3" && p.Decided.PayerNamed
		})).Return(charged(), nil).Once()
		named := e.decides(endedAt.Add(3*time.Hour), payer)
		_, err := e.runForged()
		require.NoError(t, err)
		require.ErrorContains(t, appeared.err, "cannot be read")
		require.ErrorContains(t, withoutPayer.err, "payer: is missing")
		require.NoError(t, named.err)
	})
}

// TestAChangedRecordDecides: the record that a person decides about is not what
// Tencent has by now.
func TestAChangedRecordDecides(t *testing.T) {
	e := newEnv(t)
	e.stages()
	long := record()
	long.EndTime += 90000
	e.fetches(activities.FetchRecordResult{Record: long}, nil).Once()
	e.charges(activities.ChargeResult{}, errReview).Once()
	e.opensReview()
	e.fetches(found, nil).Once()
	e.chargesRecord(charged(), nil)
	d := e.decides(endedAt.Add(time.Hour), waive)
	_, err := e.run()
	require.NoError(t, err)
	require.ErrorContains(t, d.err, "Tencent's record has changed since the review began, and decides: charged 0.66 USD")
}

// TestTheClaimedPayerIsNeverCharged: a payer who is not in a record is named by
// the person who decides.
func TestTheClaimedPayerIsNeverCharged(t *testing.T) {
	payer := chargeAs
	payer.Payer = "patient-3"
	t.Run("charge-as", func(t *testing.T) {
		e := forgedInReview(t)
		e.fetches(activities.FetchRecordResult{}, errNever).Times(2)
		refused := e.decides(endedAt.Add(time.Hour), chargeAs)
		e.OnActivity("Charge", mock.Anything, mock.MatchedBy(func(p activities.ChargeParams) bool {
			return p.Record.Caller == "patient-3" && p.Decided.Unconfirmed && p.Decided.PayerNamed && p.Callback.Caller == forgedPayer &&
				slices.Equal(p.Record.Members, []string{"doctor-17"}) // whom a price per participant counts
		})).Return(charged(), nil).Once()
		decided := e.decides(endedAt.Add(2*time.Hour), payer)
		e.RegisterDelayedCallback(func() {
			review := e.status().Review
			require.Equal(t, forgedPayer, review.Claimed.Caller)
			require.Contains(t, e.page(), "| Claimed by callbacks, not confirmed by Tencent | Video · one to one")
			require.NotContains(t, e.page(), forgedPayer)
		}, time.Minute)
		_, err := e.runForged()
		require.NoError(t, err)
		require.ErrorContains(t, refused.err, "payer: is missing: Tencent has not confirmed who made this call, so name the account that pays")
		require.NoError(t, decided.err)
	})
	t.Run("waive", func(t *testing.T) {
		e := forgedInReview(t)
		e.fetches(activities.FetchRecordResult{}, errNotYet).Once() // what a look that does not wait may be answered
		e.OnActivity("Charge", mock.Anything, mock.MatchedBy(func(p activities.ChargeParams) bool {
			return p.Record.Caller == "" && p.Decided.Unconfirmed
		})).Return(charged(), nil).Once()
		decided := e.decides(endedAt.Add(time.Hour), waive)
		_, err := e.runForged()
		require.NoError(t, err)
		require.NoError(t, decided.err)
	})
	t.Run("with a record, its payer pays", func(t *testing.T) {
		e := newEnv(t)
		e.stages()
		e.fetches(found, nil).Times(3)
		e.charges(activities.ChargeResult{}, errReview).Once()
		e.opensReview()
		refused := e.decides(endedAt.Add(time.Hour), payer)
		e.charges(charged(), nil).Once()
		e.decides(endedAt.Add(2*time.Hour), chargeAs)
		_, err := e.run()
		require.NoError(t, err)
		require.ErrorContains(t, refused.err, "payer: Tencent's record names the payer: leave it out")
	})
	t.Run("invalid", func(t *testing.T) {
		for payer, verdict := range map[string]billing.Verdict{"x": billing.VerdictWaive, "a\x00b": billing.VerdictChargeAs} {
			e := forgedInReview(t)
			p := chargeAs
			p.Payer, p.Verdict = payer, verdict
			if verdict == billing.VerdictWaive {
				p.ConnectedSeconds = 0
			}
			d := e.decides(endedAt.Add(time.Minute), p)
			e.RegisterDelayedCallback(e.CancelWorkflow, time.Hour)
			_, err := e.runForged()
			require.Error(t, err)
			require.True(t, d.rejected)
			require.ErrorContains(t, d.err, "payer: ")
		}
	})
}

// TestNoDecisionWhileNobodyKnowsWhetherThereIsARecord: Tencent does not answer.
func TestNoDecisionWhileNobodyKnowsWhetherThereIsARecord(t *testing.T) {
	refuses := temporal.NewApplicationError("account in arrears", activities.RecordAPIRefused)
	e := forgedInReview(t)
	e.fetches(activities.FetchRecordResult{}, refuses).Times(2)
	early := e.decides(endedAt.Add(time.Hour), waive)
	e.charges(charged(), nil).Once()
	late := e.decides(endedAt.Add(8*24*time.Hour), waive)
	_, err := e.runForged()
	require.NoError(t, err)
	require.ErrorContains(t, early.err, "not known whether Tencent has a record by now: account in arrears: decide again when it answers")
	require.NoError(t, late.err, "Tencent keeps records for seven days")
}

// TestAForgedReviewIsReleased by a later callback or a sweep, which both signal.
func TestAForgedReviewIsReleased(t *testing.T) {
	e := forgedInReview(t)
	e.fetches(found, nil).Once()
	e.chargesRecord(charged(), nil)
	e.rechecks(endedAt.Add(time.Hour))
	result, err := e.runForged()
	require.NoError(t, err)
	require.Equal(t, workflows.OutcomeCharged, result.Outcome)
	require.Nil(t, e.status().Review.Claimed, "all is confirmed")
}

// TestWhatASweepListedIsConfirmed: a list comes from Tencent as a record does.
func TestWhatASweepListedIsConfirmed(t *testing.T) {
	e := newEnv(t)
	e.stages()
	e.fetches(activities.FetchRecordResult{}, errNever).Twice()
	e.OnActivity("OpenReview", mock.Anything, mock.MatchedBy(func(p activities.OpenReviewParams) bool {
		return !p.Unconfirmed && p.NoRecord && p.Record.Caller == "patient-1001"
	})).Return(activities.OpenReviewResult{}, nil).Once()
	e.OnActivity("Charge", mock.Anything, mock.MatchedBy(func(p activities.ChargeParams) bool {
		return p.Record.Caller == "patient-1001"
	})).Return(charged(), nil).Once()
	d := e.decides(endedAt.Add(time.Hour), chargeAs)
	p := params()
	p.Callback, p.Listed, p.Source = nil, &tencent.CallRecord{}, workflows.SourceSweep
	*p.Listed = record()
	e.ExecuteWorkflow(workflows.AfterCallName, p)
	require.NoError(t, e.GetWorkflowError())
	require.NoError(t, d.err)
}
