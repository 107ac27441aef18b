package ops

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestDaysOfChangedClocks: a call belongs to the day that a clock in the zone
// showed, also where clocks are changed at midnight.
func TestDaysOfChangedClocks(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ zone, day, from, to string }{
		{"UTC", "2026-03-01", "2026-03-01T00:00:00Z", "2026-03-02T00:00:00Z"},
		{"Europe/Berlin", "2026-03-29", "2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z"},
		{"Pacific/Kiritimati", "2026-03-01", "2026-02-28T10:00:00Z", "2026-03-01T10:00:00Z"},
		{"America/Havana", "2026-11-01", "2026-11-01T04:00:00Z", "2026-11-02T05:00:00Z"},    // midnight comes twice
		{"America/Asuncion", "2023-10-01", "2023-10-01T04:00:00Z", "2023-10-02T03:00:00Z"},  // it does not come
		{"America/Asuncion", "2023-03-25", "2023-03-25T03:00:00Z", "2023-03-26T04:00:00Z"},  // eleven in the evening comes twice
		{"Asia/Beirut", "2026-03-29", "2026-03-28T22:00:00Z", "2026-03-29T21:00:00Z"},       // it does not come
		{"America/Sao_Paulo", "2018-11-04", "2018-11-04T03:00:00Z", "2018-11-05T02:00:00Z"}, // it does not come
		{"Atlantic/Azores", "2026-10-25", "2026-10-25T00:00:00Z", "2026-10-26T01:00:00Z"},   // midnight comes twice
	} {
		zone, err := Zone(c.zone)
		require.NoError(t, err)
		from, to, err := Range{From: c.day, To: c.day}.Parse(zone)
		require.NoError(t, err)
		require.Equal(t, c.from, from.UTC().Format(time.RFC3339), "%s %s", c.zone, c.day)
		require.Equal(t, c.to, to.UTC().Format(time.RFC3339), "%s %s", c.zone, c.day)
		for at, day := range map[time.Time]bool{from.Add(-time.Second): false, from: true, to.Add(-time.Second): true, to: false} {
			require.Equal(t, day, at.In(zone).Format(time.DateOnly) == c.day, "%s %s: %s", c.zone, c.day, at)
		}
	}
	zone, err := Zone("Pacific/Apia")
	require.NoError(t, err)
	_, _, err = Range{From: "2011-12-30", To: "2011-12-30"}.Parse(zone)
	require.ErrorContains(t, err, "nothing is between them", "Samoa skipped this day")
}
