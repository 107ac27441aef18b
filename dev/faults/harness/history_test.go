package main

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"aftercall/dev/faults/checker"
)

// TestOperationUnderWay: evidence that is collected while a person's command is under way
// has the command, because it may already have the effect.
func TestOperationUnderWay(t *testing.T) {
	h := newHistory()
	end := h.begin(checker.Operation{CallID: "call", Kind: checker.OpUndo})
	require.Len(t, h.all(), 1)
	require.Equal(t, checker.Unknown, h.all()[0].Outcome)
	end(checker.Succeeded)
	require.Len(t, h.all(), 1)
	require.Equal(t, checker.Succeeded, h.all()[0].Outcome)
	require.False(t, h.all()[0].Returned.Before(h.all()[0].Called))
}

// TestReadMeanwhile: evidence is as of one read of the ledger. What another read saw a
// moment later is not in it, and was taken for impossible.
func TestReadMeanwhile(t *testing.T) {
	h := newHistory()
	at := func(seconds int) time.Time { return time.Unix(int64(seconds), 0) }
	charge := []checker.Entry{{Key: "charge:1:call"}}
	h.read(checker.Operation{CallID: "call", Kind: checker.OpRead, Called: at(1), Returned: at(2)})
	h.begin(checker.Operation{CallID: "call", Kind: checker.OpAdjust})
	h.read(checker.Operation{CallID: "call", Kind: checker.OpRead, Called: at(3), Returned: at(6)})
	h.read(checker.Operation{CallID: "call", Kind: checker.OpRead, Called: at(4), Returned: at(5), Entries: charge})
	for _, o := range h.until(at(3)) {
		require.Empty(t, o.Entries)
	}
	require.Len(t, h.until(at(3)), 3, "the read before, the command, and the read itself")
	require.Contains(t, h.until(at(7)), checker.Operation{CallID: "call", Kind: checker.OpRead, Called: at(4), Returned: at(5), Entries: charge})
}
