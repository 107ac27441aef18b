package main

import (
	"testing"

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
