package cli

import (
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"aftercall/dev/tencentsim"
	"aftercall/internal/audit"
	"aftercall/internal/billing"
	"aftercall/internal/evidence"
	"aftercall/internal/ledger"
	"aftercall/internal/ops"
	"aftercall/internal/tencent"
	"aftercall/internal/testenv/testconfig"
)

// audited is a ledger with the rooms of three calls, which ended at the same time: one is
// in the ledger, one only has a record, and one has nothing.
type audited struct {
	*ledgerTest
	ended time.Time
}

func newAudited(t *testing.T) audited {
	t.Helper()
	a := audited{newLedgerTest(t), time.Now().Add(-2 * time.Hour).Truncate(time.Hour).UTC()}
	a.environ["REDIS_URL"] = "redis://127.0.0.1:1"
	sim, err := tencentsim.New(t.Context(), tencentsim.Options{Apps: []tencentsim.App{{SDKAppID: clinic, SecretKey: testconfig.SecretKey}}})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, sim.Close()) })
	api := httptest.NewServer(sim)
	t.Cleanup(api.Close)
	a.receive(api.URL)

	for _, call := range []string{"charged", "recorded"} {
		placed, err := sim.PlaceCall(tencentsim.CallSpec{
			SDKAppID: clinic, CallID: call, RoomID: "room-" + call, Seconds: 60, Members: []string{"secret-alice", "secret-bob"}, EndedAgoSeconds: int64(time.Since(a.ended) / time.Second),
			Record: fmt.Appendf(nil, `{"StartTime":%d,"AcceptTime":%d,"EndTime":%d}`, a.ended.Unix()-68, a.ended.Unix()-60, a.ended.Unix()),
		})
		require.NoError(t, err)
		if call != "charged" {
			continue
		}
		charge, err := billing.Rate(placed.Record, "standard", tariff(t, "USD", "0.12"), time.Now())
		require.NoError(t, err)
		_, _, err = a.ledger.Charge(t.Context(), ledger.Entry{
			SDKAppID: clinic, App: "clinic", Record: placed.Record, Charge: charge, WorkflowID: "call:1400000000:charged", FirstRunID: "run",
		})
		require.NoError(t, err)
	}
	return a
}

// receive writes a configuration in which webhooks of the clinic's rooms are received.
func (a audited) receive(api string) {
	a.configureWith(func(c *testconfig.Config) {
		c.Apps[0]["evidence"] = testconfig.Map{"members": true, "room_key": "ARoomKeyOfTheConsole"}
		c.Apps[0]["api"] = api
		c.Apps = append(c.Apps, testconfig.App("tutoring", 1400000001))
	})
}

// seen keeps the events of the three rooms.
func (a audited) seen() {
	store, err := evidence.Open(a.t.Context(), a.environ["LEDGER_URL"], ledger.Options{})
	require.NoError(a.t, err)
	defer store.Close()
	var events []evidence.Event
	for _, call := range []string{"charged", "recorded", "lost"} {
		for _, user := range []string{"secret-alice", "secret-bob"} {
			for kind, at := range map[evidence.Kind]time.Time{evidence.KindJoined: a.ended.Add(-time.Minute), evidence.KindLeft: a.ended} {
				events = append(events, evidence.Event{
					SDKAppID: clinic, Source: evidence.SourceRoom, RoomID: tencent.RoomID("room-" + call), RoomIDType: 2, User: user, Kind: kind, At: at,
				})
			}
		}
		events = append(events, evidence.Event{
			SDKAppID: clinic, Source: evidence.SourceCallback, CallID: call, RoomID: tencent.RoomID("room-" + call), RoomIDType: 2, User: "secret-bob",
			Kind: evidence.KindCalled, At: a.ended.Add(-68 * time.Second),
		})
	}
	_, err = store.Insert(a.t.Context(), events)
	require.NoError(a.t, err)
}

// audit audits from some time after the end to some time after it.
func (a audited) audit(from, to time.Duration, args ...string) (code int, stdout, stderr string) {
	return a.run(append([]string{"audit", "--from", a.ended.Add(from).Format(time.RFC3339), "--to", a.ended.Add(to).Format(time.RFC3339)}, args...)...)
}

func TestAudit(t *testing.T) {
	t.Parallel()
	a := newAudited(t)
	code, _, stderr := a.audit(0, time.Hour)
	require.Equal(t, NotFound, code, stderr)
	a.seen()

	code, stdout, stderr := a.audit(0, time.Hour)
	require.Equal(t, Refused, code, stderr)
	from, to := a.ended.Add(-time.Minute).Format(time.DateTime), a.ended.Format(time.DateTime)
	require.Equal(t, fmt.Sprintf(`App          clinic (1400000000)
Compared     %s to %s
In use       rooms 3 times, for 180 s
Unexplained  once, for 60 s

FROM (UTC)           TO (UTC)              FOR  MEMBERS  ROOM       TYPE  CALL
%s  %s  60 s        2  room-lost  2     lost
`, a.ended.Format(time.RFC3339), a.ended.Add(time.Hour).Format(time.RFC3339), from, to), stdout)
	require.Contains(t, stderr, "1 uses of rooms have no record of a call")
	require.NotContains(t, stdout+stderr, "secret")

	code, stdout, _ = a.audit(0, time.Hour, "--app", "clinic", "-o", "json")
	require.Equal(t, Refused, code)
	require.NotContains(t, stdout, "secret")
	var found []ops.RoomAudit
	require.NoError(t, json.Unmarshal([]byte(stdout), &found))
	require.Len(t, found, 1)
	require.Equal(t, ops.RoomAudit{App: "clinic", SDKAppID: clinic, From: a.ended, To: a.ended.Add(time.Hour), Result: audit.Result{
		Uses: 3, Seconds: 180, UnexplainedSeconds: 60, Unexplained: []audit.Span{{
			Room: audit.Room{ID: "room-lost", IDType: 2}, From: a.ended.Add(-time.Minute), To: a.ended, Seconds: 60, Members: 2, CallID: "lost",
		}},
	}}, found[0])

	code, stdout, stderr = a.audit(-time.Hour, 0)
	require.Equal(t, OK, code, stderr)
	require.Contains(t, stdout, "Unexplained  none")

	// The ledger alone does not explain the call that only has a record.
	a.receive("http://127.0.0.1:1")
	code, stdout, stderr = a.audit(0, time.Hour)
	require.Equal(t, Incomplete, code)
	require.Contains(t, stdout, "Unexplained  2 times, for 120 s")
	require.Contains(t, stderr, "clinic: list Tencent's records")
}

// TestSources: the callbacks saw the call in the ledger for 40 s, the room for 60.
func TestSources(t *testing.T) {
	t.Parallel()
	a := newAudited(t)
	a.seen()
	store, err := evidence.Open(t.Context(), a.environ["LEDGER_URL"], ledger.Options{})
	require.NoError(t, err)
	defer store.Close()
	event := evidence.Event{
		SDKAppID: clinic, Source: evidence.SourceCallback, CallID: "charged", User: "secret-bob", Kind: evidence.KindJoined, At: a.ended.Add(-time.Minute),
	}
	left := event
	left.Kind, left.At = evidence.KindLeft, a.ended.Add(-20*time.Second)
	_, err = store.Insert(t.Context(), []evidence.Event{event, left})
	require.NoError(t, err)

	require.Contains(t, a.prints("ledger", "report", "--by", "app", "--sources"), "66.7 %")
	var totals []map[string]any
	require.NoError(t, json.Unmarshal([]byte(a.prints("ledger", "report", "--by", "payer", "--sources", "-o", "json")), &totals))
	require.Len(t, totals, 1)
	require.InDelta(t, 60, totals[0]["compared_seconds"], 0)
	require.InDelta(t, 40, totals[0]["witnessed_seconds"], 0)
	require.NotContains(t, a.prints("ledger", "report", "--by", "payer", "-o", "json"), "witnessed_seconds")

	_, stdout, _ := a.run("check", "-o", "json")
	var findings []ops.Finding
	require.NoError(t, json.Unmarshal([]byte(stdout), &findings))
	rooms := slices.IndexFunc(findings, func(f ops.Finding) bool { return f.Check == "rooms" })
	require.NotEqual(t, -1, rooms, stdout)
	require.Equal(t, ops.FindingWarning, findings[rooms].Status, findings[rooms].Detail)
	require.Equal(t, "in use 3 times in 24 hours, for 180 s; two sources saw 66.7 % of 60 connected seconds; without a record once, for 60 s", findings[rooms].Detail)
	require.Contains(t, findings[rooms].Cure, "aftercall audit --app clinic --from ")

	a.configureWith(func(*testconfig.Config) {})
	code, _, stderr := a.run("ledger", "report", "--sources")
	require.Equal(t, Usage, code)
	require.Contains(t, stderr, "no app keeps both sources")
}

// TestAuditRange: what cannot be compared is refused before anything is read.
func TestAuditRange(t *testing.T) {
	t.Parallel()
	a := newAudited(t)
	a.seen()
	for name, c := range map[string]struct {
		from, to time.Duration
		args     []string
		code     int
		stderr   string
	}{
		"too long ago":        {-8 * 24 * time.Hour, 0, nil, Usage, "Tencent lists records for 168h0m0s, and events are kept for 2160h0m0s (evidence.retention)"},
		"just now":            {-time.Hour, 30 * time.Hour, []string{"--app", "clinic"}, Refused, "note: rooms that somebody left after"},
		"in the future":       {30 * time.Hour, 40 * time.Hour, nil, Usage, "--from: only rooms that everybody left before"},
		"empty":               {time.Hour, 0, nil, Usage, "so nothing is between them"},
		"another app":         {-time.Hour, 0, []string{"--app", "nosuch"}, Usage, "there is no app"},
		"rooms not received":  {-time.Hour, 0, []string{"--app", "tutoring"}, Usage, "webhooks of rooms are not received"},
		"an unknown zone":     {-time.Hour, 0, []string{"--zone", "Nowhere"}, Usage, "--zone"},
		"a format that is no": {-time.Hour, 0, []string{"--output", "csv"}, Usage, "--output"},
	} {
		code, _, stderr := a.audit(c.from, c.to, c.args...)
		require.Equal(t, c.code, code, "%s: %s", name, stderr)
		require.Contains(t, stderr, c.stderr, name)
	}
	a.configureWith(func(c *testconfig.Config) {
		c.Apps[0]["evidence"] = testconfig.Map{"room_key": "ARoomKeyOfTheConsole"}
		c.Evidence = testconfig.Map{"retention": "72h"}
	})
	code, _, stderr := a.audit(-80*time.Hour, 0)
	require.Equal(t, Usage, code)
	require.Contains(t, stderr, "events are kept for 72h0m0s")
}
