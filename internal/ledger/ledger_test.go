package ledger_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"aftercall/internal/billing"
	"aftercall/internal/ledger"
	"aftercall/internal/tencent"

	"github.com/stretchr/testify/require"
)

func testCharge(t *testing.T, url string) {
	before := time.Now().Add(-time.Minute)
	l := open(t, url)
	offered := entry(t, "call-1", "run-1", "0.05")
	offered.Reason, offered.Operator = "because", "somebody"
	set := offered
	set.Seq, set.Key, set.Kind, set.Revision, set.Reverses = 99, "k", ledger.KindReversal, 7, "charge:1400000000:call-1"
	set.CreatedAt = time.Unix(1, 0)
	stored := charge(t, l, set)

	require.Equal(t, "charge:1400000000:call-1", stored.Key)
	require.Equal(t, ledger.KindCharge, stored.Kind)
	require.Equal(t, 1, stored.Revision)
	require.Positive(t, stored.Seq)
	require.WithinRange(t, stored.CreatedAt, before, time.Now().Add(time.Minute))
	offered.Seq, offered.Key, offered.Kind, offered.Revision, offered.CreatedAt = stored.Seq, stored.Key, stored.Kind, 1, stored.CreatedAt
	require.Equal(t, offered, stored)
	require.Equal(t, "10001", stored.Payer())

	entries, err := l.Get(context.Background(), testApp, "call-1")
	require.NoError(t, err)
	require.Equal(t, []ledger.Entry{stored}, entries)
	require.Equal(t, "0.10 USD", entries[0].Charge.Amount.String())

	entries, err = l.Get(context.Background(), testApp, "call-2")
	require.NoError(t, err)
	require.Empty(t, entries)
	entries, err = l.Get(context.Background(), testApp+1, "call-1")
	require.NoError(t, err)
	require.Empty(t, entries)
	require.NoError(t, l.Ping(context.Background()))
}

func testSecondCharge(t *testing.T, url string) {
	l := open(t, url)
	ctx := context.Background()
	first := charge(t, l, entry(t, "call-1", "run-1", "0.05"))

	for _, run := range []string{"run-1", "run-2"} {
		stored, inserted, err := l.Charge(ctx, entry(t, "call-1", run, "0.05"))
		require.NoError(t, err)
		require.False(t, inserted)
		require.Equal(t, first, stored)
	}
	stored, inserted, err := l.Charge(ctx, entry(t, "call-1", "run-1", "0.06"))
	require.NoError(t, err, "the entry of the workflow itself is the charge, whatever the sum would be now")
	require.False(t, inserted)
	require.Equal(t, first, stored)
	stored, inserted, err = l.Charge(ctx, entry(t, "call-1", "run-2", "0.06"))
	var conflict *ledger.ConflictError
	require.ErrorAs(t, err, &conflict)
	require.ErrorContains(t, err, "0.10 USD for 120 s")
	require.ErrorContains(t, err, "0.12 USD for 120 s")
	require.False(t, inserted)
	require.Equal(t, first, stored)
	require.Equal(t, first, conflict.Stored)
	require.Equal(t, "0.12", conflict.Offered.Charge.Amount.Number())
	// Another app's call of the same name is another call.
	other := entry(t, "call-1", "run-3", "0.06")
	other.SDKAppID++
	charge(t, l, other)

	entries, err := l.Get(ctx, testApp, "call-1")
	require.NoError(t, err)
	require.Len(t, entries, 1)
}

func testSameSumInOtherDigits(t *testing.T, url string) {
	l := open(t, url)
	charge(t, l, entry(t, "call-1", "run-1", "0.05"))
	again := entry(t, "call-1", "run-1", "0.05")
	finer, six := tariffAt(t, "0.05"), 6
	finer.Digits = &six
	again.Charge = rate(t, again.Record, finer)
	require.Equal(t, "0.100000", again.Charge.Amount.Number())
	_, inserted, err := l.Charge(context.Background(), again)
	require.NoError(t, err)
	require.False(t, inserted)

	again.Charge.BilledSeconds++
	again.FirstRunID = "run-2"
	_, _, err = l.Charge(context.Background(), again)
	require.ErrorAs(t, err, new(*ledger.ConflictError))
}

func testReopen(t *testing.T, url string) {
	first, err := ledger.Open(context.Background(), url, ledger.Options{})
	require.NoError(t, err)
	stored := charge(t, first, entry(t, "call-1", "run-1", "0.05"))
	require.NoError(t, first.Close())
	require.Error(t, first.Ping(context.Background()))

	again, inserted, err := open(t, url).Charge(context.Background(), entry(t, "call-1", "run-1", "0.05"))
	require.NoError(t, err)
	require.False(t, inserted)
	require.Equal(t, stored, again)
}

func testUnusualCallIDs(t *testing.T, url string) {
	odd := []string{
		"a", "A", "a ", " a", "ä", "a\u0308", "通话-1", "📞", `a"b`, "a'b", `a\b`, "a;--", "a%", "a_", "a:b", "a::b", ":a", "1400000000:a",
		"charge:1400000000:a", "<script>", "$1", "?", "\u200b", "\u202ea", "null", strings.Repeat("x", 128), strings.Repeat("é", 64),
	}
	l := open(t, url)
	for _, id := range odd {
		charge(t, l, entry(t, id, "run-"+id, "0.05"))
	}
	for _, id := range odd {
		entries, err := l.Get(context.Background(), testApp, id)
		require.NoError(t, err)
		require.Len(t, entries, 1, "%q", id)
		require.Equal(t, id, entries[0].CallID())
		require.Equal(t, "run-"+id, entries[0].FirstRunID)
	}
	known, err := l.Known(context.Background(), testApp, append([]string{"unknown", "B"}, odd...))
	require.NoError(t, err)
	require.Len(t, known, len(odd))
}

func testForeignText(t *testing.T, url string) {
	l := open(t, url)
	e := entry(t, "call-1", "run-1", "0.05")
	e.Record.Caller, e.Record.RoomID = "nul\x00and\x1b[31m", "\x00"
	e.Reason = "Latin-1: caf\xe9"
	stored := charge(t, l, e)
	stored.Reason = "Latin-1: caf\uFFFD"
	entries, err := l.Get(context.Background(), testApp, "call-1")
	require.NoError(t, err)
	require.Equal(t, []ledger.Entry{stored}, entries)
}

func testKnownInBatches(t *testing.T, url string) {
	l := open(t, url)
	known, err := l.Known(context.Background(), testApp, nil)
	require.NoError(t, err)
	require.Empty(t, known)

	ids := make([]string, 1201)
	want := map[string]bool{}
	for i := range ids {
		ids[i] = fmt.Sprintf("call-%04d", i)
		if i%200 == 0 {
			charge(t, l, entry(t, ids[i], "run", "0.05"))
			want[ids[i]] = true
		}
	}
	known, err = l.Known(context.Background(), testApp, ids)
	require.NoError(t, err)
	require.Equal(t, want, known)
	known, err = l.Known(context.Background(), testApp+1, ids)
	require.NoError(t, err)
	require.Empty(t, known)
}

func testChargeErrors(t *testing.T, url string) {
	l := open(t, url)
	for want, change := range map[string]func(*ledger.Entry){
		"SDKAppID 0: must be":          func(e *ledger.Entry) { e.SDKAppID = 0 },
		"must be that of a Tencent":    func(e *ledger.Entry) { e.SDKAppID = 1 << 63 },
		"CallId: must not be empty":    func(e *ledger.Entry) { e.Record.CallID = "" },
		"CallId: must not contain":     func(e *ledger.Entry) { e.Record.CallID = "a\x00" },
		"CallId: must not be longer":   func(e *ledger.Entry) { e.Record.CallID = strings.Repeat("x", 129) },
		"Charge.Amount: has no":        func(e *ledger.Entry) { e.Charge = ledger.Entry{}.Charge },
		"Charge.Tariff: is missing":    func(e *ledger.Entry) { e.Charge.Tariff.Hash = e.Charge.Tariff.Hash[1:] },
		"so the sum could not":         func(e *ledger.Entry) { e.Charge.Tariff.VersionJSON = nil },
		"Charge.Amount: is negative":   func(e *ledger.Entry) { e.Charge.Amount, _ = e.Charge.Amount.Mul("-1") },
		"must name the workflow":       func(e *ledger.Entry) { e.WorkflowID = "" },
		"WorkflowID, FirstRunID: must": func(e *ledger.Entry) { e.FirstRunID = "" },
	} {
		e := entry(t, "call-1", "run-1", "0.05")
		change(&e)
		_, _, err := l.Charge(context.Background(), e)
		require.ErrorContains(t, err, want)
	}
	known, err := l.Known(context.Background(), testApp, []string{"call-1"})
	require.NoError(t, err)
	require.Empty(t, known)
}

func TestKeysAreUnambiguous(t *testing.T) {
	require.Equal(t, "charge:1:2:3", ledger.Key(ledger.KindCharge, 1, 1, "2:3"))
	require.Equal(t, "charge:12:3", ledger.Key(ledger.KindCharge, 1, 12, "3"))
	require.Equal(t, "charge.2:1:x", ledger.Key(ledger.KindCharge, 2, 1, "x"))
	require.Equal(t, "reversal:1:x", ledger.Key(ledger.KindReversal, 1, tencent.SDKAppID(1), "x"))
}

// TestRecompute allows for two clocks: the entry's, and the one by which its record
// was read.
func TestRecompute(t *testing.T) {
	e := entry(t, "call-1", "run-1", "0.05")
	rater, err := e.Charge.Tariff.Restore()
	require.NoError(t, err)
	e.CreatedAt = e.Record.EndedAt().Add(-2 * billing.MaxClockSkew)
	again, err := e.Recompute(rater)
	require.NoError(t, err)
	require.True(t, again.SameSum(e.Charge))
	e.CreatedAt = e.CreatedAt.Add(-time.Second)
	_, err = e.Recompute(rater)
	require.ErrorAs(t, err, new(*billing.ReviewError))
}
