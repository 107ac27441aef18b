package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"aftercall/dev/local"
)

const (
	// clockOffBy is more than the processes tolerate.
	clockOffBy = 10 * time.Minute
	// noticed bounds how long a process may take to notice.
	noticed = time.Minute
)

// clockFaults give the first starter and the first worker a wrong clock.
func clockFaults() (all []fault) {
	for _, part := range []string{"starter", "worker"} {
		all = append(
			all,
			fault{"10 minutes ahead", "clock of " + part, skewed(part, clockOffBy)},
			fault{"10 minutes behind", "clock of " + part, skewed(part, -clockOffBy)},
		)
	}
	return all
}

// skewed runs a part as a program whose clock is wrong.
func skewed(part string, ahead time.Duration) begin {
	return func(ctx context.Context, w *world) (end, error) {
		if w.skewed == "" {
			return nil, notPossibleError("only make faults builds a program whose clock can be set")
		}
		clock := local.Clock(filepath.Join(w.stack.Dir(), "clock of "+part))
		if err := clock.Set(ahead); err != nil {
			return nil, err
		}
		if err := w.stack.StopPart(part); err != nil {
			return nil, err
		}
		logged, err := w.log(part)
		if err != nil {
			return nil, err
		}
		program := local.Service{Program: w.skewed, Args: []string{part}}
		if err := w.stack.LaunchPart(part, program, clock.Environ()); err != nil {
			return nil, err
		}
		return func(ctx context.Context) error {
			if err := w.stack.StopPart(part); err != nil {
				return err
			}
			return w.stack.StartPart(ctx, part)
		}, w.saysWrongClock(ctx, part, len(logged))
	}
}

// saysWrongClock waits until the log of a part says that its clock is wrong, after its
// first bytes.
func (w *world) saysWrongClock(ctx context.Context, part string, after int) error {
	for began := time.Now(); time.Since(began) < noticed; {
		log, err := w.log(part)
		if err != nil {
			return err
		}
		if strings.Contains(log[after:], "the clock of this machine is 10m0s") {
			return nil
		}
		if err := wait(ctx, 100*time.Millisecond); err != nil {
			return err
		}
	}
	return fmt.Errorf("the %s has not noticed its wrong clock within %s", part, noticed)
}

func (w *world) log(part string) (string, error) {
	text, err := os.ReadFile(filepath.Join(w.stack.Dir(), "logs", part+".log"))
	return string(text), err
}
