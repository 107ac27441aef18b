package testenv

import (
	"os/exec"
	"testing"
)

// Command finds a program that runs samples of the documentation, such as node.
// ok is false, after telling so, on a machine without it.
func Command(t testing.TB, name string) (path string, ok bool) {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		missing(t, name, "install it to run the samples of the documentation")
		return "", false
	}
	return path, true
}
