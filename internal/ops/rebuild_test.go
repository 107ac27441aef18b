package ops

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"aftercall/activities"
	"aftercall/internal/attendance"
	"aftercall/internal/billing"
	"aftercall/internal/config"
	"aftercall/internal/ledger"
	"aftercall/internal/tencent"
)

// TestRebuild: what a history says of a charge gives the same entry again, with its payer
// and also without a record.
func TestRebuild(t *testing.T) {
	end := time.Date(2026, 3, 8, 12, 0, 0, 0, time.UTC)
	price, err := billing.ParseDecimal("0.12")
	require.NoError(t, err)
	plain, err := billing.NewRater("standard", billing.Tariff{Currency: "USD", Versions: []billing.Version{{
		EffectiveFrom: end.AddDate(-1, 0, 0), Rules: []billing.Rule{{RatePerMinute: price, FirstInterval: 60, NextInterval: 60}},
	}}})
	require.NoError(t, err)
	paid, err := plain.PaidBy(billing.Payers{{Is: "first_callee"}})
	require.NoError(t, err)
	record := tencent.CallRecord{
		CallID: "call-1", Caller: "robot-1", MediaType: tencent.MediaAudio, CallType: tencent.CallTypeSingle, Result: tencent.ResultNormalEnd,
		StartTime: end.Unix() - 70, AcceptTime: end.Unix() - 61, EndTime: end.Unix(), Members: []string{"robot-1", "patient"}, RoomID: "room",
	}
	seen := func(source attendance.Source, user string, kind attendance.Kind, ago time.Duration) attendance.Event {
		return attendance.Event{Source: source, User: user, Kind: kind, At: end.Add(-ago)}
	}
	both := []attendance.Event{
		seen(attendance.SourceRoom, "robot-1", attendance.Joined, 70*time.Second),
		seen(attendance.SourceRoom, "patient", attendance.Joined, 61*time.Second), seen(attendance.SourceCallback, "patient", attendance.Joined, 61*time.Second),
		seen(attendance.SourceRoom, "robot-1", attendance.Left, 0),
		seen(attendance.SourceRoom, "patient", attendance.Left, 0), seen(attendance.SourceCallback, "patient", attendance.Left, 0),
	}
	for name, c := range map[string]struct {
		params activities.ChargeParams
		payer  string
	}{
		"by the record": {activities.ChargeParams{}, "patient"},
		"for nothing":   {activities.ChargeParams{Unrecorded: billing.UnrecordedFree}, ""},
		"by evidence":   {activities.ChargeParams{Unrecorded: billing.UnrecordedEvidence}, "patient"},
	} {
		t.Run(name, func(t *testing.T) {
			c.params.Record, c.params.ReadAt = record, end.Add(time.Minute)
			booked := ledger.Entry{SDKAppID: 1400000000, App: "clinic", WorkflowID: "w", FirstRunID: "r", CreatedAt: end, Key: "charge:1"}
			booked.Record, booked.Charge, err = c.params.Rate(paid, both...)
			require.NoError(t, err)
			require.Equal(t, c.payer, booked.Payer())
			event, _ := activities.EventOf(booked)
			run := chargedRun{firstRunID: "r", chargedAt: end.Add(time.Minute), charge: &activities.ChargeResult{
				Event: event, Payer: booked.Charge.Payer(), Unrecorded: booked.Charge.Unrecorded(), Evidence: booked.Charge.Evidence,
			}}
			if c.params.Unrecorded == "" {
				run.record = &record
			}
			// The configuration has no payer any more.
			r := &restorer{raters: map[string]*billing.Rater{"standard": plain}}
			again, err := r.rebuild(t.Context(), &config.App{SDKAppID: 1400000000}, "w", run)
			require.NoError(t, err)
			require.Equal(t, booked.Record, again.Record)
			require.Equal(t, c.payer, again.Payer())
			require.True(t, booked.Charge.SameSum(again.Charge))
			if run.charge.Payer != nil {
				run.charge.Payer = &billing.Payer{Account: "mallory", Is: run.charge.Payer.Is}
				_, err = r.rebuild(t.Context(), &config.App{SDKAppID: 1400000000}, "w", run)
				require.ErrorContains(t, err, "it was paid by another account")
			}
		})
	}
}
