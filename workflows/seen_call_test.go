package workflows_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"

	"aftercall/activities"
	"aftercall/workflows"
)

// TestSeenCall: what was seen of a call that an operator has started is a claim, which a
// person can correct, and never compared with a record that comes after all.
func TestSeenCall(t *testing.T) {
	seen := record()
	seen.Caller, seen.MediaType, seen.Result = "", "", ""
	p := params()
	p.Source, p.Callback, p.Seen = workflows.SourceManual, nil, &seen
	decision := chargeAs
	decision.Payer, decision.EndedAt = "patient-3", endedAt.Add(-time.Minute)

	e := newEnv(t)
	e.stages()
	e.fetches(activities.FetchRecordResult{}, errNever)
	e.opensReview()
	e.RegisterDelayedCallback(func() {
		require.Equal(t, &workflows.ClaimedCall{Summary: "Unknown · one to one · 2:10 connected · Unknown"}, e.status().Review.Claimed)
	}, time.Minute)
	unpaid := e.decides(endedAt.Add(time.Hour), chargeAs)
	e.OnActivity("Charge", mock.Anything, mock.MatchedBy(func(p activities.ChargeParams) bool {
		return p.Record.Caller == "patient-3" && p.Record.EndTime == decision.EndedAt.Unix() && p.Decided.Unconfirmed && p.Callback == nil
	})).Return(charged(), nil).Once()
	d := e.decides(endedAt.Add(2*time.Hour), decision)
	e.ExecuteWorkflow(workflows.AfterCallName, p)
	require.NoError(t, e.GetWorkflowError())
	require.ErrorContains(t, unpaid.err, "payer: is missing")
	require.NoError(t, d.err)

	e = newEnv(t)
	e.fetches(found, nil).Once()
	e.OnActivity("Charge", mock.Anything, mock.MatchedBy(func(p activities.ChargeParams) bool {
		return p.Callback == nil && p.Record.Equal(record()) && !p.ObserveLatency
	})).Return(charged(), nil).Once()
	e.ExecuteWorkflow(workflows.AfterCallName, p)
	require.NoError(t, e.GetWorkflowError())
}
