package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"aftercall/internal/testenv/pages"
)

// TestDocumentedCommandsAreValid: make push-image has valid ARGS in the docs, for somebody
// who has built the image.
func TestDocumentedCommandsAreValid(t *testing.T) {
	root, err := filepath.Abs("../..")
	require.NoError(t, err)
	t.Chdir(t.TempDir())
	require.NoError(t, os.MkdirAll("dist/image", 0o700))
	require.Positive(t, pages.RequireValid(t, root, "release", map[string][]string{"push-image": {"push", "dist/image"}}, func() any { return &commands{} }))
}
