package billing_test

import (
	"math/big"
	"strconv"
	"testing"

	"aftercall/internal/billing"
	"aftercall/internal/tencent"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// cents draws an amount that can be settled at two digits.
func cents(t *rapid.T, most int64, label string) billing.Decimal {
	n := rapid.Int64Range(0, most).Draw(t, label)
	return dec(t, strconv.FormatInt(n/100, 10)+"."+strconv.FormatInt(100+n%100, 10)[1:])
}

// microRate draws a rate with up to eight digits after the point, above 0.
func microRate(t *rapid.T, label string) billing.Decimal {
	n := rapid.Int64Range(1, 1_000_000_000_000).Draw(t, label)
	return dec(t, strconv.FormatInt(n/100_000_000, 10)+"."+strconv.FormatInt(100_000_000+n%100_000_000, 10)[1:])
}

func anyRule(t *rapid.T) billing.Rule {
	r := billing.Rule{
		RatePerMinute: microRate(t, "rate"),
		FirstInterval: rapid.Int64Range(1, 3600).Draw(t, "first"),
		NextInterval:  rapid.Int64Range(1, 3600).Draw(t, "next"),
		ConnectionFee: cents(t, 10_000, "fee"),
		MinimumCharge: cents(t, 20_000, "minimum"),
		FreeSeconds:   rapid.Int64Range(0, 120).Draw(t, "free"),
		Per:           rapid.SampledFrom([]billing.Per{billing.PerCall, billing.PerParticipant}).Draw(t, "per"),
	}
	if rapid.Bool().Draw(t, "capped") {
		limit := cents(t, 1_000_000, "cap")
		if limit.Sign() > 0 && limit.Cmp(r.MinimumCharge) >= 0 && limit.Cmp(r.ConnectionFee) >= 0 {
			r.Cap = &limit
		}
	}
	return r
}

func anyTariff(t *rapid.T) billing.Tariff {
	tariff := tariffOf(anyRule(t))
	tariff.Rounding = rapid.SampledFrom([]billing.Rounding{
		billing.RoundHalfUp, billing.RoundHalfEven, billing.RoundHalfDown, billing.RoundUp, billing.RoundDown,
	}).Draw(t, "rounding")
	return tariff
}

func rateProperty(t *rapid.T, seconds int64, tariff billing.Tariff) billing.Charge {
	charge, err := billing.Rate(connected(seconds), "standard", tariff, readAt)
	require.NoError(t, err)
	return charge
}

func ratOf(t require.TestingT, text string) *big.Rat {
	r, ok := new(big.Rat).SetString(text)
	require.True(t, ok, "%q", text)
	return r
}

func duration(t *rapid.T, label string) int64 { return rapid.Int64Range(0, 86400).Draw(t, label) }

func TestNeverNegative(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		charge := rateProperty(t, duration(t, "seconds"), anyTariff(t))
		require.False(t, charge.Amount.IsNegative())
		require.GreaterOrEqual(t, charge.BilledSeconds, int64(0))
	})
}

func TestMonotoneInDuration(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		tariff, a, b := anyTariff(t), duration(t, "a"), duration(t, "b")
		shorter, longer := rateProperty(t, min(a, b), tariff), rateProperty(t, max(a, b), tariff)
		cmp, err := shorter.Amount.Cmp(longer.Amount)
		require.NoError(t, err)
		require.LessOrEqual(t, cmp, 0, "%s for %d s, %s for %d s", shorter.Amount, min(a, b), longer.Amount, max(a, b))
		require.LessOrEqual(t, shorter.BilledSeconds, longer.BilledSeconds)
	})
}

func TestBilledIsNeverLessThanConnected(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		tariff, seconds := anyTariff(t), duration(t, "seconds")
		rule := &tariff.Versions[0].Rules[0]
		rule.FreeSeconds = 0
		charge := rateProperty(t, seconds, tariff)
		require.GreaterOrEqual(t, charge.BilledSeconds, seconds)
		switch {
		case seconds == 0:
			require.Zero(t, charge.BilledSeconds)
		case seconds <= rule.FirstInterval:
			require.Equal(t, rule.FirstInterval, charge.BilledSeconds)
		default:
			require.Less(t, charge.BilledSeconds, seconds+rule.NextInterval)
			require.Zero(t, (charge.BilledSeconds-rule.FirstInterval)%rule.NextInterval)
		}
	})
}

// exactSum is the sum before it is rounded.
func exactSum(t *rapid.T, c billing.Charge) *big.Rat {
	sum := new(big.Rat)
	for _, s := range c.Steps {
		if s.Amount != "" && s.Kind != billing.StepRounded {
			sum = ratOf(t, s.Amount)
		}
	}
	return sum
}

func TestAdditiveOverFeeAndUsage(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		both := anyRule(t)
		both.Cap, both.MinimumCharge, both.FreeSeconds = nil, billing.Decimal{}, 0
		if both.ConnectionFee.Sign() == 0 {
			both.ConnectionFee = dec(t, "0.01")
		}
		usage, fee := both, both
		usage.ConnectionFee = billing.Decimal{}
		fee.RatePerMinute = billing.Decimal{}
		seconds := duration(t, "seconds")
		whole := exactSum(t, rateProperty(t, seconds, tariffOf(both)))
		parts := new(big.Rat).Add(
			exactSum(t, rateProperty(t, seconds, tariffOf(usage))),
			exactSum(t, rateProperty(t, seconds, tariffOf(fee))),
		)
		require.Zero(t, whole.Cmp(parts), "%s and %s", whole, parts)
	})
}

func TestIndependentOfOrderAndDuplicatesOfMembers(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		members := rapid.SliceOfNDistinct(rapid.StringMatching(`[a-z0-9]{1,8}`), 1, 20, rapid.ID[string]).Draw(t, "members")
		rule := perMinute(t, "0.05", 60, 60)
		rule.Per = billing.PerParticipant
		record := connected(90)
		record.Caller, record.CallType = "the caller", tencent.CallTypeMulti
		noise := rapid.SliceOf(rapid.SampledFrom(append([]string{"the caller"}, members...))).Draw(t, "noise")
		record.Members = rapid.Permutation(append(append([]string{}, members...), noise...)).Draw(t, "list")
		charge, err := billing.Rate(record, "standard", tariffOf(rule), readAt)
		require.NoError(t, err)
		require.Equal(t, len(members), charge.Participants)
	})
}
