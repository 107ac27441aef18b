package local

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// BuildSkewed builds aftercall with a time.Now that can be set, in folder, and returns
// its path. No library does that for Go, which does not ask libc for the time: so the
// standard library is compiled with another one.
func BuildSkewed(ctx context.Context, root, folder string) (program string, err error) {
	goroot, err := exec.CommandContext(ctx, "go", "env", "GOROOT").Output()
	if err != nil {
		return "", err
	}
	source := filepath.Join(strings.TrimSpace(string(goroot)), "src", "time")
	text, err := os.ReadFile(filepath.Join(source, "time.go"))
	if err != nil {
		return "", err
	}
	const reading = "\tsec, nsec, mono := runtimeNow()\n" // in Now
	if strings.Count(string(text), reading) != 1 {
		return "", errors.New("time.Now of this release of Go is another one")
	}
	changed := filepath.Join(folder, "time.go")
	if err := os.WriteFile(changed, []byte(strings.Replace(string(text), reading, reading+"\tsec += clockAhead.Load()\n", 1)), 0o600); err != nil {
		return "", err
	}
	skew, err := filepath.Abs(filepath.Join(root, "dev", "local", "testdata", "clock", "skew.go"))
	if err != nil {
		return "", err
	}
	overlay, err := json.Marshal(map[string]map[string]string{"Replace": {
		filepath.Join(source, "time.go"):            changed,
		filepath.Join(source, "aftercall_clock.go"): skew,
	}})
	if err != nil {
		return "", err
	}
	file, program := filepath.Join(folder, "overlay.json"), filepath.Join(folder, "aftercall")
	if err := os.WriteFile(file, overlay, 0o600); err != nil {
		return "", err
	}
	build := exec.CommandContext(ctx, "go", "build", "-overlay", file, "-o", program, ".")
	build.Dir = root
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build with another clock: %w\n%s", err, out)
	}
	return program, nil
}

// Clock is the clock of a process that BuildSkewed made: a file.
type Clock string

// Environ makes a process use the clock.
func (c Clock) Environ() map[string]string {
	return map[string]string{"AFTERCALL_TEST_CLOCK": string(c)}
}

// Set puts the clock ahead of that of the machine, or behind it.
func (c Clock) Set(ahead time.Duration) error {
	next := string(c) + ".next"
	if err := os.WriteFile(next, []byte(strconv.Itoa(int(ahead.Seconds()))), 0o600); err != nil {
		return err
	}
	return os.Rename(next, string(c))
}
