package ops

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"aftercall/workflows"
)

// TestWhatIsRetried: steps that wait for their next attempt, and reviews for lack of
// a record. Everything else is left as it is, with the reason.
func TestWhatIsRetried(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	waits := PendingActivity{id: "7", Activity: "Charge", NextAttemptAt: now.Add(time.Minute)}
	runs := PendingActivity{id: "8", Activity: "Notify"}
	for name, tt := range map[string]struct {
		call    WaitingCall
		steps   []PendingActivity
		recheck bool
		detail  string
	}{
		"backoff":           {call: WaitingCall{Stage: workflows.StageCharge, Pending: []PendingActivity{runs, waits}}, steps: []PendingActivity{waits}},
		"an attempt runs":   {call: WaitingCall{Stage: workflows.StageNotify, Pending: []PendingActivity{runs}}, detail: "an attempt of Notify is under way, or waits for a worker"},
		"before the second": {call: WaitingCall{Stage: workflows.StageCharge, WaitingFor: "the ledger: down"}, detail: "the delay before a second attempt cannot be cut short"},
		"a decision":        {call: WaitingCall{Stage: workflows.StageReview}, detail: "it waits for a person's decision: see aftercall review list"},
		"no record":         {call: WaitingCall{Stage: workflows.StageReview, noRecord: true}, recheck: true},
		"no record, and its message is not delivered": {call: WaitingCall{Stage: workflows.StageReview, noRecord: true, Pending: []PendingActivity{waits}}, steps: []PendingActivity{waits}, recheck: true},
		"no worker":   {call: WaitingCall{Stage: workflows.StageWaiting, Problem: "no worker answers: x"}, detail: "no worker answers: x"},
		"just begun":  {call: WaitingCall{Stage: workflows.StageWaiting}, detail: "no attempt has failed yet"},
		"no failures": {call: WaitingCall{Stage: workflows.StageNotify}, detail: "no attempt has failed yet"},
	} {
		steps, recheck, detail := tt.call.retryable()
		require.Equal(t, tt.steps, steps, name)
		require.Equal(t, tt.recheck, recheck, name)
		require.Equal(t, tt.detail, detail, name)
	}
}

// TestRetryReason finds a text in what a call waits for and in its failures.
func TestRetryReason(t *testing.T) {
	t.Parallel()
	call := WaitingCall{WaitingFor: "the ledger: Down for repair", Pending: []PendingActivity{{LastFailure: "connection refused"}}}
	for reason, want := range map[string]bool{"": true, "down": true, "REFUSED": true, "crm": false} {
		require.Equal(t, want, RetryParams{Reason: reason}.concerns(call), reason)
	}
}

func TestRetryParams(t *testing.T) {
	t.Parallel()
	for want, p := range map[string]RetryParams{
		"give a CALLID or --all":              {},
		"CALLID and --all exclude each other": {CallID: "c", All: true},
		"--stage and --reason are for --all":  {CallID: "c", Reason: "x"},
		`--stage: there is no stage "x"`:      {All: true, Stage: "x"},
		"CallId: ":                            {CallID: "\x1b"},
	} {
		err := p.validate()
		require.ErrorContains(t, err, want)
		require.Equal(t, Usage, kindOf(err), want)
	}
}

func TestRetryCounts(t *testing.T) {
	t.Parallel()
	r := RetriedAll{Calls: []RetriedCall{{Outcome: OutcomeRetried}, {Outcome: OutcomeNotRetried}, {Outcome: OutcomeRetryFailed, Detail: "down"}}}
	r.count()
	require.Equal(t, []int{1, 1, 1}, []int{r.Retried, r.NotRetried, r.Failed})
	err := r.problem(RetryParams{All: true})
	require.EqualError(t, err, "1 of 3 calls could not be retried: down")
	require.Equal(t, Failed, kindOf(err))
	r = RetriedAll{Calls: []RetriedCall{{CallID: "c", Outcome: OutcomeNotRetried, Detail: "an attempt is under way"}}}
	r.count()
	require.NoError(t, r.problem(RetryParams{All: true}))
	err = r.problem(RetryParams{CallID: "c"})
	require.EqualError(t, err, "call c was not retried: an attempt is under way")
	require.Equal(t, Refused, kindOf(err))
}
