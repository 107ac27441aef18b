package local_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// buildSkewed builds aftercall with a time.Now that can be set, and returns its path. No
// library does that for Go, which does not ask libc for the time: so the standard library
// is compiled with another one.
func buildSkewed(t *testing.T) string {
	t.Helper()
	goroot, err := exec.CommandContext(t.Context(), "go", "env", "GOROOT").Output()
	require.NoError(t, err)
	source := filepath.Join(strings.TrimSpace(string(goroot)), "src", "time")
	text, err := os.ReadFile(filepath.Join(source, "time.go"))
	require.NoError(t, err)
	const reading = "\tsec, nsec, mono := runtimeNow()\n" // in Now
	require.Equal(t, 1, strings.Count(string(text), reading), "time.Now of this release of Go is another one")

	dir := t.TempDir()
	changed := filepath.Join(dir, "time.go")
	require.NoError(t, os.WriteFile(changed, []byte(strings.Replace(string(text), reading, reading+"\tsec += clockAhead.Load()\n", 1)), 0o600))
	skew, err := filepath.Abs(filepath.Join("testdata", "clock", "skew.go"))
	require.NoError(t, err)
	overlay, err := json.Marshal(map[string]map[string]string{"Replace": {
		filepath.Join(source, "time.go"):            changed,
		filepath.Join(source, "aftercall_clock.go"): skew,
	}})
	require.NoError(t, err)
	file, program := filepath.Join(dir, "overlay.json"), filepath.Join(dir, "aftercall")
	require.NoError(t, os.WriteFile(file, overlay, 0o600))
	build := exec.CommandContext(t.Context(), "go", "build", "-overlay", file, "-o", program, ".")
	build.Dir = root
	out, err := build.CombinedOutput()
	require.NoError(t, err, string(out))
	return program
}

// testClock is the clock of a process that buildSkewed made.
type testClock struct {
	t    *testing.T
	file string
}

func newTestClock(t *testing.T) testClock {
	t.Helper()
	return testClock{t, filepath.Join(t.TempDir(), "clock")}
}

// environ makes a process use the clock.
func (c testClock) environ() map[string]string {
	return map[string]string{"AFTERCALL_TEST_CLOCK": c.file}
}

// set puts the clock ahead of that of the machine, or behind it.
func (c testClock) set(ahead time.Duration) {
	c.t.Helper()
	next := c.file + ".next"
	require.NoError(c.t, os.WriteFile(next, []byte(strconv.Itoa(int(ahead.Seconds()))), 0o600))
	require.NoError(c.t, os.Rename(next, c.file))
}
