package billing_test

import (
	"encoding/json"
	"testing"
	"time"

	"aftercall/internal/billing"
	"aftercall/internal/tencent"

	"github.com/stretchr/testify/require"
)

func TestKnownAnswersOfIntervals(t *testing.T) {
	for _, c := range []struct{ seconds, first, next, billed int64 }{
		{61, 60, 60, 120},
		{8, 6, 6, 12},
		{10, 30, 6, 30},
		{31, 30, 6, 36},
		{45, 30, 6, 48},
		{61, 60, 1, 61},
		{59, 60, 1, 60},
		{91, 90, 60, 150},
		{60, 60, 60, 60},
		{1, 60, 60, 60},
		{1, 1, 1, 1},
		{0, 60, 60, 0},
		{86400, 86400, 1, 86400},
	} {
		charge := rate(t, connected(c.seconds), tariffOf(perMinute(t, "0.6", c.first, c.next)))
		require.Equal(t, c.billed, charge.BilledSeconds, "%d s at %d/%d", c.seconds, c.first, c.next)
		require.Equal(t, c.seconds, charge.ConnectedSeconds)
	}
}

func TestAmounts(t *testing.T) {
	rule := func(change func(*billing.Rule)) billing.Rule {
		r := perMinute(t, "0.05", 60, 60)
		change(&r)
		return r
	}
	for name, c := range map[string]struct {
		seconds int64
		rule    billing.Rule
		want    string
	}{
		"two minutes begun":             {61, rule(func(*billing.Rule) {}), "0.10"},
		"by the second, rounded once":   {61, perMinute(t, "0.05", 1, 1), "0.05"},
		"a rate below the cent":         {3600, perMinute(t, "0.00012345", 1, 1), "0.01"},
		"fee and usage":                 {61, rule(func(r *billing.Rule) { r.ConnectionFee = dec(t, "0.25") }), "0.35"},
		"fee and usage rounded as one":  {1, billing.Rule{RatePerMinute: dec(t, "0.3"), FirstInterval: 1, NextInterval: 1, ConnectionFee: dec(t, "0.01")}, "0.02"},
		"minimum":                       {30, rule(func(r *billing.Rule) { r.MinimumCharge = dec(t, "0.20") }), "0.20"},
		"above the minimum":             {301, rule(func(r *billing.Rule) { r.MinimumCharge = dec(t, "0.20") }), "0.30"},
		"cap":                           {36000, rule(func(r *billing.Rule) { r.Cap = capOf(t, "5") }), "5.00"},
		"below the cap":                 {60, rule(func(r *billing.Rule) { r.Cap = capOf(t, "5") }), "0.05"},
		"last free second":              {10, rule(func(r *billing.Rule) { r.FreeSeconds = 10; r.MinimumCharge = dec(t, "1") }), "0.00"},
		"first second that is not free": {11, rule(func(r *billing.Rule) { r.FreeSeconds = 10 }), "0.05"},
		"no fee without time":           {0, rule(func(r *billing.Rule) { r.ConnectionFee = dec(t, "0.25") }), "0.00"},
		"fee only":                      {10, billing.Rule{ConnectionFee: dec(t, "0.25"), FirstInterval: 1, NextInterval: 1}, "0.25"},
		"free by action":                {600, billing.Rule{Action: billing.ActionFree}, "0.00"},
	} {
		t.Run(name, func(t *testing.T) {
			charge := rate(t, connected(c.seconds), tariffOf(c.rule))
			require.Equal(t, c.want+" USD", charge.Amount.String())
			require.Equal(t, c.want, charge.Steps[len(charge.Steps)-1].Amount)
			require.Equal(t, c.want == "0.00", charge.Free())
		})
	}
}

func TestRoundingModesAndDigits(t *testing.T) {
	digits := func(n int) *int { return &n }
	for name, c := range map[string]struct {
		currency string
		digits   *int
		rounding billing.Rounding
		rate     string
		seconds  int64
		want     string
	}{
		"default is half up":            {"USD", nil, "", "0.025", 60, "0.03"},
		"half up":                       {"USD", nil, billing.RoundHalfUp, "0.025", 60, "0.03"},
		"half even, down":               {"USD", nil, billing.RoundHalfEven, "0.025", 60, "0.02"},
		"half even, up":                 {"USD", nil, billing.RoundHalfEven, "0.035", 60, "0.04"},
		"half down":                     {"USD", nil, billing.RoundHalfDown, "0.025", 60, "0.02"},
		"just over half is never down":  {"USD", nil, billing.RoundHalfDown, "0.02500001", 60, "0.03"},
		"just under half is never up":   {"USD", nil, billing.RoundHalfUp, "0.02499999", 60, "0.02"},
		"up":                            {"USD", nil, billing.RoundUp, "0.02000001", 60, "0.03"},
		"up leaves what is exact":       {"USD", nil, billing.RoundUp, "0.02", 60, "0.02"},
		"down":                          {"USD", nil, billing.RoundDown, "0.02999999", 60, "0.02"},
		"a third below half":            {"USD", nil, billing.RoundHalfUp, "0.01", 20, "0.00"},
		"two thirds above half":         {"USD", nil, billing.RoundHalfUp, "0.01", 40, "0.01"},
		"yen have no digits":            {"JPY", nil, "", "10", 61, "10"},
		"dinars have three":             {"KWD", nil, "", "0.0125", 60, "0.013"},
		"settled below the cent":        {"USD", digits(6), "", "0.01", 20, "0.003333"},
		"settled in whole dollars":      {"USD", digits(0), billing.RoundUp, "0.01", 20, "1"},
		"zero keeps its digits":         {"USD", digits(6), billing.RoundDown, "0.00000001", 1, "0.000000"},
		"yen settled at two digits too": {"JPY", digits(2), "", "10", 61, "10.17"},
	} {
		t.Run(name, func(t *testing.T) {
			tariff := tariffOf(perMinute(t, c.rate, 1, 1))
			tariff.Currency, tariff.Digits, tariff.Rounding = c.currency, c.digits, c.rounding
			charge := rate(t, connected(c.seconds), tariff)
			require.Equal(t, c.want, charge.Amount.Number())
			require.Equal(t, c.currency, charge.Amount.CurrencyCode())
		})
	}
}

func TestPerParticipant(t *testing.T) {
	rule := perMinute(t, "0.05", 60, 60)
	rule.Per = billing.PerParticipant
	record := connected(61)
	record.CallType = tencent.CallTypeMulti

	record.Members = []string{"user2", "10001", "user3", "user2", "user4", "10001"}
	charge := rate(t, record, tariffOf(rule))
	require.Equal(t, 3, charge.Participants)
	require.Equal(t, "0.30 USD", charge.Amount.String())

	// The price is rounded after it is multiplied: 3 × 0.005 is 0.015.
	rule.RatePerMinute = dec(t, "0.005")
	record.EndTime = record.AcceptTime + 60
	require.Equal(t, "0.02 USD", rate(t, record, tariffOf(rule)).Amount.String())

	// Minimum and cap belong to the price of one participant.
	rule.MinimumCharge, rule.Cap = dec(t, "0.10"), capOf(t, "0.10")
	require.Equal(t, "0.30 USD", rate(t, record, tariffOf(rule)).Amount.String())

	record.Members = []string{"10001"}
	requireReasons(t, record, tariffOf(rule), billing.ReasonNoParticipants)
}

func TestGraceOfOfflineCalls(t *testing.T) {
	normal := perMinute(t, "0.60", 1, 1)
	normal.Results = []tencent.CallResult{tencent.ResultNormalEnd}
	offline := perMinute(t, "0.60", 1, 1)
	offline.Results = []tencent.CallResult{tencent.ResultOffline}
	offline.GraceSeconds = 30
	interrupt := billing.Rule{Results: []tencent.CallResult{tencent.ResultInterrupt}, Action: billing.ActionReview}
	tariff := tariffOf(normal, offline, interrupt)

	record := connected(90)
	require.Equal(t, "0.90", rate(t, record, tariff).Amount.Number())
	record.Result = tencent.ResultOffline
	charge := rate(t, record, tariff)
	require.Equal(t, "0.60", charge.Amount.Number())
	require.EqualValues(t, 90, charge.ConnectedSeconds)
	require.EqualValues(t, 60, charge.BilledSeconds)
	record.EndTime = record.AcceptTime + 30
	require.True(t, rate(t, record, tariff).Free())
	record.Result = tencent.ResultInterrupt
	requireReasons(t, record, tariff, billing.ReasonRule)
}

func TestUnconnectedCallsCostNothing(t *testing.T) {
	rule := perMinute(t, "0.05", 60, 60)
	rule.ConnectionFee, rule.MinimumCharge = dec(t, "1"), dec(t, "2")
	for _, result := range []tencent.CallResult{
		tencent.ResultCancel, tencent.ResultReject, tencent.ResultNotAnswer, tencent.ResultCallBusy,
		tencent.ResultInterrupt, tencent.ResultOffline,
	} {
		record := connected(150)
		record.AcceptTime, record.Result = 0, result
		charge := rate(t, record, tariffOf(rule))
		require.Equal(t, "0.00 USD", charge.Amount.String(), result)
		require.Zero(t, charge.BilledSeconds)
		require.Equal(t, []billing.StepKind{billing.StepTariff, billing.StepUnconnected}, kinds(charge))
		require.Contains(t, charge.Steps[1].Text, string(result))
	}
}

func TestVersionInForceAtTheEnd(t *testing.T) {
	tariff := tariffOf(perMinute(t, "1", 60, 60))
	begin := time.Unix(accepted+100, 0)
	tariff.Versions = append(tariff.Versions,
		billing.Version{EffectiveFrom: begin.In(time.FixedZone("", 8*3600)), Rules: []billing.Rule{perMinute(t, "2", 60, 60)}},
		billing.Version{EffectiveFrom: begin.Add(-50 * time.Second), Rules: []billing.Rule{perMinute(t, "3", 60, 60)}},
	)
	for seconds, want := range map[int64]string{49: "1.00", 50: "3.00", 99: "6.00", 100: "4.00"} {
		require.Equal(t, want, rate(t, connected(seconds), tariff).Amount.Number(), "%d s", seconds)
	}
}

func TestStepsExplainTheSum(t *testing.T) {
	rule := perMinute(t, "0.05", 1, 1)
	rule.ConnectionFee, rule.MinimumCharge, rule.Cap, rule.Per = dec(t, "0.10"), dec(t, "0.25"), capOf(t, "0.30"), billing.PerParticipant
	charge := rate(t, connected(61), tariffOf(rule))
	got, err := json.MarshalIndent(charge.Steps, "", " ")
	require.NoError(t, err)
	require.JSONEq(t, `[
	 {"kind":"tariff","text":"tariff standard, version of 2023-11-14T22:13:20Z: rule 1, for Audio SingleCall NormalEnd"},
	 {"kind":"connected","seconds":61,"text":"connected for 61 s, from AcceptTime to EndTime"},
	 {"kind":"billed","seconds":61,"text":"billed as 61 s: the first 1 s, then every 1 s begun"},
	 {"kind":"usage","amount":"305/6000","text":"0.05 a minute × 61 s / 60 = 0.050833333333…"},
	 {"kind":"fee","amount":"905/6000","text":"plus the connection fee of 0.1 = 0.150833333333…"},
	 {"kind":"minimum","amount":"0.25","text":"raised to the minimum charge of 0.25"},
	 {"kind":"participants","amount":"0.25","text":"times 1 for the participants other than the caller = 0.25"},
	 {"kind":"rounded","amount":"0.25","text":"rounded half up to 2 digits: 0.25 USD"}
	]`, string(got))
}
