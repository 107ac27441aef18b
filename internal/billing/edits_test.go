package billing_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"aftercall/internal/attendance"
	"aftercall/internal/billing"
	"aftercall/internal/tencent"

	"github.com/stretchr/testify/require"
)

// usedOf are the versions of a tariff as the ledger has them after a call was charged by
// each, the oldest first.
func usedOf(t *testing.T, tariff billing.Tariff) []billing.AppliedTariff {
	t.Helper()
	var used []billing.AppliedTariff
	for _, v := range tariff.Versions {
		charge, err := billing.Rate(endedAt(v.EffectiveFrom), "standard", tariff, readAt)
		require.NoError(t, err)
		used = append(used, charge.Tariff)
	}
	return used
}

// twoVersions is a tariff of which both versions are in use.
func twoVersions(t *testing.T) billing.Tariff {
	t.Helper()
	audio, video := perMinute(t, "0.05", 60, 60), perMinute(t, "0.50", 60, 60)
	audio.Media, video.Media = []tencent.MediaType{tencent.MediaAudio}, []tencent.MediaType{tencent.MediaVideo}
	return billing.Tariff{Currency: "USD", Versions: []billing.Version{
		{EffectiveFrom: time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC), Rules: []billing.Rule{perMinute(t, "0.04", 60, 60)}},
		{EffectiveFrom: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), Rules: []billing.Rule{audio, video}},
	}}
}

// changesOf are the edits after a change of twoVersions, in words.
func changesOf(t *testing.T, change func(*billing.Tariff)) (words []string) {
	t.Helper()
	used := usedOf(t, twoVersions(t))
	tariff := twoVersions(t)
	change(&tariff)
	require.Empty(t, tariff.Validate())
	for _, edit := range tariff.Edits(used) {
		where := used[edit.Used].EffectiveFrom.Format(time.DateOnly) + ": "
		if edit.Settings {
			where = "tariff: "
		}
		words = append(words, where+edit.Change)
	}
	return words
}

func TestEditsOfWhatWasChargedBy(t *testing.T) {
	two := 2
	three := 3
	for name, c := range map[string]struct {
		change func(*billing.Tariff)
		want   []string
	}{
		"currency":      {func(tt *billing.Tariff) { tt.Currency = "EUR" }, []string{"tariff: currency is EUR, not USD"}},
		"digits":        {func(tt *billing.Tariff) { tt.Digits = &three }, []string{"tariff: digits is 3, not 2"}},
		"rounding":      {func(tt *billing.Tariff) { tt.Rounding = billing.RoundUp }, []string{"tariff: rounding is up, not half_up"}},
		"both settings": {func(tt *billing.Tariff) { tt.Currency, tt.Digits = "JPY", &two }, []string{"tariff: currency is JPY, not USD"}},
		"currency with a new version": {func(tt *billing.Tariff) {
			tt.Currency, tt.Versions = "EUR", append(tt.Versions, billing.Version{EffectiveFrom: readAt, Rules: tt.Versions[0].Rules})
		}, []string{"tariff: currency is EUR, not USD"}},
		"price": {func(tt *billing.Tariff) { tt.Versions[1].Rules[1].RatePerMinute = dec(t, "0.51") }, []string{"2026-01-01: rules[1].rate_per_minute is 0.51, not 0.5"}},
		"both prices": {func(tt *billing.Tariff) {
			tt.Versions[0].Rules[0].FirstInterval = 30
			tt.Versions[1].MaxDuration = billing.Duration(time.Hour)
		}, []string{"2025-01-01: rules[0].first_interval is 30, not 60", "2026-01-01: max_duration is 1h0m0s, not 24h0m0s"}},
		"new cap":      {func(tt *billing.Tariff) { tt.Versions[0].Rules[0].Cap = capOf(t, "3") }, []string{"2025-01-01: rules[0].cap is 3, not left out"}},
		"another rule": {func(tt *billing.Tariff) { tt.Versions[1].Rules = tt.Versions[0].Rules }, []string{"2026-01-01: there are 1 rules, not 2"}},
		"evidence": {func(tt *billing.Tariff) {
			tt.Versions[0].Rules[0].Per = billing.PerParticipantMinute
			tt.Versions[0].Evidence = &billing.Evidence{Use: attendance.UseRecord, Without: billing.WithoutReview}
		}, []string{"2025-01-01: evidence.sources is 1, not left out, evidence.tolerance is 5s, not left out, evidence.use is record, not left out, and 2 more changes"}},
		"many changes": {func(tt *billing.Tariff) {
			r := &tt.Versions[0].Rules[0]
			r.FirstInterval, r.NextInterval, r.FreeSeconds, r.Per, r.ConnectionFee = 1, 1, 1, billing.PerParticipant, dec(t, "0.01")
		}, []string{"2025-01-01: rules[0].connection_fee is 0.01, not 0, rules[0].first_interval is 1, not 60, rules[0].free_seconds is 1, not left out, and 2 more changes"}},
		"a second later":        {func(tt *billing.Tariff) { tt.Versions[1].EffectiveFrom = tt.Versions[1].EffectiveFrom.Add(time.Second) }, []string{"2026-01-01: there is no version of that time any more"}},
		"a second later, first": {func(tt *billing.Tariff) { tt.Versions[0].EffectiveFrom = tt.Versions[0].EffectiveFrom.Add(time.Second) }, []string{"2025-01-01: there is no version of that time any more"}},
		"last one removed":      {func(tt *billing.Tariff) { tt.Versions = tt.Versions[:1] }, []string{"2026-01-01: there is no version of that time any more"}},

		"nothing": {func(*billing.Tariff) {}, nil},
		"other form": {func(tt *billing.Tariff) {
			tt.Digits, tt.Rounding, tt.Versions[0].Rules[0].RatePerMinute = &two, billing.RoundHalfUp, dec(t, "0.0400")
		}, nil},
		"other zone": {func(tt *billing.Tariff) {
			tt.Versions[0].EffectiveFrom = tt.Versions[0].EffectiveFrom.In(time.FixedZone("", 3600))
		}, nil},
		"order of rules":    {func(tt *billing.Tariff) { r := tt.Versions[1].Rules; r[0], r[1] = r[1], r[0] }, nil},
		"order of versions": {func(tt *billing.Tariff) { v := tt.Versions; v[0], v[1] = v[1], v[0] }, nil},
		"new version": {func(tt *billing.Tariff) {
			tt.Versions = append(tt.Versions, billing.Version{EffectiveFrom: readAt, Rules: []billing.Rule{{Action: billing.ActionFree}}})
		}, nil},
		"new oldest version": {func(tt *billing.Tariff) {
			tt.Versions = append(tt.Versions, billing.Version{EffectiveFrom: time.Unix(1, 0), Rules: []billing.Rule{{Action: billing.ActionFree}}})
		}, nil},
		"oldest one removed": {func(tt *billing.Tariff) { tt.Versions = tt.Versions[1:] }, nil},
	} {
		require.Equal(t, c.want, changesOf(t, c.change), name)
	}
}

// TestEditsOfUnusedVersions: what no call was charged by can be edited, but the version
// before it cannot go.
func TestEditsOfUnusedVersions(t *testing.T) {
	used := usedOf(t, twoVersions(t))[:1]
	tariff := twoVersions(t)
	tariff.Versions[1].Rules = tariff.Versions[0].Rules
	require.Empty(t, tariff.Edits(used))
	tariff.Versions[1].EffectiveFrom = readAt
	require.Empty(t, tariff.Edits(used))
	tariff.Versions = tariff.Versions[1:]
	require.Equal(t, []billing.Edit{{Change: "there is no version of that time any more"}}, tariff.Edits(used))
	require.Empty(t, tariff.Edits(nil))
}

// TestAnAcceptedEditIsInUse: after a call was charged by an edited version, both texts
// are in use, and neither is an edit.
func TestAnAcceptedEditIsInUse(t *testing.T) {
	edited := twoVersions(t)
	edited.Currency = "EUR"
	edited.Versions[1].Rules[0].RatePerMinute = dec(t, "0.06")
	used := append(usedOf(t, twoVersions(t)), usedOf(t, edited)[1])
	require.Empty(t, edited.Edits(used))
	require.Empty(t, twoVersions(t).Edits(used))
	edited.Versions[1].Rules[0].RatePerMinute = dec(t, "0.07")
	require.Equal(t, []billing.Edit{{Used: 2, Change: "rules[0].rate_per_minute is 0.07, not 0.06"}}, edited.Edits(used))
}

// TestEditionsOfOtherReleases: an earlier release did not write every field, and a later
// one writes more.
func TestEditionsOfOtherReleases(t *testing.T) {
	used := usedOf(t, twoVersions(t))
	for _, c := range []struct{ old, new string }{
		{`"rounding":"half_up",`, ""},
		{`"max_duration":"24h0m0s",`, ""},
		{`"action":"charge",`, ""},
		{`,"per":"call"`, ""},
		{`"call_types":["SingleCall","MultiCall"],`, ""},
		{`"connection_fee":"0",`, ""},
		{`"rules":`, `"weekend":{"rate":"0"},"rules":`},
		{`"rate_per_minute":"0.04"`, `"rate_per_minute":"0.040","rate_per_second":"0"`},
	} {
		other := used[0]
		other.VersionJSON = json.RawMessage(strings.Replace(string(other.VersionJSON), c.old, c.new, 1))
		require.NotEqual(t, used[0].VersionJSON, other.VersionJSON, c.old)
		require.Empty(t, twoVersions(t).Edits([]billing.AppliedTariff{other, used[1]}), c.old)
		require.Equal(t, plain(t, used[0]), plain(t, other), c.old)
	}
	require.NotEqual(t, plain(t, used[0]), plain(t, used[1]))
	reordered := twoVersions(t)
	rules := reordered.Versions[1].Rules
	rules[0], rules[1] = rules[1], rules[0]
	require.Equal(t, plain(t, used[1]), plain(t, usedOf(t, reordered)[1]))
	broken := used[0]
	broken.VersionJSON = json.RawMessage("{")
	_, err := billing.PlainEdition(broken.VersionJSON)
	require.Error(t, err)
	require.Equal(t, []billing.Edit{{Change: "the text in the ledger cannot be read: unexpected end of JSON input"}}, twoVersions(t).Edits([]billing.AppliedTariff{broken}))
}

func plain(t *testing.T, used billing.AppliedTariff) string {
	t.Helper()
	text, err := billing.PlainEdition(used.VersionJSON)
	require.NoError(t, err)
	return text
}
