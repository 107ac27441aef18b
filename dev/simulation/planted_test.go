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
	want := map[string]string{
		"no-unique-key":            checker.Doubled,
		"conflict-charged":         checker.Doubled,
		"reset-charges-again":      checker.Doubled,
		"confirm-before-start":     checker.AcceptedEmpty,
		"ok-before-start":          checker.AcceptedEmpty,
		"no-sweep":                 checker.Lost,
		"watermark-before-reading": checker.Lost,
		"notify-before-charge":     checker.Early,
		"message-id-from-run":      checker.SeveralIDs,
		"swallowed-ledger-error":   checker.Lost,
	}
	bugs, err := planted.Bugs()
	require.NoError(t, err)
	require.Len(t, bugs, len(want))
	root, err := filepath.Abs("../..")
	require.NoError(t, err)
	overlay, err := planted.Overlay(root, t.TempDir())
	require.NoError(t, err)
	binary := filepath.Join(t.TempDir(), "simulation.test")
	output, err := exec.Command("go", "test", "-c", "-overlay", overlay, "-o", binary, ".").CombinedOutput()
	require.NoError(t, err, string(output))
	for _, name := range planted.Names(bugs) {
		t.Run(name, func(t *testing.T) {
			simulation := exec.Command(binary, "-test.run", "TestNights", "-until", want[name], "-seeds", "1..100", "-calls", "40")
			simulation.Env = append(os.Environ(), active.Variable+"="+name)
			output, err := simulation.CombinedOutput()
			require.Error(t, err, "a hundred nights without the finding")
			require.Contains(t, string(output), "finding: "+want[name]+": ")
		})
	}
}
