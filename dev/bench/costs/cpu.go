package costs

import (
	"fmt"
	"os"
	"regexp"
	"runtime"
	"strings"
	"time"

	"aftercall/dev/bench/usage"
)

// numbered is the suffix of the second and further ones of several parts.
var numbered = regexp.MustCompile(`-\d+$`)

// cpuNow returns the CPU time that each part has used so far. Those of one kind are
// one part, and PostgreSQL is one for each database, and one for what it does for all.
func (r *run) cpuNow() (at time.Time, parts map[string]time.Duration, err error) {
	parts = map[string]time.Duration{}
	for name, pid := range r.stack.Processes() {
		pids := map[string][]int{numbered.ReplaceAllString(name, ""): {pid}}
		if name == "postgres" {
			pids = byDatabase(pid)
		}
		for part, those := range pids {
			if part == "temporal ui" {
				continue
			}
			used, err := usage.CPU(those)
			if err != nil {
				return at, nil, fmt.Errorf("CPU time of %s: %w", part, err)
			}
			parts[part] += used
		}
	}
	return time.Now(), parts, nil
}

// byDatabase returns the processes of a PostgreSQL server. A backend's title is
// "postgres: user database host(port) state".
func byDatabase(pid int) map[string][]int {
	all := map[string][]int{}
	for _, child := range usage.WithChildren(pid) {
		part := "postgres for all"
		title, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", child))
		if fields := strings.Fields(string(title)); err == nil && len(fields) > 3 && strings.Contains(fields[3], "(") {
			part = "postgres " + fields[2]
		}
		all[part] = append(all[part], child)
	}
	return all
}

func machine() string {
	return fmt.Sprintf("%d processors, %s/%s, %s", runtime.NumCPU(), runtime.GOOS, runtime.GOARCH, time.Now().UTC().Format(time.DateOnly))
}
