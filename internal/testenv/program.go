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

// PythonModule finds a python3 that has a module, under the same conditions.
func PythonModule(t testing.TB, module string) (python string, ok bool) {
	t.Helper()
	python, ok = Program(t, "python3", "install it")
	if !ok {
		return "", false
	}
	if err := exec.CommandContext(t.Context(), python, "-c", "import "+module).Run(); err != nil {
		reportMissing(t, "python3-"+module, "pip install "+module)
		return "", false
	}
	return python, true
}
