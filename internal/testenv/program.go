package testenv

import (
	"os/exec"
	"testing"
)

// Program finds a program on this machine. ok is false when it has none; see
// the package on when that is a failure. cure says how to install it.
func Program(t testing.TB, name, cure string) (path string, ok bool) {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		missing(t, name, cure)
		return "", false
	}
	return path, true
}
