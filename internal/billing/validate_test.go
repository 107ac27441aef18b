package billing_test

import (
	"strings"
	"testing"
	"time"

	"aftercall/internal/attendance"
	"aftercall/internal/billing"
	"aftercall/internal/tencent"

	"github.com/stretchr/testify/require"
)

func TestValidate(t *testing.T) {
	digits := func(n int) *int { return &n }
	rules := func(change func(*billing.Rule)) func(*billing.Tariff) {
		return func(tariff *billing.Tariff) { change(&tariff.Versions[0].Rules[0]) }
	}
	evidence := func(e billing.Evidence) func(*billing.Tariff) {
		return func(tt *billing.Tariff) {
			tt.Versions[0].Rules[0].Per, tt.Versions[0].Evidence = billing.PerParticipantMinute, &e
		}
	}
	for name, c := range map[string]struct {
		change func(*billing.Tariff)
		want   []string
	}{
		"no currency":      {func(tt *billing.Tariff) { tt.Currency = "" }, []string{"currency: is missing: write the ISO 4217 code"}},
		"unknown currency": {func(tt *billing.Tariff) { tt.Currency = "usd" }, []string{`currency: "usd" is not a currency`}},
		"digits too many":  {func(tt *billing.Tariff) { tt.Digits = digits(7) }, []string{"digits: must be from 0 to 6"}},
		"digits negative":  {func(tt *billing.Tariff) { tt.Digits = digits(-1) }, []string{"digits: must be from 0 to 6"}},
		"rounding":         {func(tt *billing.Tariff) { tt.Rounding = "bankers" }, []string{`rounding: "bankers" is not a rounding mode: write half_up, half_even, half_down, up or down`}},
		"most digits":      {func(tt *billing.Tariff) { tt.Digits = digits(6) }, nil},
		"no digits":        {func(tt *billing.Tariff) { tt.Digits = digits(0) }, nil},
		"digits of an unknown currency are unknown": {func(tt *billing.Tariff) {
			tt.Currency, tt.Versions[0].Rules[0].ConnectionFee = "", dec(t, "0.000001")
		}, []string{"currency: is missing"}},
		"digits of a wrong number of digits are unknown": {func(tt *billing.Tariff) {
			tt.Digits, tt.Versions[0].Rules[0].ConnectionFee = digits(7), dec(t, "0.000001")
		}, []string{"digits: must be from 0 to 6"}},
		"no versions":  {func(tt *billing.Tariff) { tt.Versions = nil }, []string{"versions: must hold at least one version"}},
		"no beginning": {func(tt *billing.Tariff) { tt.Versions[0].EffectiveFrom = time.Time{} }, []string{"versions[0].effective_from: is missing"}},
		"same beginning": {func(tt *billing.Tariff) {
			again := tt.Versions[0]
			again.EffectiveFrom = again.EffectiveFrom.In(time.FixedZone("", 3600))
			tt.Versions = append(tt.Versions, again)
		}, []string{"versions[1].effective_from: is the same time as in versions[0]"}},
		"duration too short": {func(tt *billing.Tariff) { tt.Versions[0].MaxDuration = billing.Duration(time.Second) }, []string{"versions[0].max_duration: must be from 1m to 720h"}},
		"duration too long":  {func(tt *billing.Tariff) { tt.Versions[0].MaxDuration = billing.Duration(721 * time.Hour) }, []string{"versions[0].max_duration: must be from 1m to 720h"}},
		"shortest duration":  {func(tt *billing.Tariff) { tt.Versions[0].MaxDuration = billing.Duration(time.Minute) }, nil},
		"longest duration":   {func(tt *billing.Tariff) { tt.Versions[0].MaxDuration = billing.Duration(720 * time.Hour) }, nil},
		"third version begins with the first": {func(tt *billing.Tariff) {
			second, third := tt.Versions[0], tt.Versions[0]
			second.EffectiveFrom = second.EffectiveFrom.Add(time.Hour)
			tt.Versions = append(tt.Versions, second, third)
		}, []string{"versions[2].effective_from: is the same time as in versions[0]"}},
		"unknown word in the first version only": {func(tt *billing.Tariff) {
			second := tt.Versions[0]
			second.EffectiveFrom = second.EffectiveFrom.Add(time.Hour)
			second.Rules = []billing.Rule{{Action: billing.ActionFree, Media: []tencent.MediaType{tencent.MediaAudio}, Results: []tencent.CallResult{tencent.ResultNormalEnd}}}
			tt.Versions[0].Rules = []billing.Rule{{Action: billing.ActionFree, Media: []tencent.MediaType{"audio"}}}
			tt.Versions = append(tt.Versions, second)
		}, []string{`versions[0].rules[0].media[0]: "audio" is not known`, "versions[1].rules: no rule is for Audio SingleCall Interrupt"}},
		"three gaps are all named": {func(tt *billing.Tariff) {
			tt.Versions[0].Rules = []billing.Rule{
				{Action: billing.ActionFree, Media: []tencent.MediaType{tencent.MediaAudio}},
				{Action: billing.ActionFree, Media: []tencent.MediaType{tencent.MediaVideo}, CallTypes: []tencent.CallType{tencent.CallTypeSingle}},
			}
		}, []string{"versions[0].rules: no rule is for Video MultiCall NormalEnd, Video MultiCall Interrupt, Video MultiCall Offline: add one, with"}},
		"three rules for the same calls": {func(tt *billing.Tariff) {
			tt.Versions[0].Rules = append(tt.Versions[0].Rules, billing.Rule{Action: billing.ActionFree}, billing.Rule{Action: billing.ActionFree})
		}, []string{"versions[0].rules[1]: and rules[0] are both", "versions[0].rules[2]: and rules[0] are both"}},
		"a rule for a canceled call is no gap": {func(tt *billing.Tariff) {
			tt.Versions[0].Rules = append(tt.Versions[0].Rules, billing.Rule{Action: billing.ActionFree, Results: []tencent.CallResult{tencent.ResultCancel}})
		}, nil},
		"a long unknown word": {rules(func(r *billing.Rule) { r.Action = billing.Action(strings.Repeat("ä", 41)) }), []string{
			`versions[0].rules[0].action: "` + strings.Repeat("ä", 40) + `…" is not an action`,
		}},
		"a word that just fits": {rules(func(r *billing.Rule) { r.Action = billing.Action(strings.Repeat("ä", 40)) }), []string{
			`versions[0].rules[0].action: "` + strings.Repeat("ä", 40) + `" is not an action`,
		}},
		"no rules": {func(tt *billing.Tariff) { tt.Versions[0].Rules = nil }, []string{"versions[0].rules: must hold at least one rule"}},
		"overlap": {func(tt *billing.Tariff) {
			tt.Versions[0].Rules = append(tt.Versions[0].Rules, billing.Rule{Action: billing.ActionFree, Media: []tencent.MediaType{tencent.MediaVideo}})
		}, []string{"versions[0].rules[1]: and rules[0] are both for Video SingleCall NormalEnd: narrow one of them"}},
		"gap": {
			rules(func(r *billing.Rule) { r.Results = []tencent.CallResult{tencent.ResultNormalEnd, tencent.ResultCancel} }),
			[]string{"versions[0].rules: no rule is for Audio SingleCall Interrupt, Audio SingleCall Offline, Audio MultiCall Interrupt and 5 more: add one"},
		},
		"unknown words do not count as gaps": {rules(func(r *billing.Rule) {
			r.Media = []tencent.MediaType{"audio"}
			r.CallTypes = []tencent.CallType{"Group"}
			r.Results = []tencent.CallResult{"Normal"}
		}), []string{
			`versions[0].rules[0].media[0]: "audio" is not known: write Audio or Video`,
			`versions[0].rules[0].call_types[0]: "Group" is not known: write SingleCall or MultiCall`,
			`versions[0].rules[0].results[0]: "Normal" is not known: write NormalEnd, Interrupt,`,
		}},
		"a word twice": {rules(func(r *billing.Rule) {
			r.Media = []tencent.MediaType{tencent.MediaAudio, tencent.MediaVideo, tencent.MediaAudio}
		}), []string{"versions[0].rules[0].media[2]: Audio is listed twice"}},
		"action": {rules(func(r *billing.Rule) { r.Action = "bill" }), []string{`versions[0].rules[0].action: "bill" is not an action`}},
		"minutes without evidence": {rules(func(r *billing.Rule) { r.Per = billing.PerParticipantMinute }), []string{
			"versions[0].evidence: is missing, because rules[0] has per: participant_minute: write use (earliest_leave, longest, record or review) and without (participant or review)",
		}},
		"evidence without minutes": {func(tt *billing.Tariff) { tt.Versions[0].Evidence = &billing.Evidence{} }, []string{
			"versions[0].evidence: has no effect, because no rule has per: participant_minute: remove it",
		}},
		"evidence of calls that are free": {func(tt *billing.Tariff) {
			tt.Versions[0].Rules[0] = billing.Rule{Action: billing.ActionFree, Per: billing.PerParticipantMinute}
			tt.Versions[0].Evidence = &billing.Evidence{Use: attendance.UseRecord, Without: billing.WithoutReview}
		}, []string{"versions[0].evidence: has no effect"}},
		"empty evidence": {evidence(billing.Evidence{}), []string{
			"versions[0].evidence.use: is missing: write which time of a member counts where there is a disagreement: earliest_leave, longest, record or review",
			"versions[0].evidence.without: is missing: write what becomes of a call of which nothing was seen: participant or review",
		}},
		"wrong evidence": {evidence(billing.Evidence{Use: "guess", Without: "free", Tolerance: 1, Sources: 3}), []string{
			`versions[0].evidence.use: "guess" is not known: write earliest_leave, longest, record or review`,
			`versions[0].evidence.without: "free" is not known: write participant or review`,
			"versions[0].evidence.tolerance: must be from 1s to 10m, or left out for 5s",
			"versions[0].evidence.sources: must be 1 or 2, or left out for 1",
		}},
		"too much tolerance": {evidence(billing.Evidence{
			Use: attendance.UseReview, Without: billing.WithoutReview, Tolerance: billing.Duration(10*time.Minute + 1), Sources: -1,
		}), []string{"versions[0].evidence.tolerance: must be", "versions[0].evidence.sources: must be"}},
		"most tolerance": {evidence(billing.Evidence{
			Use: attendance.UseReview, Without: billing.WithoutReview, Tolerance: billing.Duration(10 * time.Minute), Sources: 2,
		}), nil},
		"least tolerance":         {evidence(billing.Evidence{Use: attendance.UseReview, Without: billing.WithoutReview, Tolerance: billing.Duration(time.Second)}), nil},
		"per":                     {rules(func(r *billing.Rule) { r.Per = "head" }), []string{`versions[0].rules[0].per: "head" is not a unit`}},
		"negative rate":           {rules(func(r *billing.Rule) { r.RatePerMinute = dec(t, "-0.05") }), []string{"versions[0].rules[0].rate_per_minute: is negative"}},
		"negative fee":            {rules(func(r *billing.Rule) { r.ConnectionFee = dec(t, "-1") }), []string{"versions[0].rules[0].connection_fee: is negative"}},
		"negative minimum":        {rules(func(r *billing.Rule) { r.MinimumCharge = dec(t, "-1") }), []string{"versions[0].rules[0].minimum_charge: is negative"}},
		"negative free seconds":   {rules(func(r *billing.Rule) { r.FreeSeconds = -1 }), []string{"versions[0].rules[0].free_seconds: must be from 0"}},
		"negative interval":       {rules(func(r *billing.Rule) { r.FirstInterval = -1 }), []string{"versions[0].rules[0].first_interval: must be from 1"}},
		"interval of a week":      {rules(func(r *billing.Rule) { r.NextInterval = 604800 }), []string{"versions[0].rules[0].next_interval: must be from 1"}},
		"longest interval":        {rules(func(r *billing.Rule) { r.FirstInterval, r.NextInterval = 86400, 86400 }), nil},
		"interval over a day":     {rules(func(r *billing.Rule) { r.FirstInterval = 86401 }), []string{"versions[0].rules[0].first_interval: must be from 1 to 86400"}},
		"free seconds of a day":   {rules(func(r *billing.Rule) { r.FreeSeconds = 86400 }), nil},
		"free seconds over a day": {rules(func(r *billing.Rule) { r.FreeSeconds = 86401 }), []string{"versions[0].rules[0].free_seconds: must be from 0 to 86400"}},
		"negative grace":          {rules(func(r *billing.Rule) { r.GraceSeconds = -1 }), []string{"versions[0].rules[0].grace_seconds: must be from 0"}},
		"only a fee":              {rules(func(r *billing.Rule) { r.RatePerMinute, r.ConnectionFee = billing.Decimal{}, dec(t, "1") }), nil},
		"only a minimum":          {rules(func(r *billing.Rule) { r.RatePerMinute, r.MinimumCharge = billing.Decimal{}, dec(t, "1") }), nil},
		"cap at minimum and fee": {rules(func(r *billing.Rule) {
			r.Cap, r.MinimumCharge, r.ConnectionFee = capOf(t, "1"), dec(t, "1"), dec(t, "1.00")
		}), nil},
		"no first interval":         {rules(func(r *billing.Rule) { r.FirstInterval = 0 }), []string{"versions[0].rules[0].first_interval: is missing"}},
		"no next interval":          {rules(func(r *billing.Rule) { r.NextInterval = 0 }), []string{"versions[0].rules[0].next_interval: is missing"}},
		"no price":                  {rules(func(r *billing.Rule) { r.RatePerMinute = billing.Decimal{} }), []string{"versions[0].rules[0].rate_per_minute: is missing"}},
		"too many digits of a rate": {rules(func(r *billing.Rule) { r.RatePerMinute = dec(t, "0.123456789") }), []string{"versions[0].rules[0].rate_per_minute: has 9 digits after the point: at most 8 here, because charges in USD are rounded to 2"}},
		"too many digits of a fee":  {rules(func(r *billing.Rule) { r.ConnectionFee = dec(t, "0.005") }), []string{"versions[0].rules[0].connection_fee: has 3 digits"}},
		"zeros at the end do not count": {rules(func(r *billing.Rule) {
			r.ConnectionFee, r.RatePerMinute = dec(t, "0.50000"), dec(t, "0.12345678000")
		}), nil},
		"cap of nothing":         {rules(func(r *billing.Rule) { r.Cap = capOf(t, "0.00") }), []string{"versions[0].rules[0].cap: is 0"}},
		"cap below the minimum":  {rules(func(r *billing.Rule) { r.Cap, r.MinimumCharge = capOf(t, "1"), dec(t, "1.01") }), []string{"versions[0].rules[0].cap: is less than minimum_charge"}},
		"cap below the fee":      {rules(func(r *billing.Rule) { r.Cap, r.ConnectionFee = capOf(t, "1"), dec(t, "1.01") }), []string{"versions[0].rules[0].cap: is less than connection_fee"}},
		"cap with many digits":   {rules(func(r *billing.Rule) { r.Cap = capOf(t, "1.001") }), []string{"versions[0].rules[0].cap: has 3 digits"}},
		"grace of a normal call": {rules(func(r *billing.Rule) { r.GraceSeconds = 30 }), []string{"versions[0].rules[0].grace_seconds: takes off dead air, which only Interrupt and Offline can have"}},
		"price of a free call": {rules(func(r *billing.Rule) { r.Action = billing.ActionFree }), []string{
			"versions[0].rules[0].rate_per_minute: has no effect with action: free",
			"versions[0].rules[0].first_interval: has no effect",
			"versions[0].rules[0].next_interval: has no effect",
		}},
		"every price of a reviewed call": {rules(func(r *billing.Rule) {
			*r = billing.Rule{
				Action: billing.ActionReview, ConnectionFee: dec(t, "1"), MinimumCharge: dec(t, "1"), Cap: capOf(t, "1"), FreeSeconds: 1, GraceSeconds: 1,
			}
		}), []string{
			"versions[0].rules[0].connection_fee: has no effect with action: review",
			"versions[0].rules[0].minimum_charge: has no effect",
			"versions[0].rules[0].cap: has no effect",
			"versions[0].rules[0].free_seconds: has no effect",
			"versions[0].rules[0].grace_seconds: has no effect",
		}},
		"grace of calls that ended with both": {func(tt *billing.Tariff) {
			lost := perMinute(t, "0.05", 60, 60)
			lost.Results, lost.GraceSeconds = []tencent.CallResult{tencent.ResultInterrupt, tencent.ResultOffline}, 86400
			tt.Versions[0].Rules[0].Results = []tencent.CallResult{tencent.ResultNormalEnd}
			tt.Versions[0].Rules = append(tt.Versions[0].Rules, lost)
		}, nil},
		"grace of a canceled call": {func(tt *billing.Tariff) {
			canceled := perMinute(t, "0.05", 60, 60)
			canceled.Results, canceled.GraceSeconds = []tencent.CallResult{tencent.ResultCancel}, 30
			tt.Versions[0].Rules = append(tt.Versions[0].Rules, canceled)
		}, []string{"versions[0].rules[1].grace_seconds: takes off dead air"}},
	} {
		t.Run(name, func(t *testing.T) {
			tariff := tariffOf(perMinute(t, "0.05", 60, 60))
			c.change(&tariff)
			problems := tariff.Validate()
			require.Len(t, problems, len(c.want), "%v", problems)
			for i, want := range c.want {
				require.Contains(t, problems[i].String(), want)
			}
		})
	}
}
