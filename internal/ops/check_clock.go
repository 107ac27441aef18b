package ops

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"aftercall/internal/clock"
	"aftercall/internal/presence"
	"aftercall/internal/temporalclient"
)

// clockSources are the systems whose clocks matter.
func (d *Deps) clockSources() []clock.Source {
	return []clock.Source{
		{Name: clock.Temporal, Read: func(ctx context.Context) (time.Time, error) {
			c, namespace, err := d.Temporal()
			if err != nil {
				return time.Time{}, err
			}
			return temporalclient.Now(ctx, c, namespace)
		}},
		{Name: clock.Ledger, Read: func(ctx context.Context) (time.Time, error) {
			l, err := d.Ledger(ctx)
			if err != nil {
				return time.Time{}, err
			}
			return l.Now(ctx)
		}},
		{Name: clock.Redis, Read: func(ctx context.Context) (time.Time, error) {
			_, guard, err := d.Redis()
			if err != nil {
				return time.Time{}, err
			}
			return guard.Now(ctx)
		}},
	}
}

// probeClock compares the clock of this machine with those of the systems it works with.
func probeClock(ctx context.Context, d *Deps) (string, error) {
	return compareClocks(ctx, d.machineNow, d.clockSources())
}

// probeProcessClocks looks at what starters and workers report of their clocks.
func probeProcessClocks(ctx context.Context, d *Deps) (string, error) {
	_, guard, err := d.Redis()
	if err != nil {
		return "", err
	}
	var living []presence.Process
	for _, role := range []presence.Role{presence.Starter, presence.Worker} {
		found, err := presence.Processes(ctx, guard, role)
		if err != nil {
			return "", cannotTell("try again in some seconds", "Redis does not say: %w", err)
		}
		living = append(living, slices.DeleteFunc(found, func(p presence.Process) bool { return !p.Alive() })...)
	}
	return judgeProcessClocks(living)
}

// judgeProcessClocks names the processes whose clock is off.
func judgeProcessClocks(living []presence.Process) (string, error) {
	var off []string
	worst := time.Duration(0)
	for _, p := range living {
		if p.Ahead.Abs() > clock.Tolerated {
			off = append(off, fmt.Sprintf("the clock of the %s is %s the others", p.Name(), clock.Describe(p.Ahead)))
			worst = max(worst, p.Ahead.Abs())
		}
	}
	if len(off) == 0 {
		return fmt.Sprintf("those of %d starters and workers are right", len(living)), nil
	}
	found := strings.Join(slices.Compact(off), "; ")
	if worst > clock.Wrong {
		return "", Errorf(Failed, clock.Cure+"; until then such a worker takes no tasks", "%s", found)
	}
	return "", warn(clock.Cure, "%s", found)
}

// compareClocks reports the greatest difference. That a system cannot be asked is a
// finding of its own probe.
func compareClocks(ctx context.Context, now func() time.Time, sources []clock.Source) (string, error) {
	var asked []string
	var worst clock.Source
	var ahead time.Duration
	var errs []error
	for _, source := range sources {
		offset, err := source.Measure(ctx, now)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		asked = append(asked, source.Name)
		if offset.AtLeast().Abs() > ahead.Abs() {
			worst, ahead = source, offset.AtLeast()
		}
	}
	difference := "the clock of this machine is " + clock.Describe(ahead) + " that of " + worst.Name
	switch {
	case len(asked) == 0:
		return "", cannotTell("", "no other clock can be read: %w", errors.Join(errs...))
	case ahead.Abs() > clock.Wrong:
		return "", Errorf(Failed, clock.Cure+"; or on the machine of "+worst.Name+", if that one is wrong", "%s", difference)
	case ahead.Abs() > clock.Tolerated:
		return "", warn(clock.Cure+"; or on the machine of "+worst.Name+", if that one is wrong", "%s", difference)
	}
	return "this machine agrees with " + strings.Join(asked, ", "), nil
}

// now is the time by the first clock that can be read, once: that of Temporal, the
// ledger's database, Redis, or else of this machine, which may be wrong.
func (d *Deps) now(ctx context.Context) time.Time {
	d.aheadOnce.Do(func() {
		for _, source := range d.clockSources() {
			if offset, err := source.Measure(ctx, d.machineNow); err == nil {
				d.ahead = offset.AtLeast()
				return
			}
		}
	})
	return d.machineNow().Add(-d.ahead)
}
