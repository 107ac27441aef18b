package local_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"aftercall/dev/local"
	"aftercall/dev/tencentsim"
	"aftercall/dev/webhookreceiver"
	"aftercall/internal/cli"
	"aftercall/internal/ledger"
	"aftercall/internal/notify"
	"aftercall/internal/tencent"
	"aftercall/workflows"
)

// TestElevenFailingTargetsBesideAWorkingOne has targets that fail, answer with
// Retry-After, are slow, or refuse, and resends what was refused for good.
func TestElevenFailingTargetsBesideAWorkingOne(t *testing.T) {
	t.Parallel()
	failures := map[string]webhookreceiver.Failure{
		"gone": {Status: http.StatusGone}, "denied": {Status: http.StatusUnauthorized}, "busy": {Status: http.StatusTooManyRequests, RetryAfter: "2"}, "slow": {DelayMS: 4000, Times: 2},
	}
	for i := range 7 {
		failures[fmt.Sprintf("down-%d", i)] = webhookreceiver.Failure{Status: http.StatusServiceUnavailable}
	}
	var targets strings.Builder
	for name := range failures {
		fmt.Fprintf(&targets, "  - {name: %s, apps: [clinic], url: \"${DEV_WEBHOOK_URL}/hooks/%s\", secrets: [\"${CRM_WEBHOOK_SECRET}\"], allow_private: true, breaker_cooldown: 5s}\n", name, name)
	}
	stack := startStackWithConfig(t, "targets:\n", "targets:\n"+targets.String())
	ctx := testContext(t)
	for name, failure := range failures {
		failure.Target = name
		require.NoError(t, stack.Webhooks.Fail(failure))
	}
	calls := make([]tencentsim.Call, 6)
	for i := range calls {
		call, err := stack.Tencent.PlaceCall(tencentsim.CallSpec{SDKAppID: 1400000000, Seconds: 61, EndedAgoSeconds: 5})
		require.NoError(t, err)
		calls[i] = call
	}
	accepted := func(target string, call tencentsim.Call) bool {
		messages := stack.Webhooks.Messages(webhookreceiver.Filter{Target: target, CallID: call.Record.CallID})
		return len(messages) == 1 && messages[0].Accepted > 0
	}
	for _, call := range calls {
		require.Eventually(t, func() bool { return accepted("crm", call) }, testTimeout, pollInterval)
		require.Equal(t, 1, stack.Arrivals("crm", call.Record.CallID), "at the first attempt")
		require.False(t, accepted("down-0", call), "the other targets fail")
	}
	for _, want := range []string{"down-0 is held after failures by 1 workers", "denied has refused deliveries since "} {
		var check local.CommandResult
		require.Eventually(t, func() bool {
			check = stack.Command(ctx, "check", "--output", "json") // without line breaks
			return check.Code == cli.Refused && strings.Contains(check.Stdout, want)
		}, testTimeout, pollInterval, want)
		require.NotContains(t, check.Stdout, "crm is held")
	}

	stack.Webhooks.ClearFailures()
	require.NoError(t, stack.Webhooks.Fail(webhookreceiver.Failure{Target: "gone", Status: http.StatusGone}))
	for _, call := range calls {
		f, err := local.Follow(ctx, stack.Temporal, call)
		require.NoError(t, err)
		require.NoError(t, f.Err)
		require.Equal(t, workflows.OutcomeCharged, f.Result.Outcome)
		for _, d := range f.Result.Deliveries {
			require.Equal(t, d.Target != "gone", d.Delivered, "%+v", d)
		}
	}
	for _, call := range calls {
		attempts := stack.Webhooks.Received(webhookreceiver.Filter{Target: "busy", CallID: call.Record.CallID})
		require.NotEmpty(t, attempts)
		for i := 1; i < len(attempts); i++ {
			require.GreaterOrEqual(t, attempts[i].At.Sub(attempts[i-1].At).Seconds(), 2.0, "Retry-After")
		}
	}

	type resent struct {
		CallID  string   `json:"call_id"`
		Targets []string `json:"targets"`
	}
	failed := func(args ...string) (found []resent) {
		result := stack.Command(ctx, append([]string{"resend", "--failed", "--since", "1h", "--output", "json"}, args...)...)
		require.NoError(t, result.Err())
		require.NoError(t, json.Unmarshal([]byte(result.Stdout), &found), result.Stdout)
		return found
	}
	require.Eventually(t, func() bool { return len(failed("--dry-run")) == len(calls) }, testTimeout, pollInterval, "the list of workflows lags a little")
	for _, r := range failed("--dry-run") {
		require.Equal(t, []string{"gone"}, r.Targets)
	}
	stack.Webhooks.ClearFailures()
	require.Len(t, failed(), len(calls))
	for _, call := range calls {
		require.Eventually(t, func() bool { return accepted("gone", call) }, testTimeout, pollInterval)
	}
	require.Eventually(t, func() bool { return len(failed("--dry-run")) == 0 }, testTimeout, pollInterval, "resent and delivered")

	// Resent on request: twice with the same message ID, and once with a new one.
	callID := calls[0].Record.CallID
	for range 2 {
		_, err := stack.Resend(ctx, callID, "--target", "crm")
		require.NoError(t, err)
	}
	crm := webhookreceiver.Filter{Target: "crm", CallID: callID}
	require.Len(t, stack.Webhooks.Messages(crm), 1)
	require.Equal(t, 3, stack.Webhooks.Messages(crm)[0].Attempts)
	require.False(t, stack.Webhooks.Messages(crm)[0].BodyChanged)
	_, err := stack.Resend(ctx, callID, "--target", "crm", "--event", string(notify.EventCallCharged), "--new-id")
	require.NoError(t, err)
	require.Len(t, stack.Webhooks.Messages(crm), 2)

	store, err := ledger.Open(ctx, "sqlite:"+stack.LedgerPath(), ledger.Options{})
	require.NoError(t, err)
	defer store.Close()
	entries, err := store.Get(ctx, 1400000000, callID)
	require.NoError(t, err)
	require.Len(t, entries, 1, "it is not charged again")
}

// TestRelay relays callbacks to a backend that fails at first.
func TestRelay(t *testing.T) {
	t.Parallel()
	type arrival struct{ query, body string }
	var mu sync.Mutex
	var arrivals []arrival
	backend := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		mu.Lock()
		defer mu.Unlock()
		arrivals = append(arrivals, arrival{r.URL.RawQuery, string(body)})
		if err != nil || len(arrivals) <= 2 {
			w.WriteHeader(http.StatusBadGateway)
		}
	}))
	t.Cleanup(backend.Close)
	stack := startStackWithConfig(t, "    tariff: lessons\n",
		"    tariff: lessons\n    relay: {url: \""+backend.URL+"/calls\", allow_private: true}\n")
	ctx := testContext(t)
	call, err := stack.Tencent.PlaceCall(tencentsim.CallSpec{SDKAppID: 1400000001, Seconds: 5, Duplicates: 2})
	require.NoError(t, err)
	f, err := local.Follow(ctx, stack.Temporal, call)
	require.NoError(t, err)
	require.NoError(t, f.Err)
	require.NoError(t, stack.Tencent.Wait(ctx))
	call, _ = stack.Tencent.Call(call.SDKAppID, call.Record.CallID)
	want := map[string]tencent.Command{}
	for _, d := range call.Callbacks {
		require.Equal(t, http.StatusOK, d.Status)
		want[string(d.Body)] = d.Command
	}
	require.Len(t, want, 5, "Tencent posts all three commands: one about each of three changes of members, and that about the end three times")
	require.Eventually(t, func() bool {
		mu.Lock()
		defer mu.Unlock()
		return len(arrivals) == len(want)+2
	}, testTimeout, pollInterval, "each callback once, and two attempts that failed")
	mu.Lock()
	defer mu.Unlock()
	for _, a := range arrivals {
		require.Contains(t, want, a.body, "byte for byte")
		require.Contains(t, a.query, "Sign=")
		require.Contains(t, a.query, "CallbackCommand="+string(want[a.body]))
	}
}
