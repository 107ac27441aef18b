package main

import (
	"testing"

	"github.com/stretchr/testify/require"

	"aftercall/internal/testenv/pages"
)

// TestDocumentedCommandsAreValid: make bench has valid ARGS in the docs.
func TestDocumentedCommandsAreValid(t *testing.T) {
	require.Positive(t, pages.RequireValid(t, "../..", "bench", map[string][]string{"bench": nil}, func() any { return &cli{} }))
}
