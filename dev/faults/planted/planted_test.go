package planted_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"aftercall/dev/faults/planted"
)

// TestEveryPatchFits: a change of the code that a bug is planted in changes its patch.
func TestEveryPatchFits(t *testing.T) {
	root, err := filepath.Abs("../../..")
	require.NoError(t, err)
	_, err = planted.Overlay(root, t.TempDir())
	require.NoError(t, err)

	other := t.TempDir()
	bugs, err := planted.All()
	require.NoError(t, err)
	require.Len(t, bugs, 10)
	for _, folder := range []string{"internal/ledger", "activities", "workflows", "starter/callback"} {
		require.NoError(t, os.MkdirAll(filepath.Join(other, folder), 0o700))
		files, err := filepath.Glob(filepath.Join(root, folder, "*.go"))
		require.NoError(t, err)
		for _, file := range files {
			require.NoError(t, os.WriteFile(filepath.Join(other, folder, filepath.Base(file)), []byte("package changed\n"), 0o600))
		}
	}
	_, err = planted.Overlay(other, t.TempDir())
	require.ErrorContains(t, err, "change the patch")
}
