package main

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"aftercall/dev/local"
	"aftercall/internal/testenv/pages"
)

// TestDocumentedCommandsAreValid: make faults has valid ARGS in the docs.
func TestDocumentedCommandsAreValid(t *testing.T) {
	require.Positive(t, pages.RequireValid(t, "../../..", "faults", map[string][]string{"faults": nil}, func() any { return &program{} }))
}

// TestDocumentListsTheFaults: docs/reliability.md has the results of every fault of both
// topologies.
func TestDocumentListsTheFaults(t *testing.T) {
	text, err := os.ReadFile("../../../docs/reliability.md")
	require.NoError(t, err)
	for _, topology := range []local.Topology{local.Dev, local.Cluster} {
		section := "faults on " + topology.Name
		_, after, begins := strings.Cut(string(text), "<!-- "+section+" -->\n")
		results, _, ends := strings.Cut(after, "<!-- /"+section+" -->")
		require.True(t, begins && ends, section)
		missing := slices.DeleteFunc(catalogue(topology), func(f fault) bool { return strings.Contains(results, "| "+f.String()+" | ") })
		require.Empty(t, describe(missing), section)
	}
}
