package ledger_test

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/csv"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"aftercall/internal/billing"
	"aftercall/internal/ledger"
	"aftercall/internal/tencent"

	"github.com/stretchr/testify/require"
)

// bookSamples charges three calls of two payers on two days in two currencies, and
// replaces the first and reverses the second charge.
func bookSamples(t *testing.T, l *ledger.Ledger) {
	t.Helper()
	at := func(callID, payer string, end time.Time, tariff billing.Tariff) ledger.Entry {
		e := entry(t, callID, "run-"+callID, "0.05")
		e.Record.Caller = payer
		e.Record.StartTime, e.Record.AcceptTime, e.Record.EndTime = end.Unix()-73, end.Unix()-61, end.Unix()
		c, err := billing.Rate(e.Record, "standard", tariff, end)
		require.NoError(t, err)
		e.Charge = c
		return charge(t, l, e)
	}
	yen := tariffAt(t, "10")
	yen.Currency = "JPY"
	first := at("call-1", "10001", time.Date(2026, 3, 1, 23, 30, 0, 0, time.UTC), tariffAt(t, "0.05"))
	second := at("call-2", "10002", time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC), tariffAt(t, "0.05"))
	at("call-3", "10001", time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC), yen)
	_, _, err := l.Replace(context.Background(), first.Key, rateAt(t, first.Record, "0.07"), mistake)
	require.NoError(t, err)
	_, _, err = l.Reverse(context.Background(), second.Key, ledger.Correction{Reason: "=1+1", Operator: "bob"})
	require.NoError(t, err)
}

func rateAt(t *testing.T, record tencent.CallRecord, price string) billing.Charge {
	t.Helper()
	c, err := billing.Rate(record, "standard", tariffAt(t, price), record.EndedAt())
	require.NoError(t, err)
	return c
}

func keysOf(t *testing.T, l *ledger.Ledger, f ledger.Filter) []string {
	t.Helper()
	var keys []string
	for e, err := range l.List(context.Background(), f) {
		require.NoError(t, err)
		keys = append(keys, strings.Replace(e.Key, ":1400000000:call", "", 1))
	}
	return keys
}

func testListFilters(t *testing.T, url string) {
	day := func(d, hour int) time.Time { return time.Date(2026, 3, d, hour, 0, 0, 0, time.UTC) }
	l := open(t, url)
	require.Empty(t, keysOf(t, l, ledger.Filter{}))
	bookSamples(t, l)
	for name, c := range map[string]struct {
		filter ledger.Filter
		want   []string
	}{
		"all, as they were booked": {ledger.Filter{}, []string{"charge-1", "charge-2", "charge-3", "reversal-1", "charge.2-1", "reversal-2"}},
		"in effect":                {ledger.Filter{Live: true}, []string{"charge-3", "charge.2-1"}},
		"call":                     {ledger.Filter{CallID: "call-1"}, []string{"charge-1", "reversal-1", "charge.2-1"}},
		"payer":                    {ledger.Filter{Payer: "10002"}, []string{"charge-2", "reversal-2"}},
		"app by number":            {ledger.Filter{SDKAppID: testApp, Kind: ledger.KindReversal}, []string{"reversal-1", "reversal-2"}},
		"another app":              {ledger.Filter{SDKAppID: testApp + 1}, nil},
		"app by name":              {ledger.Filter{App: "clinic", Operator: "bob"}, []string{"reversal-2"}},
		"result":                   {ledger.Filter{Result: tencent.ResultOffline}, nil},
		"media":                    {ledger.Filter{Media: tencent.MediaVideo}, nil},
		"tariff":                   {ledger.Filter{Tariff: "standard", Kind: ledger.KindCharge, Payer: "10001"}, []string{"charge-1", "charge-3", "charge.2-1"}},
		"from, inclusive":          {ledger.Filter{From: day(2, 12)}, []string{"charge-3"}},
		"to, exclusive":            {ledger.Filter{To: day(1, 12).Add(1)}, []string{"charge-2", "reversal-2"}},
		"from, part of a second":   {ledger.Filter{From: day(2, 12).Add(1)}, nil},
		"to the end of a call":     {ledger.Filter{To: day(1, 12)}, nil},
		"booked by now":            {ledger.Filter{BookedTo: time.Now().Add(-time.Hour)}, nil},
		"ends before it begins":    {ledger.Filter{From: day(2, 0), To: day(1, 0)}, nil},
		"text that no column has":  {ledger.Filter{Payer: "'; --\x00"}, nil},
	} {
		require.Equal(t, c.want, keysOf(t, l, c.filter), name)
	}
	for _, err := range l.List(context.Background(), ledger.Filter{}) {
		require.NoError(t, err)
		break // leaves no connection behind, or the next query would wait
	}
	reversal := entriesOf(t, l, "call-1")[1]
	require.Subset(t, keysOf(t, l, ledger.Filter{BookedFrom: reversal.CreatedAt}), []string{"reversal-1", "charge.2-1", "reversal-2"})
	require.NotContains(t, keysOf(t, l, ledger.Filter{BookedTo: reversal.CreatedAt}), "reversal-1", "the end of the range is exclusive")
	last := entriesOf(t, l, "call-2")[1]
	require.NotContains(t, keysOf(t, l, ledger.Filter{BookedFrom: last.CreatedAt.Add(1)}), "reversal-2", "part of a millisecond later")
	require.Contains(t, keysOf(t, l, ledger.Filter{BookedTo: last.CreatedAt.Add(1)}), "reversal-2")
	entries, err := l.Entries(context.Background(), testApp, []string{"call-1", "call-2", "call-9"})
	require.NoError(t, err)
	require.Len(t, entries, 2)
	require.Equal(t, entriesOf(t, l, "call-1"), entries["call-1"])
}

func testUsedValues(t *testing.T, url string) {
	l := open(t, url)
	bookSamples(t, l)
	e := entry(t, "call-4", "run-4", "0.05")
	e.SDKAppID, e.App, e.Record.MediaType, e.Record.Result, e.Charge.Tariff.Name = 1400000001, "school", "Screen", "Transferred", "evening"
	charge(t, l, e)
	for column, want := range map[ledger.Column][]string{
		ledger.ColumnMedia: {"Audio", "Screen"}, ledger.ColumnResult: {"NormalEnd", "Transferred"}, ledger.ColumnTariff: {"evening", "standard"},
	} {
		used, err := l.Used(t.Context(), column)
		require.NoError(t, err)
		require.Equal(t, want, used)
	}
	apps, err := l.Apps(t.Context())
	require.NoError(t, err)
	require.Equal(t, []ledger.AppEntry{{SDKAppID: 1400000000, Name: "clinic"}, {SDKAppID: 1400000001, Name: "school"}}, apps)
}

// testReportOfAdjustments: adjustments are counted apart from charges, and are no time.
func testReportOfAdjustments(t *testing.T, url string) {
	l := open(t, url)
	bookSamples(t, l)
	credit := adjust(t, l, "call-1", 1, "-0.04")
	adjust(t, l, "call-1", 2, "0.05")
	_, _, err := l.Reverse(context.Background(), credit.Key, mistake)
	require.NoError(t, err)
	totals, err := l.Report(context.Background(), ledger.Filter{CallID: "call-1"}, []ledger.Dimension{ledger.ByPayer}, time.UTC)
	require.NoError(t, err)
	require.Len(t, totals, 1)
	sum := totals[0]
	require.Equal(t, "0.19 USD", sum.Amount.String(), "0.14 and 0.05")
	require.Equal(t, []int64{2, 2, 2, 61, 120}, []int64{sum.Charges, sum.Adjustments, sum.Reversals, sum.ConnectedSeconds, sum.BilledSeconds})
	require.Equal(t, []string{"charge-3", "charge.2-1", "adjustment.2-1"}, keysOf(t, l, ledger.Filter{Live: true}), "what counts")
	require.Equal(t, []string{"adjustment-1", "adjustment.2-1"}, keysOf(t, l, ledger.Filter{Kind: ledger.KindAdjustment}))
	require.Equal(t, []string{"reversal-1", "reversal-2", "adjustment-reversal-1"}, keysOf(t, l, ledger.Filter{Kind: ledger.KindReversal}))
}

func testRecords(t *testing.T, url string) {
	l := open(t, url)
	bookSamples(t, l)
	records := func(app tencent.SDKAppID, from, to time.Time) (ids []string) {
		for r, err := range l.Records(context.Background(), app, from, to) {
			require.NoError(t, err)
			entries, err := l.Get(context.Background(), app, r.CallID)
			require.NoError(t, err)
			require.Equal(t, entries[0].Record, r)
			ids = append(ids, r.CallID)
		}
		return ids
	}
	noon := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	require.ElementsMatch(t, []string{"call-1", "call-1", "call-2"}, records(testApp, noon, noon.Add(24*time.Hour)), "also what was replaced or reversed")
	require.ElementsMatch(t, []string{"call-1", "call-1"}, records(testApp, noon.Add(time.Second), noon.Add(24*time.Hour)))
	require.Empty(t, records(testApp+1, noon, noon.Add(24*time.Hour)))
	for _, err := range l.Records(context.Background(), testApp, noon, noon.Add(24*time.Hour)) {
		require.NoError(t, err)
		break
	}
}

func testReport(t *testing.T, url string) {
	l := open(t, url)
	bookSamples(t, l)
	report := func(by ledger.Dimension, zone *time.Location, f ledger.Filter) [][]any {
		totals, err := l.Report(context.Background(), f, []ledger.Dimension{by}, zone)
		require.NoError(t, err)
		var rows [][]any
		for _, r := range totals {
			rows = append(rows, []any{r.Groups[0], r.Amount.String(), r.Charges, r.Reversals, r.BilledSeconds})
			require.Equal(t, 61*(r.Charges-r.Reversals), r.ConnectedSeconds, "each call is connected for 61 s")
		}
		return rows
	}
	require.Equal(t, [][]any{
		{"2026-03-02", "20 JPY", int64(1), int64(0), int64(120)},
		{"2026-03-01", "0.14 USD", int64(3), int64(2), int64(120)},
	}, report(ledger.ByDay, time.UTC, ledger.Filter{}))
	require.Equal(t, [][]any{
		{"2026-03-02", "20 JPY", int64(1), int64(0), int64(120)},
		{"2026-03-01", "0.00 USD", int64(1), int64(1), int64(0)},
		{"2026-03-02", "0.14 USD", int64(2), int64(1), int64(120)},
	}, report(ledger.ByDay, time.FixedZone("", 3600), ledger.Filter{}), "the call at 23:30 belongs to the next day there")
	require.Equal(t, [][]any{
		{"10001", "20 JPY", int64(1), int64(0), int64(120)},
		{"10001", "0.14 USD", int64(2), int64(1), int64(120)},
		{"10002", "0.00 USD", int64(1), int64(1), int64(0)},
	}, report(ledger.ByPayer, time.UTC, ledger.Filter{}))
	for by, group := range map[ledger.Dimension]string{ledger.ByApp: "clinic", ledger.ByTariff: "standard", ledger.ByResult: "NormalEnd"} {
		require.Equal(t, [][]any{{group, "0.14 USD", int64(2), int64(1), int64(120)}}, report(by, time.UTC, ledger.Filter{CallID: "call-1"}))
	}
	require.Empty(t, report(ledger.ByDay, time.UTC, ledger.Filter{Payer: "nobody"}))

	// Each entry is in its group.
	for _, by := range []ledger.Dimension{ledger.ByDay, ledger.ByWeek, ledger.ByMonth, ledger.ByApp, ledger.ByTariff, ledger.ByPayer, ledger.ByResult} {
		zone := time.FixedZone("", 3600)
		for e, err := range l.List(context.Background(), ledger.Filter{}) {
			require.NoError(t, err)
			totals, err := l.Report(context.Background(), ledger.Filter{CallID: e.CallID()}, []ledger.Dimension{by}, zone)
			require.NoError(t, err)
			require.Equal(t, totals[0].Groups, ledger.Groups(e, []ledger.Dimension{by}, zone))
		}
	}
	for problem, by := range map[string][]ledger.Dimension{
		`no report by "year"`: {"year"}, `cannot have "app" twice`: {ledger.ByApp, ledger.ByApp}, "at most 2 dimensions": {ledger.ByApp, ledger.ByDay, ledger.ByPayer},
	} {
		_, err := l.Report(context.Background(), ledger.Filter{}, by, time.UTC)
		require.ErrorContains(t, err, problem)
	}
}

// testReportByTwo groups by two dimensions. The week of a day is that of ISO 8601,
// which can be of another year.
func testReportByTwo(t *testing.T, url string) {
	l := open(t, url)
	for i, end := range []time.Time{
		time.Date(2024, 12, 29, 12, 0, 0, 0, time.UTC), time.Date(2024, 12, 30, 12, 0, 0, 0, time.UTC), time.Date(2024, 12, 31, 23, 30, 0, 0, time.UTC),
		time.Date(2027, 1, 3, 12, 0, 0, 0, time.UTC),
	} {
		e := entry(t, fmt.Sprint("call-", i), "run", "0.05")
		e.Record.Caller = fmt.Sprint("payer-", i%2)
		e.Record.StartTime, e.Record.AcceptTime, e.Record.EndTime = end.Unix()-73, end.Unix()-61, end.Unix()
		charge(t, l, e)
	}
	groups := func(zone *time.Location, by ...ledger.Dimension) (rows []string) {
		totals, err := l.Report(context.Background(), ledger.Filter{}, by, zone)
		require.NoError(t, err)
		for _, total := range totals {
			rows = append(rows, strings.Join(total.Groups, " ")+" "+total.Amount.String())
		}
		return rows
	}
	require.Equal(t, []string{"2024-W52 payer-0 0.10 USD", "2025-W01 payer-0 0.10 USD", "2025-W01 payer-1 0.10 USD", "2026-W53 payer-1 0.10 USD"},
		groups(time.UTC, ledger.ByWeek, ledger.ByPayer))
	require.Equal(t, []string{"payer-0 2024-12 0.20 USD", "payer-1 2024-12 0.10 USD", "payer-1 2027-01 0.10 USD"}, groups(time.UTC, ledger.ByPayer, ledger.ByMonth))
	require.Equal(t, []string{"2024-12 0.20 USD", "2025-01 0.10 USD", "2027-01 0.10 USD"}, groups(time.FixedZone("", 3600), ledger.ByMonth))
}

// testReportAddsExactly: a tenth added ten thousand times is not a thousand in
// floating point numbers.
func testReportAddsExactly(t *testing.T, url string) {
	l := open(t, url)
	charge(t, l, entry(t, "seed", "run-1", "0.05"))
	_, err := openSQL(t, url).ExecContext(context.Background(), copies("0.10", 9999))
	require.NoError(t, err)
	totals, err := l.Report(context.Background(), ledger.Filter{}, []ledger.Dimension{ledger.ByApp}, time.UTC)
	require.NoError(t, err)
	require.Len(t, totals, 1)
	require.Equal(t, "1000.00 USD", totals[0].Amount.String())
	require.EqualValues(t, 10000, totals[0].Charges)
}

func testExport(t *testing.T, url string) {
	l := open(t, url)
	bookSamples(t, l)
	var out bytes.Buffer
	n, err := ledger.Export(&out, l.List(context.Background(), ledger.Filter{}))
	require.NoError(t, err)
	require.Equal(t, 6, n)
	rows, err := csv.NewReader(&out).ReadAll()
	require.NoError(t, err)
	require.Equal(t, "seq,key,kind,revision,reverses,booked_at,sdk_app_id,app,call_id,payer,media_type,call_type,result,start_time,accept_time,end_time,"+
		"connected_seconds,billed_seconds,participants,amount,currency,tariff,tariff_effective_from,tariff_hash,workflow_id,first_run_id,operator,reason,members,member_seconds",
		strings.Join(rows[0], ","), "accounting relies on these")
	last := entriesOf(t, l, "call-2")[1]
	require.Equal(t, []string{
		"reversal:1400000000:call-2", "reversal", "1", "charge:1400000000:call-2", last.CreatedAt.Format("2006-01-02T15:04:05.000Z"),
		"1400000000", "clinic", "call-2", "10002", "Audio", "SingleCall", "NormalEnd",
		"2026-03-01T11:58:47Z", "2026-03-01T11:58:59Z", "2026-03-01T12:00:00Z", "61", "120", "2", "-0.10", "USD",
		"standard", "2023-11-14T22:13:20Z", last.Charge.Tariff.Hash, "call:1400000000:call-2", "", "bob", "'=1+1", `["10001","user2"]`, "{}",
	}, rows[6][1:])
}

func TestExportStopsAtTheFirstError(t *testing.T) {
	broken := errors.New("connection lost")
	var out bytes.Buffer
	n, err := ledger.Export(&out, func(yield func(ledger.Entry, error) bool) {
		_ = yield(entry(t, "call-1", "run-1", "0.05"), nil) && yield(ledger.Entry{}, broken)
	})
	require.ErrorIs(t, err, broken)
	require.Equal(t, 1, n)

	_, err = ledger.Export(brokenWriter{broken}, func(yield func(ledger.Entry, error) bool) {
		yield(entry(t, "call-1", "run-1", "0.05"), nil)
	})
	require.ErrorIs(t, err, broken)
}

type brokenWriter struct{ err error }

func (w brokenWriter) Write([]byte) (int, error) { return 0, w.err }

func TestExportOfACallThatWasNotAccepted(t *testing.T) {
	e := entry(t, "call-1", "run-1", "0.05")
	e.Record.AcceptTime = 0
	var out bytes.Buffer
	_, err := ledger.Export(&out, func(yield func(ledger.Entry, error) bool) { yield(e, nil) })
	require.NoError(t, err)
	rows, err := csv.NewReader(&out).ReadAll()
	require.NoError(t, err)
	require.Equal(t, "accept_time", rows[0][14])
	require.Empty(t, rows[1][14])
	require.NotEmpty(t, rows[1][13])
}

// testCallIndex: a call is looked up in an index, with its app and without it.
func testCallIndex(t *testing.T, url string) {
	open(t, url)
	engine := engineOf(t, url)
	db := openSQL(t, url)
	db.SetMaxOpenConns(1) // for what is set
	last := len(engine.explain) - 1
	execute(t, db, engine.explain[:last]...)
	for _, f := range []ledger.Filter{{CallID: "call-1"}, {CallID: "call-1", SDKAppID: testApp}} {
		query, args := ledger.ListQuery(f)
		rows, err := db.QueryContext(context.Background(), engine.explain[last]+query, args...)
		require.NoError(t, err)
		require.Regexp(t, engine.usesCallIndex, dump(t, rows))
	}
}

// dump is all that a query returns, as text.
func dump(t *testing.T, rows *sql.Rows) string {
	t.Helper()
	defer rows.Close()
	columns, err := rows.Columns()
	require.NoError(t, err)
	values := make([]any, len(columns))
	for i := range values {
		values[i] = new(any)
	}
	var b strings.Builder
	for rows.Next() {
		require.NoError(t, rows.Scan(values...))
		for _, v := range values {
			fmt.Fprint(&b, *v.(*any), " ")
		}
		b.WriteByte('\n')
	}
	require.NoError(t, rows.Err())
	return b.String()
}
