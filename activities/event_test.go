package activities

import (
	"strings"
	"testing"

	"github.com/bojanz/currency"
	"github.com/stretchr/testify/require"

	"aftercall/internal/attendance"
	"aftercall/internal/billing"
	"aftercall/internal/ledger"
	"aftercall/internal/notify"
)

// TestExplanationOfManyMembers: an event does not grow with the members of its call, and
// names none of them in its explanation.
func TestExplanationOfManyMembers(t *testing.T) {
	steps := []billing.Step{{Kind: billing.StepTariff, Text: "tariff"}}
	for range 10 {
		steps = append(steps, billing.Step{Kind: billing.StepDisagreement, Text: "differ", Disagreement: &attendance.Disagreement{User: "ada"}})
	}
	for range 60 {
		steps = append(steps, billing.Step{Kind: billing.StepMember, Text: "participant", Member: &attendance.Member{User: "ada"}})
	}
	few := explain(steps[:51])
	require.Len(t, few, 51)
	lines := explain(append(steps, billing.Step{Kind: billing.StepBilled, Text: "billed"}, billing.Step{Kind: billing.StepRounded, Text: "rounded"}))
	require.Equal(t, append(few, "20 more steps about members, which are in the ledger", "billed", "rounded"), lines)
	require.NotContains(t, strings.Join(lines, ""), "ada")
}

// TestMemberSecondsOfManyMembers: an event has them for the members that it names, or not
// at all.
func TestMemberSecondsOfManyMembers(t *testing.T) {
	entry := ledger.Entry{Kind: ledger.KindCharge, Revision: 1, Record: record()}
	event, _ := EventOf(entry)
	require.Nil(t, event.Call.MemberSeconds)
	entry.Charge.Steps = []billing.Step{
		{Kind: billing.StepMember, Member: &attendance.Member{User: "patient-1001", Seconds: 61}},
		{Kind: billing.StepMember, Member: &attendance.Member{User: "doctor-17"}},
	}
	event, _ = EventOf(entry)
	require.Equal(t, map[string]int64{"patient-1001": 61, "doctor-17": 0}, event.Call.MemberSeconds)
	for range maxMembers / 8 {
		entry.Record.Members = append(entry.Record.Members, "one more")
	}
	event, _ = EventOf(entry)
	require.NotZero(t, event.Call.MembersTotal)
	require.Nil(t, event.Call.MemberSeconds)
}

func TestEventsOfCorrections(t *testing.T) {
	f := newFixture(t)
	_, err := f.charge(params("run-1"))
	require.NoError(t, err)
	entries, err := f.ledger.Get(t.Context(), clinic, "call-1")
	require.NoError(t, err)
	signed := ledger.Correction{Reason: "dead line", Operator: "alice"}
	corrected := entries[0].Charge
	corrected.Amount, err = corrected.Amount.Mul("2")
	require.NoError(t, err)
	second, _, err := f.ledger.Replace(t.Context(), entries[0].Key, corrected, signed)
	require.NoError(t, err)
	usd := func(number string) currency.Amount {
		amount, err := currency.NewAmount(number, "USD")
		require.NoError(t, err)
		return amount
	}
	credit, _, err := f.ledger.Adjust(t.Context(), clinic, "call-1", ledger.Adjustment{Amount: usd("-0.1"), Number: 1, Correction: signed})
	require.NoError(t, err)
	surcharge, _, err := f.ledger.Adjust(t.Context(), clinic, "call-1", ledger.Adjustment{Amount: usd("0.02"), Number: 2, Correction: signed})
	require.NoError(t, err)
	last, _, err := f.ledger.Reverse(t.Context(), second.Charge.Key, signed)
	require.NoError(t, err)
	require.Len(t, last, 3)

	ids := map[string]bool{}
	for _, tt := range []struct {
		entry    ledger.Entry
		kind     notify.EventType
		amount   string
		revision int
		adjusted int
		reverses string
		operator string
	}{
		{entries[0], notify.EventCallCharged, "0.24", 0, 0, "", ""},
		{second.Reversal, notify.EventCallReversed, "-0.24", 0, 0, "charge:1400000000:call-1", "alice"},
		{second.Charge, notify.EventCallCharged, "0.48", 2, 0, "", "alice"},
		{credit, notify.EventCallAdjusted, "-0.10", 0, 1, "", "alice"},
		{surcharge, notify.EventCallAdjusted, "0.02", 0, 2, "", "alice"},
		{last[0], notify.EventCallReversed, "-0.48", 2, 0, "charge.2:1400000000:call-1", "alice"},
		{last[1], notify.EventCallAdjusted, "0.10", 0, 1, "adjustment:1400000000:call-1", "alice"},
		{last[2], notify.EventCallAdjusted, "-0.02", 0, 2, "adjustment.2:1400000000:call-1", "alice"},
	} {
		event, id := EventOf(tt.entry)
		require.Equal(t, tt.kind, event.Type)
		require.Equal(t, tt.entry.CreatedAt, event.Timestamp)
		require.Equal(t, tt.entry.Key, event.Call.LedgerKey)
		require.Equal(t, tt.amount, event.Call.Amount)
		require.Equal(t, tt.revision, event.Call.Revision)
		require.Equal(t, tt.adjusted, event.Call.Adjustment)
		require.Equal(t, tt.reverses, event.Call.Reverses)
		require.Equal(t, tt.operator, event.Call.Operator)
		require.False(t, ids[id], "every entry has a message ID of its own")
		ids[id] = true
		again, sameID := EventOf(tt.entry)
		require.Equal(t, event, again)
		require.Equal(t, id, sameID)
	}
	_, id := EventOf(entries[0])
	require.Equal(t, notify.MessageID(clinic, "call-1", notify.EventCallCharged), id, "receivers know it")
}

// TestEventOfADecisionHasNoOperator: the person who decided in a review is in
// the ledger, but not in the event.
func TestEventOfADecisionHasNoOperator(t *testing.T) {
	event, _ := EventOf(ledger.Entry{Kind: ledger.KindCharge, Revision: 1, Record: record(), Operator: "alice", Reason: "says the doctor"})
	require.Empty(t, event.Call.Operator)
	require.Empty(t, event.Call.Reason)
}
