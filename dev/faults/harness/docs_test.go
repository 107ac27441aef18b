package main

import (
	"testing"

	"github.com/stretchr/testify/require"

	"aftercall/internal/testenv/pages"
)

// TestDocumentedCommandsAreValid: make faults has valid ARGS in the docs.
func TestDocumentedCommandsAreValid(t *testing.T) {
	require.Positive(t, pages.RequireValid(t, "../../..", "faults", map[string][]string{"faults": nil}, func() any { return &program{} }))
}
