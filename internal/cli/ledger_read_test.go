package cli

import (
	"encoding/csv"
	"encoding/json"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"aftercall/activities"
	"aftercall/internal/attendance"
	"aftercall/internal/billing"
	"aftercall/internal/evidence"
	"aftercall/internal/ledger"
	"aftercall/internal/ops"
	"aftercall/internal/testenv"
	"aftercall/internal/testenv/testconfig"
)

// timeless replaces what differs from run to run: hashes, and times that are
// not those of the tests' calls and tariffs.
func timeless(text string) string {
	text = regexp.MustCompile(`20\d\d-\d\d-\d\d[ T]\d\d:\d\d:\d\d(\.\d+)?(Z| UTC)?`).ReplaceAllStringFunc(text, func(at string) string {
		if strings.HasPrefix(at, "2026-03-0") || strings.HasPrefix(at, "2025-01-01") {
			return at
		}
		return "<now>"
	})
	return regexp.MustCompile(`[0-9a-f]{64}`).ReplaceAllString(text, "<hash>")
}

func TestShowExplainsACall(t *testing.T) {
	t.Parallel()
	l := corrected(t)
	require.Equal(t, `Call       call-1
App        clinic, SDKAppID 1400000000
Payer      patient-1
Kind       Audio, SingleCall, ended with NormalEnd
Started    2026-03-01 11:58:50 UTC
Accepted   2026-03-01 11:58:59 UTC
Ended      2026-03-01 12:00:00 UTC
Workflow   call:1400000000:call-1
First run  run-call-1
The callback has AcceptTime 0, the record has 1772366339: the record counts.

charge:1400000000:call-1  0.24 USD
  1. tariff standard, version of 2025-01-01T00:00:00Z: rule 1, for Audio
     SingleCall NormalEnd
  2. connected for 61 s, from AcceptTime to EndTime
  3. billed as 120 s: the first 60 s, then every 60 s begun
  4. 0.12 a minute × 120 s / 60 = 0.24
  5. rounded half up to 2 digits: 0.24 USD
  booked <now>
  tariff standard, version of 2025-01-01T00:00:00Z
  SHA-256 <hash>

reversal:1400000000:call-1  -0.24 USD
  1. takes back 0.24 USD, which charge:1400000000:call-1 charged
  booked <now>
  by alice: wrong number
  tariff standard, version of 2025-01-01T00:00:00Z
  SHA-256 <hash>

charge.2:1400000000:call-1  0.30 USD
  1. tariff standard, version of 2025-01-01T00:00:00Z: rule 1, for Audio
     SingleCall NormalEnd
  2. connected for 61 s, from AcceptTime to EndTime
  3. billed as 120 s: the first 60 s, then every 60 s begun
  4. 0.15 a minute × 120 s / 60 = 0.3
  5. rounded half up to 2 digits: 0.30 USD
  booked <now>
  by alice: wrong number
  tariff standard, version of 2025-01-01T00:00:00Z
  SHA-256 <hash>

The call is charged 0.30 USD, by charge.2:1400000000:call-1.
`, timeless(l.prints("ledger", "show", "call-1")))
	require.Contains(t, l.prints("ledger", "show", "call-2", "--app", "clinic"), "The call is charged nothing: its charge was reversed.")

	var entries []ops.ExplainedEntry
	require.NoError(t, json.Unmarshal([]byte(l.prints("ledger", "show", "call-1", "-o", "json")), &entries))
	require.Len(t, entries, 3)
	require.Equal(t, "0.30", entries[2].Amount)
	require.Equal(t, "0.3", entries[2].Steps[3].Amount)
	require.Equal(t, "call-1", entries[2].Record.CallID)

	code, _, stderr := l.run("ledger", "show", "nobody\x1b[2J")
	require.Equal(t, NotFound, code)
	require.Contains(t, stderr, "the ledger has no entry of call nobody")
	require.NotContains(t, stderr, "\x1b")
}

// TestMembersInTheLedger: show and statement name each member with its time.
func TestMembersInTheLedger(t *testing.T) {
	t.Parallel()
	l := newLedgerTest(t)
	minutes := tariff(t, "USD", "0.12")
	minutes.Versions[0].Rules[0].Per = billing.PerParticipantMinute
	minutes.Versions[0].Evidence = &billing.Evidence{Use: attendance.UseEarliestLeave, Without: billing.WithoutReview}
	accepted := noon.Add(-130 * time.Second)
	l.charge(
		"call-1", "patient-1", noon, 130, minutes,
		attendance.Event{ID: "7", Source: attendance.SourceRoom, User: "doctor-17", Kind: attendance.Joined, At: accepted},
		attendance.Event{ID: "8", Source: attendance.SourceRoom, User: "doctor-17", Kind: attendance.Left, At: accepted.Add(30 * time.Second)},
	)
	shown := l.prints("ledger", "show", "call-1")
	require.Contains(t, shown, `
  4. patient-1, the caller: connected for 130 s (11:57:50.000 to 12:00:00.000),
     billed as 180 s
  5. doctor-17, participant 1: connected for 30 s (11:57:50.000 to 11:58:20.000;
     events 7, 8), billed as 60 s
  6. billed as 240 s together: of each the first 60 s, then every 60 s begun
`)
	require.Contains(t, l.prints("ledger", "statement", "--payer", "patient-1", "--month", "2026-03"), "doctor-17, participant 1: connected for 30 s")
	var entries []ops.ExplainedEntry
	require.NoError(t, json.Unmarshal([]byte(l.prints("ledger", "show", "call-1", "--output", "json")), &entries))
	require.Equal(t, map[string]int64{"patient-1": 130, "doctor-17": 30}, entries[0].MemberSeconds)
	require.Len(t, entries[0].Evidence, 2)
	require.Equal(t, []string{"7", "8"}, entries[0].Steps[4].Member.Proof)
	require.Contains(t, l.prints("ledger", "verify"), "every amount was computed again and is right")

	dearer := testconfig.Version("0.15")
	dearer["evidence"] = testconfig.Map{"use": "earliest_leave", "without": "review"}
	dearer["rules"].([]testconfig.Map)[0]["per"] = "participant_minute"
	l.configureWith(func(c *testconfig.Config) {
		c.Apps[0]["evidence"] = testconfig.Map{"members": true}
		c.Tariffs["standard"] = testconfig.Map{"currency": "USD", "versions": []testconfig.Map{dearer}}
	})
	require.Contains(t, l.prints("ledger", "rerate", "--from", "2026-03-01", "--to", "2026-03-01"), "0.48 USD  0.60 USD       +0.12")

	picture := l.prints("ledger", "show", "call-1", "--output", "svg")
	require.Contains(t, picture, "<svg ")
	require.Contains(t, picture, "doctor-17: 30 s, billed 60 s")
	l.charge("call-2", "patient-1", noon, 61, tariff(t, "USD", "0.12"))
	code, stdout, stderr := l.run("ledger", "show", "call-2", "--output", "svg")
	require.Equal(t, NotFound, code)
	require.Empty(t, stdout)
	require.Contains(t, stderr, "there are no intervals: the call was not charged by participant minutes")
}

// TestRerateToParticipantMinutes: a charge that kept nothing of what was seen is compared by
// what the evidence has of the call, and not at all without it.
func TestRerateToParticipantMinutes(t *testing.T) {
	t.Parallel()
	l := newLedgerTest(t)
	l.charge("seen", "patient-1", noon, 130, tariff(t, "USD", "0.12"))
	l.charge("unseen", "patient-1", noon, 130, tariff(t, "USD", "0.12"))
	version := testconfig.Version("0.12")
	version["evidence"] = testconfig.Map{"use": "earliest_leave", "without": "participant"}
	version["rules"].([]testconfig.Map)[0]["per"] = "participant_minute"
	minutes := testconfig.Map{"currency": "USD", "versions": []testconfig.Map{version}}
	keeping := func(retention string) {
		l.configureWith(func(c *testconfig.Config) {
			c.Apps[0]["evidence"], c.Evidence = testconfig.Map{"members": true}, testconfig.Map{"retention": retention}
			c.Tariffs["minutes"] = minutes
		})
	}
	l.configureWith(func(c *testconfig.Config) { c.Tariffs["minutes"] = minutes })
	require.Contains(t, l.prints("ledger", "rerate", "--use-tariff", "minutes"), "Compared 2 charges: 0 differ.\n", "the app keeps no evidence")
	keeping("24h")
	require.Contains(t, l.prints("ledger", "rerate", "--use-tariff", "minutes"), "Compared 2 charges: 0 differ.\n", "it is deleted")
	keeping("87600h")
	code, _, stderr := l.run("ledger", "rerate", "--use-tariff", "minutes")
	require.Equal(t, NotFound, code)
	require.Contains(t, stderr, "there is no evidence yet")
	store, err := evidence.Open(t.Context(), l.environ["LEDGER_URL"], ledger.Options{})
	require.NoError(t, err)
	defer store.Close()
	member := evidence.Event{SDKAppID: clinic, Source: evidence.SourceCallback, CallID: "seen", User: "doctor-17", Kind: evidence.KindJoined, At: noon.Add(-130 * time.Second)}
	left := member
	left.Kind, left.At = evidence.KindLeft, noon.Add(-100*time.Second)
	_, err = store.Insert(t.Context(), []evidence.Event{member, left})
	require.NoError(t, err)
	out := l.prints("ledger", "rerate", "--use-tariff", "minutes")
	require.Contains(t, out, "seen     clinic  patient-1  0.36 USD  0.48 USD       +0.12\n", "130 s of the caller, and 30 s of the other")
	require.Contains(t, out, "skipped: unseen: its new tariff charges by what was seen of its members")
	require.Contains(t, out, "Compared 2 charges: 1 differ")

	crowd := make([]evidence.Event, activities.MaxEvents)
	for i := range crowd {
		crowd[i] = member
		crowd[i].At = member.At.Add(time.Duration(i+1) * time.Millisecond)
	}
	_, err = store.Insert(t.Context(), crowd)
	require.NoError(t, err)
	out = l.prints("ledger", "rerate", "--use-tariff", "minutes")
	require.Contains(t, out, "skipped: seen: its new tariff charges by what was seen of its members, and that")
	require.Contains(t, out, "Compared 2 charges: 0 differ")
}

// TestRerateKeepsTheRoomOwner who was seen when the call was charged: only a tariff that
// charges by who was in the call asks the evidence, and once.
func TestRerateKeepsTheRoomOwner(t *testing.T) {
	t.Parallel()
	l := newLedgerTest(t)
	opened := attendance.Event{Source: attendance.SourceRoom, User: "doctor-17", Kind: attendance.Opened, At: noon.Add(-135 * time.Second)}
	e := l.chargePaidBy(billing.Payers{{Is: "room_owner"}}, "template", "patient-1", noon, 130, tariff(t, "USD", "0.12"), opened)
	e.Record.CallID, e.Record.RoomID, e.Record.RoomIDType = "call-1", "room-1", 2
	_, _, err := l.ledger.Charge(t.Context(), e)
	require.NoError(t, err)
	version := testconfig.Version("0.12")
	version["evidence"] = testconfig.Map{"use": "earliest_leave", "without": "participant"}
	version["rules"].([]testconfig.Map)[0]["per"] = "participant_minute"
	evidenceAt := func(url string) {
		l.configureWith(func(c *testconfig.Config) {
			c.Apps[0]["evidence"], c.Apps[0]["payer"] = testconfig.Map{"members": true, "room_key": "ARoomKeyOfTheConsole"}, "room_owner"
			c.Evidence = testconfig.Map{"url": url, "retention": "87600h"}
			c.Tariffs["minutes"] = testconfig.Map{"currency": "USD", "versions": []testconfig.Map{version}}
			c.Tariffs["standard"] = testconfig.Tariff("USD", "0.15")
		})
	}
	rerate := func(more ...string) string {
		return l.prints(append([]string{"ledger", "rerate", "--call", "call-1"}, more...)...)
	}
	const down = "postgres://nobody@127.0.0.1:1/evidence"

	evidenceAt(down)
	require.Contains(t, rerate(), "call-1   clinic  doctor-17  0.36 USD  0.45 USD       +0.09\n")
	require.Contains(t, rerate("--use-tariff", "in-yen"), "call-1   clinic  doctor-17  0.36 USD  60 JPY")

	evidenceAt(l.environ["LEDGER_URL"])
	store, err := evidence.Open(t.Context(), l.environ["LEDGER_URL"], ledger.Options{})
	require.NoError(t, err)
	defer store.Close()
	seen := func(user string, kind evidence.Kind, ago time.Duration) {
		_, err := store.Insert(t.Context(), []evidence.Event{{
			SDKAppID: clinic, Source: evidence.SourceRoom, RoomID: "room-1", RoomIDType: 2, User: user, Kind: kind, At: noon.Add(-ago),
		}})
		require.NoError(t, err)
	}
	seen("somebody", evidence.KindOpened, 134*time.Second)
	require.Contains(t, rerate("--use-tariff", "minutes"), "skipped: call-1: its new tariff charges by what was seen of its members: nothing", "an opening is no member")
	seen("doctor-17", evidence.KindJoined, 130*time.Second)
	seen("doctor-17", evidence.KindLeft, 100*time.Second)
	const byMinutes = "call-1   clinic  doctor-17  0.36 USD  0.48 USD       +0.12\n"
	require.Contains(t, rerate("--use-tariff", "minutes"), byMinutes, "130 s of the caller, and 30 s of the other")

	for _, tariff := range []string{"minutes", "in-yen"} {
		code, stdout, _ := l.run("ledger", "rerate", "--call", "call-1", "--use-tariff", tariff, "--apply", "--operator", "alice", "--reason", tariff)
		require.Equal(t, Incomplete, code, "only Temporal does not answer")
		require.Contains(t, stdout, "Compared 1 charges: 1 differ.\n")
	}
	evidenceAt(down)
	require.Contains(t, rerate("--use-tariff", "minutes"), "call-1   clinic  doctor-17  60 JPY  0.48 USD", "what was kept once is kept")
	require.Contains(t, l.prints("ledger", "verify"), "every amount was computed again and is right")
}

// TestRerateWithoutAPayer: a call that was free, and whose rule gave no account, is charged
// to nobody when a correction makes it cost something.
func TestRerateWithoutAPayer(t *testing.T) {
	t.Parallel()
	l := newLedgerTest(t)
	free := tariff(t, "USD", "0.12")
	free.Versions[0].Rules = []billing.Rule{{Action: billing.ActionFree}}
	l.configure("0.12")
	l.chargePaidBy(billing.Payers{{Is: "room_owner"}}, "call-1", "patient-1", noon, 61, free)
	require.Contains(t, l.prints("ledger", "show", "call-1"), ". it is not known who pays: who opened the room\n")
	require.Contains(t, l.prints("ledger", "rerate", "--call", "call-1"), "skipped: call-1: needs review: nobody was seen to open the room: there is nobody\n")
	code, _, stderr := l.run("ledger", "adjust", "call-1", "--amount", "0.10", "--operator", "alice", "--reason", "no show")
	require.Equal(t, Refused, code)
	require.Contains(t, stderr, "it is not known who pays for this call")
	require.Contains(t, l.prints("ledger", "verify"), "every amount was computed again and is right")
}

// TestThePayerInTheLedger: who pays by a rule of the app is whose statement has the call,
// and remains so.
func TestThePayerInTheLedger(t *testing.T) {
	t.Parallel()
	l := newLedgerTest(t)
	l.chargePaidBy(billing.Payers{{Callers: []string{"robot-*"}, Is: "first_callee"}}, "call-1", "robot-1", noon, 61, tariff(t, "USD", "0.12"))
	shown := l.prints("ledger", "show", "call-1")
	require.Contains(t, shown, "Payer      doctor-17\n")
	require.Contains(t, shown, "  6. paid by the first callee: doctor-17\n")
	statement := l.prints("ledger", "statement", "--payer", "doctor-17", "--month", "2026-03")
	require.Contains(t, statement, "paid by the first callee: doctor-17")
	code, _, stderr := l.run("ledger", "statement", "--payer", "robot-1", "--month", "2026-03")
	require.Equal(t, NotFound, code, stderr)
	require.Contains(t, l.prints("ledger", "report", "--by", "payer", "-o", "csv"), "doctor-17,USD,0.24,")
	require.Contains(t, l.prints("ledger", "verify"), "every amount was computed again and is right")

	l.configureWith(func(c *testconfig.Config) {
		c.Tariffs["standard"] = testconfig.Tariff("USD", "0.15")
		c.Apps[0]["payer"] = "caller"
	})
	var rerated ops.Rerating
	require.NoError(t, json.Unmarshal([]byte(l.prints("ledger", "rerate", "--from", "2026-03-01", "--to", "2026-03-01", "-o", "json")), &rerated))
	require.Len(t, rerated.Differences, 1)
	require.Equal(t, []string{"doctor-17", "0.30"}, []string{rerated.Differences[0].Payer, rerated.Differences[0].NewAmount})
}

func TestForeignTextDoesNotReachTheTerminal(t *testing.T) {
	t.Parallel()
	l := newLedgerTest(t)
	l.charge("call-1", "\x1b[31m\u202epatient\n", noon, 61, tariff(t, "USD", "0.12"))
	for _, args := range [][]string{{"show", "call-1"}, {"list"}, {"report", "--by", "payer"}} {
		out := l.prints(append([]string{"ledger"}, args...)...)
		require.Contains(t, out, "patient")
		require.NotContains(t, out, "\x1b")
		require.NotContains(t, out, "\u202e")
	}
}

func TestList(t *testing.T) {
	t.Parallel()
	l := corrected(t)
	count := func(args ...string) int {
		var entries []ops.LedgerEntry
		require.NoError(t, json.Unmarshal([]byte(l.prints(append([]string{"ledger", "list", "-o", "json"}, args...)...)), &entries))
		return len(entries)
	}
	require.Equal(t, 6, count())
	require.Equal(t, 2, count("--live"))
	require.Equal(t, 2, count("--kind", "reversal", "--operator", "alice"))
	require.Equal(t, 1, count("--from", "2026-03-02"))
	require.Equal(t, 5, count("--to", "2026-03-01"), "until the end of the day")
	require.Equal(t, 6, count("--to", "2026-03-02"))
	require.Equal(t, 3, count("--from", "2026-03-01T12:30:00Z"))
	require.Equal(t, 3, count("--from", "2026-03-01T20:30", "--zone", "Asia/Shanghai"))
	require.Equal(t, 5, count("--from", "2026-03-02", "--zone", "Pacific/Kiritimati", "--to", "2026-03-02"), "it is tomorrow there")
	require.Equal(t, 6, count("--app", "1400000000"))
	require.Equal(t, 6, count("--app", "clinic"))
	require.Equal(t, 0, count("--booked-to", "2026-03-02"), "the entries were booked today")
	require.Equal(t, 6, count("--booked-from", "2026-03-02"))
	require.Equal(t, "No entries.\n", l.prints("ledger", "list", "--payer", "nobody"))
}

func TestListTable(t *testing.T) {
	t.Parallel()
	l := corrected(t)
	_, stdout, stderr := l.run("ledger", "list", "--live")
	require.Equal(t, `BOOKED (UTC)         KIND    APP     CALL ID  PAYER        AMOUNT  OPERATOR
<now>  charge  clinic  call-3   patient-1    60 JPY
<now>  charge  clinic  call-1   patient-1  0.30 USD  alice
`, timeless(stdout))
	require.Equal(t, "note: not enough room for members, revision, connected, result, ended (UTC), billed; --wide prints them\n", stderr)

	_, stdout, stderr = l.run("ledger", "list", "--live", "--wide")
	require.Contains(t, stdout, "KIND    REVISION  APP     CALL ID  PAYER      RESULT     ENDED (UTC)          CONNECTED  BILLED    AMOUNT  OPERATOR  MEMBERS\n")
	require.Contains(t, stdout, "  patient-1, doctor-17\n")
	require.Empty(t, stderr)

	_, stdout, stderr = l.run("ledger", "list", "--limit", "1", "--wide")
	require.Len(t, strings.Split(stdout, "\n"), 3)
	require.Equal(t, "note: these are the first 1 entries, there are more: raise --limit, or use aftercall ledger export\n", stderr)
}

// TestNamesOfEntries: JSON, CSV and the export have the same names.
func TestNamesOfEntries(t *testing.T) {
	t.Parallel()
	l := corrected(t)
	exported := l.prints("ledger", "export")
	require.Equal(t, exported, l.prints("ledger", "list", "--output", "csv"))
	rows, err := csv.NewReader(strings.NewReader(exported)).ReadAll()
	require.NoError(t, err)
	var entries []map[string]any
	require.NoError(t, json.Unmarshal([]byte(l.prints("ledger", "list", "--output", "json")), &entries))
	require.ElementsMatch(t, rows[0], slices.Collect(maps.Keys(entries[0])))
	require.Equal(t, "-0.24", entries[3]["amount"])
	require.Equal(t, []any{"patient-1", "doctor-17"}, entries[0]["members"])
	var members []string
	require.NoError(t, json.Unmarshal([]byte(rows[1][slices.Index(rows[0], "members")]), &members))
	require.Equal(t, []string{"patient-1", "doctor-17"}, members)
	for i, name := range rows[0] {
		if value, ok := entries[3][name].(string); ok && !strings.HasSuffix(name, "_at") {
			require.Equal(t, rows[4][i], value, name)
		}
	}
}

func TestUnknownAppsAreRefused(t *testing.T) {
	t.Parallel()
	l := corrected(t)
	for _, command := range []string{
		"ledger list", "ledger report", "ledger export", "ledger show call-1", "ledger reverse call-1 --operator a --reason b",
	} {
		for _, app := range []string{"nosuch", "1400000001"} {
			code, stdout, stderr := l.run(append(strings.Fields(command), "--app", app)...)
			require.Equal(t, Usage, code, command)
			require.Empty(t, stdout)
			require.Equal(t, "aftercall: --app: there is no app \""+app+"\"\n  → apps are: clinic\n", stderr)
		}
	}
	l.configure("0.12")
	for _, command := range []string{"ledger rerate", "review list", "review decide call-1 --verdict waive --operator a --reason b"} {
		code, _, stderr := l.run(append(strings.Fields(command), "--app", "nosuch")...)
		require.Equal(t, Usage, code, command)
		require.Equal(t, "aftercall: --app: there is no app \"nosuch\"\n  → apps are: clinic\n", stderr)
	}
}

// TestUnknownAppWithoutALedger names what the configuration knows. Without one,
// what is missing is the ledger.
func TestUnknownAppWithoutALedger(t *testing.T) {
	t.Parallel()
	l := newLedgerTest(t)
	l.environ["LEDGER_URL"] = "sqlite:" + t.TempDir() + "/mistyped.db"
	code, _, stderr := l.run("ledger", "list", "--app", "nosuch")
	require.Equal(t, NotFound, code)
	require.Contains(t, stderr, "LEDGER_URL must be the worker's")
	l.configure("0.12")
	code, _, stderr = l.run("ledger", "list", "--app", "nosuch")
	require.Equal(t, Usage, code)
	require.Equal(t, "aftercall: --app: there is no app \"nosuch\"\n  → apps are: clinic\n", stderr)
	code, _, _ = l.run("ledger", "list", "--app", "clinic")
	require.Equal(t, NotFound, code)
}

func TestInvalidFlags(t *testing.T) {
	t.Parallel()
	l := newLedgerTest(t)
	for want, args := range map[string][]string{
		`--from: "yesterday" is neither a day nor a time`:                                {"--from", "yesterday"},
		"write a day, as in 2026-03-01, or a time, as in":                                {"--from", "2026-03-01T25:00:00"},
		"--to: there is no day 2026-02-30":                                               {"--to", "2026-02-30"},
		`--zone: "Mars" is not known`:                                                    {"--zone", "Mars"},
		"--to 2026-03-01 is not after --from 2026-03-02":                                 {"--from", "2026-03-02", "--to", "2026-03-01"},
		"--booked-to 2026-03-01 is not after --booked-from":                              {"--booked-from", "2026-03-02", "--booked-to", "2026-03-01"},
		"--limit: must be 1 or more":                                                     {"--limit", "0"},
		`--kind must be one of "charge","reversal","adjustment","" but got "x"`:          {"--kind", "x"},
		"--media: there is no media type \"vidoe\"\n  → media types are: Audio, Video\n": {"--media", "vidoe"},
		"--result: there is no result \"normalend\"\n  → results are: NormalEnd, Interrupt, Offline, Cancel, Reject, NotAnswer, CallBusy\n": {"--result", "normalend"},
		"--tariff: there are no tariffs yet\n": {"--tariff", "nosuch"},
	} {
		code, _, stderr := l.run(append([]string{"ledger", "list"}, args...)...)
		require.Equal(t, Usage, code)
		require.Contains(t, stderr, want)
	}
	l.environ["LEDGER_URL"] = "mysql://canary@db/ledger"
	code, _, stderr := l.run("ledger", "list")
	require.Equal(t, Usage, code)
	require.Contains(t, stderr, "LEDGER_URL: must be sqlite:")
	l.environ["LEDGER_URL"] = "sqlite:" + t.TempDir() + "/mistyped.db"
	code, _, stderr = l.run("ledger", "verify")
	require.Equal(t, NotFound, code, "a ledger that does not exist is not in order")
	require.Contains(t, stderr, "LEDGER_URL must be the worker's")
}

// TestFiltersKnowWhatTheLedgerHas: values that Tencent does not document, or a
// tariff that is no longer configured, can be in entries.
func TestFiltersKnowWhatTheLedgerHas(t *testing.T) {
	t.Parallel()
	l := corrected(t)
	l.tamper("UPDATE ledger_entries SET result = 'Transferred', media_type = 'Screen' WHERE call_id = 'call-3'")
	for _, flag := range []string{"--result=Transferred", "--media=Screen", "--tariff=standard"} {
		require.Contains(t, l.prints("ledger", "list", flag), "call-3", flag)
	}
	require.Equal(t, "No entries.\n", l.prints("ledger", "list", "--media", "Video"), "documented, and no entry has it")
	l.configure("0.12")
	require.Equal(t, "No entries.\n", l.prints("ledger", "list", "--tariff", "in-yen"), "configured, and no entry has it")
	code, _, stderr := l.run("ledger", "report", "--tariff", "nosuch")
	require.Equal(t, Usage, code)
	require.Equal(t, "aftercall: --tariff: there is no tariff \"nosuch\"\n  → tariffs are: in-yen, standard\n", stderr)
	_, _, stderr = l.run("ledger", "export", "--media", "vidoe")
	require.Equal(t, "aftercall: --media: there is no media type \"vidoe\"\n  → media types are: Audio, Video, Screen\n", stderr)
}

func TestReport(t *testing.T) {
	t.Parallel()
	l := corrected(t)
	require.Equal(t, `DAY         CHARGES  REVERSALS  BILLED  AMOUNT
2026-03-02        1          0   180 s  60 JPY
total             1          0   180 s  60 JPY

DAY         CHARGES  REVERSALS  BILLED    AMOUNT
2026-03-01        3          2   120 s  0.30 USD
total             3          2   120 s  0.30 USD
`, l.prints("ledger", "report", "--by", "day"))
	l.charge("call-4", "patient-4", noon, 30, tariff(t, "USD", "0.12"))
	l.charge("call-5", "patient-5", noon, 1, tariff(t, "USD", "0.01"))
	bars := l.prints("ledger", "report", "--by", "payer", "--bars", "always", "--to", "2026-03-01")
	require.Contains(t, bars, "patient-1        2          1   120 s  0.30 USD  "+strings.Repeat("█", 24)+"\n")
	require.Contains(t, bars, "patient-2        1          1     0 s  0.00 USD\n")
	require.Contains(t, bars, "patient-4        1          0    60 s  0.12 USD  "+strings.Repeat("█", 10)+"\n")
	require.Contains(t, bars, "patient-5        1          0    60 s  0.01 USD  █\n")
	require.NotContains(t, l.prints("ledger", "report"), "█", "not a terminal")

	rows, err := csv.NewReader(strings.NewReader(l.prints("ledger", "report", "--by", "result", "-o", "csv"))).ReadAll()
	require.NoError(t, err)
	require.Equal(t, [][]string{
		{"result", "currency", "amount", "charges", "reversals", "connected_seconds", "billed_seconds", "adjustments"},
		{"NormalEnd", "JPY", "60", "1", "0", "130", "180", "0"},
		{"NormalEnd", "USD", "0.43", "5", "2", "92", "240", "0"},
	}, rows)
	require.JSONEq(t, `[{"tariff":"standard","currency":"JPY","amount":"60","charges":1,"reversals":0,"connected_seconds":130,"billed_seconds":180,"adjustments":0}]`,
		l.prints("ledger", "report", "--by", "tariff", "-o", "json", "--from", "2026-03-02"))
	require.Equal(t, `MONTH    PAYER      CHARGES  REVERSALS  BILLED  AMOUNT
2026-03  patient-1        1          0   180 s  60 JPY
total                     1          0   180 s  60 JPY

MONTH    PAYER      CHARGES  REVERSALS  BILLED    AMOUNT
2026-03  patient-1        2          1   120 s  0.30 USD
2026-03  patient-2        1          1     0 s  0.00 USD
2026-03  patient-4        1          0    60 s  0.12 USD
2026-03  patient-5        1          0    60 s  0.01 USD
total                     5          2   240 s  0.43 USD
`, l.prints("ledger", "report", "--by", "month,payer"))
	require.JSONEq(t, `[{"week":"2026-W10","app":"clinic","currency":"JPY","amount":"60","charges":1,"reversals":0,"connected_seconds":130,"billed_seconds":180,"adjustments":0}]`,
		l.prints("ledger", "report", "--by", "week", "--by", "app", "-o", "json", "--from", "2026-03-02"))
	for _, by := range []string{"app,app", "day,app,payer", "year", ""} {
		code, _, stderr := l.run("ledger", "report", "--by", by)
		require.Equal(t, Usage, code, by)
		require.Contains(t, stderr, "--by")
	}
	require.Equal(t, "No entries.\n", l.prints("ledger", "report", "--payer", "nobody"))
	require.Equal(t, "[]\n", l.prints("ledger", "report", "--payer", "nobody", "-o", "json"))
}

func TestCloseAMonth(t *testing.T) {
	t.Parallel()
	l, public := keyed(t)
	report := func(code int, args ...string) (stdout, stderr string) {
		t.Helper()
		got, stdout, stderr := l.run(append([]string{"ledger", "report"}, args...)...)
		require.Equal(t, code, got, "%q: %s", args, stderr)
		return stdout, stderr
	}
	_, stderr := report(NotFound, "--after-close", "2026-03")
	require.Contains(t, stderr, "the month was not closed\n  → close it: aftercall ledger report --operator NAME --close 2026-03\n")
	for args, problem := range map[string]string{
		"--close 2026-03":                                      "missing: --operator NAME",
		"--close 2026-13 --operator bob":                       `--close: there is no month "2026-13"`,
		"--close 2026-03 --operator bob --app clinic":          "--close: closes a month for all calls",
		"--close 2026-03 --operator bob --output csv":          "--close: closes a month for all calls",
		"--close 2026-03 --operator bob --zone Local":          `--zone: "Local" is not known`,
		"--close 2026-03 --operator bob --after-close 2026-03": "can't be used together",
		"--operator bob":                                       "--operator: needs --close",
		"--after-close 2026-03 --by payer":                     "--by: adds up; --after-close lists entries",
		"--close 2026-03 --operator bob --by payer":            "--close: closes a month for all calls",
		"--after-close 2026-3":                                 `--after-close: there is no month "2026-3"`,
		"--after-close 2026-03 --from 2026-03-01":              "leave out --from and --to",
	} {
		_, stderr := report(Usage, strings.Fields(args)...)
		require.Contains(t, stderr, problem, args)
	}
	_, stderr = report(Refused, "--close", "2999-01", "--operator", "bob")
	require.Contains(t, stderr, "--close 2999-01 in UTC: the month is not over by the clock of the ledger's database")

	stdout, stderr := report(Incomplete, "--close", "2026-03", "--operator", "bob", "--zone", "Asia/Shanghai")
	require.Contains(t, stderr, "keep the checkpoint that was printed; once Temporal answers, repeat the command")
	require.Contains(t, stdout, "Month   2026-03, Asia/Shanghai\nClosed  ")
	require.Contains(t, stdout, " UTC, with 6 entries in the log\nBy      bob\n\nledger.example.com\n6\n")
	require.Contains(t, stdout, "\nclose 2026-03 Asia/Shanghai 1772294400 1774972800 \"bob\"\n\n— ledger.example.com ")
	stdout, _ = report(OK, "--close", "2026-03", "--operator", "eve", "--no-notify")
	require.Contains(t, stdout, "2026-03 was closed before, which stays as it is:\nMonth   2026-03, Asia/Shanghai\n")
	require.Contains(t, stdout, "By      bob\n")
	stdout, _ = report(OK, "--close", "2026-03", "--operator", "eve", "--no-notify", "-o", "json")
	require.Contains(t, stdout, `"closed_before": true`)

	stdout, _ = report(OK, "--after-close", "2026-03")
	require.Equal(t, "No entries.\n", stdout)
	_, _, err := l.ledger.Reverse(t.Context(), "charge:1400000000:call-3", mistake)
	require.NoError(t, err)
	l.charge("call-4", "patient-4", noon.AddDate(0, 0, 30).Add(4*time.Hour), 30, tariff(t, "USD", "0.12"))
	stdout, _ = report(OK, "--after-close", "2026-03", "-o", "csv")
	require.Equal(t, 2, strings.Count(stdout, "\r\n"))
	require.Contains(t, stdout, "reversal:1400000000:call-3")
	stdout, _ = report(OK, "--after-close", "2026-03", "--payer", "patient-2")
	require.Equal(t, "No entries.\n", stdout)
	require.Contains(t, l.prints("ledger", "verify", "--key", public), "Checkpoints compared: 1.")
}

func TestExport(t *testing.T) {
	t.Parallel()
	l := corrected(t)
	code, stdout, stderr := l.run("ledger", "export", "--live")
	require.Equal(t, OK, code)
	require.Equal(t, "2 entries\n", stderr, "next to the CSV, not in it")
	rows, err := csv.NewReader(strings.NewReader(stdout)).ReadAll()
	require.NoError(t, err)
	require.Len(t, rows, 3)
	require.Equal(t, []string{"0.30", "USD"}, rows[2][19:21])
}

func TestExportAfterACursor(t *testing.T) {
	t.Parallel()
	l := corrected(t)
	_, err := l.ledger.NewIntegrator().Integrate(t.Context())
	require.NoError(t, err)
	l.charge("call-4", "patient-4", noon, 30, tariff(t, "USD", "0.12"))
	export := func(args ...string) (rows int, stderr string) {
		code, stdout, stderr := l.run(append([]string{"ledger", "export"}, args...)...)
		require.Equal(t, OK, code, stderr)
		return strings.Count(stdout, "\r\n") - 1, stderr
	}
	rows, stderr := export("--after", "0")
	require.Equal(t, 6, rows)
	require.Equal(t, "6 entries\nnext cursor: 6\nnote: entries that are not in the log yet: 1; they come after this cursor\n", stderr)
	rows, stderr = export("--after", "2", "--until", "5", "--kind", "reversal")
	require.Equal(t, 1, rows)
	require.Contains(t, stderr, "1 entries\nnext cursor: 5\n")
	rows, stderr = export("--after", "6")
	require.Zero(t, rows)
	require.Contains(t, stderr, "next cursor: 6\n")
	for _, c := range []struct {
		code   int
		stderr string
		args   string
	}{
		{Refused, "the log has 6 entries: no export of this ledger ended at 7", "--after 7"},
		{Refused, "no export of this ledger ended at 7", "--after 0 --until 7"},
		{Usage, "--until 2 is before --after 3", "--after 3 --until 2"},
		{Usage, "--until: needs --after", "--until 2"},
		{Usage, "--live: is not possible with --after", "--after 0 --live"},
		{Usage, "--after", "--after=-1"},
	} {
		code, stdout, stderr := l.run(append([]string{"ledger", "export"}, strings.Fields(c.args)...)...)
		require.Equal(t, c.code, code, c.args)
		require.Contains(t, stderr, c.stderr)
		require.Empty(t, stdout)
	}
}

func TestVerify(t *testing.T) {
	t.Parallel()
	l := corrected(t)
	out := l.prints("ledger", "verify")
	require.Contains(t, out, "6 entries, 3 tariff versions: every amount was computed again and is right.\n")
	require.Contains(t, out, "  60 JPY: 1 charges, 0 reversals\n  0.30 USD: 3 charges, 2 reversals\n")
	require.Contains(t, out, "note: tariff standard, version of 2025-01-01T00:00:00Z was edited in place")

	l.tamper("UPDATE ledger_entries SET amount = '0.01' WHERE key = 'charge:1400000000:call-3'")
	code, stdout, stderr := l.run("ledger", "verify")
	require.Equal(t, Refused, code)
	require.Contains(t, stdout, "wrong charge:1400000000:call-3: its amount is 0.01 JPY, but its record and\n      tariff give 60 JPY\n")
	require.Contains(t, stderr, "the ledger is not in order: 1 problems in it")
	code, stdout, _ = l.run("ledger", "verify", "-o", "json", "--limit", "0")
	require.Equal(t, Refused, code)
	require.Contains(t, stdout, `"problems": 1,`)
	require.Contains(t, stdout, `"found": []`)
	code, stdout, _ = l.run("ledger", "verify", "-o", "csv")
	require.Equal(t, Refused, code)
	require.Equal(t, "kind,sdk_app_id,call_id,key,problem\r\n"+
		"entry,1400000000,call-3,charge:1400000000:call-3,\"its amount is 0.01 JPY, but its record and tariff give 60 JPY\"\r\n", stdout)
}

func TestVerifyWithRecordsNeedsTheConfiguration(t *testing.T) {
	t.Parallel()
	l := corrected(t)
	code, _, stderr := l.run("ledger", "verify", "--records")
	require.Equal(t, Usage, code)
	require.Contains(t, stderr, "AFTERCALL_CONFIG: is not set")
}

func TestReviewCommandsWithoutTemporal(t *testing.T) {
	t.Parallel()
	l := newLedgerTest(t)
	l.configure("0.12")
	for _, args := range [][]string{
		{"review", "list"},
		{"review", "decide", "call-1", "--verdict", "waive", "--operator", "alice", "--reason", "test"},
	} {
		code, _, stderr := l.run(args...)
		require.Equal(t, Failed, code, stderr)
		require.Contains(t, stderr, "is Temporal up, and TEMPORAL_ADDRESS right?")
	}
}

// TestOutputIsTheSameOnBothEngines: the commands print the same about the same
// ledger on SQLite and PostgreSQL.
func TestOutputIsTheSameOnBothEngines(t *testing.T) {
	t.Parallel()
	url, ok := testenv.Postgres(t)
	if !ok {
		return
	}
	lite, postgres := corrected(t), newLedgerTestAt(t, url)
	postgres.correct()
	lite.configure("0.15")
	postgres.configure("0.15")
	for _, args := range []string{
		"list", "list --live --output json", "show call-1", "show call-2", "report --by day", "report --by payer --output csv", "export", "rerate", "verify",
		"reverse call-3 --operator alice --reason x", "rerate --use-tariff in-yen --apply --operator alice --reason x", "verify --output json", "list",
	} {
		command := append([]string{"ledger"}, strings.Fields(args)...)
		wantCode, want, _ := lite.run(command...)
		code, got, stderr := postgres.run(command...)
		require.Equal(t, wantCode, code, "%s: %s", args, stderr)
		require.Equal(t, timeless(want), timeless(got), args)
	}
}
