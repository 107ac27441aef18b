package callback

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/stretchr/testify/require"
	"go.temporal.io/api/serviceerror"

	"aftercall/internal/dedupe"
	"aftercall/workflows"
)

var errDown = errors.New("connection refused")

// other is a callback of the same call with another record.
var other = strings.Replace(body, `"AcceptTime":0`, `"AcceptTime":1741231200`, 1)

func (f *fixture) requireClaims(claimed, held, known, unavailable string) {
	f.t.Helper()
	f.requireMetric("aftercall_dedupe_total",
		`{outcome="claimed"} `+claimed, `{outcome="held"} `+held, `{outcome="known"} `+known, `{outcome="unavailable"} `+unavailable)
}

func (f *fixture) requireUnavailable() {
	f.t.Helper()
	w := f.post(good, body)
	require.Equal(f.t, http.StatusServiceUnavailable, w.Code)
	require.Contains(f.t, w.Body.String(), `"ActionStatus":"FAIL"`)
	require.NotContains(f.t, w.Body.String(), "refused", "inner errors are not for the sender")
}

// TestClaimOfAFailedStartStopsNoCallback has starts fail, whose claim in Redis
// is not taken back.
func TestClaimOfAFailedStartStopsNoCallback(t *testing.T) {
	f := withMiniredis(t)
	f.temporal.down = errDown
	f.requireUnavailable()
	f.requireUnavailable()
	require.Equal(t, 2, f.temporal.starts, "each tries to start the workflow")
	f.temporal.down = nil
	f.requireOK(f.post(good, body))
	f.requireClaims("1", "2", "0", "0")
	require.Len(t, f.temporal.params, 1, "the next callback starts the workflow while the claim is held")
	f.requireOK(f.post(good, body))
	f.requireClaims("1", "2", "1", "0")
	require.Equal(t, 3, f.temporal.starts, "and from then on the call is known")
	f.requireConflicts(0)
	f.requireCallbacks(
		`{app="clinic",outcome="duplicate",status="200"} 1`, `{app="clinic",outcome="started",status="200"} 1`,
		`{app="clinic",outcome="unavailable",status="503"} 2`)
}

// TestStartThatTemporalRefuses: an answer of 503 would ask for the same callback
// again, for nothing.
func TestStartThatTemporalRefuses(t *testing.T) {
	f := withMiniredis(t)
	f.temporal.down = serviceerror.NewInvalidArgument("WorkflowId length exceeds limit")
	w := f.post(good, body)
	require.Equal(t, http.StatusBadRequest, w.Code)
	require.Contains(t, w.Body.String(), "CallRecord")
	require.NotContains(t, w.Body.String(), "WorkflowId", "inner errors are not for the sender")
	f.requireCallbacks(`{app="clinic",outcome="refused",status="400"} 1`)
}

// TestCallbackAfterAFailedStartIsTheFirst has the callback after a failed start
// differ from the one whose claim is held.
func TestCallbackAfterAFailedStartIsTheFirst(t *testing.T) {
	f := withMiniredis(t)
	f.temporal.down = errDown
	f.requireUnavailable()
	f.temporal.down = nil
	f.requireOK(f.post(good, other))
	require.Len(t, f.temporal.params, 1)
	f.requireOK(f.post(good, other))
	f.requireConflicts(0)
	f.requireOK(f.post(good, body))
	f.requireConflicts(1)
}

// TestStartWhoseAnswerIsLost has the sender repeat a callback that was answered
// 503, while its workflow runs.
func TestStartWhoseAnswerIsLost(t *testing.T) {
	f := withMiniredis(t)
	f.temporal.lostAnswers = errors.New("deadline exceeded")
	f.requireUnavailable()
	f.requireOK(f.post(good, body))
	require.Len(t, f.temporal.params, 1)
	require.Equal(t, 2, f.temporal.starts)
	f.requireOK(f.post(good, body))
	f.requireClaims("1", "2", "0", "0")
	f.requireConflicts(0)
	require.Zero(t, f.temporal.describes, "until the claim expires, the callback that holds it is the one to look")
}

// TestClaimOfADeadProcessStopsNoCallback has a process that died between its
// claim and its start.
func TestClaimOfADeadProcessStopsNoCallback(t *testing.T) {
	m := miniredis.RunT(t)
	f := newFixture(t, "redis://"+m.Addr(), m.FlushAll)
	require.NoError(t, m.Set(dedupe.ClaimKey(appID, "055662e1-bc8a-469c-a334-1126c8c17d58"), "claim fp"))
	f.requireOK(f.post(good, body))
	require.Len(t, f.temporal.params, 1)
}

func TestConflicts(t *testing.T) {
	tests := map[string]func(*fixture){
		"Redis knows":         func(*fixture) {},
		"Redis was flushed":   func(f *fixture) { f.flush() },
		"flushed, then again": func(f *fixture) { f.flush(); f.requireOK(f.post(good, body)) },
	}
	for name, between := range tests {
		t.Run(name, func(t *testing.T) {
			f := withMiniredis(t)
			f.requireOK(f.post(good, body))
			between(f)
			f.requireConflicts(0)
			f.requireOK(f.post(good, other))
			f.requireConflicts(1)
			require.Len(t, f.temporal.params, 1, "a conflict starts nothing")
			f.requireOK(f.post(good, body))
			f.requireConflicts(1)
			f.handler.relays.Wait()
			require.Equal(t, []string{workflows.AfterCallID(appID, "055662e1-bc8a-469c-a334-1126c8c17d58")}, f.temporal.rechecked,
				"a call in review for lack of a record looks for it again, once for the callback that differs")
		})
	}
}

// TestHeldClaimTellsTheFirstFingerprint has another callback of the call claim
// it, start its workflow, and not confirm yet.
func TestHeldClaimTellsTheFirstFingerprint(t *testing.T) {
	m := miniredis.RunT(t)
	f := newFixture(t, "redis://"+m.Addr(), m.FlushAll)
	f.requireOK(f.post(good, body))
	m.FlushAll()
	require.NoError(t, m.Set(dedupe.ClaimKey(appID, "055662e1-bc8a-469c-a334-1126c8c17d58"), "claim another-fingerprint"))
	f.requireOK(f.post(good, body))
	require.Zero(t, f.temporal.describes, "Temporal need not be asked for it")
	f.requireConflicts(1)
}

// TestFirstFingerprintUnknown has Redis flushed, and the workflow's memo
// unreadable, or empty because a sweep started the workflow.
func TestFirstFingerprintUnknown(t *testing.T) {
	f := withMiniredis(t)
	f.requireOK(f.post(good, body))
	f.flush()
	for id := range f.temporal.started {
		f.temporal.started[id] = ""
	}
	f.requireOK(f.post(good, body))
	require.Equal(t, 1, f.temporal.describes)
	f.requireOK(f.post(good, body))
	require.Equal(t, 2, f.temporal.starts, "Redis knows the call again")
	f.requireConflicts(0)
}

// TestRepeatedCallbackOfACallWithoutRecord has Redis made to forget a call, because
// the call is in review for lack of a record: then a callback that is the same as
// the first makes it look again, each time, and all other calls are left alone.
func TestRepeatedCallbackOfACallWithoutRecord(t *testing.T) {
	id := workflows.AfterCallID(appID, callID)
	for stage, want := range map[workflows.Stage][]string{
		workflows.StageReview: {id, id}, workflows.StageRecord: {id, id}, "": nil, workflows.StageNotify: nil, workflows.StageDone: nil,
	} {
		t.Run(string(stage), func(t *testing.T) {
			m := miniredis.RunT(t)
			f := newFixture(t, "redis://"+m.Addr(), m.FlushAll)
			f.requireOK(f.post(good, body))
			f.requireOK(f.post(good, body))
			f.requireClaims("1", "0", "1", "0")
			require.Zero(t, f.temporal.describes)

			f.flush() // dedupe.Forget
			f.temporal.stage = stage
			for range 2 {
				f.requireOK(f.post(good, body))
				f.requireOK(f.post(good, body)) // at the same time
				m.FastForward(11 * time.Second)
			}
			require.Equal(t, want, f.temporal.rechecked)
			require.Len(t, f.temporal.params, 1)
			f.requireConflicts(0)

			f.temporal.stage = workflows.StageDone
			f.requireOK(f.post(good, body))
			before := f.temporal.starts
			f.requireOK(f.post(good, body))
			require.Equal(t, before, f.temporal.starts, "Redis knows it again")
		})
	}
}

func TestRedisDown(t *testing.T) {
	m := miniredis.RunT(t)
	f := newFixture(t, "redis://"+m.Addr(), m.FlushAll)
	m.Close()
	f.requireOK(f.post(good, body))
	f.requireOK(f.post(good, body))
	require.Len(t, f.temporal.params, 1, "Temporal decides alone")
	f.requireClaims("0", "0", "0", "2")
	f.requireConflicts(0)
	f.requireOK(f.post(good, other))
	f.requireConflicts(1)
}
