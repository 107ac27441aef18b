package harness

import (
	"fmt"
	"slices"
)

// comparison holds measurements of aftercall and of a baseline, taken in turns.
type comparison struct{ ours, baseline []float64 }

// compare measures both once per turn.
func compare(turns int, ours, baseline func() (float64, error)) (comparison, error) {
	figures, err := inTurns(turns, ours, baseline)
	if err != nil {
		return comparison{}, err
	}
	return comparison{figures[0], figures[1]}, nil
}

// inTurns measures each side once per turn. Every other turn goes backwards, so that a
// machine that becomes slower affects all.
func inTurns(turns int, sides ...func() (float64, error)) (figures [][]float64, err error) {
	figures = make([][]float64, len(sides))
	for turn := range turns {
		for i := range sides {
			if turn%2 == 1 {
				i = len(sides) - 1 - i
			}
			figure, err := sides[i]()
			if err != nil {
				return nil, fmt.Errorf("turn %d of %d: %w", turn+1, turns, err)
			}
			figures[i] = append(figures[i], figure)
		}
	}
	return figures, nil
}

// ratio returns the median, the lowest and the highest ratio within one turn.
func (c comparison) ratio() (middle, lowest, highest float64) {
	ratios := make([]float64, len(c.ours))
	for i := range ratios {
		ratios[i] = c.ours[i] / c.baseline[i]
	}
	return median(ratios), slices.Min(ratios), slices.Max(ratios)
}

func (c comparison) target(figure string, atLeast float64) Target {
	r, lowest, highest := c.ratio()
	return Target{
		figure, fmt.Sprintf("≥ %.2f ×", atLeast),
		fmt.Sprintf("%.2f × (%.2f–%.2f; %.0f/s against %.0f/s)", r, lowest, highest, median(c.ours), median(c.baseline)), r >= atLeast,
	}
}

// atMost is a target for milliseconds, of which less is better.
func (c comparison) atMost(figure string, most float64) Target {
	r, lowest, highest := c.ratio()
	return Target{
		figure, fmt.Sprintf("≤ %.2f ×", most),
		fmt.Sprintf("%.2f × (%.2f–%.2f; %.1f ms against %.1f ms)", r, lowest, highest, median(c.ours), median(c.baseline)), r <= most,
	}
}
