package main

import (
	"testing"

	"github.com/stretchr/testify/require"

	"aftercall/internal/testenv/pages"
)

// TestDocumentedCommandsAreValid: every make target of the stack in README and docs has
// valid ARGS.
func TestDocumentedCommandsAreValid(t *testing.T) {
	targets := map[string][]string{"dev": {"up"}, "cluster": {"up", "--topology", "cluster"}, "demo": {"demo"}, "call": {"call"}}
	t.Chdir("..")
	require.Greater(t, pages.RequireValid(t, ".", "stack", targets, func() any { return &cli{} }), 3)
}
