package ledger_test

import (
	"context"
	"database/sql"
	"maps"
	"slices"
	"strings"
	"testing"

	"aftercall/internal/billing"
	"aftercall/internal/ledger"
	"aftercall/internal/ledgerlog"

	"github.com/stretchr/testify/require"
)

// mailed is a checkpoint as somebody outside keeps it.
func mailed(c ledgerlog.Issued) ledger.Evidence {
	return ledger.Evidence{Checkpoints: []ledger.OutsideCheckpoint{{Name: "mailed checkpoint", Checkpoint: c.Checkpoint}}}
}

// bookMonth fills a ledger with entries of every kind, integrates them in batches
// and returns a checkpoint of them. More entries and a stored checkpoint follow.
func bookMonth(t *testing.T, l *ledger.Ledger, db *sql.DB) ledgerlog.Issued {
	t.Helper()
	ctx := context.Background()
	in := l.NewIntegrator()
	charge(t, l, entry(t, "seed", "run", "0.05"))
	execute(t, db, copies("0.10", 150))
	integrate(t, in)
	bookSamples(t, l)
	adjust(t, l, "seed", 1, "-0.02")
	_, _, err := l.Reverse(ctx, adjust(t, l, "seed", 2, "0.03").Key, mistake)
	require.NoError(t, err)
	integrate(t, in)
	decided := entry(t, "decided", "run", "0.05")
	rater, err := billing.NewRater("standard", tariffAt(t, "0.05"))
	require.NoError(t, err)
	decided.Record.Result = "Vanished"
	decided.Charge, err = rater.Decide(decided.Record, billing.Decision{Verdict: billing.VerdictChargeAs, ConnectedSeconds: 300})
	require.NoError(t, err)
	decided.Reason, decided.Operator = "says the doctor's log", "alice"
	charge(t, l, decided)
	integrate(t, in)
	checkpoint, err := l.MakeCheckpoint(ctx, ledgerlog.Key{})
	require.NoError(t, err)
	require.EqualValues(t, 161, checkpoint.Size)
	charge(t, l, entry(t, "later", "run", "0.05"))
	integrate(t, in)
	_, err = l.MakeCheckpoint(ctx, ledgerlog.Key{})
	require.NoError(t, err)
	return checkpoint
}

// verifyAgainst verifies by evidence. Findings about the schema are left out: who
// removed a trigger can have put it back.
func verifyAgainst(t *testing.T, l *ledger.Ledger, evidence ledger.Evidence) []string {
	t.Helper()
	var findings []string
	_, err := l.Verify(context.Background(), evidence, func(f ledger.Finding) {
		if f.Kind != ledger.FindingSchema {
			findings = append(findings, f.Key+": "+f.Problem)
		}
	}, nil)
	require.NoError(t, err)
	return findings
}

// alteration is what somebody with all rights in the database does.
type alteration struct {
	name, statement string
	// want is in one of the findings.
	want string
}

const (
	victim = "charge:1400000000:copy-7"
	// forge copies an entry under the values of its columns that precede it.
	forge = `INSERT INTO ledger_entries (seq, key, kind, revision, reverses, created_at, sdk_app_id, app, call_id, payer, media_type, call_type, result, start_time,
  accept_time, end_time, connected_seconds, billed_seconds, participants, amount, currency, tariff, tariff_from, tariff_hash, steps, record, differences,
  workflow_id, first_run_id, reason, operator)
SELECT $seq, '$key', '$kind', $revision, $reverses, created_at - 3600000, sdk_app_id, app, '$call', payer, media_type, call_type, result, start_time,
  accept_time, end_time, connected_seconds, billed_seconds, participants, '$amount', currency, tariff, tariff_from, tariff_hash, steps,
  replace(record, 'copy-7"', '$call"'), differences, workflow_id, first_run_id, '$reason', '$operator'
FROM ledger_entries WHERE key = '` + victim + `'`
)

// copyAs copies the entries of call-1 with the values before FROM, past the ledger.
const copyAs = `INSERT INTO ledger_entries (sdk_app_id, app, call_id, payer, media_type, call_type, result, start_time, accept_time, end_time,
  connected_seconds, billed_seconds, participants, currency, tariff, tariff_from, tariff_hash, record, differences, workflow_id, first_run_id,
  key, kind, revision, reverses, amount, reason, operator, steps)
SELECT sdk_app_id, app, call_id, payer, media_type, call_type, result, start_time, accept_time, end_time,
  connected_seconds, billed_seconds, participants, currency, tariff, tariff_from, tariff_hash, record, differences, workflow_id, '',
FROM ledger_entries WHERE key = 'charge:1400000000:call-1'`

func forged(values ...string) string {
	return strings.NewReplacer(append(values, "$kind", "charge", "$revision", "1", "$reverses", "NULL", "$amount", "0.10", "$reason", "", "$operator", "",
		"$seq", "(SELECT max(seq) + 1 FROM ledger_entries)", "$key", "charge:1400000000:forged", "$call", "forged")...).Replace(forge)
}

// columnAlterations change each column of the entry with the key.
func columnAlterations(key string) []alteration {
	var all []alteration
	for _, column := range ledger.Columns()["ledger_entries"] {
		value := column + " || 'x'"
		switch column {
		case "seq":
			value = "seq + 1000"
		case "reverses":
			value = "'charge:1400000000:copy-8'"
		case "kind":
			value = "'reversal'"
		case "currency":
			value = "'EUR'"
		case "amount":
			value = "'0.01'"
		case "tariff_from":
			value = "'2024-01-01T00:00:00Z'"
		case "tariff_hash":
			value = "(SELECT hash FROM ledger_tariffs WHERE hash <> tariff_hash LIMIT 1)"
		case "steps":
			value = "replace(steps, '0', '1')"
		case "record":
			value = "replace(record, 'roomid-1434', 'roomid-1435')"
		case "differences":
			value = "'[]'"
		case "revision", "created_at", "sdk_app_id", "start_time", "accept_time", "end_time", "connected_seconds", "billed_seconds", "participants":
			value = column + " + 1"
		}
		want := "was altered after the mailed checkpoint"
		if column == "seq" {
			want = "was removed after the mailed checkpoint"
		}
		all = append(all, alteration{"column " + column + " of " + key, "UPDATE ledger_entries SET " + column + " = " + value + " WHERE key = '" + key + "'", want})
	}
	return all
}

func alterations() []alteration {
	const removed, altered = "was removed after the mailed checkpoint", "was altered after the mailed checkpoint"
	const credit = "adjustment:1400000000:seed"
	return append(append(columnAlterations(victim), columnAlterations(credit)...), []alteration{
		{"an adjustment, with its steps", `UPDATE ledger_entries SET amount = '-0.03', steps = replace(steps, '0.08', '0.07') WHERE key = '` + credit + `'`, altered},
		{"an adjustment and its reversal", `UPDATE ledger_entries SET amount = replace(amount, '0.03', '0.04') WHERE key LIKE 'adjustment%.2:1400000000:seed'`, altered},
		{"who adjusted", "UPDATE ledger_entries SET operator = 'mallory' WHERE key = '" + credit + "'", altered},
		{"remove an adjustment", "DELETE FROM ledger_entries WHERE key = '" + credit + "'", removed},
		{"remove the reversal of an adjustment", "DELETE FROM ledger_entries WHERE key = 'adjustment-reversal.2:1400000000:seed'", removed},
		{"remove an adjustment with its reversal", "DELETE FROM ledger_entries WHERE key LIKE 'adjustment%.2:1400000000:seed'", removed},
		{"forge an adjustment", forged("$key", "adjustment:1400000000:copy-7", "$call", "copy-7", "$kind", "adjustment", "$amount", "-0.05",
			"$reason", "goodwill", "$operator", "alice"), "claims to have been booked at"},
		{"forge the reversal of an adjustment", forged("$key", "adjustment-reversal:1400000000:seed", "$call", "seed", "$kind", "reversal",
			"$reverses", "'"+credit+"'", "$amount", "0.02", "$reason", "r", "$operator", "alice"), "claims to have been booked at"},

		{"members", `UPDATE ledger_entries SET record = replace(record, 'user2', 'user3') WHERE key = '` + victim + `'`, altered},
		{"an operator", "UPDATE ledger_entries SET operator = 'mallory' WHERE key = 'reversal:1400000000:call-2'", altered},
		{"the reason of a decision", "UPDATE ledger_entries SET reason = 'none' WHERE call_id = 'decided'", altered},
		{"a payer, in column and record", `UPDATE ledger_entries SET payer = '10009', record = replace(record, '"10001"', '"10009"') WHERE key = '` + victim + `'`, altered},
		{"all workflows", "UPDATE ledger_entries SET workflow_id = 'w'", altered},

		{"remove one", "DELETE FROM ledger_entries WHERE key = '" + victim + "'", removed},
		{"remove the first", "DELETE FROM ledger_entries WHERE seq = (SELECT min(seq) FROM ledger_entries)", removed},
		{"remove the last of the checkpoint", "DELETE FROM ledger_entries WHERE call_id = 'decided'", removed},
		{"remove the very last", "DELETE FROM ledger_entries WHERE seq = (SELECT max(seq) FROM ledger_entries)", "the entry with seq 162 was removed after"},
		{"remove a hundred", "DELETE FROM ledger_entries WHERE seq IN (SELECT seq FROM ledger_entries ORDER BY seq LIMIT 100)", removed},
		{"remove a reversal", "DELETE FROM ledger_entries WHERE key = 'reversal:1400000000:call-2'", removed},
		{"remove a correction", "DELETE FROM ledger_entries WHERE key IN ('reversal:1400000000:call-1', 'charge.2:1400000000:call-1')", removed},
		{"remove a call", "DELETE FROM ledger_entries WHERE call_id = 'call-1'", removed},
		{"remove all", "DELETE FROM ledger_entries", removed},

		{"forge a call", forged(), "claims to have been booked at"},
		{"forge a call with an early seq", forged("$seq", "0"), "was put in past the log"},
		{"forge a reversal", forged("$key", "reversal:1400000000:copy-7", "$call", "copy-7", "$kind", "reversal", "$reverses", "'"+victim+"'",
			"$amount", "-0.10", "$reason", "goodwill", "$operator", "alice"), "claims to have been booked at"},
		{"forge a next revision", forged("$key", "charge.2:1400000000:copy-7", "$call", "copy-7", "$revision", "2", "$reason", "r", "$operator", "alice"), "claims to have been booked at"},
		{"copy an entry", "INSERT INTO ledger_entries SELECT * FROM ledger_entries WHERE key = '" + victim + "'", "was put in past the log"},
		{"replace a call by another", forged("$seq", "(SELECT seq FROM ledger_entries WHERE key = '"+victim+"')") + ";DELETE FROM ledger_entries WHERE key = '" + victim + "'", altered},

		{"exchange two entries", "UPDATE ledger_entries SET seq = CASE seq WHEN 7 THEN 8 ELSE 7 END WHERE seq IN (7, 8)", altered},
		{"renumber from an entry on", "UPDATE ledger_entries SET seq = seq + 1000 WHERE seq > 50", removed},
		{"exchange two entries of the log", "UPDATE ledger_log SET seqs = (SELECT seqs FROM ledger_log WHERE first_index = 161) WHERE first_index = 160", "twice"},
		{"change the hashes of the log", "UPDATE ledger_log SET nodes = (SELECT nodes FROM ledger_log WHERE first_index = 161) WHERE first_index = 160", altered},
		{"change the tree of the log", "UPDATE ledger_log SET frontier = (SELECT frontier FROM ledger_log WHERE first_index = 0) WHERE first_index = 160", "was altered"},
		{"remove a batch of the log", "DELETE FROM ledger_log WHERE first_index = 151", "the log has a gap from entry 151 to 160"},
		{"remove the log", "DELETE FROM ledger_log", "the log does not reach the mailed checkpoint"},
		{
			"truncate", "DELETE FROM ledger_log WHERE first_index >= 160;DELETE FROM ledger_entries WHERE call_id IN ('decided', 'later');DELETE FROM ledger_checkpoints",
			"the log does not reach the mailed checkpoint",
		},
		{"truncate to nothing", "DELETE FROM ledger_log;DELETE FROM ledger_entries;DELETE FROM ledger_checkpoints", "the log does not reach the mailed checkpoint"},
		{"change a stored checkpoint", "UPDATE ledger_checkpoints SET note = replace(note, '161', '160'), size = 160", "the log differs from the stored checkpoint"},

		{"remove a close", "DELETE FROM ledger_closes", "the close of 2026-02 was altered or removed after the mailed checkpoint"},
		{"move a close to another month", "UPDATE ledger_closes SET month = '2026-01'", "the close of 2026-01 was altered: its checkpoint does not close the month"},
		{"move a close to another checkpoint", "UPDATE ledger_closes SET checkpoint = 1", "the close of 2026-02 was altered: its checkpoint does not close the month"},
		{"remove the checkpoint of a close", "DELETE FROM ledger_checkpoints WHERE id = 3", "the close of 2026-02 was altered"},
		{"remove close and checkpoint", "DELETE FROM ledger_checkpoints WHERE id = 3;DELETE FROM ledger_closes", "the close of 2026-02 was altered or removed after the mailed checkpoint"},
		{"say that somebody else closed", "UPDATE ledger_checkpoints SET note = replace(note, '\"bob', '\"eve')", "the close of 2026-02 was altered or removed after the mailed checkpoint"},
		{"close other days", "UPDATE ledger_checkpoints SET note = replace(note, 'Asia/Shanghai', 'UTC')", "the close of 2026-02 was altered or removed after the mailed checkpoint"},
		{"garble the note of a close", "UPDATE ledger_checkpoints SET note = replace(note, 'close ', 'close')", "the close of 2026-02 was altered"},

		{"change a tariff version", "UPDATE ledger_tariffs SET edition = replace(edition, 'USD', 'EUR')", "the stored version has the hash"},
		{"remove a tariff version", "DELETE FROM ledger_tariffs", "its tariff version is missing"},
	}...)
}

// testAlterations finds every alteration from one checkpoint that was mailed before.
func testAlterations(t *testing.T, url string) {
	db := openSQL(t, url)
	l := open(t, url)
	evidence := mailed(bookMonth(t, l, db))
	closed, _, err := l.CloseMonth(context.Background(), february, ledgerlog.Key{})
	require.NoError(t, err)
	evidence.Checkpoints = append(evidence.Checkpoints, mailed(closed).Checkpoints...)
	require.Empty(t, verifyAgainst(t, l, evidence))
	tables := []string{"ledger_closes", "ledger_entries", "ledger_tariffs", "ledger_log", "ledger_checkpoints"}
	for _, table := range tables {
		execute(t, db, "CREATE TABLE kept_"+table+" AS SELECT * FROM "+table, "DROP TABLE "+table+cascade(url), "CREATE TABLE "+table+" AS SELECT * FROM kept_"+table)
	}
	l = open(t, url)
	for _, a := range alterations() {
		t.Run(a.name, func(t *testing.T) {
			require.Empty(t, verifyAgainst(t, l, evidence))
			execute(t, db, strings.Split(a.statement, ";")...)
			findings := verifyAgainst(t, l, evidence)
			for _, table := range tables {
				execute(t, db, "DELETE FROM "+table, "INSERT INTO "+table+" SELECT * FROM kept_"+table)
			}
			require.True(t, slices.ContainsFunc(findings, func(f string) bool { return strings.Contains(f, a.want) }), "%q is in none of %q", a.want, findings)
		})
	}
}

// cascade drops what refers to a table, where that does not happen by itself.
func cascade(url string) string {
	if strings.HasPrefix(url, "sqlite:") {
		return ""
	}
	return " CASCADE"
}

// dropTriggers lets the database change everything.
func dropTriggers(t *testing.T, url string, db *sql.DB) {
	t.Helper()
	for _, table := range []string{"ledger_entries", "ledger_tariffs", "ledger_log", "ledger_checkpoints", "ledger_closes"} {
		if cascade(url) != "" {
			execute(t, db, "DROP TRIGGER "+table+"_append_only ON "+table)
			continue
		}
		for _, operation := range []string{"update", "delete", "replace"} {
			execute(t, db, "DROP TRIGGER "+table+"_no_"+operation)
		}
	}
}

// testRewrittenLog has somebody alter entries and then make log and checkpoints
// anew, with the program itself: only a checkpoint from outside shows it.
func testRewrittenLog(t *testing.T, url string) {
	db := openSQL(t, url)
	l := open(t, url)
	evidence := mailed(bookMonth(t, l, db))
	dropTriggers(t, url, db)
	backdated := strings.Replace(forged(), "$seq, '", "'", 1)
	backdated = strings.Replace(backdated, "(seq, key", "(key", 1)
	backdated = strings.Replace(backdated, "(SELECT max(seq) + 1 FROM ledger_entries), '", "'", 1)
	execute(t, db, "UPDATE ledger_entries SET app = 'other' WHERE key = '"+victim+"'", "DELETE FROM ledger_log", "DELETE FROM ledger_checkpoints")
	in := l.NewIntegrator()
	integrate(t, in)
	_, err := l.MakeCheckpoint(context.Background(), ledgerlog.Key{})
	require.NoError(t, err)
	require.Empty(t, verifyAgainst(t, l, ledger.Evidence{}), "the ledger agrees with itself")
	findings := verifyAgainst(t, l, evidence)
	require.Len(t, findings, 1)
	require.Contains(t, findings[0], "the log differs from the mailed checkpoint of ")
	require.Contains(t, findings[0], " with 161 entries: entries before entry 161 of the log were altered")

	// With an earlier checkpoint it is known which entries: the seed and its copies are as they were.
	execute(t, db, "UPDATE ledger_entries SET app = 'clinic' WHERE key = '"+victim+"'", "DELETE FROM ledger_entries WHERE call_id = 'decided'",
		"DELETE FROM ledger_log", "DELETE FROM ledger_checkpoints")
	in = l.NewIntegrator()
	integrate(t, in)
	early := evidence.Checkpoints[0]
	early.Name, early.Size, early.Root = "earlier checkpoint", 151, rootOf(t, l)
	evidence.Checkpoints = append(evidence.Checkpoints, early)
	findings = verifyAgainst(t, l, evidence)
	require.Len(t, findings, 1)
	require.Contains(t, findings[0], "entries from 151 to 160 of the log, after those of the earlier checkpoint")

	// The worker takes in a forged call that claims to be old.
	execute(t, db, backdated)
	integrate(t, in)
	findings = verifyAgainst(t, l, evidence)
	require.True(t, slices.ContainsFunc(findings, func(f string) bool {
		return strings.Contains(f, "charge:1400000000:forged: claims to have been booked at")
	}), "%q", findings)
}

// rootOf is the root of the first 151 entries, computed again.
func rootOf(t *testing.T, l *ledger.Ledger) ledgerlog.Hash {
	t.Helper()
	tree := ledgerlog.NewTree()
	for i := range uint64(151) {
		leaf, err := l.LeafAt(context.Background(), i)
		require.NoError(t, err)
		_, err = tree.Append(leaf, nil)
		require.NoError(t, err)
	}
	root, err := tree.Root()
	require.NoError(t, err)
	return root
}

// testSignedCheckpoints has somebody without the key replace stored checkpoints.
func testSignedCheckpoints(t *testing.T, url string) {
	ctx := context.Background()
	db := openSQL(t, url)
	l := open(t, url)
	private, public, err := ledgerlog.NewKey("ledger.example.com")
	require.NoError(t, err)
	var key ledgerlog.Key
	require.NoError(t, key.UnmarshalText([]byte(private)))
	keys, err := ledgerlog.ParsePublicKeys(public)
	require.NoError(t, err)
	bookMonth(t, l, db)
	_, err = l.MakeCheckpoint(ctx, key)
	require.NoError(t, err)
	require.Empty(t, verifyAgainst(t, l, ledger.Evidence{Keys: keys}), "those before the first key are not signed")
	_, err = l.MakeCheckpoint(ctx, ledgerlog.Key{})
	require.NoError(t, err)
	require.Empty(t, verifyAgainst(t, l, ledger.Evidence{}))
	findings := verifyAgainst(t, l, ledger.Evidence{Keys: keys})
	require.Len(t, findings, 1)
	require.Contains(t, findings[0], "is not signed by a given key")
}

// testAlteredSchema removes or replaces what guards the ledger.
func testAlteredSchema(t *testing.T, url string) {
	db := openSQL(t, url)
	l := open(t, url)
	statements := map[string][2]string{
		"a dropped trigger":             {"DROP TRIGGER ledger_entries_no_update", "the trigger ledger_entries_no_update on ledger_entries is missing"},
		"a trigger that does nothing":   {"DROP TRIGGER ledger_log_no_update\nCREATE TRIGGER ledger_log_no_update BEFORE UPDATE ON ledger_log BEGIN SELECT 1; END", "the trigger ledger_log_no_update on ledger_log was replaced"},
		"another trigger":               {"CREATE TRIGGER ledger_entries_mine AFTER INSERT ON ledger_entries BEGIN SELECT 1; END", "the trigger ledger_entries_mine on ledger_entries is not of this release"},
		"a table without constraints":   {"DROP TABLE ledger_checkpoints\nCREATE TABLE ledger_checkpoints (id INTEGER, size INTEGER, note TEXT, time INTEGER)", "the table ledger_checkpoints on ledger_checkpoints was replaced"},
		"a trigger of another table":    {"DROP TRIGGER ledger_tariffs_no_delete", "the trigger ledger_tariffs_no_delete on ledger_tariffs is missing"},
		"a trigger against replacement": {"DROP TRIGGER ledger_entries_no_replace", "the trigger ledger_entries_no_replace on ledger_entries is missing"},
	}
	if cascade(url) != "" {
		statements = map[string][2]string{
			"a dropped trigger":            {"DROP TRIGGER ledger_entries_append_only ON ledger_entries", "the trigger ledger_entries_append_only on ledger_entries is missing"},
			"a disabled trigger":           {"ALTER TABLE ledger_tariffs DISABLE TRIGGER ledger_tariffs_append_only", "the trigger ledger_tariffs_append_only on ledger_tariffs was replaced"},
			"a function that does nothing": {"CREATE OR REPLACE FUNCTION ledger_append_only() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'", "the trigger ledger_log_append_only on ledger_log was replaced"},
			"another trigger":              {"CREATE TRIGGER mine BEFORE INSERT ON ledger_entries FOR EACH STATEMENT EXECUTE FUNCTION ledger_append_only()", "the trigger mine on ledger_entries is not of this release"},
			"a dropped constraint":         {"ALTER TABLE ledger_entries DROP CONSTRAINT ledger_entries_reverses_key", "the constraint ledger_entries_reverses_key of ledger_entries is missing"},
			"a weaker constraint":          {"ALTER TABLE ledger_entries DROP CONSTRAINT ledger_entries_amount_check\nALTER TABLE ledger_entries ADD CONSTRAINT ledger_entries_amount_check CHECK (true)", "the constraint ledger_entries_amount_check of ledger_entries was replaced"},
			"a nullable column":            {"ALTER TABLE ledger_entries ALTER payer DROP NOT NULL", "the column payer of ledger_entries was replaced"},
			"a rule":                       {"CREATE RULE mine AS ON DELETE TO ledger_log DO INSTEAD NOTHING", "the rule mine on ledger_log is not of this release"},
			"row security":                 {"ALTER TABLE ledger_entries ENABLE ROW LEVEL SECURITY", "the row security on ledger_entries is not of this release"},
			"disabled foreign keys":        {"ALTER TABLE ledger_entries DISABLE TRIGGER ALL", "the triggers of the foreign keys of ledger_entries was replaced"},
		}
	}
	schemaFindings := func() (findings []string) {
		_, err := l.Verify(context.Background(), ledger.Evidence{}, func(f ledger.Finding) {
			require.Equal(t, ledger.FindingSchema, f.Kind)
			findings = append(findings, f.Problem)
		}, nil)
		require.NoError(t, err)
		return findings
	}
	require.Empty(t, schemaFindings())
	var wants []string
	for _, name := range slices.Sorted(maps.Keys(statements)) {
		execute(t, db, strings.Split(statements[name][0], "\n")...)
		wants = append(wants, statements[name][1])
	}
	findings := schemaFindings()
	for _, want := range wants {
		require.True(t, slices.ContainsFunc(findings, func(f string) bool { return strings.Contains(f, want) }), "%q is in none of %q", want, findings)
	}
}
