package statement_test

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"aftercall/internal/ledger"
	"aftercall/internal/statement"
)

// hostile is text that tries to leave its place in each format.
const hostile = "=1+1</bdi><script>alert(1)</script>\u202e\r\n\x1b[31m\",{"

// write is the statement of a payer.
func write(t *testing.T, f statement.Format, head statement.Head, calls ...statement.Call) string {
	t.Helper()
	var b bytes.Buffer
	w, err := statement.NewWriter(&b, f, head)
	require.NoError(t, err)
	for _, c := range calls {
		require.NoError(t, w.Add(c))
	}
	_, err = w.End()
	require.NoError(t, err)
	return b.String()
}

// corrected is a call with a reversed charge and another one in its place.
func corrected(t *testing.T, text string) statement.Call {
	t.Helper()
	var call statement.Call
	for c, err := range statement.Calls(entries(t, text)) {
		require.NoError(t, err)
		call = c
	}
	charge := call[0]
	charge.App = text
	reversal := charge
	reversal.Kind, reversal.Key, reversal.Reverses, reversal.Operator, reversal.Reason = ledger.KindReversal, "reversal:1:x", charge.Key, "alice", text
	reversal.CreatedAt = time.Date(2026, 12, 2, 10, 0, 0, 0, time.UTC)
	var err error
	reversal.Charge, err = charge.Charge.Reversal(charge.Key)
	require.NoError(t, err)
	again := charge
	again.Key, again.Revision, again.Operator, again.Reason, again.CreatedAt = "charge.2:1:x", 2, "alice", text, reversal.CreatedAt
	again.Charge = rate(t, charge.Record, tariff(t, "JPY", "20"))
	return statement.Call{charge, reversal, again}
}

func TestText(t *testing.T) {
	t.Parallel()
	head := november
	head.Payer, head.App = "ada", "clinic"
	call := corrected(t, "ada")
	require.Equal(t, `Statement of November 2026

Payer        ada
App          clinic
Calls ended  2026-11-01 to 2026-11-30, UTC
As of        2026-12-03 09:00:00

2026-11-01 10:47:50  1:01  20 JPY, 0.00 USD
  ada, Audio, SingleCall, NormalEnd
  call call-of-ada
  0.61 USD  Charge
    1. tariff standard, version of 2020-09-13T12:26:40Z: rule 1, for Audio
       SingleCall NormalEnd
    2. connected for 61 s, from AcceptTime to EndTime
    3. billed as 61 s: the first 1 s, then every 1 s begun
    4. 0.6 a minute × 61 s / 60 = 0.61
    5. rounded half up to 2 digits: 0.61 USD
  -0.61 USD  Reversal, booked 2026-12-02 10:00:00: ada
    1. takes back 0.61 USD, which charge:1:ada charged
  20 JPY  Charge, booked 2026-12-02 10:00:00: ada
    1. tariff standard, version of 2020-09-13T12:26:40Z: rule 1, for Audio
       SingleCall NormalEnd
    2. connected for 61 s, from AcceptTime to EndTime
    3. billed as 61 s: the first 1 s, then every 1 s begun
    4. 20 a minute × 61 s / 60 = 20.333333333333…
    5. rounded half up to whole units: 20 JPY

Total  20 JPY  (1 charge)
Total  0.00 USD  (1 charge, 1 reversal)
`, write(t, statement.Text, head, call))
	head.AsOf, head.Payer = head.From, ""
	require.Equal(t, `Statement of November 2026

Payer        (none)
App          clinic
Calls ended  2026-11-01 to 2026-11-30, UTC
As of        2026-11-01 00:00:00, before the end of the month

No calls.
`, write(t, statement.Text, head))
	head.Payer = hostile
	require.NotRegexp(t, `[\x1b\r\x{202e}]`, write(t, statement.Text, head, corrected(t, hostile)))
}

func TestCSV(t *testing.T) {
	t.Parallel()
	head := november
	head.Payer = hostile
	rows, err := csv.NewReader(strings.NewReader(write(t, statement.CSV, head, corrected(t, hostile)))).ReadAll()
	require.NoError(t, err)
	require.Len(t, rows, 4, "a row for each entry")
	require.Equal(t, "payer,month,sdk_app_id,app,call_id,media_type,call_type,result,start_time,accept_time,end_time,key,kind,revision,booked_at,"+
		"connected_seconds,billed_seconds,amount,currency,explanation,reason", strings.Join(rows[0], ","), "accounting relies on these")
	for _, row := range rows {
		for i, cell := range row {
			if i != 17 { // a negative amount is a number
				require.NotRegexp(t, `^[=+@-]`, cell)
			}
		}
	}
	require.Equal(t, "'"+strings.ReplaceAll(hostile, "\r\n", "\n"), rows[2][20], "text of the reader, which turns line ends into \\n")
	require.Equal(t, []string{"-0.61", "USD"}, rows[2][17:19])
	require.Len(t, strings.Split(write(t, statement.CSV, head), "\r\n"), 2, "only the heading")
}

func TestJSON(t *testing.T) {
	t.Parallel()
	head := november
	head.Payer = hostile
	for calls, list := range map[int][]statement.Call{0: nil, 1: {corrected(t, hostile)}, 2: {corrected(t, hostile), corrected(t, "bob")}} {
		var s struct {
			Payer, Month, Zone string
			Calls              []struct{ Entries []struct{ Reason string } }
			Totals             []struct{ Amount string }
		}
		require.NoError(t, json.Unmarshal([]byte(write(t, statement.JSON, head, list...)), &s))
		require.Equal(t, []string{hostile, "2026-11", "UTC"}, []string{s.Payer, s.Month, s.Zone})
		require.Len(t, s.Calls, calls)
		if calls > 0 {
			require.Equal(t, hostile, s.Calls[0].Entries[1].Reason)
			require.Len(t, s.Totals, 2)
		}
	}
}

func TestHTML(t *testing.T) {
	t.Parallel()
	head := november
	head.Payer = hostile
	page := write(t, statement.HTML, head, corrected(t, hostile))
	require.NotContains(t, page, "<script")
	require.NotRegexp(t, `[\x1b\r\x{202e}]`, page)
	require.Equal(t, strings.Count(page, "<bdi"), strings.Count(page, "</bdi>"))
	require.Contains(t, page, "&lt;/bdi&gt;&lt;script&gt;")
	require.NotContains(t, page, "alice", "a payer does not learn who corrected the charge")
	require.Contains(t, write(t, statement.HTML, head), "<p>No calls.</p>")
}

func TestUnknownFormat(t *testing.T) {
	t.Parallel()
	_, err := statement.NewWriter(&bytes.Buffer{}, "pdf", november)
	require.ErrorContains(t, err, `no format "pdf"`)
}
