package testenv

import (
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

// Programs reports whether this machine has these programs of the package programs,
// under the same conditions.
func Programs(t testing.TB, names ...string) bool {
	t.Helper()
	all := true
	for _, name := range names {
		if err := programs.Check(name); err != nil {
			reportMissing(t, name, err.Error())
			all = false
		}
	}
	return all
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
