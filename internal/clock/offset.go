// Package clock compares the clock of this process with those of the systems that
// it works with, and corrects it where they agree that it is wrong.
package clock

import (
	"fmt"
	"time"
)

const (
	// Tolerated is how far two clocks may differ: nothing here depends on less.
	Tolerated = 2 * time.Second
	// Wrong is the difference from which on work fails: the SDK gives activities up
	// by its own clock, and signatures of callbacks are refused.
	Wrong = time.Minute
)

// Offset is how far the clock of this process is ahead of another one, and how
// exactly that is known. It is behind if Ahead is negative.
type Offset struct {
	Ahead, Uncertainty time.Duration
}

// Compare returns the Offset from a clock that showed remote at some moment between
// two readings of this process's.
func Compare(before, remote, after time.Time) Offset {
	// Without Round, Sub would use the monotonic clock, which nobody sets.
	took := after.Round(0).Sub(before.Round(0)).Abs()
	return Offset{Ahead: before.Round(0).Add(took / 2).Sub(remote), Uncertainty: took / 2}
}

// AtLeast is the part of Ahead that is certain, 0 if the clocks may agree.
func (o Offset) AtLeast() time.Duration {
	switch {
	case o.Ahead > o.Uncertainty:
		return o.Ahead - o.Uncertainty
	case o.Ahead < -o.Uncertainty:
		return o.Ahead + o.Uncertainty
	}
	return 0
}

// Describe says where a clock is that is ahead so much, such as "10m0s ahead of".
func Describe(ahead time.Duration) string {
	direction := "ahead of"
	if ahead < 0 {
		direction = "behind"
	}
	unit := time.Second
	if ahead.Abs() < time.Minute {
		unit = 100 * time.Millisecond
	}
	return fmt.Sprintf("%s %s", ahead.Abs().Round(unit), direction)
}
