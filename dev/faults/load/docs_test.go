package main

import (
	"testing"

	"github.com/stretchr/testify/require"

	"aftercall/internal/testenv/pages"
)

// TestDocumentedCommandsAreValid: make load has valid ARGS in the docs.
func TestDocumentedCommandsAreValid(t *testing.T) {
	require.Positive(t, pages.RequireValid(t, "../../..", "load", map[string][]string{"load": nil}, func() any { return &cli{} }))
}
