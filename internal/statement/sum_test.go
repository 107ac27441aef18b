package statement_test

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	_ "time/tzdata"

	"github.com/bojanz/currency"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"aftercall/internal/billing"
	"aftercall/internal/ledger"
	"aftercall/internal/statement"
	"aftercall/internal/tencent"
	"aftercall/internal/testenv"
)

// payers are accounts that try to leave their folder or cell, or to look like another.
var payers = []string{
	"patient-1001", "Patient-1001", "PATIENT-1001", "", "../../etc/passwd", "a/b", "a\\b", "line\nbreak", "=1+1", "+cmd|' /C calc'!A0",
	"\u202egnp.exe", "عميل", "<script>alert(1)</script>", "nul", "CON", ".", "..", "a_b", "a_5fb", "nul\x00", "nul\ufffd", "bad\xff",
	strings.Repeat("long", 150), strings.Repeat("long", 149) + "lonG", strings.Repeat("客", 200),
}

func tariff(t require.TestingT, code, rate string) billing.Tariff {
	price, err := billing.ParseDecimal(rate)
	require.NoError(t, err)
	return billing.Tariff{Currency: code, Versions: []billing.Version{{
		EffectiveFrom: time.Unix(1_600_000_000, 0), Rules: []billing.Rule{{RatePerMinute: price, FirstInterval: 1, NextInterval: 1}},
	}}}
}

// rate charges a record, also one without a caller, whom nobody charges more than 0.
func rate(t require.TestingT, record tencent.CallRecord, price billing.Tariff) billing.Charge {
	record.Caller = "somebody"
	charge, err := billing.Rate(record, "standard", price, record.EndedAt())
	require.NoError(t, err)
	return charge
}

// book charges a call and returns its entry.
func book(t require.TestingT, l *ledger.Ledger, callID, payer string, end time.Time, seconds int64, price billing.Tariff) ledger.Entry {
	record := tencent.CallRecord{
		CallID: callID, Caller: payer, MediaType: tencent.MediaAudio, CallType: tencent.CallTypeSingle, Result: tencent.ResultNormalEnd,
		StartTime: end.Unix() - seconds - 9, AcceptTime: end.Unix() - seconds, EndTime: end.Unix(),
	}
	charge := rate(t, record, price)
	e, inserted, err := l.Charge(context.Background(), ledger.Entry{
		SDKAppID: 1400000000, App: "clinic", Record: record, Charge: charge, WorkflowID: "call:1400000000:" + callID, FirstRunID: "run",
	})
	require.NoError(t, err)
	require.True(t, inserted)
	return e
}

// correct reverses or replaces a charge, or both, some times. It adjusts what is not
// reversed, and may take that back.
func correct(t *rapid.T, l *ledger.Ledger, e ledger.Entry) {
	ctx, why := context.Background(), ledger.Correction{Reason: "@ticket <b>", Operator: "alice"}
	for range rapid.IntRange(0, 2).Draw(t, "corrections") {
		if rapid.Bool().Draw(t, "replace") {
			replaced, inserted, err := l.Replace(ctx, e.Key, rate(t, e.Record, drawTariff(t)), why)
			require.NoError(t, err)
			require.True(t, inserted)
			e = replaced.Charge
			continue
		}
		_, _, err := l.Reverse(ctx, e.Key, why)
		require.NoError(t, err)
		return
	}
	if !rapid.Bool().Draw(t, "adjust") {
		return
	}
	amount, err := currency.NewAmount("2", e.Charge.Amount.CurrencyCode())
	require.NoError(t, err)
	adjusted, _, err := l.Adjust(ctx, e.SDKAppID, e.CallID(), ledger.Adjustment{Amount: amount, Number: 1, Correction: why})
	require.NoError(t, err)
	if rapid.Bool().Draw(t, "take back") {
		_, _, err := l.Reverse(ctx, adjusted.Key, why)
		require.NoError(t, err)
	}
}

func drawTariff(t *rapid.T) billing.Tariff {
	return tariff(t, rapid.SampledFrom([]string{"USD", "JPY", "KWD"}).Draw(t, "currency"), rapid.SampledFrom([]string{"0.07", "1.333", "0.0001"}).Draw(t, "rate"))
}

// TestSums: the sum of all statements of a month is that of the report, and of SQL,
// on every engine. Calls end around the bounds of the month, in zones that change
// their clocks there.
func TestSums(t *testing.T) {
	for engine, create := range map[string]func() (url, driver, source string, ok bool){
		"sqlite": func() (string, string, string, bool) {
			path := filepath.Join(t.TempDir(), "ledger.db")
			return "sqlite:" + path, "sqlite", "file:" + path, true
		},
		"postgresql": func() (string, string, string, bool) {
			url, ok := testenv.Postgres(t)
			return url, "pgx", url, ok
		},
	} {
		t.Run(engine, func(t *testing.T) {
			url, driver, source, ok := create()
			if !ok {
				return
			}
			l, err := ledger.Open(t.Context(), url, ledger.Options{})
			require.NoError(t, err)
			defer l.Close()
			db, err := sql.Open(driver, source)
			require.NoError(t, err)
			defer db.Close()
			months := 0
			rapid.Check(t, func(t *rapid.T) {
				months++
				checkMonth(t, l, db, months)
			})
		})
	}
}

// checkMonth books calls around a month of its own, and adds them up in four ways.
func checkMonth(t *rapid.T, l *ledger.Ledger, db *sql.DB, number int) {
	zone, err := time.LoadLocation(rapid.SampledFrom([]string{"UTC", "Asia/Shanghai", "Europe/Berlin", "Pacific/Apia"}).Draw(t, "zone"))
	require.NoError(t, err)
	from := time.Date(2020, time.November, 1, 0, 0, 0, 0, zone).AddDate(0, 2*number, 0) // none is in two of them
	to := from.AddDate(0, 1, 0)
	for i := range rapid.IntRange(0, 10).Draw(t, "calls") {
		end := rapid.SampledFrom([]time.Time{from.Add(-time.Second), from, from.Add(time.Hour), to.Add(-time.Second), to}).Draw(t, "end")
		payer := rapid.SampledFrom(payers).Draw(t, "payer")
		e := book(t, l, fmt.Sprintf("call-%d-%d", number, i), payer, end, rapid.Int64Range(1, 4000).Draw(t, "seconds"), drawTariff(t))
		correct(t, l, e)
	}
	ctx := context.Background()
	head := statement.Head{Month: from.Format("2006-01"), From: from, To: to, AsOf: to}
	written, sums := writeAll(t, l, head)

	totals, err := l.Report(ctx, ledger.Filter{From: from.AddDate(0, 0, -9), To: to.AddDate(0, 0, 9)}, []ledger.Dimension{ledger.ByMonth}, zone)
	require.NoError(t, err)
	reported := map[string]string{}
	for _, total := range totals {
		if total.Groups[0] == head.Month {
			reported[total.Currency] = total.Amount.Number()
		}
	}
	require.Equal(t, reported, sums)
	require.Equal(t, reported, written)
	require.Equal(t, reported, bySQL(t, db, from, to))
}

// writeAll writes all statements into a new folder. It returns the sums that it
// reports, and those of the entries in the files.
func writeAll(t *rapid.T, l *ledger.Ledger, head statement.Head) (written, sums map[string]string) {
	dir, err := os.MkdirTemp("", "statements-")
	require.NoError(t, err)
	defer os.RemoveAll(dir)
	folder, err := statement.OpenFolder(filepath.Join(dir, "all"), false)
	require.NoError(t, err)
	calls := statement.Calls(l.ListByPayer(context.Background(), ledger.Filter{From: head.From, To: head.To}))
	done, err := folder.WriteAll(calls, statement.JSON, head)
	require.NoError(t, err)
	require.NoError(t, folder.Close())
	require.Zero(t, done.Others)
	files, err := os.ReadDir(filepath.Join(dir, "all"))
	require.NoError(t, err)
	require.Len(t, files, done.Statements)
	written, sums = map[string]string{}, map[string]string{}
	for _, total := range done.Totals {
		written[total.Currency] = total.Amount.Number()
	}
	seen := map[string]bool{}
	for _, file := range files {
		text, err := os.ReadFile(filepath.Join(dir, "all", file.Name()))
		require.NoError(t, err)
		var s struct {
			Payer string
			Calls []struct {
				Entries []struct{ Amount, Currency string }
			}
		}
		require.NoError(t, json.Unmarshal(text, &s))
		require.False(t, seen[s.Payer], "one statement for each payer")
		seen[s.Payer] = true
		require.Equal(t, statement.FileName(s.Payer, head.Month, statement.JSON), file.Name())
		for _, c := range s.Calls {
			for _, e := range c.Entries {
				sums[e.Currency] = sum(t, e.Currency, sums[e.Currency], e.Amount)
			}
		}
	}
	return written, sums
}

func sum(t require.TestingT, code, a, b string) string {
	if a == "" {
		return b
	}
	first, err := currency.NewAmount(a, code)
	require.NoError(t, err)
	second, err := currency.NewAmount(b, code)
	require.NoError(t, err)
	total, err := first.Add(second)
	require.NoError(t, err)
	return total.Number()
}

// bySQL adds up in the database, in minor units, because SQLite has no decimals.
func bySQL(t require.TestingT, db *sql.DB, from, to time.Time) map[string]string {
	rows, err := db.QueryContext(context.Background(), `SELECT currency, SUM(CAST(CASE WHEN amount LIKE '%.%' OR currency = 'JPY' THEN replace(amount, '.', '') ELSE amount || CASE currency WHEN 'KWD' THEN '000' ELSE '00' END END AS bigint))
FROM ledger_entries WHERE end_time >= $1 AND end_time < $2 GROUP BY currency`, from.Unix(), to.Unix())
	require.NoError(t, err)
	defer rows.Close()
	sums := map[string]string{}
	for rows.Next() {
		var code string
		var minor int64
		require.NoError(t, rows.Scan(&code, &minor))
		amount, err := currency.NewAmountFromInt64(minor, code)
		require.NoError(t, err)
		sums[code] = amount.Number()
	}
	require.NoError(t, rows.Err())
	return sums
}
