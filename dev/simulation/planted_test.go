package simulation

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"aftercall/dev/faults/checker"
	"aftercall/dev/faults/planted"
	"aftercall/dev/faults/planted/active"
)

// TestPlantedBugsAreFound proves the checker: with each of the bugs that are patched
// into a build, some night has the finding that it must have.
func TestPlantedBugsAreFound(t *testing.T) {
	bugs, err := planted.Bugs()
	require.NoError(t, err)
	root, err := filepath.Abs("../..")
	require.NoError(t, err)
	overlay, err := planted.Overlay(root, t.TempDir())
	require.NoError(t, err)
	binary := filepath.Join(t.TempDir(), "simulation.test")
	output, err := exec.Command("go", "test", "-c", "-overlay", overlay, "-o", binary, ".").CombinedOutput()
	require.NoError(t, err, string(output))
	output, err = exec.Command(binary, "-test.run", "TestNights", "-seeds", "1..5", "-calls", "40").CombinedOutput()
	require.NoError(t, err, "none of them is on:\n%s", output)
	for _, name := range planted.Names(bugs) {
		t.Run(name, func(t *testing.T) {
			want := planted.Findings[name]
			finding := "finding: " + want + ": "
			if want == checker.Leaked { // which package synctest finds before the checker could
				finding = "blocked goroutines remain"
			}
			simulation := exec.Command(binary, "-test.run", "TestNights", "-until", want, "-seeds", "1..100", "-calls", "40")
			simulation.Env = append(os.Environ(), active.Variable+"="+name)
			output, err := simulation.CombinedOutput()
			require.Error(t, err, "a hundred nights without the finding")
			require.Contains(t, string(output), finding)
		})
	}
}
