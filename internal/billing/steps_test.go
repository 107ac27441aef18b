package billing_test

import (
	"math/big"
	"testing"

	"aftercall/internal/billing"
	"aftercall/internal/tencent"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// TestStepsOfEveryKind: each part of a rule that changes the sum has its step.
func TestStepsOfEveryKind(t *testing.T) {
	step := func(kind billing.StepKind, seconds int64, amount, text string) billing.Step {
		return billing.Step{Kind: kind, Seconds: seconds, Amount: amount, Text: text}
	}
	for name, c := range map[string]struct {
		seconds int64
		change  func(*billing.Rule)
		want    []billing.Step // after "tariff" and "connected"
	}{
		"grace and cap": {
			90, func(r *billing.Rule) { r.GraceSeconds, r.Cap = 30, capOf(t, "0.50") },
			[]billing.Step{
				step(billing.StepGrace, 60, "", "less 30 s grace for Offline: 60 s"),
				step(billing.StepBilled, 60, "", "billed as 60 s: the first 1 s, then every 1 s begun"),
				step(billing.StepUsage, 0, "0.6", "0.6 a minute × 60 s / 60 = 0.6"),
				step(billing.StepCap, 0, "0.5", "lowered to the cap of 0.5"),
				step(billing.StepRounded, 0, "0.50", "rounded half up to 2 digits: 0.50 USD"),
			},
		},
		"exactly the cap": {
			60, func(r *billing.Rule) { r.Cap = capOf(t, "0.60") },
			[]billing.Step{
				step(billing.StepBilled, 60, "", "billed as 60 s: the first 1 s, then every 1 s begun"),
				step(billing.StepUsage, 0, "0.6", "0.6 a minute × 60 s / 60 = 0.6"),
				step(billing.StepRounded, 0, "0.60", "rounded half up to 2 digits: 0.60 USD"),
			},
		},
		"exactly the minimum": {
			60, func(r *billing.Rule) { r.MinimumCharge = dec(t, "0.60") },
			[]billing.Step{
				step(billing.StepBilled, 60, "", "billed as 60 s: the first 1 s, then every 1 s begun"),
				step(billing.StepUsage, 0, "0.6", "0.6 a minute × 60 s / 60 = 0.6"),
				step(billing.StepRounded, 0, "0.60", "rounded half up to 2 digits: 0.60 USD"),
			},
		},
		"no time after grace": {
			30, func(r *billing.Rule) { r.GraceSeconds, r.ConnectionFee = 30, dec(t, "1") },
			[]billing.Step{
				step(billing.StepGrace, 0, "", "less 30 s grace for Offline: 0 s"),
				step(billing.StepFree, 0, "0.00", "no time to charge for"),
			},
		},
		"less than the grace": {
			10, func(r *billing.Rule) { r.GraceSeconds = 30 },
			[]billing.Step{
				step(billing.StepGrace, 0, "", "less 30 s grace for Offline: 0 s"),
				step(billing.StepFree, 0, "0.00", "no time to charge for"),
			},
		},
		"free seconds": {
			10, func(r *billing.Rule) { r.FreeSeconds = 10 },
			[]billing.Step{step(billing.StepFree, 0, "0.00", "10 s are free: nothing to charge")},
		},
		"free by action": {
			10, func(r *billing.Rule) { *r = billing.Rule{Action: billing.ActionFree, Results: r.Results} },
			[]billing.Step{step(billing.StepFree, 0, "0.00", "the tariff charges nothing for Offline")},
		},
	} {
		t.Run(name, func(t *testing.T) {
			rule := perMinute(t, "0.60", 1, 1)
			rule.Results = []tencent.CallResult{tencent.ResultOffline, tencent.ResultInterrupt}
			c.change(&rule)
			record := connected(c.seconds)
			record.Result = tencent.ResultOffline
			charge := rate(t, record, withNormalEnd(rule))
			require.Equal(t, []billing.StepKind{billing.StepTariff, billing.StepConnected}, kinds(charge)[:2])
			require.Equal(t, c.want, charge.Steps[2:])
		})
	}
}

// withNormalEnd adds a rule for NormalEnd to one for Interrupt and Offline.
func withNormalEnd(rule billing.Rule) billing.Tariff {
	return tariffOf(rule, billing.Rule{Action: billing.ActionFree, Results: []tencent.CallResult{tencent.ResultNormalEnd}})
}

// TestStepsExplainEverySum computes each step from the one before in the rational
// numbers of the standard library: no step is missing, and none is superfluous.
func TestStepsExplainEverySum(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rule := anyRule(t)
		rule.Results = []tencent.CallResult{tencent.ResultOffline, tencent.ResultInterrupt}
		rule.GraceSeconds = rapid.Int64Range(0, 60).Draw(t, "grace")
		tariff := withNormalEnd(rule)
		tariff.Rounding = anyTariff(t).Rounding
		record := connected(duration(t, "seconds"))
		record.Result = tencent.ResultOffline
		charge, err := billing.Rate(record, "standard", tariff, readAt)
		require.NoError(t, err)

		steps := charge.Steps[1:]
		next := func(kind billing.StepKind) billing.Step {
			require.NotEmpty(t, steps, kind)
			s := steps[0]
			steps = steps[1:]
			require.Equal(t, kind, s.Kind)
			return s
		}
		seconds := next(billing.StepConnected).Seconds
		require.Equal(t, record.ConnectedSeconds(), seconds)
		if rule.GraceSeconds > 0 {
			seconds = max(0, seconds-rule.GraceSeconds)
			require.Equal(t, seconds, next(billing.StepGrace).Seconds)
		}
		if seconds == 0 || seconds <= rule.FreeSeconds {
			require.Equal(t, "0.00", next(billing.StepFree).Amount)
			require.Empty(t, steps)
			require.True(t, charge.Free())
			return
		}
		billed := next(billing.StepBilled).Seconds
		require.GreaterOrEqual(t, billed, seconds)
		require.Equal(t, billed, charge.BilledSeconds)
		sum := new(big.Rat).Mul(ratOf(t, rule.RatePerMinute.String()), big.NewRat(billed, 60))
		require.Zero(t, sum.Cmp(ratOf(t, next(billing.StepUsage).Amount)))
		if rule.ConnectionFee.Sign() > 0 {
			sum.Add(sum, ratOf(t, rule.ConnectionFee.String()))
			require.Zero(t, sum.Cmp(ratOf(t, next(billing.StepFee).Amount)))
		}
		if least := ratOf(t, rule.MinimumCharge.String()); sum.Cmp(least) < 0 {
			sum = least
			require.Zero(t, sum.Cmp(ratOf(t, next(billing.StepMinimum).Amount)))
		}
		if rule.Cap != nil && sum.Cmp(ratOf(t, rule.Cap.String())) > 0 {
			sum = ratOf(t, rule.Cap.String())
			require.Zero(t, sum.Cmp(ratOf(t, next(billing.StepCap).Amount)))
		}
		if rule.Per == billing.PerParticipant {
			sum.Mul(sum, big.NewRat(int64(charge.Participants), 1))
			require.Zero(t, sum.Cmp(ratOf(t, next(billing.StepParticipants).Amount)))
		}
		require.Equal(t, charge.Amount.Number(), next(billing.StepRounded).Amount)
		require.Equal(t, roundedCents(sum, tariff.Rounding), charge.Amount.Number())
		require.Empty(t, steps)
	})
}

// roundedCents rounds a sum that is not negative to two digits.
func roundedCents(sum *big.Rat, rounding billing.Rounding) string {
	cents := new(big.Rat).Mul(sum, big.NewRat(100, 1))
	whole, rest := new(big.Int).QuoRem(cents.Num(), cents.Denom(), new(big.Int))
	half := rest.Lsh(rest, 1).Cmp(cents.Denom())
	var up bool
	switch rounding {
	case billing.RoundUp:
		up = rest.Sign() > 0
	case billing.RoundHalfUp:
		up = half >= 0
	case billing.RoundHalfDown:
		up = half > 0
	case billing.RoundHalfEven:
		up = half > 0 || half == 0 && whole.Bit(0) == 1
	case billing.RoundDown:
	}
	if up {
		whole.Add(whole, big.NewInt(1))
	}
	return new(big.Rat).SetFrac(whole, big.NewInt(100)).FloatString(2)
}
