package harness

import (
	"slices"
	"time"
)

// Spread sums up durations.
type Spread struct {
	P50, P99, Max time.Duration
}

// spread sums up all, which it sorts.
func spread(all []time.Duration) Spread {
	if len(all) == 0 {
		return Spread{}
	}
	slices.Sort(all)
	return Spread{P50: percentile(all, 50), P99: percentile(all, 99), Max: all[len(all)-1]}
}

// percentile is the smallest value that p percent of the sorted values do not exceed.
func percentile[T any](sorted []T, p int) T {
	rank := (len(sorted)*p + 99) / 100
	return sorted[max(rank, 1)-1]
}

// middle is the median.
func middle(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	return percentile(sorted, 50)
}
