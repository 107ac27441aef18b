package harness

import (
	"slices"
	"time"
)

// Percentiles summarize durations.
type Percentiles struct {
	P50, P99, Max time.Duration
}

// percentiles summarizes all durations, and sorts them.
func percentiles(all []time.Duration) Percentiles {
	if len(all) == 0 {
		return Percentiles{}
	}
	slices.Sort(all)
	return Percentiles{P50: percentile(all, 50), P99: percentile(all, 99), Max: all[len(all)-1]}
}

// percentile returns the smallest value that p percent of the sorted values do not exceed.
func percentile[T any](sorted []T, p int) T {
	rank := (len(sorted)*p + 99) / 100
	return sorted[max(rank, 1)-1]
}

// median returns the median of values; of an even number, the lower middle one.
func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	return percentile(sorted, 50)
}
