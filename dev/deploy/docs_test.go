package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"aftercall/internal/testenv/pages"
)

// TestDocumentedCommandsAreValid: make chart and make manifests have valid ARGS in the
// docs, for somebody who has the files that these name.
func TestDocumentedCommandsAreValid(t *testing.T) {
	root, err := filepath.Abs("../..")
	require.NoError(t, err)
	t.Chdir(t.TempDir())
	require.NoError(t, os.Symlink(filepath.Join(root, "dev"), "dev"))
	require.NoError(t, os.WriteFile("my.yaml", nil, 0o600))
	targets := map[string][]string{"chart": {"chart", "--time", "2026-01-01T00:00:00Z"}, "manifests": {"manifests", "--out", "dist/manifests"}}
	require.Equal(t, 2, pages.RequireValid(t, root, "deploy", targets, func() any { return &commands{} }))
}
