package config

import (
	"errors"
	"time"

	"aftercall/internal/sweep"
)

// Sweep configures the sweeps of an app.
type Sweep struct {
	Every   Interval      `yaml:"every" default:"5m" doc:"How often to look for calls whose callback was lost, 10s to 24h, or off."`
	Settle  time.Duration `yaml:"settle" default:"2m" doc:"How long after its end a call may be listed before a sweep starts it: time for its callback to arrive and for Tencent to have its record, 5s to 1h."`
	Overlap time.Duration `yaml:"overlap" default:"6h" doc:"How far back from the end of the last sweep calls are listed again, 1h to 72h. Tencent does not document whether it lists calls by start or by end: make it longer than your longest call."`
}

const (
	// minSettle is when Tencent has the record of a call. D:68930
	minSettle = 5 * time.Second
	// minOverlap finds calls of an hour, whether Tencent lists them by start or end.
	minOverlap = time.Hour
)

// slice is the longest window that a sweep lists at once. A sweep splits a window
// that holds too many calls, so a week with few calls takes few windows.
const slice = 6 * time.Hour

// Settings are the settings of package sweep.
func (s Sweep) Settings() sweep.Settings {
	return sweep.Settings{Settle: s.Settle, Overlap: s.Overlap, MaxWindow: slice}
}

// Interval is a time.Duration that may be off, which is 0.
type Interval time.Duration

// String is the duration, or off.
func (i Interval) String() string {
	if i == 0 {
		return "off"
	}
	return time.Duration(i).String()
}

// MarshalText is String.
func (i Interval) MarshalText() ([]byte, error) { return []byte(i.String()), nil }

// UnmarshalText accepts a duration or off.
func (i *Interval) UnmarshalText(text []byte) error {
	if string(text) == "off" {
		*i = 0
		return nil
	}
	d, err := time.ParseDuration(string(text))
	if err != nil || d == 0 {
		return errors.New("must be a duration with its unit, as in 5m, or off")
	}
	*i = Interval(d)
	return nil
}

func (v validator) sweep(path string, s Sweep) {
	if every := time.Duration(s.Every); every != 0 && (every < 10*time.Second || every > 24*time.Hour) {
		v.report(path+".every", "must be from 10s to 24h, or off")
	}
	if s.Settle < minSettle || s.Settle > time.Hour {
		v.report(path+".settle", "must be from 5s to 1h: Tencent has the record of a call five seconds after its end, and a sweep that lists it earlier misses it")
	}
	if s.Overlap < minOverlap || s.Overlap > 72*time.Hour {
		v.report(path+".overlap", "must be from 1h to 72h: Tencent may list calls by their start, and then a sweep misses calls that are longer than the overlap")
	}
}
