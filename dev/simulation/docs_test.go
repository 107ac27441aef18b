package simulation

import (
	"os"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestDocumentListsTheFaults: docs/reliability.md has the figures of every kind.
func TestDocumentListsTheFaults(t *testing.T) {
	text, err := os.ReadFile("../../docs/reliability.md")
	require.NoError(t, err)
	for _, fault := range Faults() {
		require.Contains(t, string(text), "| "+string(fault)+" | ")
	}
	require.Contains(t, string(text), "**Lost: 0. Doubled: 0. Other findings: 0.**")
}
