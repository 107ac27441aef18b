// Package usage reads from /proc what processes use.
package usage

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

// clockTick is the number of ticks per second of CPU time in /proc. Linux reports
// 100 to user space on every architecture that Go supports.
const clockTick = 100

// CPU returns the CPU time that processes and their ended children have used.
func CPU(pids []int) (time.Duration, error) {
	var ticks uint64
	for _, pid := range pids {
		data, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if ended(err) {
			continue // counted with its parent
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

// parseStat returns the sum of utime, stime, cutime and cstime, fields 14 to 17.
// The name, in parentheses, may contain any character.
func parseStat(stat string) (ticks uint64, err error) {
	end := strings.LastIndexByte(stat, ')')
	fields := strings.Fields(stat[end+1:])
	const first = 14 - 3 // fields counts from field 3
	if end < 0 || len(fields) < first+4 {
		return 0, errors.New("not in the format of proc(5)")
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

// WithChildren returns pid and its descendants: PostgreSQL works in child processes.
func WithChildren(pid int) []int {
	all := []int{pid}
	tasks, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	for _, task := range tasks {
		data, err := os.ReadFile(task)
		if err != nil {
			continue // it has ended
		}
		for _, field := range strings.Fields(string(data)) {
			if child, err := strconv.Atoi(field); err == nil {
				all = append(all, WithChildren(child)...)
			}
		}
	}
	return all
}

// Memory returns the proportional set size of processes in bytes, which counts
// memory shared by PostgreSQL's processes only once.
func Memory(pids []int) (int64, error) {
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

// parseKiB returns the value of a line such as "Pss:   123 kB".
func parseKiB(text, name string) (int64, error) {
	for line := range strings.Lines(text) {
		if rest, ok := strings.CutPrefix(line, name); ok {
			return strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(rest), "kB")), 10, 64)
		}
	}
	return 0, fmt.Errorf("no line %s", name)
}
