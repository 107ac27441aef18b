package local

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

const (
	// startTimeout bounds how long a part may take to start. An idle machine takes
	// seconds; a busy one may need many times as long.
	startTimeout = 3 * time.Minute
	// stopTimeout is how long a part may take to end before it is killed.
	stopTimeout = time.Minute
)

// Service runs the starter or the worker until ctx ends.
type Service func(ctx context.Context, environ map[string]string, stderr io.Writer) error

// Binary returns a Service that runs in its own process, as in production.
func Binary(path string) Service {
	return func(ctx context.Context, environ map[string]string, stderr io.Writer) error {
		cmd := command(path, nil, environ, stderr)
		if err := cmd.Start(); err != nil {
			return err
		}
		return waitOrStop(ctx, cmd)
	}
}

// command returns a process in its own group. Ctrl-C in a terminal is sent to
// every process of the foreground group, but the stack stops its parts in order.
func command(path string, args []string, environ map[string]string, out io.Writer) *exec.Cmd {
	cmd := exec.Command(path, args...)
	cmd.Stdout, cmd.Stderr = out, out
	cmd.SysProcAttr = ownGroup()
	if environ != nil {
		cmd.Env = []string{}
		for k, v := range environ {
			cmd.Env = append(cmd.Env, k+"="+v)
		}
	}
	return cmd
}

// waitOrStop waits for a process. When ctx ends it sends SIGTERM, and kills the
// process if it does not end.
func waitOrStop(ctx context.Context, cmd *exec.Cmd) error {
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	select {
	case err := <-done:
		if err == nil {
			return errors.New("it exited with code 0")
		}
		return err
	case <-ctx.Done():
	}
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	select {
	case err := <-done:
		return err
	case <-time.After(stopTimeout):
		return errors.Join(fmt.Errorf("killed because it did not end within %s", stopTimeout), cmd.Process.Kill(), <-done)
	}
}

// spawn runs a third-party server, with its output in a log file.
func (s *Stack) spawn(name, path string, args []string, environ map[string]string) error {
	return s.run(name, func(ctx context.Context, log io.Writer) error {
		cmd := command(path, args, environ, log)
		if err := cmd.Start(); err != nil {
			return err
		}
		// Third-party servers may report the signal as an error.
		err := waitOrStop(ctx, cmd)
		if exit := new(exec.ExitError); ctx.Err() != nil && errors.As(err, &exit) {
			return nil
		}
		return err
	})
}

// run runs a part in the background until the stack stops it. If the part ends
// earlier, that is a failure of the stack.
func (s *Stack) run(name string, part func(ctx context.Context, log io.Writer) error) error {
	log, err := os.OpenFile(s.logPath(name), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return fmt.Errorf("log of %s: %w", name, err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() {
		err := part(ctx, log)
		if ctx.Err() == nil {
			s.fail(fmt.Errorf("%s ended unexpectedly: %w: see %s", name, err, s.logPath(name)))
		}
		ended <- err
	}()
	s.onStop(name, func(context.Context) error {
		cancel()
		return errors.Join(<-ended, log.Close())
	})
	return nil
}

// stopper stops one part.
type stopper struct {
	name string
	stop func(context.Context) error
}

func (s *Stack) onStop(name string, stop func(context.Context) error) {
	s.stoppers = append(s.stoppers, stopper{name, stop})
}

// StopPart stops one part; the others continue.
func (s *Stack) StopPart(name string) error {
	i := slices.IndexFunc(s.stoppers, func(p stopper) bool { return p.name == name })
	if i < 0 {
		return fmt.Errorf("the stack has no part %q", name)
	}
	part := s.stoppers[i]
	s.stoppers = slices.Delete(s.stoppers, i, i+1)
	return part.stop(context.Background())
}

// Stop stops everything that was started, in reverse order.
func (s *Stack) Stop(ctx context.Context) error {
	var errs []error
	for _, part := range slices.Backward(s.stoppers) {
		if err := part.stop(ctx); err != nil {
			errs = append(errs, fmt.Errorf("stop %s: %w", part.name, err))
		}
	}
	s.stoppers = nil
	return errors.Join(errs...)
}

func (s *Stack) logPath(name string) string {
	return filepath.Join(s.dir, "logs", strings.ReplaceAll(name, " ", "-")+".log")
}
