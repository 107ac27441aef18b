package testenv

import (
	"errors"
	"os/exec"
	"path/filepath"
	"testing"

	"aftercall/internal/testenv/programs"
)

// Program finds a program on this machine, by its name or its path. ok is false
// when it has none; see the package on when that is a failure. install says how
// to get it.
func Program(t testing.TB, program, install string) (path string, ok bool) {
	t.Helper()
	path, err := exec.LookPath(program)
	if err != nil {
		reportMissing(t, filepath.Base(program), install)
		return "", false
	}
	return path, true
}

// Programs reports whether this machine has all programs of the package programs,
// under the same conditions.
func Programs(t testing.TB) bool {
	t.Helper()
	err := programs.Check()
	if missing := (*programs.MissingError)(nil); errors.As(err, &missing) {
		reportMissing(t, missing.Name, err.Error())
		return false
	}
	return true
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
