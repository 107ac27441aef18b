package local_test

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"aftercall/dev/tencentsim"
	"aftercall/dev/webhookreceiver"
	"aftercall/workflows"
)

// TestForgedCallsAreFolded: of 50 calls without record each target is notified of the
// first by call.review, and of the others by review.burst, as far as Temporal answers.
func TestForgedCallsAreFolded(t *testing.T) {
	t.Parallel()
	ctx := testContext(t)
	stack := startStack(t)
	forge := func(callID string) {
		t.Helper()
		call, err := stack.Tencent.PlaceCall(tencentsim.CallSpec{
			SDKAppID: 1400000001, CallID: callID, Seconds: 61, EndedAgoSeconds: 60, RecordAfterSeconds: 3600, Lose: true,
		})
		require.NoError(t, err)
		params := workflows.AfterCallParams{
			SDKAppID: 1400000001, App: "tutoring", CallID: callID, Source: workflows.SourceCallback, Callback: &call.Record, RecordDeadline: time.Millisecond,
		}
		_, err = stack.Temporal.ExecuteWorkflow(ctx, workflows.AfterCallOptions(params, "aftercall", "", time.Now()), workflows.AfterCallName, params)
		require.NoError(t, err)
	}
	// received are the messages, some of which arrive more than once.
	received := func(target, kind string) (first []webhookreceiver.Arrival) {
		for _, arrival := range stack.Webhooks.Received(webhookreceiver.Filter{Target: target, Type: kind}) {
			if arrival.Attempt == 1 {
				first = append(first, arrival)
			}
		}
		return first
	}
	accepted := func(target, kind string) (n int) {
		for _, message := range stack.Webhooks.Messages(webhookreceiver.Filter{Target: target, Type: kind}) {
			if message.Accepted > 0 {
				n++
			}
		}
		return n
	}
	require.NoError(t, stack.Webhooks.Fail(webhookreceiver.Failure{Target: "audit", Type: "review.burst", Times: 1, Status: 503}))
	forge("forged-0")
	require.Eventually(t, func() bool {
		return len(received("audit", "call.review")) == 1 && len(received("crm", "call.review")) == 1
	}, testTimeout, 50*time.Millisecond)

	// The same burst with a shorter window.
	id := workflows.FoldReviewsID(1400000001)
	require.NoError(t, stack.Temporal.TerminateWorkflow(ctx, id, "", "too long for a test"))
	params := workflows.FoldReviewsParams{SDKAppID: 1400000001, App: "tutoring", Window: 15 * time.Second}
	run, err := stack.Temporal.ExecuteWorkflow(ctx, workflows.FoldReviewsOptions(params, "aftercall"), workflows.FoldReviewsName, params)
	require.NoError(t, err)
	for i := range 49 {
		forge(fmt.Sprintf("forged-%d", i+1))
	}
	// All are reported by the time a window is empty.
	var result workflows.FoldReviewsResult
	require.NoError(t, run.Get(ctx, &result))
	for _, target := range []string{"audit", "crm"} {
		require.Eventually(t, func() bool { return accepted(target, "review.burst") == result.Reported }, testTimeout, 50*time.Millisecond)
		reviews := 0
		for _, arrival := range received(target, "review.burst") {
			var event struct {
				Data struct{ Reviews int }
			}
			require.NoError(t, json.Unmarshal(arrival.Body, &event))
			reviews += event.Data.Reviews
		}
		// On a slow machine Temporal may not answer in time; then a review is reported on its own.
		alone := len(received(target, "call.review"))
		require.GreaterOrEqual(t, alone+reviews, 50, "none is lost")
		require.Less(t, alone, 25)
	}
}
