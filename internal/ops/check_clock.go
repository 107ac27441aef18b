package ops

import (
	"context"
	"errors"
	"strings"
	"time"

	"aftercall/internal/clock"
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
	return compareClocks(ctx, d.now, d.clockSources())
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

// temporalNow is the time by Temporal's clock, which is read once, and by this
// machine's where it cannot be read: a user who may only look may not poll.
func (d *Deps) temporalNow(ctx context.Context) time.Time {
	d.clockOnce.Do(func() {
		offset, err := d.clockSources()[0].Measure(ctx, d.now)
		if err == nil {
			d.temporalAhead = offset.AtLeast()
		}
	})
	return d.now().Add(-d.temporalAhead)
}
