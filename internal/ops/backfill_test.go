package ops

import (
	"bytes"
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"aftercall/internal/sweep"
)

func testDeps() (*Deps, *bytes.Buffer) {
	var notes bytes.Buffer
	return New(context.Background(), nil, &notes), &notes
}

func backfill(from, to, zone string) BackfillParams {
	return BackfillParams{Range: Range{From: from, To: to, FromFlag: "--from", ToFlag: "--to"}, Zone: zone}
}

func TestBackfillWindow(t *testing.T) {
	now := time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC)
	at := func(text string) time.Time {
		parsed, err := time.Parse(time.RFC3339, text)
		require.NoError(t, err)
		return parsed
	}
	tests := map[string]struct {
		p        BackfillParams
		from, to string
		note     string
	}{
		"a day, to its end":          {backfill("2026-03-08", "2026-03-08", "UTC"), "2026-03-08T00:00:00Z", "2026-03-09T00:00:00Z", ""},
		"a day of a zone":            {backfill("2026-03-08", "2026-03-08", "Asia/Shanghai"), "2026-03-07T16:00:00Z", "2026-03-08T16:00:00Z", ""},
		"times of a zone":            {backfill("2026-03-08T08:00", "2026-03-08 09:00:30", "Asia/Shanghai"), "2026-03-08T00:00:00Z", "2026-03-08T01:00:30Z", ""},
		"times with an offset":       {backfill("2026-03-08T08:00:00+08:00", "2026-03-08T01:00:00Z", "Asia/Tokyo"), "2026-03-08T00:00:00Z", "2026-03-08T01:00:00Z", ""},
		"today, to its end":          {backfill("2026-03-09", "2026-03-10", "UTC"), "2026-03-09T00:00:00Z", "2026-03-11T00:00:00Z", "note: calls that end later are left to their callbacks and the sweep\n"},
		"earlier than Tencent knows": {backfill("2026-03-01", "2026-03-08", "UTC"), "2026-03-01T00:00:00Z", "2026-03-09T00:00:00Z", "note: Tencent keeps records for seven days, so nothing before 2026-03-03T12:00:00Z is listed\n"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			d, notes := testDeps()
			w, err := d.backfillWindow(tt.p, now)
			require.NoError(t, err)
			require.True(t, at(tt.from).Equal(w.From), w.From)
			require.True(t, at(tt.to).Equal(w.To), w.To)
			require.Equal(t, tt.note, notes.String())
		})
	}
}

func TestBackfillWindowRefuses(t *testing.T) {
	now := time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC)
	for want, p := range map[string]BackfillParams{
		"--to 2026-03-07 is not after --from 2026-03-08, so nothing is between them": backfill("2026-03-08", "2026-03-07", "UTC"),
		"--from is in the future, so there are no calls yet":                         backfill("2026-03-11", "2026-03-12", "UTC"),
		"Tencent keeps records for seven days":                                       backfill("2020-03-08", "2020-03-10", "UTC"),
		`--from: "yesterday" is neither a day nor a time`:                            backfill("yesterday", "2026-03-10", "UTC"),
		"--from: there is no day 2026-13-01":                                         backfill("2026-13-01", "2026-03-10", "UTC"),
		`--zone: "Mars/Olympus" is not known`:                                        backfill("2026-03-08", "2026-03-09", "Mars/Olympus"),
		`--to: "01.03.2026" is neither a day nor a time`:                             backfill("2026-03-08", "01.03.2026", "UTC"),
	} {
		d, _ := testDeps()
		w, err := d.backfillWindow(p, now)
		require.EqualError(t, err, want)
		var detailed *Error
		require.ErrorAs(t, err, &detailed)
		require.Equal(t, Usage, detailed.Kind)
		require.Equal(t, sweep.Window{}, w)
	}
}
