package local_test

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"aftercall/dev/local"
	"aftercall/dev/tencentsim"
	"aftercall/dev/webhookreceiver"
	"aftercall/internal/cli"
	"aftercall/internal/ledger"
	"aftercall/internal/ops"
	"aftercall/internal/tencent"
	"aftercall/internal/testenv"
	"aftercall/internal/testenv/released"
)

// TestRestoreSQLite and TestRestorePostgres put an older copy of a ledger back,
// after charges, decisions and corrections that it does not have, and book them
// again, as the drill of docs/ledger.md says. Neither needs Tencent's records. The
// ledgers begin with entries that the oldest release booked.
func TestRestoreSQLite(t *testing.T) {
	t.Parallel()
	stack := startStack(t, func(o *local.Options) {
		o.Encrypt = true
		released.Ledger(t, "sqlite:"+filepath.Join(o.Dir, "ledger.db"), released.Versions[0])
	})
	testRestore(testContext(t), t, stack, drill{t: t, stack: stack, engine: "SQLite", folder: t.TempDir()})
}

func TestRestorePostgres(t *testing.T) {
	t.Parallel()
	url, ok := testenv.Postgres(t)
	if !ok {
		return
	}
	released.Ledger(t, url, released.Versions[0])
	stack := startStack(t, func(o *local.Options) { o.Environ = map[string]string{"LEDGER_URL": url} })
	testRestore(testContext(t), t, stack, drill{t: t, stack: stack, engine: "PostgreSQL", folder: t.TempDir()})
}

// drill runs the commands of docs/ledger.md.
type drill struct {
	t      *testing.T
	stack  *local.Stack
	engine string
	folder string
}

// run runs the block of a name. aftercall is built on first use.
func (d drill) run(ctx context.Context, name string) {
	d.t.Helper()
	program := filepath.Join(d.folder, "bin", "aftercall")
	if _, err := os.Stat(program); err != nil {
		build := exec.CommandContext(ctx, "go", "build", "-o", program, ".")
		build.Dir = root
		out, err := build.CombinedOutput()
		require.NoError(d.t, err, string(out))
	}
	require.NoError(d.t, d.stack.Drill(ctx, filepath.Dir(program), d.folder, name))
}

func testRestore(ctx context.Context, t *testing.T, stack *local.Stack, d drill) {
	t.Helper()
	place := func(id string, record json.RawMessage) tencentsim.Call {
		call, err := stack.Tencent.PlaceCall(tencentsim.CallSpec{SDKAppID: 1400000000, CallID: id, Seconds: 61, EndedAgoSeconds: 30, Record: record})
		require.NoError(t, err)
		return call
	}
	charged := func(id string) {
		f, err := local.Follow(ctx, stack.Temporal, place(id, nil))
		require.NoError(t, err)
		require.NoError(t, f.Err)
	}
	command := func(code int, args ...string) string {
		o := stack.Command(ctx, args...)
		require.Equal(t, code, o.Code, "%v: %s", args, o.Stderr)
		return o.Stdout
	}
	signed := []string{"--operator", "alice", "--reason", "ticket 4711"}
	charged("kept")
	require.Contains(t, command(cli.OK, "ledger", "restore"), "No entry is missing.")
	d.run(ctx, "back up "+d.engine)

	// What the copy does not have.
	charged("plain")
	charged("reversed")
	charged("rerated")
	seen, err := stack.Tencent.PlaceCall(tencentsim.CallSpec{
		SDKAppID: 1400000002, CallID: "seen", Seconds: 120, Members: []string{"a", "b", "c"},
		Attendance: []tencentsim.Presence{{Member: "a"}, {Member: "b", LeaveAfterSeconds: 31}, {Member: "c", JoinAfterSeconds: 60}},
	})
	require.NoError(t, err)
	bySeen, err := local.Follow(ctx, stack.Temporal, seen)
	require.NoError(t, err)
	require.NoError(t, bySeen.Err)
	vanished := place("decided", json.RawMessage(`{"CallResult":"Vanished"}`))
	require.NoError(t, stack.AwaitReview(ctx, vanished))
	command(cli.OK, append([]string{"review", "decide", "decided", "--verdict", "charge-as", "--connected-seconds", "300"}, signed...)...)
	f, err := local.Follow(ctx, stack.Temporal, vanished)
	require.NoError(t, err)
	require.NoError(t, f.Err)
	for _, id := range []string{"kept", "reversed"} {
		command(cli.OK, append([]string{"ledger", "reverse", id}, signed...)...)
	}
	command(cli.OK, append([]string{"ledger", "rerate", "--call", "rerated", "--use-tariff", "goodwill", "--apply"}, signed...)...)
	charged("adjusted")
	adjust := func(amount string, more ...string) {
		command(cli.OK, append(append([]string{"ledger", "adjust", "adjusted", "--amount", amount}, signed...), more...)...)
	}
	adjust("-0.10")
	adjust("0.5")
	command(cli.OK, append([]string{"ledger", "reverse", "adjusted", "--adjustment", "2"}, signed...)...)
	adjust("-0.20", "--force")
	command(cli.OK, append([]string{"ledger", "reverse", "adjusted"}, signed...)...)
	command(cli.OK, append([]string{"ledger", "reverse", "adjusted", "--undo"}, signed...)...)
	charged("undone")
	command(cli.OK, append([]string{"ledger", "reverse", "undone"}, signed...)...)
	command(cli.OK, "ledger", "reverse", "undone", "--undo", "--operator", "bob", "--reason", "it was another call")
	all := []string{"adjusted", "undone", "kept", "plain", "reversed", "rerated", "seen", "decided"}
	want := map[string]int{"adjusted": 11, "undone": 3, "kept": 2, "plain": 1, "reversed": 2, "rerated": 3, "decided": 2}
	for id, n := range want {
		require.Eventually(t, func() bool { return stack.Arrivals("crm", id) == n }, testTimeout, pollInterval, id)
	}
	// Their workflows have booked them, and go on: a target has not accepted the events.
	notifying := map[string]json.RawMessage{"notifying": nil, "decided-notifying": json.RawMessage(`{"CallResult":"Vanished"}`)}
	require.NoError(t, stack.Webhooks.Fail(webhookreceiver.Failure{Target: "crm", CallID: "undone", Status: http.StatusServiceUnavailable}))
	command(cli.OK, append([]string{"ledger", "reverse", "undone"}, signed...)...)
	for id, record := range notifying {
		require.NoError(t, stack.Webhooks.Fail(webhookreceiver.Failure{Target: "crm", CallID: id, Type: "call.charged", Status: http.StatusServiceUnavailable}))
		call := place(id, record)
		if record != nil {
			require.NoError(t, stack.AwaitReview(ctx, call))
			command(cli.OK, append([]string{"review", "decide", id, "--verdict", "charge-as", "--connected-seconds", "300"}, signed...)...)
		}
		require.Eventually(t, func() bool { return len(bookedOf(t, stack, []string{id})) == 1 }, testTimeout, pollInterval)
		all = append(all, id)
	}
	before := bookedOf(t, stack, all)
	require.Equal(t, map[string]int64{"a": 120, "b": 31, "c": 60}, before["charge:1400000002:seen"].Charge.MemberSeconds())

	require.NoError(t, stack.StopPart("worker"))
	d.run(ctx, "put back "+d.engine)
	var lacks ops.Restoration
	require.NoError(t, json.Unmarshal([]byte(command(cli.Refused, "ledger", "restore", "-o", "json")), &lacks))
	require.Equal(t, 26, lacks.Open, "%+v", lacks.Missing)
	for _, m := range lacks.Missing {
		require.Equal(t, "aftercall ledger restore --apply", m.Cure, m.Key)
	}
	require.Len(t, bookedOf(t, stack, all), 1, "nothing was booked")

	// What the targets were notified of is booked, and nothing else.
	dearer := restoreAtOtherRate(ctx, t, stack)
	require.Equal(t, cli.Refused, dearer.Code)
	require.Contains(t, dearer.Stdout, "it was charged 0.24 USD for 120 s, but by the tariff as it is now it costs 0.26 USD for 120 s")
	require.Len(t, bookedOf(t, stack, all), 3, "the reversal of the charge that was kept, and the call of another tariff")

	d.run(ctx, "restore")
	require.Equal(t, before, bookedOf(t, stack, all), "every entry is what it was")
	require.Contains(t, command(cli.OK, "ledger", "restore"), "No entry is missing.")
	stack.Webhooks.ClearFailures()
	require.NoError(t, stack.StartWorker(ctx))
	charged("later") // the worker has begun to work
	notifying["undone"] = nil
	for id := range notifying {
		require.Eventually(t, func() bool {
			return !slices.ContainsFunc(stack.Webhooks.Messages(webhookreceiver.Filter{Target: "crm", CallID: id}), func(m webhookreceiver.Message) bool { return m.Accepted == 0 })
		}, testTimeout, pollInterval, "%s is notified after the restore", id)
	}
	delete(want, "undone") // several attempts
	for id, n := range want {
		require.Equal(t, n, stack.Arrivals("crm", id), "nobody is notified twice of %s", id)
	}
}

// restoreAtOtherRate books what is missing with another rate in the configuration.
func restoreAtOtherRate(ctx context.Context, t *testing.T, stack *local.Stack) local.CommandResult {
	t.Helper()
	environ := stack.Environ()
	config, err := os.ReadFile(environ["AFTERCALL_CONFIG"])
	require.NoError(t, err)
	environ["AFTERCALL_CONFIG"] = filepath.Join(t.TempDir(), "aftercall.yaml")
	require.NoError(t, os.WriteFile(environ["AFTERCALL_CONFIG"], bytes.ReplaceAll(config, []byte("0.12"), []byte("0.13")), 0o600))
	var stdout, stderr bytes.Buffer
	code := cli.Run(ctx, cli.Process{Environ: environ, Stdout: &stdout, Stderr: &stderr}, []string{"ledger", "restore", "--apply", "--output", "json"})
	return local.CommandResult{Code: code, Stdout: stdout.String(), Stderr: stderr.String()}
}

// bookedOf are the entries of calls by key, without when they were booked.
func bookedOf(t *testing.T, stack *local.Stack, callIDs []string) map[string]ledger.Entry {
	t.Helper()
	store, err := ledger.OpenReadOnly(t.Context(), stack.Environ()["LEDGER_URL"])
	require.NoError(t, err)
	defer store.Close()
	booked := map[string]ledger.Entry{}
	for _, id := range callIDs {
		for _, app := range []tencent.SDKAppID{1400000000, 1400000002} {
			entries, err := store.Get(t.Context(), app, id)
			require.NoError(t, err)
			for _, e := range entries {
				e.Seq, e.CreatedAt = 0, time.Time{}
				booked[e.Key] = e
			}
		}
	}
	return booked
}
