package harness

import (
	"context"
	"errors"
	"fmt"
	"slices"
)

// comparison are figures of ours and of something bare that took turns.
type comparison struct{ ours, bare []float64 }

// compare measures both in turns, and who begins takes turns too: a machine
// that slows down meanwhile slows both.
func compare(tries int, ours, bare func() (float64, error)) (c comparison, err error) {
	turns := []struct {
		figures *[]float64
		measure func() (float64, error)
	}{{&c.ours, ours}, {&c.bare, bare}}
	for try := range tries {
		for _, turn := range turns {
			figure, err := turn.measure()
			if err != nil {
				return c, fmt.Errorf("turn %d of %d: %w", try+1, tries, err)
			}
			*turn.figures = append(*turn.figures, figure)
		}
		slices.Reverse(turns)
	}
	return c, nil
}

// ratio compares pair by pair: the median, the lowest and the highest.
func (c comparison) ratio() (median, lowest, highest float64) {
	ratios := make([]float64, len(c.ours))
	for i := range ratios {
		ratios[i] = c.ours[i] / c.bare[i]
	}
	return middle(ratios), slices.Min(ratios), slices.Max(ratios)
}

func (c comparison) target(figure string, atLeast float64) Target {
	r, lowest, highest := c.ratio()
	return Target{
		figure, fmt.Sprintf("≥ %.2f ×", atLeast),
		fmt.Sprintf("%.2f × (%.2f–%.2f; %.0f/s against %.0f/s)", r, lowest, highest, middle(c.ours), middle(c.bare)), r >= atLeast,
	}
}

// burned is the CPU of burn-downs, in milliseconds per call: of service and
// Temporal, and of the databases behind them.
type burned struct{ cpu, databases []float64 }

func (b burned) String() string {
	return fmt.Sprintf("%.1f ms (%.1f–%.1f), and %.1f ms of the databases", middle(b.cpu), slices.Min(b.cpu), slices.Max(b.cpu), middle(b.databases))
}

// BurnDown compares burn-downs of ours with those of the plain form, on servers with the
// same settings.
func (b *Bench) BurnDown(ctx context.Context, calls int) (targets []Target, err error) {
	load := Load{Name: BurnDown, Calls: calls, Deliveries: 1}
	var plays []*play
	for _, c := range []Contestant{{Name: Ours, Temporal: true, Ours: true}, {Name: Plain, Temporal: true}} {
		p, err := b.start(ctx, c)
		if err != nil {
			return nil, err
		}
		defer func() { err = errors.Join(err, p.stop()) }()
		if _, err := p.run(ctx, Load{Name: "warm-up", Calls: 200, Deliveries: 1}); err != nil {
			return nil, err
		}
		plays = append(plays, p)
	}
	var ours, plain burned
	rate := func(p *play, b *burned) func() (float64, error) {
		return func() (float64, error) {
			r, err := p.run(ctx, load)
			if err == nil && !r.Verdict.Clean() {
				err = fmt.Errorf("%s: %+v", p.contestant.Name, r.Verdict)
			}
			b.cpu = append(b.cpu, ms(r.ServiceCPU+r.TemporalCPU))
			b.databases = append(b.databases, ms(r.ServerCPU-r.TemporalCPU))
			return r.PerSecond, err
		}
	}
	rates, err := compare(longTries, rate(plays[0], &ours), rate(plays[1], &plain))
	if err != nil {
		return nil, err
	}
	// The target was set on a machine where the plain form took 25 ms. Of another
	// machine the quotient says more than the milliseconds.
	const most, ofPlain = 7, 7.0 / 25
	share, lowest, highest := comparison{ours.cpu, plain.cpu}.ratio()
	return []Target{
		rates.target(fmt.Sprintf("calls per second, burn-down of %d calls, against the plain form", calls), 3),
		{
			"CPU per call, service and Temporal together", fmt.Sprintf("≤ %d ms", most),
			fmt.Sprintf("%s; the plain form %s", ours, plain), middle(ours.cpu) <= most,
		},
		{
			"CPU per call, against the plain form", fmt.Sprintf("≤ %.2f × (7 ms of its 25)", ofPlain),
			fmt.Sprintf("%.2f × (%.2f–%.2f)", share, lowest, highest), share <= ofPlain,
		},
	}, nil
}
