package planted_test

import (
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"aftercall/dev/faults/planted"
	"aftercall/dev/faults/planted/active"
)

// TestEveryPatchFits: a change of the code that something is planted in changes its patch.
func TestEveryPatchFits(t *testing.T) {
	root, err := filepath.Abs("../../..")
	require.NoError(t, err)
	_, err = planted.Overlay(root, t.TempDir())
	require.NoError(t, err)
	_, err = planted.OverlayOfLater(root, t.TempDir())
	require.NoError(t, err)

	other := t.TempDir()
	bugs, err := planted.Bugs()
	require.NoError(t, err)
	require.ElementsMatch(t, slices.Collect(maps.Keys(planted.Findings)), planted.Names(bugs))
	points, err := planted.Points()
	require.NoError(t, err)
	require.Len(t, points, 6)
	for _, folder := range []string{"internal/ledger", "activities", "workflows", "starter/callback", "internal/tencent", "internal/attendance"} {
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

// TestKillAt makes a process that is killed at the point that its file names, once.
func TestKillAt(t *testing.T) {
	if os.Getenv(active.PointVariable) != "" {
		active.KillAt("here")
		return
	}
	file := filepath.Join(t.TempDir(), "point")
	killed := func() bool {
		process := exec.CommandContext(t.Context(), os.Args[0], "-test.run", "TestKillAt")
		process.Env = append(os.Environ(), active.PointVariable+"="+file)
		err := process.Run()
		return err != nil && process.ProcessState.String() == "signal: killed"
	}
	require.False(t, killed(), "no file")
	require.NoError(t, os.WriteFile(file, []byte("there"), 0o600))
	require.False(t, killed())
	require.NoError(t, os.WriteFile(file, []byte("here"), 0o600))
	require.True(t, killed())
	require.False(t, killed())
}
