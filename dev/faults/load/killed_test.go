package main

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"aftercall/dev/tencentsim"
	"aftercall/internal/ledger"
	"aftercall/internal/tencent"
)

// TestWhatAKillHasHit: by the times of entries and answers it is known whether calls were
// under way, and a kill of an idle stack is none.
func TestWhatAKillHasHit(t *testing.T) {
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	gone := at.Add(time.Second)
	const app, other tencent.SDKAppID = 1, 2
	entry := func(id string, booked time.Duration) ledger.Entry {
		return ledger.Entry{SDKAppID: app, Record: tencent.CallRecord{CallID: id}, CreatedAt: at.Add(booked)}
	}
	call := func(id string, sent time.Duration, latency int64, status int) tencentsim.Call {
		return tencentsim.Call{SDKAppID: app, Record: tencent.CallRecord{CallID: id}, Callbacks: []tencentsim.PostedCallback{
			{SentAt: at.Add(sent), LatencyMS: latency, Status: status},
		}}
	}
	entries := []ledger.Entry{
		entry("charged", -time.Second), entry("under way", time.Minute), entry("cut", time.Minute), entry("unheard", time.Minute), entry("refused", time.Minute),
	}
	calls := []tencentsim.Call{
		call("charged", -9*time.Second, 5, 200), call("under way", -time.Second, 5, 200), call("cut", -10*time.Millisecond, 40, 0),
		call("unheard", 2*time.Second, 1, 0), call("refused", -time.Second, 5, 503), call("no answer long before", -5*time.Second, 2000, 0),
	}
	started := map[callKey]time.Time{
		{app, "charged"}: at.Add(-9 * time.Second), {app, "under way"}: at.Add(-time.Second), {app, "cut"}: at.Add(time.Minute), {app, "refused"}: at.Add(time.Minute),
	}
	require.Equal(t, hit{charged: 1, underWay: 1, cut: 1, unheard: 1}, whatWasHit(entries, calls, started, at, gone))
	namesake := call("charged", -time.Second, 5, 200)
	namesake.SDKAppID = other
	started[callKey{other, "charged"}] = at.Add(-time.Second)
	require.Equal(t, hit{charged: 1, underWay: 2, cut: 1, unheard: 1}, whatWasHit(entries, append(calls, namesake), started, at, gone))
	require.NoError(t, hit{charged: 1, underWay: 1, cut: 1, unheard: 1}.require())
	require.ErrorContains(t, hit{underWay: 1, cut: 1, unheard: 1}.require(), "too early")
	require.ErrorContains(t, hit{charged: 1, cut: 1, unheard: 1}.require(), "too late")
	require.ErrorContains(t, hit{charged: 1, underWay: 1, unheard: 1}.require(), "between two callbacks")
	require.ErrorContains(t, hit{charged: 1, underWay: 1, cut: 1}.require(), "too late")
}
