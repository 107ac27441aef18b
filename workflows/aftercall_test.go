package workflows_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/worker"

	"aftercall/activities"
	"aftercall/internal/notify"
	"aftercall/internal/tencent"
	"aftercall/workflows"
)

var endedAt = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func record() tencent.CallRecord {
	return tencent.CallRecord{
		CallID: "call-1", Caller: "patient-1001", MediaType: tencent.MediaVideo, CallType: tencent.CallTypeSingle,
		StartTime: endedAt.Unix() - 140, AcceptTime: endedAt.Unix() - 130, EndTime: endedAt.Unix(), Result: tencent.ResultNormalEnd,
		Members: []string{"patient-1001", "doctor-17"},
	}
}

func params() workflows.AfterCallParams {
	hint := record()
	return workflows.AfterCallParams{
		SDKAppID: 1400000000, App: "clinic", CallID: "call-1", Source: workflows.SourceCallback,
		Callback: &hint, RecordDeadline: 30 * time.Minute,
	}
}

func charged(targets ...string) activities.ChargeResult {
	return activities.ChargeResult{
		LedgerKey: "charge:1400000000:call-1", MessageID: "msg_1", Targets: targets,
		Event: notify.Event{Type: notify.EventCallCharged, Call: &notify.CallData{
			ConnectedSeconds: 130, BilledSeconds: 132, Amount: "0.66", Currency: "USD", Explanation: []string{"132 s at 0.30 a minute"},
		}},
	}
}

func deliveredTo(target string) workflows.Delivery {
	return workflows.Delivery{Event: notify.EventCallCharged, Target: target, Delivered: true}
}

type env struct {
	*testsuite.TestWorkflowEnvironment
	t    *testing.T
	logs *bytes.Buffer
}

// newEnv has every workflow and activity registered; each test says what the
// activities return. Its clock starts at the end of the call.
func newEnv(t *testing.T) *env {
	t.Helper()
	var suite testsuite.WorkflowTestSuite
	var logs bytes.Buffer
	suite.SetLogger(log.NewStructuredLogger(slog.New(slog.NewTextHandler(&logs, nil))))
	e := &env{suite.NewTestWorkflowEnvironment(), t, &logs}
	workflows.Register(e, workflows.Dependencies{
		Activities: activities.New(nil, nil, nil, nil, nil, prometheus.NewRegistry()),
		Sweeps:     activities.NewSweeps(nil, nil, nil, prometheus.NewRegistry()),
	})
	e.SetStartTime(endedAt)
	e.SetWorkerOptions(worker.Options{DeadlockDetectionTimeout: time.Minute}) // a busy machine is no deadlock
	t.Cleanup(func() { e.AssertExpectations(t) })
	return e
}

func (e *env) run() (workflows.AfterCallResult, error) {
	e.t.Helper()
	e.ExecuteWorkflow(workflows.AfterCallName, params())
	require.True(e.t, e.IsWorkflowCompleted())
	var result workflows.AfterCallResult
	if err := e.GetWorkflowError(); err != nil {
		return result, err
	}
	require.NoError(e.t, e.GetWorkflowResult(&result))
	return result, nil
}

func (e *env) fetches(result activities.FetchRecordResult, err error) *testsuite.MockCallWrapper {
	return e.OnActivity("FetchRecord", mock.Anything, mock.Anything).Return(result, err)
}

func (e *env) charges(result activities.ChargeResult, err error) *testsuite.MockCallWrapper {
	return e.OnActivity("Charge", mock.Anything, mock.Anything).Return(result, err)
}

func (e *env) notifies(target string, err error) *testsuite.MockCallWrapper {
	return e.OnActivity("Notify", mock.Anything, mock.MatchedBy(func(p activities.NotifyParams) bool {
		return p.Target == target
	})).Return(err)
}

var (
	found        = activities.FetchRecordResult{Record: record()}
	errNotYet    = temporal.NewApplicationError("not yet", activities.RecordNotYet)
	errBroken    = temporal.NewApplicationError("broken", "Broken")
	errHopeless  = temporal.NewNonRetryableApplicationError("hopeless", "Hopeless", nil)
	errThrottled = temporal.NewApplicationErrorWithOptions("slow down", activities.RecordAPIThrottled, temporal.ApplicationErrorOptions{NextRetryDelay: 9 * time.Second})
	errorTypes   = func(err error) string {
		var appErr *temporal.ApplicationError
		if errors.As(err, &appErr) {
			return appErr.Type()
		}
		return ""
	}
)

func TestHappyPath(t *testing.T) {
	e := newEnv(t)
	e.fetches(found, nil).Once()
	e.OnActivity("Charge", mock.Anything, mock.MatchedBy(func(p activities.ChargeParams) bool {
		return p.Record.CallID == "call-1" && p.Callback != nil
	})).Return(charged("crm", "audit"), nil).Once()
	e.notifies("crm", nil).Once()
	e.notifies("audit", nil).Once()
	result, err := e.run()
	require.NoError(t, err)
	require.Equal(t, workflows.AfterCallResult{
		Outcome: workflows.OutcomeCharged, ConnectedSeconds: 130, BilledSeconds: 132, Amount: "0.66", Currency: "USD",
		LedgerKey:  "charge:1400000000:call-1",
		Deliveries: []workflows.Delivery{deliveredTo("crm"), deliveredTo("audit")},
	}, result)
	page := e.page()
	for _, text := range []string{"**done** since 2026-03-01 12:00:05 UTC", "2:10 connected", "**0.66 USD** for 2:12", "132 s at 0.30 a minute", "Notify audit | delivered"} {
		require.Contains(t, page, text)
	}
	for _, text := range []string{"patient-1001", "Failed", "Members"} {
		require.NotContains(t, page, text)
	}
}

// TestWaits measures when the record is queried, relative to the end of the call.
func TestWaits(t *testing.T) {
	tests := map[string]struct {
		startedAfterEnd, wantAfterStart time.Duration
	}{
		"at the end":             {0, 5 * time.Second},
		"2 s later":              {2 * time.Second, 3 * time.Second},
		"held back by the start": {5 * time.Second, 0},
		"long after":             {time.Hour, 0},
		"end in the future":      {-time.Hour, 5 * time.Second},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			e := newEnv(t)
			start := endedAt.Add(tt.startedAfterEnd)
			e.SetStartTime(start)
			var asked time.Time
			e.OnActivity("FetchRecord", mock.Anything, mock.Anything).Return(
				func(context.Context, activities.FetchRecordParams) (activities.FetchRecordResult, error) {
					asked = e.Now()
					return found, nil
				}).Once()
			e.charges(charged(), nil).Once()
			_, err := e.run()
			require.NoError(t, err)
			require.Equal(t, tt.wantAfterStart, asked.Sub(start))
		})
	}
}

func TestFetchRecordWaitsTheLastMilliseconds(t *testing.T) {
	const lead = 10 * time.Millisecond
	tests := map[string]struct{ left, timer, step time.Duration }{
		"in time":               {7 * time.Millisecond, 0, 7 * time.Millisecond},
		"the whole lead":        {lead, 0, lead},
		"late":                  {-time.Millisecond, 0, 0},
		"much too soon":         {lead + time.Millisecond, lead + time.Millisecond, 0},
		"without a start delay": {5 * time.Second, 5 * time.Second, 0},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			e := newEnv(t)
			start := endedAt.Add(workflows.RecordDelay - tt.left)
			e.SetStartTime(start)
			var asked time.Time
			var after time.Duration
			e.OnActivity("FetchRecord", mock.Anything, mock.Anything).Return(
				func(_ context.Context, p activities.FetchRecordParams) (activities.FetchRecordResult, error) {
					asked, after = e.Now(), p.InitialDelay
					return found, nil
				}).Once()
			e.charges(charged(), nil).Once()
			p := params()
			p.Lead = lead
			e.ExecuteWorkflow(workflows.AfterCallName, p)
			require.NoError(t, e.GetWorkflowError())
			require.Equal(t, tt.timer, asked.Sub(start))
			require.Equal(t, tt.step, after)
		})
	}
}

func TestNoHintMeansNoWait(t *testing.T) {
	e := newEnv(t)
	e.fetches(found, nil).Once()
	e.charges(charged(), nil).Once()
	p := params()
	p.Callback = nil
	e.ExecuteWorkflow(workflows.AfterCallName, p)
	require.NoError(t, e.GetWorkflowError())
	require.Equal(t, endedAt, e.Now().UTC().Truncate(time.Second))
}

func TestRecordComesLate(t *testing.T) {
	e := newEnv(t)
	e.fetches(activities.FetchRecordResult{}, errNotYet).Times(8)
	e.fetches(found, nil).Once()
	e.charges(charged("crm"), nil).Once()
	e.notifies("crm", nil).Once()
	result, err := e.run()
	require.NoError(t, err)
	require.Equal(t, workflows.OutcomeCharged, result.Outcome)
}

func TestRecordNeverAppears(t *testing.T) {
	e := newEnv(t)
	never := temporal.NewNonRetryableApplicationError("never", activities.RecordNeverAppeared, nil)
	var notFoundTimeout time.Duration
	answers := 0
	e.OnActivity("FetchRecord", mock.Anything, mock.Anything).Return(
		func(_ context.Context, p activities.FetchRecordParams) (activities.FetchRecordResult, error) {
			notFoundTimeout = max(notFoundTimeout, p.NotFoundTimeout) // a decision does not wait
			if answers++; answers < 5 {
				return activities.FetchRecordResult{}, errNotYet
			}
			return activities.FetchRecordResult{}, never
		})
	e.opensReview()
	e.charges(charged(), nil).Once()
	decision := e.decides(endedAt.Add(time.Hour), waive)
	e.ExecuteWorkflow(workflows.AfterCallName, params())
	require.NoError(t, e.GetWorkflowError())
	require.Equal(t, params().RecordDeadline, notFoundTimeout)
	require.NoError(t, decision.err)
}

// TestThrottledLocalActivityWaits checks that the second attempt does not follow at once.
func TestThrottledLocalActivityWaits(t *testing.T) {
	e := newEnv(t)
	e.fetches(activities.FetchRecordResult{}, errThrottled).Once()
	e.fetches(found, nil).Once()
	e.charges(charged(), nil).Once()
	_, err := e.run()
	require.NoError(t, err)
	require.GreaterOrEqual(t, e.Now().Sub(endedAt), workflows.RecordDelay+9*time.Second)
}

// TestLongOutagesDropNothing makes ten attempts, the most that the test
// environment makes; TestActivityOptions checks that there is no limit.
func TestLongOutagesDropNothing(t *testing.T) {
	e := newEnv(t)
	refused := temporal.NewApplicationErrorWithOptions("arrears", activities.RecordAPIRefused, temporal.ApplicationErrorOptions{NextRetryDelay: time.Hour})
	e.fetches(activities.FetchRecordResult{}, refused).Times(10)
	e.fetches(found, nil).Once()
	e.charges(activities.ChargeResult{}, errBroken).Times(10)
	e.charges(charged("crm"), nil).Once()
	e.notifies("crm", nil).Once()
	result, err := e.run()
	require.NoError(t, err)
	require.Equal(t, workflows.OutcomeCharged, result.Outcome)
	require.Greater(t, e.Now().Sub(endedAt), 9*time.Hour)
}

func TestNotifyingFails(t *testing.T) {
	e := newEnv(t)
	e.fetches(found, nil).Once()
	e.charges(charged("crm", "audit", "slow"), nil).Once()
	e.notifies("crm", errHopeless).Once()
	e.notifies("audit", nil).Once()
	e.notifies("slow", errBroken).Times(5)
	e.notifies("slow", nil).Once()
	result, err := e.run()
	require.NoError(t, err, "a notification that fails never undoes a charge")
	require.Equal(t, workflows.OutcomeCharged, result.Outcome)
	require.Equal(t, []workflows.Delivery{
		{Event: notify.EventCallCharged, Target: "crm", Error: "hopeless"}, deliveredTo("audit"), deliveredTo("slow"),
	}, result.Deliveries)
}

// TestUndelivered: the call has ended, and can be found by its stage.
func TestUndelivered(t *testing.T) {
	e := newEnv(t)
	stages := e.stages()
	e.fetches(found, nil).Once()
	e.charges(charged("crm"), nil).Once()
	e.notifies("crm", errBroken).Times(2)
	e.notifies("crm", errHopeless).Once()
	result, err := e.run()
	require.NoError(t, err)
	require.Equal(t, workflows.OutcomeCharged, result.Outcome)
	require.Equal(t, []workflows.Delivery{{Event: notify.EventCallCharged, Target: "crm", Error: "hopeless"}}, result.Deliveries)
	require.Equal(t, []string{"waiting", "notify", "undelivered"}, *stages)
}

func TestFreeCall(t *testing.T) {
	e := newEnv(t)
	e.fetches(found, nil).Once()
	free := charged("crm")
	free.Event.Type, free.Event.Call.Amount = notify.EventCallFree, "0.00"
	e.charges(free, nil).Once()
	e.notifies("crm", nil).Once()
	result, err := e.run()
	require.NoError(t, err)
	require.Equal(t, workflows.OutcomeFree, result.Outcome)
}

// TestLatencyIsObserved only where nothing but Tencent and this system delayed
// the call: not if its callback was lost, and not after a review.
func TestLatencyIsObserved(t *testing.T) {
	for name, tt := range map[string]struct {
		callback, review      bool
		fetch, charge, notify bool
	}{
		"callback":           {callback: true, fetch: true, charge: true, notify: true},
		"callback, reviewed": {callback: true, review: true, fetch: true},
		"callback lost":      {},
	} {
		t.Run(name, func(t *testing.T) {
			e := newEnv(t)
			e.stages()
			var fetch, charge, notified bool
			e.OnActivity("FetchRecord", mock.Anything, mock.Anything).Return(
				func(_ context.Context, p activities.FetchRecordParams) (activities.FetchRecordResult, error) {
					fetch = p.ObserveLatency
					return found, nil
				}).Once()
			e.OnActivity("Charge", mock.Anything, mock.Anything).Return(
				func(_ context.Context, p activities.ChargeParams) (activities.ChargeResult, error) {
					if tt.review && p.Decided == nil {
						return activities.ChargeResult{}, errReview
					}
					charge = p.ObserveLatency
					return charged("crm"), nil
				})
			e.OnActivity("Notify", mock.Anything, mock.Anything).Return(func(_ context.Context, p activities.NotifyParams) error {
				notified = p.ObserveLatency
				return nil
			}).Once()
			if tt.review {
				e.opensReview()
				e.decides(endedAt.Add(time.Hour), confirm)
			}
			p := params()
			if !tt.callback {
				p.Callback, p.Listed = nil, p.Callback
			}
			e.ExecuteWorkflow(workflows.AfterCallName, p)
			require.NoError(t, e.GetWorkflowError())
			require.Equal(t, tt.fetch, fetch)
			require.Equal(t, tt.charge, charge)
			require.Equal(t, tt.notify, notified)
		})
	}
}

func TestAlreadyHandled(t *testing.T) {
	e := newEnv(t)
	e.fetches(found, nil).Once()
	handled := charged("crm")
	handled.AlreadyHandled = true
	e.charges(handled, nil).Once() // and no Notify
	result, err := e.run()
	require.NoError(t, err)
	require.Equal(t, workflows.OutcomeAlreadyHandled, result.Outcome)
	require.Empty(t, result.Deliveries)
}

func TestFinalErrorsEndTheCall(t *testing.T) {
	t.Run("record", func(t *testing.T) {
		e := newEnv(t)
		e.fetches(activities.FetchRecordResult{}, errHopeless).Once()
		_, err := e.run()
		require.Equal(t, "Hopeless", errorTypes(err))
	})
	t.Run("charge", func(t *testing.T) {
		e := newEnv(t)
		e.fetches(found, nil).Once()
		e.charges(activities.ChargeResult{}, errHopeless).Once()
		_, err := e.run()
		require.Equal(t, "Hopeless", errorTypes(err))
	})
}

func TestRecordCorrectsTheSearchAttributes(t *testing.T) {
	for name, differs := range map[string]bool{"same": false, "other result": true} {
		t.Run(name, func(t *testing.T) {
			e := newEnv(t)
			e.SetStartTime(endedAt.Add(workflows.RecordDelay))
			truth := record()
			if differs {
				truth.Result = tencent.ResultInterrupt
				e.OnUpsertTypedSearchAttributes(temporal.NewSearchAttributes(
					workflows.AttributeResult.ValueSet("Interrupt"),
					workflows.AttributeMedia.ValueSet("Video"),
					workflows.AttributeType.ValueSet("SingleCall"),
				)).Return(nil).Once()
			}
			e.fetches(activities.FetchRecordResult{Record: truth}, nil).Once()
			e.charges(charged(), nil).Once()
			_, err := e.run()
			require.NoError(t, err)
		})
	}
}

// TestWaitForLateEvidence: a call that is charged by evidence waits once, with a timer.
func TestWaitForLateEvidence(t *testing.T) {
	e := newEnv(t)
	e.fetches(found, nil).Once()
	e.OnActivity("Charge", mock.Anything, mock.MatchedBy(func(p activities.ChargeParams) bool {
		return !p.EvidenceAwaited && p.ObserveLatency
	})).Return(activities.ChargeResult{EvidenceWait: 84 * time.Second}, nil).Once()
	readAt := e.Now().Add(workflows.RecordDelay)
	e.OnActivity("Charge", mock.Anything, mock.MatchedBy(func(p activities.ChargeParams) bool {
		return p.EvidenceAwaited && !p.ObserveLatency && p.ReadAt.Equal(readAt)
	})).Return(charged("crm"), nil).Once()
	e.OnActivity("Notify", mock.Anything, mock.MatchedBy(func(p activities.NotifyParams) bool { return !p.ObserveLatency })).Return(nil).Once()
	e.RegisterDelayedCallback(func() {
		status := e.status()
		require.Equal(t, workflows.StageCharge, status.Stage)
		require.Equal(t, "late evidence of who was in the call", status.WaitingFor)
	}, 30*time.Second)
	result, err := e.run()
	require.NoError(t, err)
	require.Equal(t, workflows.OutcomeCharged, result.Outcome)
	require.Equal(t, 89*time.Second, e.Now().Sub(endedAt))
	require.Empty(t, e.status().WaitingFor)
}

// TestEvidenceThatCannotBeRead: the page says what the call waits for.
func TestEvidenceThatCannotBeRead(t *testing.T) {
	e := newEnv(t)
	e.fetches(found, nil).Once()
	e.charges(activities.ChargeResult{}, temporal.NewApplicationError("connection refused", activities.EvidenceUnavailable)).Once()
	e.charges(charged(), nil).Once()
	e.RegisterDelayedCallback(func() {
		require.Equal(t, "the evidence: connection refused", e.status().WaitingFor)
	}, 5500*time.Millisecond)
	_, err := e.run()
	require.NoError(t, err)
}
