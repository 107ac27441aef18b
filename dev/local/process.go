package local

import (
	"cmp"
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

	"aftercall/internal/testenv/programs"
)

const (
	// startTimeout bounds how long a part may take to start. An idle machine takes
	// seconds; a busy one may need many times as long.
	startTimeout = 3 * time.Minute
	// stopTimeout is how long a part may take to end before it is killed.
	stopTimeout = time.Minute
)

// errKilled is the cause why a part is to end at once.
var errKilled = errors.New("killed")

// runProgram runs a program until ctx ends. Its environment is that of program
// if environ is nil.
func (s *Stack) runProgram(ctx context.Context, name string, program programs.Server, environ map[string]string, log io.Writer) error {
	cmd := program.Command()
	cmd.Stdout, cmd.Stderr = log, log
	if environ != nil {
		cmd.Env = []string{}
		for k, v := range environ {
			cmd.Env = append(cmd.Env, k+"="+v)
		}
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	s.processes.Store(name, cmd.Process)
	defer s.processes.Delete(name)
	return waitOrStop(ctx, cmd, cmp.Or(program.StopSignal, syscall.SIGTERM))
}

// waitOrStop waits for a process. When ctx ends it sends the signal, and kills the
// process if it does not end, or at once if the cause is errKilled.
func waitOrStop(ctx context.Context, cmd *exec.Cmd, stop syscall.Signal) error {
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
	killed := errors.Is(context.Cause(ctx), errKilled)
	if killed {
		stop = syscall.SIGKILL
	}
	if err := cmd.Process.Signal(stop); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	select {
	case err := <-done:
		if killed && errors.As(err, new(*exec.ExitError)) {
			return nil
		}
		return err
	case <-time.After(stopTimeout):
		return errors.Join(fmt.Errorf("killed because it did not end within %s", stopTimeout), cmd.Process.Kill(), <-done)
	}
}

// spawn runs a third-party server, with its output in a log file.
func (s *Stack) spawn(name string, program programs.Server) error {
	return s.run(name, func(ctx context.Context, log io.Writer) error {
		err := s.runProgram(ctx, name, program, nil, log)
		// Third-party servers may report the signal as an error.
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
	ctx, cancel := context.WithCancelCause(context.Background())
	ended := make(chan error, 1)
	go func() {
		err := part(ctx, log)
		if ctx.Err() == nil {
			s.fail(fmt.Errorf("%s ended unexpectedly: %w: see %s", name, err, s.logPath(name)))
		}
		ended <- err
	}()
	s.onStop(name, func(ctx context.Context) error {
		cancel(context.Cause(ctx))
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

// StartPart starts one part that was stopped or killed.
func (s *Stack) StartPart(ctx context.Context, name string) error {
	parts := s.parts()
	i := slices.IndexFunc(parts, func(p part) bool { return p.name == name })
	if i < 0 {
		return fmt.Errorf("the stack has no part %q", name)
	}
	return parts[i].start(ctx)
}

// StopPart stops one part; the others continue.
func (s *Stack) StopPart(name string) error { return s.endPart(context.Background(), name) }

// KillPart ends the process of a part with SIGKILL; the others continue.
func (s *Stack) KillPart(name string) error {
	if _, err := s.process(name); err != nil {
		return err
	}
	ctx, cancel := context.WithCancelCause(context.Background())
	cancel(errKilled)
	return s.endPart(ctx, name)
}

func (s *Stack) endPart(ctx context.Context, name string) error {
	i := slices.IndexFunc(s.stoppers, func(p stopper) bool { return p.name == name })
	if i < 0 {
		return fmt.Errorf("the stack has no running part %q", name)
	}
	part := s.stoppers[i]
	s.stoppers = slices.Delete(s.stoppers, i, i+1)
	return part.stop(ctx)
}

// Signal sends a signal to the process of a part.
func (s *Stack) Signal(name string, signal syscall.Signal) error {
	process, err := s.process(name)
	if err != nil {
		return err
	}
	return process.Signal(signal)
}

func (s *Stack) process(name string) (*os.Process, error) {
	process, ok := s.processes.Load(name)
	if !ok {
		return nil, fmt.Errorf("part %q is not a running process", name)
	}
	return process.(*os.Process), nil
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

// await polls until a part answers, the stack fails, or startTimeout is over.
func (s *Stack) await(ctx context.Context, name string, ask func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	for {
		err := ask(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s did not start: %w", name, errors.Join(err, ctx.Err()))
		case err := <-s.failed:
			return err
		case <-time.After(50 * time.Millisecond):
		}
	}
}
