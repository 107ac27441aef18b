package local_test

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"

	"aftercall/dev/local"
	"aftercall/dev/tencentsim"
	"aftercall/dev/webhookreceiver"
	"aftercall/internal/cli"
	"aftercall/internal/ledger"
	"aftercall/internal/ops"
	"aftercall/workflows"
)

// TestLedgerDecides takes entries out of the ledger, as restoring an older copy
// does, terminates a workflow, and makes one conflict with the ledger.
func TestLedgerDecides(t *testing.T) {
	t.Parallel()
	ctx := testContext(t)
	stack := startStack(t)
	place := func(id string) tencentsim.Call {
		call, err := stack.Tencent.PlaceCall(tencentsim.CallSpec{SDKAppID: 1400000000, CallID: id, Seconds: 61, EndedAgoSeconds: 30})
		require.NoError(t, err)
		return call
	}
	charged := func(id string) tencentsim.Call {
		call := place(id)
		f, err := local.Follow(ctx, stack.Temporal, call)
		require.NoError(t, err)
		require.NoError(t, f.Err)
		return call
	}
	swept, backfilled, started, conflict := charged("lost-swept"), charged("lost-backfilled"), charged("lost-started"), charged("conflict")
	require.NoError(t, stack.StopPart("worker"))
	terminated := place("terminated")
	require.NoError(t, stack.Tencent.Wait(ctx))
	require.NoError(t, stack.Temporal.TerminateWorkflow(ctx, local.WorkflowID(terminated), "", "by mistake"))
	alter(t, stack, "DELETE FROM ledger_entries WHERE call_id LIKE 'lost-%'", "UPDATE ledger_entries SET amount = '9.99', first_run_id = 'another' WHERE call_id = 'conflict'")
	require.NoError(t, stack.StartWorker(ctx))

	// One call, by its CallId.
	dry := stack.Command(ctx, "start", "lost-started", "--app", "clinic", "--dry-run")
	require.Equal(t, cli.OK, dry.Code, dry.Stderr)
	require.Contains(t, dry.Stdout, "would be started again")
	again := stack.Command(ctx, "start", "lost-started", "--app", "clinic")
	require.Equal(t, cli.OK, again.Code, again.Stderr)
	require.Contains(t, again.Stdout, "started again")

	// A time range: the terminated one and two others, or what the sweep has left of them.
	now := time.Now().UTC().Truncate(time.Second)
	flags := []string{"backfill", "--app", "clinic", "--output", "json", "--from", now.Add(-10 * time.Minute).Format(time.RFC3339), "--to", now.Format(time.RFC3339)}
	alter(t, stack, "DELETE FROM ledger_entries WHERE call_id = 'lost-backfilled'")
	result := stack.Command(ctx, flags...)
	require.Equal(t, cli.OK, result.Code, result.Stderr)
	awaitEntries(ctx, t, stack, backfilled, started, terminated)

	// The sweep, which lists the overlap again.
	alter(t, stack, "DELETE FROM ledger_entries WHERE call_id = 'lost-swept'")
	schedule := stack.Temporal.ScheduleClient().GetHandle(ctx, workflows.SweepID(1400000000))
	require.Eventually(t, func() bool {
		if err := schedule.Trigger(ctx, client.ScheduleTriggerOptions{}); err != nil {
			return false // the worker has not made it yet, or Temporal is busy
		}
		return len(entriesOf(ctx, t, stack, swept)) == 1
	}, testTimeout, time.Second)
	awaitEntries(ctx, t, stack, swept)
	for _, call := range []tencentsim.Call{swept, backfilled, started, terminated} {
		require.Eventually(t, func() bool {
			return len(stack.Webhooks.Messages(webhookreceiver.Filter{Target: "crm", CallID: call.Record.CallID})) > 0
		}, testTimeout, pollInterval)
		messages := stack.Webhooks.Messages(webhookreceiver.Filter{Target: "crm", CallID: call.Record.CallID})
		require.Len(t, messages, 1, "charged again with the same message ID: %s", call.Record.CallID)
		require.Equal(t, 1, messages[0].Attempts, "nobody is notified of a charge twice: %s", call.Record.CallID)
	}
	// Only who asks for it has the targets notified again.
	require.Eventually(t, func() bool {
		alter(t, stack, "DELETE FROM ledger_entries WHERE call_id = 'lost-started'")
		again = stack.Command(ctx, "start", "lost-started", "--app", "clinic", "--notify")
		return strings.Contains(again.Stdout, "started again")
	}, testTimeout, pollInterval, "a sweep that was triggered above may be faster")
	require.Eventually(t, func() bool { return stack.Arrivals("crm", "lost-started") == 2 }, testTimeout, pollInterval)
	_, metrics := request(ctx, t, http.MethodGet, stack.WorkerMetricsURL(), nil, nil)
	require.Regexp(t, `aftercall_sweep_calls_total\{app="clinic",outcome="recharged"\} [1-9]`, metrics)

	// A new run of the call whose sum was changed.
	run, err := stack.Temporal.ExecuteWorkflow(ctx, client.StartWorkflowOptions{ID: local.WorkflowID(conflict), TaskQueue: "aftercall"}, workflows.AfterCallName,
		workflows.AfterCallParams{SDKAppID: 1400000000, App: "clinic", CallID: "conflict", Source: workflows.SourceManual, Listed: &conflict.Record, RecordDeadline: time.Minute})
	require.NoError(t, err)
	require.Error(t, run.Get(ctx, nil))
	testConflict(ctx, t, stack)
}

// testConflict follows the runbook of a charge conflict.
func testConflict(ctx context.Context, t *testing.T, stack *local.Stack) {
	t.Helper()
	red := func() (detail string) {
		var found []struct {
			Check, Detail string
			OK            bool
		}
		o := stack.Command(ctx, "check", "--output", "json")
		require.NoError(t, json.Unmarshal([]byte(o.Stdout), &found), o.Stderr)
		for _, f := range found {
			if f.Check == "failed calls" && !f.OK {
				return f.Detail
			}
		}
		return ""
	}
	require.Eventually(t, func() bool { return red() != "" }, testTimeout, pollInterval, "visibility may be behind")
	require.Contains(t, red(), "the workflows of 1 calls have failed; the last is conflict of clinic: the ledger holds another sum")
	o := stack.Command(ctx, "call", "conflict")
	require.Contains(t, o.Stdout, "NOT NOTIFIED: its workflow failed, 9.99 USD")
	o = stack.Command(ctx, "sweep", "status", "--app", "clinic")
	require.Equal(t, cli.Refused, o.Code)
	require.Contains(t, o.Stdout, "workflow of clinic failed at ")
	o = stack.Command(ctx, "resend", "--failed", "--dry-run")
	require.Contains(t, o.Stdout, "conflict", o.Stderr)
	require.NoError(t, stack.Command(ctx, "resend", "conflict").Err())
	require.Eventually(t, func() bool { return red() == "" }, testTimeout, pollInterval)
	o = stack.Command(ctx, "call", "conflict")
	require.Contains(t, o.Stdout, "done: charge of 9.99 USD")
	o = stack.Command(ctx, "resend", "--failed", "--dry-run")
	require.Contains(t, o.Stdout+o.Stderr, "Nothing is undelivered.")
}

// alter changes the ledger past its triggers, as a restored database does.
func alter(t *testing.T, stack *local.Stack, statements ...string) {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+stack.LedgerPath()+"?_busy_timeout=10000")
	require.NoError(t, err)
	defer db.Close()
	for _, s := range append([]string{"DROP TRIGGER IF EXISTS ledger_entries_no_update", "DROP TRIGGER IF EXISTS ledger_entries_no_delete"}, statements...) {
		_, err := db.ExecContext(t.Context(), s)
		require.NoError(t, err, s)
	}
}

func entriesOf(ctx context.Context, t *testing.T, stack *local.Stack, call tencentsim.Call) []ledger.Entry {
	t.Helper()
	store, err := ledger.OpenReadOnly(ctx, "sqlite:"+stack.LedgerPath())
	require.NoError(t, err)
	defer store.Close()
	entries, err := store.Get(ctx, call.SDKAppID, call.Record.CallID)
	require.NoError(t, err)
	return entries
}

func awaitEntries(ctx context.Context, t *testing.T, stack *local.Stack, calls ...tencentsim.Call) {
	t.Helper()
	for _, call := range calls {
		require.Eventually(t, func() bool { return len(entriesOf(ctx, t, stack, call)) == 1 }, testTimeout, pollInterval,
			fmt.Sprintf("%s is not in the ledger", call.Record.CallID))
	}
}

// TestRecordThatAppearsDuringReview has calls in review for lack of a record, as
// after a forged callback or a late record.
func TestRecordThatAppearsDuringReview(t *testing.T) {
	t.Parallel()
	ctx := testContext(t)
	stack := startStackWithConfig(t, "every: 1m", "every: off")
	inReview := func(id string, recordAfter int64) tencentsim.Call {
		call, err := stack.Tencent.PlaceCall(tencentsim.CallSpec{
			SDKAppID: 1400000000, CallID: id, Seconds: 61, EndedAgoSeconds: 60, RecordAfterSeconds: recordAfter, Lose: true,
		})
		require.NoError(t, err)
		forged := call.Record
		forged.Caller = "victim-1"
		_, err = stack.Temporal.ExecuteWorkflow(ctx, client.StartWorkflowOptions{ID: local.WorkflowID(call), TaskQueue: "aftercall"}, workflows.AfterCallName,
			workflows.AfterCallParams{SDKAppID: 1400000000, App: "clinic", CallID: id, Source: workflows.SourceCallback, Callback: &forged, RecordDeadline: time.Millisecond})
		require.NoError(t, err)
		require.NoError(t, stack.AwaitReview(ctx, call))
		return call
	}
	// The record of the last one is there last.
	listed, decided, posted := inReview("listed", 75), inReview("decided", 75), inReview("posted", 75)
	var reviews []ops.Review
	require.NoError(t, json.Unmarshal([]byte(stack.Command(ctx, "review", "list", "-o", "json").Stdout), &reviews))
	require.Len(t, reviews, 3)
	require.Equal(t, "victim-1", reviews[0].ClaimedCaller)
	sent := 0
	require.Eventually(t, func() bool { // the first ones are too early: there is still no record
		sent++
		require.NoError(t, stack.Tencent.RepeatCallback(posted.SDKAppID, posted.Record.CallID, json.RawMessage(fmt.Sprintf(`{"StartTime":%d}`, sent))))
		return len(entriesOf(ctx, t, stack, posted)) == 1
	}, testTimeout, time.Second)
	// By now there are records. The decision comes first, because a sweep makes every call in it look again.
	o := stack.Command(ctx, "review", "decide", "decided", "--verdict", "charge-as", "--connected-seconds", "3000", "--payer", "victim-1",
		"--operator", "alice", "--reason", "so says the callback")
	require.Equal(t, cli.Refused, o.Code, o.Stdout)
	require.Contains(t, o.Stderr, "Tencent has a record of the call by now, which decides: charged 0.24 USD for 120 s")
	require.Eventually(t, func() bool {
		now := time.Now().UTC().Truncate(time.Second)
		o := stack.Command(ctx, "backfill", "--app", "clinic", "--from", now.Add(-10*time.Minute).Format(time.RFC3339), "--to", now.Format(time.RFC3339))
		return o.Code == cli.OK && len(entriesOf(ctx, t, stack, listed)) == 1
	}, testTimeout, time.Second)
	for _, call := range []tencentsim.Call{listed, posted, decided} {
		require.Equal(t, call.Record.Caller, entriesOf(ctx, t, stack, call)[0].Payer(), "not the one that the callback claims")
		f, err := local.Follow(ctx, stack.Temporal, call)
		require.NoError(t, err)
		require.NoError(t, f.Err)
		require.Equal(t, workflows.OutcomeCharged, f.Result.Outcome)
		require.Nil(t, f.Result.Decided, "nobody decided")
	}
}

// TestDecideAll waives calls that were forged, and not the one that is real.
func TestDecideAll(t *testing.T) {
	t.Parallel()
	ctx := testContext(t)
	stack := startStack(t)
	start := func(id string) {
		_, err := stack.Temporal.ExecuteWorkflow(ctx, client.StartWorkflowOptions{ID: workflows.AfterCallID(1400000000, id), TaskQueue: "aftercall"}, workflows.AfterCallName,
			workflows.AfterCallParams{SDKAppID: 1400000000, App: "clinic", CallID: id, Source: workflows.SourceManual, RecordDeadline: time.Millisecond})
		require.NoError(t, err)
	}
	for i := range 5 {
		start(fmt.Sprintf("forged-%d", i))
	}
	start("real")
	run := func(args ...string) (r ops.DecidedAll, code int) {
		t.Helper()
		o := stack.Command(ctx, append([]string{"review", "decide", "--all", "--reason-kind", "no-record", "--verdict", "waive", "--operator", "alice", "--reason", "forged", "-o", "json"}, args...)...)
		require.NoError(t, json.Unmarshal([]byte(o.Stdout), &r), o.Stderr)
		return r, o.Code
	}
	require.Eventually(t, func() bool { // some are not in review yet, or do not answer yet
		all, code := run("--dry-run", "--app", "clinic")
		return code == cli.OK && all.Decided == 6
	}, testTimeout, pollInterval)
	real, err := stack.Tencent.PlaceCall(tencentsim.CallSpec{SDKAppID: 1400000000, CallID: "real", Seconds: 61, EndedAgoSeconds: 60, Lose: true})
	require.NoError(t, err)
	all, code := run("--app", "clinic")
	require.Equal(t, cli.OK, code)
	require.Equal(t, [3]int{5, 1, 0}, [3]int{all.Decided, all.RecordDecided, all.NotDecided}, "none was decided by --dry-run")
	require.Equal(t, "0.24", entriesOf(ctx, t, stack, real)[0].Charge.Amount.Number(), "the record decides")
	o := stack.Command(ctx, "review", "decide", "--verdict", "waive", "--operator", "alice", "--reason", "x")
	require.Equal(t, cli.Usage, o.Code)
	require.Contains(t, o.Stderr, "CALLID: is missing")
}
