package cli

import (
	"testing"

	"github.com/stretchr/testify/require"

	"aftercall/internal/ledger"
	"aftercall/internal/ops"
)

// TestSweepDismiss: what can never be started leaves the list by a command that
// says who and why.
func TestSweepDismiss(t *testing.T) {
	l := newLedgerTest(t)
	l.configure("0.12")
	second := ledger.HeldWindow(noon, noon)
	second.Reason = "CallRecordList: must be a list"
	row := ledger.Held{Key: ledger.HeldRowKey("1"), Reason: "CallRecord: must be an object\x1b[2J", Item: `[7]`}
	call := ledger.Held{Key: ledger.HeldCallKey("c1"), CallID: "c1", Reason: "too large"}
	for _, h := range []ledger.Held{row, second, call} {
		require.NoError(t, l.ledger.HoldBack(t.Context(), clinic, h))
	}
	_, stdout, _ := l.run("sweep", "status")
	require.Contains(t, stdout, "a row without a CallId\nCallRecord: must be an object\uFFFD[2J\n")
	require.Contains(t, stdout, "all calls of 2026-03-01T12:00:00Z that could not be listed\nCallRecordList: must be a list\n")
	require.Contains(t, stdout, "; key "+row.Key[:12]+"\n")

	code, _, stderr := l.run("sweep", "dismiss", row.Key[:12], "--operator", "alice")
	require.Equal(t, int(ops.Usage), code)
	require.Contains(t, stderr, "missing: --reason TEXT")
	for _, id := range []string{"c2", row.Key[:7], ""} {
		code, _, stderr = l.run("sweep", "dismiss", id, "--operator", "alice", "--reason", "billed by hand")
		require.Equal(t, int(ops.NotFound), code, stderr)
	}

	for id, want := range map[string]string{
		row.Key[:12]: "Dismissed: a row without a CallId, held back of clinic since ",
		"c1":         "Dismissed: c1, held back of clinic since ",
		second.Key:   "Dismissed: all calls of 2026-03-01T12:00:00Z that could not be listed, held back of clinic since ",
	} {
		require.Contains(t, l.prints("sweep", "dismiss", id, "--operator", "alice", "--reason", "billed by hand"), want)
	}
	require.Contains(t, l.prints("sweep", "dismiss", "c1", "--operator", "bob", "--reason", "again"), " by alice (billed by hand):\nnothing was changed.")
	held, err := l.ledger.HeldBack(t.Context(), clinic)
	require.NoError(t, err)
	require.Empty(t, held)

	_, stdout, _ = l.run("sweep", "status")
	require.NotContains(t, stdout, "held back of")
	require.Contains(t, stdout, " by alice: c1\nbilled by hand\n")
}

// TestSweepDismissOfTwo: the same CallId in two apps, or a call and its row.
func TestSweepDismissOfTwo(t *testing.T) {
	l := newLedgerTest(t)
	l.configure("0.12")
	require.NoError(t, l.ledger.HoldBack(t.Context(), clinic, ledger.Held{Key: ledger.HeldCallKey("c1"), CallID: "c1"}))
	require.NoError(t, l.ledger.HoldBack(t.Context(), clinic, ledger.Held{Key: ledger.HeldRowKey("1"), CallID: "c1"}))
	code, _, stderr := l.run("sweep", "dismiss", "c1", "--operator", "alice", "--reason", "billed by hand")
	require.Equal(t, int(ops.Usage), code)
	require.Contains(t, stderr, "name one by its key")
	l.prints("sweep", "dismiss", ledger.HeldRowKey("1")[:8], "--operator", "alice", "--reason", "billed by hand")
	l.prints("sweep", "dismiss", "c1", "--operator", "alice", "--reason", "billed by hand")
}
