// Package report writes the figures of a benchmark as tables, as a CSV file and
// as a picture.
package report

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	"aftercall/dev/bench/harness"
)

// figure is the median of some runs, with the lowest and the highest value.
type figure struct {
	median, min, max float64
}

func figureOf(values []float64) figure {
	if len(values) == 0 {
		return figure{}
	}
	sorted := slices.Sorted(slices.Values(values))
	middle := len(sorted) / 2
	f := figure{median: sorted[middle], min: sorted[0], max: sorted[len(sorted)-1]}
	if len(sorted)%2 == 0 {
		f.median = (sorted[middle-1] + sorted[middle]) / 2
	}
	return f
}

// String returns the median, and the range if the values differ.
func (f figure) String() string { return f.format(number) }

// count returns the same for counts, without decimals.
func (f figure) count() string {
	return f.format(func(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) })
}

func (f figure) format(number func(float64) string) string {
	median, low, high := number(f.median), number(f.min), number(f.max)
	if low == high {
		return median
	}
	return fmt.Sprintf("%s (%s–%s)", median, low, high)
}

// number formats a measured value with two or more significant digits.
func number(v float64) string {
	switch {
	case v == 0:
		return "0"
	case v < 10:
		return fmt.Sprintf("%.1f", v)
	default:
		return fmt.Sprintf("%.0f", v)
	}
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

func mib(bytes int64) float64 { return float64(bytes) / (1 << 20) }

// Set holds the results of all runs.
type Set []harness.Result

// of returns the results of one contestant under one load.
func (s Set) of(contestant, load string) Set {
	var found Set
	for _, r := range s {
		if r.Contestant == contestant && r.Load.Name == load {
			found = append(found, r)
		}
	}
	return found
}

func (s Set) figure(value func(harness.Result) float64) figure {
	values := make([]float64, len(s))
	for i, r := range s {
		values[i] = value(r)
	}
	return figureOf(values)
}
