package operator_test

import (
	"encoding/csv"
	"encoding/json"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	cli "aftercall/internal/oldcli"
	"aftercall/internal/ledger"
	"aftercall/internal/testenv"
)

// timeless replaces what differs from run to run: hashes, and times that are
// not those of the tests' calls and tariffs.
func timeless(text string) string {
	text = regexp.MustCompile(`20\d\d-\d\d-\d\d[ T]\d\d:\d\d:\d\d(\.\d+Z| UTC)?`).ReplaceAllStringFunc(text, func(at string) string {
		if strings.HasPrefix(at, "2026-03-0") || strings.HasPrefix(at, "2025-01-01") {
			return at
		}
		return "<now>"
	})
	return regexp.MustCompile(`[0-9a-f]{64}`).ReplaceAllString(text, "<hash>")
}

func TestShowTellsTheStoryOfACall(t *testing.T) {
	w := corrected(t)
	require.Equal(t, `Call      call-1
App       clinic, SDKAppID 1400000000
Payer     patient-1
What      Audio, SingleCall, ended with NormalEnd
When      started 2026-03-01 11:58:50 UTC, accepted 2026-03-01 11:58:59 UTC, ended 2026-03-01 12:00:00 UTC
Workflow  call:1400000000:call-1, first run run-call-1
The callback said AcceptTime 0, the record says 1772366339. The record counts.

charge:1400000000:call-1  0.24 USD  booked <now>
  1. tariff standard, version of 2025-01-01T00:00:00Z: rule 1, for Audio SingleCall NormalEnd
  2. connected for 61 s, from AcceptTime to EndTime
  3. billed as 120 s: the first 60 s, then every 60 s begun
  4. 0.12 a minute × 120 s / 60 = 0.24
  5. rounded half up to 2 digits: 0.24 USD
  tariff standard of 2025-01-01T00:00:00Z, SHA-256 <hash>

reversal:1400000000:call-1  -0.24 USD  booked <now>
  1. takes back 0.24 USD, which charge:1400000000:call-1 charged
  by alice: says the doctor
  tariff standard of 2025-01-01T00:00:00Z, SHA-256 <hash>

charge.2:1400000000:call-1  0.30 USD  booked <now>
  1. tariff standard, version of 2025-01-01T00:00:00Z: rule 1, for Audio SingleCall NormalEnd
  2. connected for 61 s, from AcceptTime to EndTime
  3. billed as 120 s: the first 60 s, then every 60 s begun
  4. 0.15 a minute × 120 s / 60 = 0.3
  5. rounded half up to 2 digits: 0.30 USD
  by alice: says the doctor
  tariff standard of 2025-01-01T00:00:00Z, SHA-256 <hash>

The call is charged 0.30 USD, by charge.2:1400000000:call-1.
`, timeless(w.prints("ledger", "show", "call-1")))
	require.Contains(t, w.prints("ledger", "show", "call-2", "--app", "clinic"), "The call is charged nothing: its charge was taken back.")

	var entries []ledger.Entry
	require.NoError(t, json.Unmarshal([]byte(w.prints("ledger", "show", "call-1", "-o", "json")), &entries))
	require.Len(t, entries, 3)
	require.Equal(t, "0.30", entries[2].Charge.Amount.Number())

	code, _, stderr := w.run("ledger", "show", "nobody\x1b[2J")
	require.Equal(t, cli.NotFound, code)
	require.Contains(t, stderr, "the ledger has no entry of call nobody")
	require.NotContains(t, stderr, "\x1b")
}

func TestForeignTextDoesNotReachTheTerminal(t *testing.T) {
	w := newWorld(t)
	w.charge("call-1", "\x1b[31mpatient\n", noon, 61, tariff(t, "USD", "0.12"))
	for _, args := range [][]string{{"show", "call-1"}, {"list"}, {"report", "--by", "payer"}} {
		out := w.prints(append([]string{"ledger"}, args...)...)
		require.Contains(t, out, "patient")
		require.NotContains(t, out, "\x1b")
	}
}

func TestList(t *testing.T) {
	w := corrected(t)
	lines := strings.Split(w.prints("ledger", "list"), "\n")
	require.Len(t, lines, 8)
	require.Equal(t, "KIND REV APP CALL PAYER RESULT ENDED CONNECTED BILLED AMOUNT BY", strings.Join(strings.Fields(lines[0])[2:], " "))
	require.Contains(t, lines[4], "reversal  1    clinic  call-1  patient-1  NormalEnd  2026-03-01 12:00:00 UTC  61 s       120 s   -0.24   USD  alice")
	count := func(args ...string) int {
		var entries []ledger.Entry
		require.NoError(t, json.Unmarshal([]byte(w.prints(append([]string{"ledger", "list", "-o", "json"}, args...)...)), &entries))
		return len(entries)
	}
	require.Equal(t, 6, count())
	require.Equal(t, 2, count("--live"))
	require.Equal(t, 2, count("--kind", "reversal", "--operator", "alice"))
	require.Equal(t, 1, count("--from", "2026-03-02"))
	require.Equal(t, 5, count("--to", "2026-03-01"), "until the end of the day")
	require.Equal(t, 6, count("--to", "2026-03-02"))
	require.Equal(t, 3, count("--from", "2026-03-01T12:30:00Z"))
	require.Equal(t, 5, count("--from", "2026-03-02", "--zone", "Pacific/Kiritimati", "--to", "2026-03-02"), "it is tomorrow there")
	require.Equal(t, 6, count("--app", "1400000000"))
	require.Equal(t, 0, count("--booked-to", "2026-03-02"), "the entries are of today")
	require.Equal(t, 6, count("--booked-from", "2026-03-02"))
	require.Equal(t, 0, count("--app", "1400000001"))
	require.Contains(t, w.prints("ledger", "list", "--payer", "nobody"), "No entries.")

	_, stdout, stderr := w.run("ledger", "list", "--limit", "1")
	require.Len(t, strings.Split(stdout, "\n"), 3)
	require.Contains(t, stderr, "There are more: these are the first 1.")
}

func TestFlagsThatMakeNoSense(t *testing.T) {
	w := newWorld(t)
	for want, args := range map[string][]string{
		`--from: "yesterday" is neither a day nor an instant`:      {"--from", "yesterday"},
		"write a day, as in 2026-03-01, which is one of --zone":    {"--from", "2026-03-01T12:00:00"},
		"--to: there is no day 2026-02-30":                         {"--to", "2026-02-30"},
		`--zone: "Mars" is not known`:                              {"--zone", "Mars"},
		"--to 2026-03-01 is not after --from 2026-03-02":           {"--from", "2026-03-02", "--to", "2026-03-01"},
		"--booked-to 2026-03-01 is not after --booked-from":        {"--booked-from", "2026-03-02", "--booked-to", "2026-03-01"},
		"--limit: must be 1 or more":                               {"--limit", "0"},
		`--kind must be one of "charge","reversal","" but got "x"`: {"--kind", "x"},
	} {
		code, _, stderr := w.run(append([]string{"ledger", "list"}, args...)...)
		require.Equal(t, cli.Usage, code)
		require.Contains(t, stderr, want)
	}
	w.environ["LEDGER_URL"] = "mysql://canary@db/ledger"
	code, _, stderr := w.run("ledger", "list")
	require.Equal(t, cli.Usage, code)
	require.Contains(t, stderr, "LEDGER_URL: must be sqlite:")
	w.environ["LEDGER_URL"] = "sqlite:" + t.TempDir() + "/mistyped.db"
	code, _, stderr = w.run("ledger", "verify")
	require.Equal(t, cli.NotFound, code, "a ledger that is not there is not a clean one")
	require.Contains(t, stderr, "check LEDGER_URL")
}

func TestReport(t *testing.T) {
	w := corrected(t)
	require.Equal(t, `DAY         CHARGES  REVERSALS  BILLED  AMOUNT
2026-03-02  1        0          180 s   60 JPY
total       1        0          180 s   60 JPY

DAY         CHARGES  REVERSALS  BILLED  AMOUNT
2026-03-01  3        2          120 s   0.30 USD
total       3        2          120 s   0.30 USD
`, w.prints("ledger", "report", "--by", "day"))
	w.charge("call-4", "patient-4", noon, 30, tariff(t, "USD", "0.12"))
	w.charge("call-5", "patient-5", noon, 1, tariff(t, "USD", "0.01"))
	bars := w.prints("ledger", "report", "--by", "payer", "--bars", "always", "--to", "2026-03-01")
	require.Contains(t, bars, "patient-1  2        1          120 s   0.30 USD  "+strings.Repeat("█", 40)+"\n")
	require.Contains(t, bars, "patient-2  1        1          0 s     0.00 USD\n")
	require.Contains(t, bars, "patient-4  1        0          60 s    0.12 USD  "+strings.Repeat("█", 16)+"\n")
	require.Contains(t, bars, "patient-5  1        0          60 s    0.01 USD  █\n")
	require.NotContains(t, w.prints("ledger", "report"), "█", "this is no terminal")

	rows, err := csv.NewReader(strings.NewReader(w.prints("ledger", "report", "--by", "result", "-o", "csv"))).ReadAll()
	require.NoError(t, err)
	require.Equal(t, [][]string{
		{"result", "currency", "amount", "charges", "reversals", "connected_seconds", "billed_seconds"},
		{"NormalEnd", "JPY", "60", "1", "0", "130", "180"},
		{"NormalEnd", "USD", "0.43", "5", "2", "92", "240"},
	}, rows)
	require.JSONEq(t, `[{"group":"standard","currency":"JPY","amount":"60","charges":1,"reversals":0,"connected_seconds":130,"billed_seconds":180}]`,
		w.prints("ledger", "report", "--by", "tariff", "-o", "json", "--from", "2026-03-02"))
	require.Equal(t, "No entries.\n", w.prints("ledger", "report", "--app", "nobody"))
}

func TestExport(t *testing.T) {
	w := corrected(t)
	code, stdout, stderr := w.run("ledger", "export", "--live")
	require.Equal(t, cli.OK, code)
	require.Equal(t, "2 entries\n", stderr, "beside the CSV, not in it")
	rows, err := csv.NewReader(strings.NewReader(stdout)).ReadAll()
	require.NoError(t, err)
	require.Len(t, rows, 3)
	require.Equal(t, []string{"0.30", "USD"}, rows[2][19:21])
}

func TestVerify(t *testing.T) {
	w := corrected(t)
	out := w.prints("ledger", "verify")
	require.Contains(t, out, "6 entries by 3 tariff versions: every sum was computed again and is right.\n")
	require.Contains(t, out, "  60 JPY: 1 charges, 0 reversals\n  0.30 USD: 3 charges, 2 reversals\n")
	require.Contains(t, out, "note: tariff standard, version of 2025-01-01T00:00:00Z was edited in place")

	w.tamper("UPDATE ledger_entries SET amount = '0.01' WHERE key = 'charge:1400000000:call-3'")
	code, stdout, stderr := w.run("ledger", "verify")
	require.Equal(t, cli.Refused, code)
	require.Contains(t, stdout, "charge:1400000000:call-3: its sum comes to 60 JPY, not 0.01 JPY\n")
	require.Contains(t, stderr, "the ledger is not clean: 1 findings in it")
	code, stdout, _ = w.run("ledger", "verify", "-o", "json", "--limit", "0")
	require.Equal(t, cli.Refused, code)
	require.Contains(t, stdout, `"findings": 1,`)
	require.Contains(t, stdout, `"found": []`)
}

func TestVerifyWithRecordsNeedsTheConfiguration(t *testing.T) {
	w := corrected(t)
	code, _, stderr := w.run("ledger", "verify", "--records")
	require.Equal(t, cli.Usage, code)
	require.Contains(t, stderr, "AFTERCALL_CONFIG: is not set")
}

func TestReviewCommandsWithoutTemporal(t *testing.T) {
	w := newWorld(t)
	w.configure("0.12")
	for _, args := range [][]string{
		{"review", "list"},
		{"review", "decide", "call-1", "--verdict", "waive", "--operator", "alice", "--reason", "test"},
	} {
		code, _, stderr := w.run(args...)
		require.Equal(t, cli.Failed, code, stderr)
		require.Contains(t, stderr, "Temporal does not answer: check TEMPORAL_ADDRESS")
	}
	code, _, stderr := w.run("review", "decide", "call-1", "--app", "clinik", "--verdict", "waive")
	require.Equal(t, cli.Usage, code)
	require.Contains(t, stderr, `--app: the configuration has no app "clinik"`)
}

// TestBothEnginesTellTheSame runs the commands on either, and corrects both.
func TestBothEnginesTellTheSame(t *testing.T) {
	url, ok := testenv.Postgres(t)
	if !ok {
		return
	}
	lite, postgres := corrected(t), newWorldAt(t, url)
	postgres.correct()
	lite.configure("0.15")
	postgres.configure("0.15")
	for _, args := range []string{
		"list", "list --live --output json", "show call-1", "show call-2", "report --by day", "report --by payer --output csv", "export", "rerate", "verify",
		"reverse call-3 --operator alice --reason x", "rerate --price-list in-yen --apply --operator alice --reason x", "verify --output json", "list",
	} {
		command := append([]string{"ledger"}, strings.Fields(args)...)
		wantCode, want, _ := lite.run(command...)
		code, got, stderr := postgres.run(command...)
		require.Equal(t, wantCode, code, "%s: %s", args, stderr)
		require.Equal(t, timeless(want), timeless(got), args)
	}
}
