package testenv

import (
	"os/exec"
	"testing"
)

// Program finds a program on this machine. ok is false when it has none; see
// the package on when that is a failure. install says how to get it.
func Program(t testing.TB, name, install string) (path string, ok bool) {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		reportMissing(t, name, install)
		return "", false
	}
	return path, true
}
