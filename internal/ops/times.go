package ops

import (
	"regexp"
	"sort"
	"time"
	_ "time/tzdata" // days of any zone, also on a machine without the database
)

// Zone finds a time zone by its IANA name, such as Asia/Shanghai.
func Zone(name string) (*time.Location, error) {
	zone, err := time.LoadLocation(name)
	if err != nil || zone == time.Local { // that of this machine says nothing to others
		return nil, Errorf(Usage, "write the name of a time zone, such as UTC, Asia/Shanghai or Europe/Berlin", "--zone: %q is not known", name)
	}
	return zone, nil
}

// Range is a range of time as an operator writes it. Each bound is a day, as in
// 2026-03-01, or a time, as in 2026-03-01T12:00:00+08:00; a time without an
// offset is in the zone. From is the beginning of its day; To is a time that is
// not included, or a day that is.
type Range struct {
	From, To string
	// FromFlag and ToFlag are how the bounds are named in errors.
	FromFlag, ToFlag string
}

// Parse reads both bounds; an empty one is the zero time. The range must not be
// empty.
func (r Range) Parse(zone *time.Location) (from, to time.Time, err error) {
	if from, err = parseTime(r.FromFlag, r.From, zone, false); err != nil {
		return from, to, err
	}
	if to, err = parseTime(r.ToFlag, r.To, zone, true); err != nil {
		return from, to, err
	}
	if !from.IsZero() && !to.IsZero() && !from.Before(to) {
		return from, to, Errorf(Usage, "", "%s %s is not after %s %s, so nothing is between them", r.ToFlag, r.To, r.FromFlag, r.From)
	}
	return from, to, nil
}

var dayPattern = regexp.MustCompile(`^\d{4}-\d{2}-\d{2}$`)

// timeLayouts are the accepted forms of a time without an offset.
var timeLayouts = []string{"2006-01-02T15:04:05", "2006-01-02 15:04:05", "2006-01-02T15:04", "2006-01-02 15:04"}

// parseTime reads one bound. end makes a day mean its end, which is the
// beginning of the next one.
func parseTime(flag, text string, zone *time.Location, end bool) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	if dayPattern.MatchString(text) {
		day, err := time.Parse(time.DateOnly, text)
		if err != nil {
			return time.Time{}, Errorf(Usage, "", "%s: there is no day %s", flag, text)
		}
		if end {
			day = day.AddDate(0, 0, 1)
		}
		return startOfDay(day, zone), nil
	}
	if at, err := time.Parse(time.RFC3339, text); err == nil {
		return at, nil
	}
	for _, layout := range timeLayouts {
		if at, err := time.ParseInLocation(layout, text, zone); err == nil {
			return at, nil
		}
	}
	return time.Time{}, Errorf(Usage, "write a day, as in 2026-03-01, or a time, as in 2026-03-01T12:00 (of --zone) or 2026-03-01T12:00:00+08:00",
		"%s: %q is neither a day nor a time", flag, text)
}

// Moment reads a time as an operator writes it, with its offset from UTC. Empty text is
// the zero time.
func Moment(flag, text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return time.Time{}, Errorf(Usage, "write it as in 2026-03-01T12:00:00+08:00", "%s: %q is not a time with its offset from UTC", flag, text)
	}
	return at, nil
}

// month is a calendar month in a zone.
type month struct {
	// name is as in 2026-11.
	name string
	// from, inclusive, and to, exclusive, are in the zone.
	from, to time.Time
}

// parseMonth reads a month as an operator writes it.
func parseMonth(flag, text string, zone *time.Location) (month, error) {
	first, err := time.Parse("2006-01", text)
	if err != nil || len(text) != len("2006-01") {
		return month{}, Errorf(Usage, "write year and month, as in 2026-11", "%s: there is no month %q", flag, text)
	}
	return month{text, startOfDay(first, zone), startOfDay(first.AddDate(0, 1, 0), zone)}, nil
}

// startOfDay is the first second of the day in a zone whose date is that of day in
// UTC. time.Date does not find it where clocks are changed at midnight, which then
// comes twice or not at all.
func startOfDay(day time.Time, zone *time.Location) time.Time {
	const widest = 26 * 3600 // more than any offset from UTC, in seconds
	date, begin := day.Format(time.DateOnly), day.Add(-widest*time.Second)
	seconds := sort.Search(2*widest, func(i int) bool {
		return begin.Add(time.Duration(i)*time.Second).In(zone).Format(time.DateOnly) >= date
	})
	return begin.Add(time.Duration(seconds) * time.Second).In(zone)
}
