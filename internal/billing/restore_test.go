package billing_test

import (
	"encoding/json"
	"strings"
	"testing"

	"aftercall/internal/billing"
	"aftercall/internal/tencent"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// throughLedger encodes a charge and decodes it again.
func throughLedger(t require.TestingT, c billing.Charge) (stored billing.Charge) {
	encoded, err := json.Marshal(c)
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(encoded, &stored))
	return stored
}

func TestEveryChargeCanBeComputedAgain(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		tariff, seconds := anyTariff(t), duration(t, "seconds")
		stored := throughLedger(t, rateProperty(t, seconds, tariff))
		rater, err := stored.Tariff.Restore()
		require.NoError(t, err)
		again, err := rater.Rate(connected(seconds), readAt)
		require.NoError(t, err)
		require.True(t, again.SameSum(stored))
		require.Equal(t, stored, throughLedger(t, again), "with the same texts")
	})
}

// TestChargeWithoutPayerCanBeComputedAgain: what an earlier release has charged
// stays right.
func TestChargeWithoutPayerCanBeComputedAgain(t *testing.T) {
	stored := throughLedger(t, rate(t, connected(61), tariffOf(perMinute(t, "0.05", 60, 60))))
	rater, err := stored.Tariff.Restore()
	require.NoError(t, err)
	record := connected(61)
	record.Caller = ""
	again, err := rater.Rate(record, readAt)
	require.NoError(t, err)
	require.True(t, again.Amount.Equal(stored.Amount))
}

func TestEveryDecisionCanBeComputedAgain(t *testing.T) {
	rater, err := billing.NewRater("standard", reviewed(t))
	require.NoError(t, err)
	record := connected(100)
	for _, decision := range []billing.Decision{
		{Verdict: billing.VerdictCharge},
		{Verdict: billing.VerdictChargeAs, ConnectedSeconds: 30, Unconfirmed: true},
		{Verdict: billing.VerdictChargeAs, ConnectedSeconds: 30, Exact: true},
		{Verdict: billing.VerdictWaive},
	} {
		charge, err := rater.Decide(record, decision)
		require.NoError(t, err)
		stored := throughLedger(t, charge)
		restored, err := stored.Tariff.Restore()
		require.NoError(t, err)
		again, err := restored.Decide(record, *stored.Decision())
		require.NoError(t, err)
		require.True(t, again.SameSum(stored))
	}
	// A call that ended before every version is waived by the oldest one, also when it is computed again.
	record.EndTime = reviewed(t).Versions[0].EffectiveFrom.Unix() - 1
	charge, err := rater.Decide(record, billing.Decision{Verdict: billing.VerdictWaive})
	require.NoError(t, err)
	restored, err := charge.Tariff.Restore()
	require.NoError(t, err)
	again, err := restored.Decide(record, *charge.Decision())
	require.NoError(t, err)
	require.True(t, again.SameSum(charge))
}

func TestRestoreErrors(t *testing.T) {
	applied := rate(t, connected(61), tariffOf(perMinute(t, "0.05", 60, 60))).Tariff
	cheaper := applied
	cheaper.VersionJSON = json.RawMessage(strings.Replace(string(applied.VersionJSON), "0.05", "0.04", 1))
	_, err := cheaper.Restore()
	require.ErrorContains(t, err, "it was changed")

	later := applied
	later.EffectiveFrom = later.EffectiveFrom.AddDate(0, 0, 1)
	_, err = later.Restore()
	require.ErrorContains(t, err, "not of 2023-11-15")

	// A version whose hash was changed with it.
	for version, want := range map[string]string{"{": "the stored version: unexpected end", `{"effective_from":"2023-11-14T22:13:20Z"}`: "no rules"} {
		forged := applied
		forged.VersionJSON, forged.Hash = json.RawMessage(version), sha256Hex(version)
		_, err = forged.Restore()
		require.ErrorContains(t, err, want)
	}
}

func TestSameSumIgnoresOnlyTexts(t *testing.T) {
	charge := rate(t, connected(61), tariffOf(perMinute(t, "0.05", 60, 60)))
	reworded := throughLedger(t, charge)
	reworded.Steps[1].Text = "connected for a minute and a second"
	require.True(t, charge.SameSum(reworded))
	for name, change := range map[string]func(*billing.Charge){
		"amount":       func(c *billing.Charge) { c.Amount, _ = c.Amount.Mul("2") },
		"connected":    func(c *billing.Charge) { c.ConnectedSeconds++ },
		"billed":       func(c *billing.Charge) { c.BilledSeconds++ },
		"participants": func(c *billing.Charge) { c.Participants++ },
		"a step less":  func(c *billing.Charge) { c.Steps = c.Steps[1:] },
		"kind":         func(c *billing.Charge) { c.Steps[1].Kind = billing.StepGrace },
		"seconds":      func(c *billing.Charge) { c.Steps[1].Seconds++ },
		"exact sum":    func(c *billing.Charge) { c.Steps[3].Amount = "0.11" },
		"a decision":   func(c *billing.Charge) { c.Steps[1].Decision = &billing.Decision{} },
	} {
		other := throughLedger(t, charge)
		change(&other)
		require.False(t, charge.SameSum(other), name)
		require.False(t, other.SameSum(charge), name)
	}
	a, b := throughLedger(t, charge), throughLedger(t, charge)
	a.Steps[1].Decision, b.Steps[1].Decision = &billing.Decision{Verdict: billing.VerdictCharge}, &billing.Decision{Verdict: billing.VerdictCharge}
	require.True(t, a.SameSum(b), "the same decision")
	b.Steps[1].Decision.MediaType = tencent.MediaVideo
	require.False(t, a.SameSum(b), "another decision")
}
