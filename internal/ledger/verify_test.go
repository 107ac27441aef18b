package ledger_test

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"testing"

	"aftercall/internal/billing"
	"aftercall/internal/ledger"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"
)

// verify verifies without evidence. Findings about the schema are left out, because
// these tests remove triggers and constraints.
func verify(t *testing.T, l *ledger.Ledger) (ledger.Verification, []string) {
	t.Helper()
	var findings []string
	v, err := l.Verify(context.Background(), ledger.Evidence{}, func(f ledger.Finding) {
		if f.Kind != ledger.FindingSchema {
			findings = append(findings, f.Key+": "+f.Problem)
		}
	}, nil)
	require.NoError(t, err)
	return v, findings
}

func requireClean(t *testing.T, l *ledger.Ledger) {
	t.Helper()
	_, findings := verify(t, l)
	require.Empty(t, findings)
}

// copies books more charges of the call "seed" past the ledger, each with the amount.
func copies(amount string, n int) string {
	return strings.NewReplacer("$amount", amount, "$n", fmt.Sprint(n)).Replace(`WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < $n)
INSERT INTO ledger_entries (key, kind, revision, sdk_app_id, app, call_id, payer, media_type, call_type, result, start_time, accept_time,
  end_time, connected_seconds, billed_seconds, participants, amount, currency, tariff, tariff_from, tariff_hash, steps, record, differences,
  workflow_id, first_run_id, reason, operator)
SELECT 'charge:1400000000:copy-' || n.i, kind, revision, sdk_app_id, app, 'copy-' || n.i, payer, media_type, call_type, result, start_time, accept_time,
  end_time, connected_seconds, billed_seconds, participants, '$amount', currency, tariff, tariff_from, tariff_hash, steps,
  replace(record, '"seed"', '"copy-' || n.i || '"'), differences, workflow_id, first_run_id, reason, operator
FROM ledger_entries, n WHERE call_id = 'seed'`)
}

func testVerifyClean(t *testing.T, url string) {
	l := open(t, url)
	requireClean(t, l)
	bookSamples(t, l)
	decided := entry(t, "decided", "run", "0.05")
	rater, err := billing.NewRater("standard", tariffAt(t, "0.05"))
	require.NoError(t, err)
	decided.Record.Result = "Vanished"
	decided.Charge, err = rater.Decide(decided.Record, billing.Decision{Verdict: billing.VerdictChargeAs, ConnectedSeconds: 300})
	require.NoError(t, err)
	decided.Reason, decided.Operator = "says the doctor's log", "alice"
	charge(t, l, decided)
	foreign := entry(t, "foreign", "run", "0.05")
	foreign.Record.Caller = "nul\x00and\x1b[31m"
	foreign.Charge = rate(t, foreign.Record, tariffAt(t, "0.05"))
	charge(t, l, foreign)

	v, findings := verify(t, l)
	require.Empty(t, findings)
	require.EqualValues(t, 8, v.Entries)
	var seen []int64
	_, err = l.Verify(context.Background(), ledger.Evidence{}, func(ledger.Finding) {}, func(entries int64) { seen = append(seen, entries) })
	require.NoError(t, err)
	require.Equal(t, []int64{1, 2, 3, 4, 5, 6, 7, 8}, seen)
	require.Equal(t, 3, v.Versions)
	require.Equal(t, []string{"tariff standard, version of 2023-11-14T22:13:20Z"}, v.Edited, "the test charges by several texts of it")
	require.Len(t, v.Totals, 2)
	require.Equal(t, "20 JPY", v.Totals[0].Amount.String())
	require.Equal(t, "0.49 USD", v.Totals[1].Amount.String(), "0.14, five minutes at 0.05, and 0.10")
}

func testVerifyEditedVersion(t *testing.T, url string) {
	l := open(t, url)
	charge(t, l, entry(t, "call-1", "run", "0.05"))
	charge(t, l, entry(t, "call-2", "run", "0.05"))
	v, _ := verify(t, l)
	require.Empty(t, v.Edited)
	charge(t, l, entry(t, "call-3", "run", "0.07"))
	v, _ = verify(t, l)
	require.Equal(t, []string{"tariff standard, version of 2023-11-14T22:13:20Z"}, v.Edited)
	require.Equal(t, 2, v.Versions)
}

// testVerifyUnderLoad: what is booked during the verification, by tariff versions
// that were stored after it began, is not part of it.
func testVerifyUnderLoad(t *testing.T, url string) {
	l, busy := open(t, url), open(t, url)
	charge(t, l, entry(t, "first", "run", "0.05"))
	ctx, stop := context.WithCancel(context.Background())
	var group errgroup.Group
	group.Go(func() error {
		for i := 0; ctx.Err() == nil; i++ {
			e := entry(t, fmt.Sprintf("call-%d", i), "run", fmt.Sprintf("0.05%d", i))
			stored, _, err := busy.Charge(context.Background(), e)
			if err == nil && i%3 == 0 {
				_, _, err = busy.Replace(context.Background(), stored.Key, rate(t, stored.Record, tariffAt(t, fmt.Sprintf("0.06%d", i))), mistake)
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
	for range 40 {
		requireClean(t, l)
	}
	stop()
	require.NoError(t, group.Wait())
}

// testVerifyFindings changes the database past the ledger, without its triggers and
// constraints.
func testVerifyFindings(t *testing.T, url string) {
	bookSamples(t, open(t, url))
	db := openSQL(t, url)
	unguard(t, db)
	l := open(t, url)
	for name, c := range map[string]struct {
		statement string
		want      []string
	}{
		"an amount": {
			"UPDATE ledger_entries SET amount = '0.01' WHERE key = 'charge:1400000000:call-3'",
			[]string{"charge:1400000000:call-3: its amount is 0.01 JPY, but its record and tariff give 20 JPY"},
		},
		"seconds": {
			"UPDATE ledger_entries SET billed_seconds = 60 WHERE key = 'charge:1400000000:call-3'",
			[]string{"call-3: its amount of 20 JPY is right, but its record and tariff give 61 s connected, 120 s billed"},
		},
		"steps": {
			"UPDATE ledger_entries SET steps = '[]' WHERE key = 'charge:1400000000:call-3'",
			[]string{"call-3: its amount of 20 JPY is right, but"},
		},
		"a record": {
			`UPDATE ledger_entries SET record = replace(record, '"AcceptTime":', '"AcceptTime":1') WHERE key = 'charge:1400000000:call-3'`,
			[]string{"call-3: its columns differ from its record", "call-3: cannot be charged again: needs review: AcceptTime"},
		},
		"a payer": {
			"UPDATE ledger_entries SET payer = 'somebody else' WHERE key = 'charge:1400000000:call-3'",
			[]string{"call-3: its columns differ from its record: {call-3 somebody else"},
		},
		"an amount that is no number": {
			"UPDATE ledger_entries SET amount = 'x' WHERE key = 'charge:1400000000:call-3'",
			[]string{"call-3: cannot be read: amount: "},
		},
		"a version's date": {
			"UPDATE ledger_entries SET tariff_from = 'today' WHERE key = 'charge:1400000000:call-3'",
			[]string{"call-3: cannot be read: tariff_from: "},
		},
		"steps that are not JSON": {
			"UPDATE ledger_entries SET steps = '{' WHERE key = 'charge:1400000000:call-3'",
			[]string{"call-3: cannot be read: steps: "},
		},
		"differences that are not JSON": {
			"UPDATE ledger_entries SET differences = '{' WHERE key = 'charge:1400000000:call-3'",
			[]string{"call-3: cannot be read: differences: "},
		},
		"the record of a reversed charge": {
			"UPDATE ledger_entries SET record = '{' WHERE key = 'charge:1400000000:call-2'",
			[]string{"charge:1400000000:call-2: cannot be read", "reversal:1400000000:call-2: reverses charge:1400000000:call-2, which cannot be read"},
		},
		"a reversal's tariff": {
			"UPDATE ledger_entries SET tariff_hash = (SELECT tariff_hash FROM kept_entries WHERE key = 'charge:1400000000:call-3') WHERE key = 'reversal:1400000000:call-2'",
			[]string{"reversal:1400000000:call-2: is -0.10 USD, but its charge was 0.10 USD"},
		},
		"a deleted tariff version": {
			"DELETE FROM ledger_tariffs WHERE hash = (SELECT tariff_hash FROM kept_entries WHERE key = 'charge:1400000000:call-3')",
			[]string{"call-3: its tariff version is missing: the ledger holds none with the hash "},
		},
		"a record that is not JSON": {
			"UPDATE ledger_entries SET record = '{' WHERE key = 'charge:1400000000:call-3'",
			[]string{"call-3: cannot be read: record: unexpected end"},
		},
		"a key": {
			"UPDATE ledger_entries SET key = 'charge:1400000000:call-4' WHERE key = 'charge:1400000000:call-3'",
			[]string{"charge:1400000000:call-4: its key must be charge:1400000000:call-3"},
		},
		"a tariff": {
			"UPDATE ledger_tariffs SET edition = replace(edition, 'JPY', 'KRW')",
			[]string{"call-3: tariff standard: the stored version has the hash"},
		},
		"a reversal's amount": {
			"UPDATE ledger_entries SET amount = '-0.09' WHERE key = 'reversal:1400000000:call-2'",
			[]string{"reversal:1400000000:call-2: is -0.09 USD, but its charge was 0.10 USD: it must be -0.10 USD"},
		},
		"the charge of a reversal": {
			"UPDATE ledger_entries SET reverses = 'charge:1400000000:call-3' WHERE key = 'reversal:1400000000:call-2'",
			[]string{"call-2: reverses charge:1400000000:call-3, but must reverse charge:1400000000:call-2", "call-2: is -0.10 USD, but its charge was 20 JPY"},
		},
		"a correction without operator": {
			"UPDATE ledger_entries SET operator = '' WHERE key = 'reversal:1400000000:call-2'",
			[]string{"call-2: is a correction, but operator: is missing"},
		},
		"a replacement without reason": {
			"UPDATE ledger_entries SET reason = '' WHERE key = 'charge.2:1400000000:call-1'",
			[]string{"charge.2:1400000000:call-1: is a correction, but reason: is missing"},
		},
		"a deleted reversal": {
			"DELETE FROM ledger_entries WHERE key = 'reversal:1400000000:call-1'",
			[]string{"charge.2:1400000000:call-1: replaces charge:1400000000:call-1, which was not reversed: the call is charged twice"},
		},
		"a deleted charge": {
			"DELETE FROM ledger_entries WHERE key = 'charge:1400000000:call-2'",
			[]string{"reversal:1400000000:call-2: reverses charge:1400000000:call-2, which does not exist"},
		},
		"an entry twice": {
			"INSERT INTO ledger_entries SELECT * FROM ledger_entries WHERE key = 'charge:1400000000:call-3'",
			[]string{"charge:1400000000:call-3: there are 2 entries with this key"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			requireClean(t, l)
			execute(t, db, c.statement)
			_, findings := verify(t, l)
			execute(t, db, "DELETE FROM ledger_entries", "INSERT INTO ledger_entries SELECT * FROM kept_entries",
				"DELETE FROM ledger_tariffs", "INSERT INTO ledger_tariffs SELECT * FROM kept_tariffs")
			require.Len(t, findings, len(c.want), "%q", findings)
			for i, want := range c.want {
				require.Contains(t, findings[i], want)
			}
		})
	}
}

// unguard removes triggers and constraints, and keeps a copy of everything.
func unguard(t *testing.T, db *sql.DB) {
	t.Helper()
	execute(
		t, db,
		"CREATE TABLE kept_entries AS SELECT * FROM ledger_entries", "CREATE TABLE kept_tariffs AS SELECT * FROM ledger_tariffs",
		"DROP TABLE ledger_entries", "DROP TABLE ledger_tariffs",
		"CREATE TABLE ledger_entries AS SELECT * FROM kept_entries", "CREATE TABLE ledger_tariffs AS SELECT * FROM kept_tariffs",
	)
}

func execute(t *testing.T, db *sql.DB, statements ...string) {
	t.Helper()
	for _, statement := range statements {
		_, err := db.ExecContext(context.Background(), statement)
		require.NoError(t, err, statement)
	}
}
