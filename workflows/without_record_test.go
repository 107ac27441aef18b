package workflows_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/temporal"

	"aftercall/activities"
	"aftercall/internal/billing"
	"aftercall/internal/notify"
	"aftercall/workflows"
)

// errNeverBut is a call without a record that the app charges.
func errNeverBut(how billing.Unrecorded) error {
	return temporal.NewNonRetryableApplicationError("no record of this call", activities.RecordNeverAppeared, nil, activities.NoRecord{Charge: how})
}

// chargesUnrecorded expects that what the callback claims is compared, and nothing else.
func (e *env) chargesUnrecorded(how billing.Unrecorded, result activities.ChargeResult, err error) {
	e.OnActivity("Charge", mock.Anything, mock.MatchedBy(func(p activities.ChargeParams) bool {
		return p.Unrecorded == how && p.Decided == nil && p.Record.Equal(record()) && !p.ObserveLatency
	})).Return(result, err).Once()
}

// TestChargedWithoutRecord: no person is asked.
func TestChargedWithoutRecord(t *testing.T) {
	free := charged("crm")
	free.Event.Type, free.Event.Call.Amount = notify.EventCallFree, "0.00"
	for how, c := range map[billing.Unrecorded]struct {
		result activities.ChargeResult
		want   workflows.Outcome
	}{
		billing.UnrecordedEvidence: {charged("crm"), workflows.OutcomeCharged},
		billing.UnrecordedFree:     {free, workflows.OutcomeFree},
	} {
		t.Run(string(how), func(t *testing.T) {
			e := newEnv(t)
			e.fetches(activities.FetchRecordResult{}, errNeverBut(how)).Once()
			e.chargesUnrecorded(how, c.result, nil)
			e.notifies("crm", nil).Once()
			result, err := e.run()
			require.NoError(t, err)
			require.Equal(t, c.want, result.Outcome)
			require.Nil(t, result.Decided)
			require.NotContains(t, e.page(), "Failed")
		})
	}
}

// TestNotConfirmedWithoutRecord: a person decides, and knows why.
func TestNotConfirmedWithoutRecord(t *testing.T) {
	unwitnessed := temporal.NewNonRetryableApplicationError("needs review: the room saw nobody", activities.NeedsReview, nil)
	for name, c := range map[string]struct {
		change func(*workflows.AfterCallParams)
		asked  bool
		want   string
	}{
		"the witnesses disagree": {func(*workflows.AfterCallParams) {}, true, "no record of this call; needs review: the room saw nobody"},
		"no callback":            {func(p *workflows.AfterCallParams) { p.Callback = nil }, false, "no record of this call; no callback says what it was"},
		"started by a person":    {func(p *workflows.AfterCallParams) { p.Callback, p.Seen = nil, p.Callback }, false, "no record of this call; no callback says what it was"},
		"an end in the future": {
			func(p *workflows.AfterCallParams) { p.Callback.EndTime = 4102444800 }, false,
			"no record of this call; it cannot have ended when the callback says",
		},
	} {
		t.Run(name, func(t *testing.T) {
			e := newEnv(t)
			e.stages()
			e.fetches(activities.FetchRecordResult{}, errNeverBut(billing.UnrecordedEvidence))
			if c.asked {
				e.chargesUnrecorded(billing.UnrecordedEvidence, activities.ChargeResult{}, unwitnessed)
			}
			e.opensReview()
			e.OnActivity("Charge", mock.Anything, mock.MatchedBy(func(p activities.ChargeParams) bool { return p.Decided != nil && p.Unrecorded == "" })).
				Return(charged(), nil).Once()
			e.RegisterDelayedCallback(func() {
				review := e.status().Review
				require.True(t, review.NoRecord)
				require.Equal(t, c.want, review.Reason)
			}, time.Minute)
			d := e.decides(endedAt.Add(time.Hour), waive)
			p := params()
			c.change(&p)
			e.ExecuteWorkflow(workflows.AfterCallName, p)
			require.NoError(t, e.GetWorkflowError())
			require.NoError(t, d.err)
		})
	}
}

// TestAConflictWithoutRecord ends the workflow, as one with a record does.
func TestAConflictWithoutRecord(t *testing.T) {
	e := newEnv(t)
	e.fetches(activities.FetchRecordResult{}, errNeverBut(billing.UnrecordedFree)).Once()
	e.chargesUnrecorded(billing.UnrecordedFree, activities.ChargeResult{}, temporal.NewNonRetryableApplicationError("another sum", activities.ChargeConflict, nil))
	_, err := e.run()
	require.ErrorContains(t, err, "another sum")
}
