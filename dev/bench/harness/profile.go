package harness

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
)

// noProfileError says why there is no profile.
type noProfileError struct{ reason string }

func (e *noProfileError) Error() string { return "not measured: " + e.reason }

// listShare is the share of the Temporal server's CPU time, while do runs, that it spent
// in writes to its list of workflows. It needs Linux's perf: the server has no profiler
// that its command line can start. The error is a *noProfileError without one.
func (d *deployment) listShare(ctx context.Context, do func() error) (share float64, err error) {
	perf, err := exec.LookPath("perf")
	if err != nil {
		return 0, &noProfileError{"perf is not installed"}
	}
	data := filepath.Join(d.dir, "perf.data")
	record, err := start(command{name: "perf", path: perf, args: []string{
		"record", "-q", "-F", "99", "-g", "-p", strconv.Itoa(d.temporalPids()[0]), "-o", data,
	}}, d.dir)
	if err != nil {
		return 0, err
	}
	err = do()
	ended := record.stopped()
	if stop := record.stop(syscall.SIGINT); err == nil && stop != nil {
		err = stop
	}
	if err != nil {
		return 0, err
	}
	if ended {
		return 0, &noProfileError{"perf may not profile; its output is in " + record.log.Name()}
	}
	script := exec.CommandContext(ctx, perf, "script", "-F", "ip,sym", "-i", data)
	stacks, err := script.StdoutPipe()
	if err != nil {
		return 0, err
	}
	if err := script.Start(); err != nil {
		return 0, err
	}
	all, list, err := countStacks(stacks)
	if err = errors.Join(err, script.Wait()); err != nil {
		return 0, err
	}
	if all == 0 {
		return 0, &noProfileError{"perf has no samples"}
	}
	return float64(list) / float64(all), nil
}

// listWrites are the functions of the server that write to the list of workflows.
var listWrites = regexp.MustCompile(`sqlite\.\(\*db\)\.\w+(Into|From)Visibility`)

// countStacks counts the stacks that perf prints, with an empty line after each, and
// those of writes to the list.
func countStacks(r io.Reader) (all, list int, err error) {
	lines := bufio.NewScanner(r)
	frames, listed := 0, false
	end := func() {
		if frames > 0 {
			all++
			if listed {
				list++
			}
		}
		frames, listed = 0, false
	}
	for lines.Scan() {
		if strings.TrimSpace(lines.Text()) == "" {
			end()
			continue
		}
		frames++
		listed = listed || listWrites.MatchString(lines.Text())
	}
	end()
	if err := lines.Err(); err != nil {
		return 0, 0, fmt.Errorf("read the profile: %w", err)
	}
	return all, list, nil
}
