package ledger_test

import (
	"bytes"
	"context"
	"encoding/csv"
	"testing"
	"time"

	"aftercall/internal/attendance"
	"aftercall/internal/billing"
	"aftercall/internal/ledger"
	"aftercall/internal/tencent"

	"github.com/stretchr/testify/require"
)

// minutesAt is a tariff by participant minutes.
func minutesAt(t *testing.T, rate string) billing.Tariff {
	t.Helper()
	tariff := tariffAt(t, rate)
	tariff.Versions[0].Rules[0].Per = billing.PerParticipantMinute
	tariff.Versions[0].Evidence = &billing.Evidence{Use: attendance.UseEarliestLeave, Without: billing.WithoutParticipant}
	return tariff
}

// seenOf is what was seen of a call of entry: user2 was there for 30 s of 61.
func seenOf() []attendance.Event {
	accepted := time.Unix(ended-61, 0).UTC()
	return []attendance.Event{
		{ID: "1", Source: attendance.SourceRoom, User: "user2", Kind: attendance.Joined, At: accepted.Add(1500 * time.Millisecond)},
		{ID: "2", Source: attendance.SourceRoom, User: "user2", Kind: attendance.Left, At: accepted.Add(31500 * time.Millisecond)},
	}
}

// entryBySeen is a charge by participant minutes.
func entryBySeen(t *testing.T, callID string) ledger.Entry {
	t.Helper()
	e := entry(t, callID, "run-1", "0.05")
	var err error
	e.Charge, err = billing.Rate(e.Record, "standard", minutesAt(t, "0.05"), time.Unix(ended+6, 0), seenOf()...)
	require.NoError(t, err)
	require.Equal(t, "0.15 USD", e.Charge.Amount.String(), "two minutes of the caller, and one of user2")
	return e
}

// testEvidence: what a charge was made from is kept with it, through all corrections, and
// the charge is computed again from it.
func testEvidence(t *testing.T, url string) {
	ctx := context.Background()
	l := open(t, url)
	booked := charge(t, l, entryBySeen(t, "call-1"))
	stored := entriesOf(t, l, "call-1")
	require.Equal(t, []ledger.Entry{booked}, stored)
	require.Equal(t, seenOf(), stored[0].Charge.Evidence)
	requireClean(t, l)

	_, _, err := l.Reverse(ctx, booked.Key, mistake)
	require.NoError(t, err)
	again, _, err := l.Reinstate(ctx, testApp, "call-1", mistake)
	require.NoError(t, err)
	require.Empty(t, entriesOf(t, l, "call-1")[1].Charge.Evidence, "a reversal is made from a charge")
	require.Equal(t, seenOf(), again[0].Charge.Evidence)

	// By a tariff that needs no evidence, and back: it is still there.
	for _, c := range []struct {
		tariff billing.Tariff
		want   string
	}{{tariffAt(t, "0.07"), "0.14 USD"}, {minutesAt(t, "0.06"), "0.18 USD"}} {
		rater, err := billing.NewRater("standard", c.tariff)
		require.NoError(t, err)
		live, _ := ledger.Live(entriesOf(t, l, "call-1"))
		recomputed, err := live.Recompute(rater)
		require.NoError(t, err)
		require.Equal(t, c.want, recomputed.Amount.String())
		r, _, err := l.Replace(ctx, live.Key, recomputed, mistake)
		require.NoError(t, err)
		require.Equal(t, seenOf(), r.Charge.Charge.Evidence)
	}
	requireClean(t, l)
	integrate(t, l.NewIntegrator())
	requireClean(t, l)

	var out bytes.Buffer
	_, err = ledger.Export(&out, l.List(ctx, ledger.Filter{}))
	require.NoError(t, err)
	rows, err := csv.NewReader(&out).ReadAll()
	require.NoError(t, err)
	last := len(rows[0]) - 1
	require.Equal(t, "member_seconds", rows[0][last])
	require.Equal(t, `{"10001":61,"user2":30}`, rows[1][last])
	require.Equal(t, "{}", rows[2][last])
}

// testAlteredEvidence: a charge does not follow from other evidence than its own.
func testAlteredEvidence(t *testing.T, url string) {
	l := open(t, url)
	charge(t, l, entryBySeen(t, "call-1"))
	decided := entryBySeen(t, "call-2")
	rater, err := billing.NewRater("standard", minutesAt(t, "0.05"))
	require.NoError(t, err)
	decided.Charge, err = rater.Decide(decided.Record, billing.Decision{Verdict: billing.VerdictCharge, MediaType: tencent.MediaVideo}, seenOf()...)
	require.NoError(t, err)
	decided.Reason, decided.Operator = "confirmed", "alice"
	charge(t, l, decided)
	db := openSQL(t, url)
	unguard(t, db)
	requireClean(t, l)
	for evidence, want := range map[string]string{
		"replace(evidence, 'user2', 'user3')": "",
		"'['":                                 "cannot be read: evidence: ",
		"''":                                  "but its record and tariff give",
	} {
		execute(t, db, "UPDATE ledger_entries SET evidence = "+evidence)
		_, findings := verify(t, l)
		execute(t, db, "DELETE FROM ledger_entries", "INSERT INTO ledger_entries SELECT * FROM kept_entries")
		require.Len(t, findings, 2, evidence)
		for _, finding := range findings {
			require.Contains(t, finding, want)
		}
	}
}
