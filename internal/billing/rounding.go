package billing

import (
	"slices"

	"github.com/cockroachdb/apd/v3"
)

// Rounding is how a sum is rounded to the digits of its tariff. No sum is
// negative, so that up is also towards the larger number.
type Rounding string

// The rounding modes.
const (
	RoundHalfUp   Rounding = "half_up"
	RoundHalfEven Rounding = "half_even"
	RoundHalfDown Rounding = "half_down"
	RoundUp       Rounding = "up"
	RoundDown     Rounding = "down"
)

var roundings = []Rounding{RoundHalfUp, RoundHalfEven, RoundHalfDown, RoundUp, RoundDown}

// Known reports whether the mode exists.
func (r Rounding) Known() bool { return slices.Contains(roundings, r) }

func (r Rounding) rounder() apd.Rounder {
	switch r {
	case RoundHalfEven:
		return apd.RoundHalfEven
	case RoundHalfDown:
		return apd.RoundHalfDown
	case RoundUp:
		return apd.RoundUp
	case RoundDown:
		return apd.RoundDown
	default:
		return apd.RoundHalfUp
	}
}

// words is the mode as it is written in a sentence.
func (r Rounding) words() string {
	switch r {
	case RoundHalfEven:
		return "half to even"
	case RoundHalfDown:
		return "half down"
	case RoundUp:
		return "up"
	case RoundDown:
		return "down"
	default:
		return "half up"
	}
}
