package billing_test

import (
	"testing"
	"time"

	"aftercall/internal/attendance"
	"aftercall/internal/billing"
	"aftercall/internal/tencent"

	"github.com/stretchr/testify/require"
)

// at is an event so many milliseconds after a call was accepted.
func at(source attendance.Source, user string, kind attendance.Kind, ms int64) attendance.Event {
	return attendance.Event{Source: source, User: user, Kind: kind, At: time.UnixMilli(accepted*1000 + ms).UTC()}
}

// witnessed is what both sources see of a call of connected(61).
func witnessed() []attendance.Event {
	return []attendance.Event{
		at(attendance.SourceRoom, "10001", attendance.Joined, -11_900),
		at(attendance.SourceRoom, "user2", attendance.Joined, 100),
		at(attendance.SourceRoom, "user2", attendance.Left, 60_900),
		at(attendance.SourceRoom, "10001", attendance.Left, 61_100),
		at(attendance.SourceCallback, "user2", attendance.Joined, 0),
		at(attendance.SourceCallback, "10001", attendance.Left, 61_000),
		at(attendance.SourceCallback, "user2", attendance.Left, 61_000),
	}
}

func TestUnrecordedByEvidence(t *testing.T) {
	rater := paidBy(t)
	record, charge, err := rater.RateUnrecorded(billing.UnrecordedEvidence, connected(61), readAt, witnessed()...)
	require.NoError(t, err)
	require.Equal(t, accepted, record.AcceptTime)
	require.Equal(t, accepted+60, record.EndTime, "60.8 s that both saw, cut off")
	require.Equal(t, "0.12 USD", charge.Amount.String())
	require.Equal(t, int64(60), charge.ConnectedSeconds)
	require.Equal(t, "10001", payerOf(charge, record))
	require.Equal(t, []billing.StepKind{
		billing.StepTariff, billing.StepWitnessed, billing.StepConnected, billing.StepBilled, billing.StepUsage, billing.StepRounded,
	}, kinds(charge))
	require.Equal(t, "no record: both sources saw the call connected from 2026-02-25 06:13:32.100 to 2026-02-25 06:14:32.900", charge.Steps[1].Text)
	require.Len(t, charge.Evidence, len(witnessed()))
	requireUnrecordedAgain(t, record, charge)

	// The payer and the time of each member are found as of a call with a record.
	minutes, err := billing.NewRater("standard", byMinutes(t, attendance.UseReview))
	require.NoError(t, err)
	minutes, err = minutes.PaidBy(billing.Payers{{Is: "first_callee"}})
	require.NoError(t, err)
	record, charge, err = minutes.RateUnrecorded(billing.UnrecordedEvidence, connected(61), readAt, witnessed()...)
	require.NoError(t, err)
	require.Equal(t, "user2", payerOf(charge, record))
	require.Equal(t, map[string]int64{"10001": 60, "user2": 59}, charge.MemberSeconds())
	requireUnrecordedAgain(t, record, charge)
}

// requireUnrecordedAgain computes a charge again from what the ledger keeps.
func requireUnrecordedAgain(t *testing.T, record tencent.CallRecord, charge billing.Charge) {
	t.Helper()
	stored := throughLedger(t, charge)
	rater, err := stored.Tariff.Restore()
	require.NoError(t, err)
	rater, err = rater.PaidAs(stored.Payer())
	require.NoError(t, err)
	again, recomputed, err := rater.RateUnrecorded(stored.Unrecorded(), record, readAt, stored.Evidence...)
	require.NoError(t, err)
	require.Equal(t, record, again)
	require.Equal(t, stored, throughLedger(t, recomputed))
}

// TestUnrecordedNeedsReview: what is not confirmed, and what a record would be reviewed
// for, is not charged.
func TestUnrecordedNeedsReview(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*tencent.CallRecord)
		seen   []attendance.Event
		want   billing.ReasonCode
	}{
		"callback alone":  {nil, witnessed()[4:], billing.ReasonUnwitnessed},
		"room alone":      {nil, witnessed()[:4], billing.ReasonUnwitnessed},
		"nothing":         {nil, nil, billing.ReasonUnwitnessed},
		"another end":     {func(r *tencent.CallRecord) { r.EndTime += 30 }, witnessed(), billing.ReasonUnwitnessed},
		"no end":          {func(r *tencent.CallRecord) { r.EndTime = 0 }, witnessed(), billing.ReasonNotEnded},
		"unknown media":   {func(r *tencent.CallRecord) { r.MediaType = "" }, witnessed(), billing.ReasonUnknownMedia},
		"not connected":   {func(r *tencent.CallRecord) { r.AcceptTime, r.Result = 0, tencent.ResultCancel }, witnessed(), billing.ReasonUnwitnessed},
		"very many":       {func(r *tencent.CallRecord) { r.MembersTotal = 9000 }, witnessed(), billing.ReasonUnwitnessed},
		"no rule":         {func(r *tencent.CallRecord) { r.Result = tencent.ResultCancel }, witnessed(), billing.ReasonNoRule},
		"before a tariff": {func(r *tencent.CallRecord) { r.StartTime, r.AcceptTime, r.EndTime = 1, 2, 3 }, nil, billing.ReasonUnwitnessed},
	} {
		t.Run(name, func(t *testing.T) {
			claim := connected(61)
			if c.change != nil {
				c.change(&claim)
			}
			_, charge, err := paidBy(t).RateUnrecorded(billing.UnrecordedEvidence, claim, readAt, c.seen...)
			var review *billing.ReviewError
			require.ErrorAs(t, err, &review)
			require.Equal(t, c.want, review.Reasons[0].Code)
			require.Zero(t, charge)
			require.NotContains(t, err.Error(), "user2")
		})
	}
}

func TestUnrecordedWithoutConnection(t *testing.T) {
	claim := connected(0)
	claim.AcceptTime, claim.Result = 0, tencent.ResultNotAnswer
	record, charge, err := paidBy(t).RateUnrecorded(billing.UnrecordedEvidence, claim, readAt, witnessed()[0])
	require.NoError(t, err)
	require.True(t, charge.Free())
	require.Equal(t, "no record: the room saw that nobody was connected", charge.Steps[1].Text)
	requireUnrecordedAgain(t, record, charge)
}

// TestUnrecordedFree: nobody pays nothing, whatever a callback claims.
func TestUnrecordedFree(t *testing.T) {
	for _, end := range []int64{accepted + 61, 3} {
		claim := connected(61)
		claim.EndTime = end
		record, charge, err := paidBy(t, billing.PayerRule{Is: "first_callee"}).RateUnrecorded(billing.UnrecordedFree, claim, readAt, witnessed()...)
		require.NoError(t, err)
		require.True(t, charge.Free())
		require.Zero(t, charge.ConnectedSeconds)
		require.Empty(t, payerOf(charge, record))
		require.Equal(t, []string{"user2"}, record.Members)
		require.Empty(t, charge.Evidence)
		require.Equal(t, []billing.StepKind{billing.StepTariff, billing.StepUnrecorded}, kinds(charge))
		requireUnrecordedAgain(t, record, charge)
	}
	require.Empty(t, rate(t, connected(61), tariffOf(perMinute(t, "0.12", 60, 60))).Unrecorded())
}

// TestUnrecordedUsesTheToleranceOfTheTariff at the end that both sources saw.
func TestUnrecordedUsesTheToleranceOfTheTariff(t *testing.T) {
	tariff := byMinutes(t, attendance.UseReview)
	tariff.Versions[0].Evidence.Tolerance = billing.Duration(20 * time.Second)
	strict := tariff.Versions[0]
	evidence := *strict.Evidence
	evidence.Tolerance = billing.Duration(time.Second)
	strict.Evidence, strict.EffectiveFrom = &evidence, time.Unix(accepted+65, 0)
	claim := connected(70)
	rater, err := billing.NewRater("standard", tariff)
	require.NoError(t, err)
	_, _, err = rater.RateUnrecorded(billing.UnrecordedEvidence, claim, readAt, witnessed()...)
	require.NoError(t, err, "9 s are within 20 s")
	tariff.Versions = append(tariff.Versions, strict)
	rater, err = billing.NewRater("standard", tariff)
	require.NoError(t, err)
	_, _, err = rater.RateUnrecorded(billing.UnrecordedEvidence, claim, readAt, witnessed()...)
	require.ErrorContains(t, err, "differs from what was seen by more than the tolerance")
	_, _, err = paidBy(t).RateUnrecorded(billing.UnrecordedEvidence, claim, readAt, witnessed()...)
	require.Error(t, err, "5 s where the tariff says nothing")
}
