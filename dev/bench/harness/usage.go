package harness

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// clockTick is how many ticks a second of CPU time has in /proc. Linux tells
// userland 100 on every architecture that Go knows.
const clockTick = 100

// cpu is what processes have used so far, with the children that have ended.
func cpu(pids []int) (time.Duration, error) {
	var ticks uint64
	for _, pid := range pids {
		data, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if ended(err) {
			continue // its parent's figures hold what it used
		}
		if err != nil {
			return 0, err
		}
		used, err := parseStat(string(data))
		if err != nil {
			return 0, fmt.Errorf("/proc/%d/stat: %w", pid, err)
		}
		ticks += used
	}
	return time.Duration(ticks) * time.Second / clockTick, nil
}

// ended reports whether a process ended before its file in /proc was opened, or read.
func ended(err error) bool { return errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ESRCH) }

// parseStat sums utime, stime, cutime and cstime, fields 14 to 17. The name,
// in parentheses, may hold anything.
func parseStat(stat string) (ticks uint64, err error) {
	end := strings.LastIndexByte(stat, ')')
	fields := strings.Fields(stat[end+1:])
	const first = 14 - 3 // fields counts from field 3
	if end < 0 || len(fields) < first+4 {
		return 0, errors.New("is not what proc(5) says")
	}
	for _, field := range fields[first : first+4] {
		n, err := strconv.ParseUint(field, 10, 64)
		if err != nil {
			return 0, err
		}
		ticks += n
	}
	return ticks, nil
}

// withChildren adds the processes below pid, which is how PostgreSQL works.
func withChildren(pid int) []int {
	all := []int{pid}
	tasks, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	for _, task := range tasks {
		data, err := os.ReadFile(task)
		if err != nil {
			continue // ended meanwhile
		}
		for _, field := range strings.Fields(string(data)) {
			if child, err := strconv.Atoi(field); err == nil {
				all = append(all, withChildren(child)...)
			}
		}
	}
	return all
}

// memory is the resident memory of processes in bytes: proportional, so that
// what PostgreSQL's processes share counts once.
func memory(pids []int) (int64, error) {
	var sum int64
	for _, pid := range pids {
		data, err := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", pid))
		if ended(err) {
			continue
		}
		if err != nil {
			return 0, err
		}
		kib, err := parseKiB(string(data), "Pss:")
		if err != nil {
			return 0, fmt.Errorf("/proc/%d/smaps_rollup: %w", pid, err)
		}
		sum += kib << 10
	}
	return sum, nil
}

// parseKiB finds a line such as "Pss:   123 kB".
func parseKiB(text, name string) (int64, error) {
	for line := range strings.Lines(text) {
		if rest, ok := strings.CutPrefix(line, name); ok {
			return strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(rest), "kB")), 10, 64)
		}
	}
	return 0, fmt.Errorf("has no %s", name)
}
