package billing_test

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"testing"
	"time"

	"aftercall/internal/attendance"
	"aftercall/internal/billing"
	"aftercall/internal/tencent"

	"github.com/stretchr/testify/require"
)

func TestHashIsOfTheStoredVersion(t *testing.T) {
	applied := rate(t, connected(61), tariffOf(perMinute(t, "0.050", 60, 60))).Tariff
	require.Equal(t, "standard", applied.Name)
	sum := sha256.Sum256(applied.VersionJSON)
	require.Equal(t, hex.EncodeToString(sum[:]), applied.Hash)
	require.JSONEq(t, `{
	 "currency":"USD","digits":2,"rounding":"half_up","effective_from":"2023-11-14T22:13:20Z","max_duration":"24h0m0s",
	 "rules":[{
	  "media":["Audio","Video"],"call_types":["SingleCall","MultiCall"],"results":["NormalEnd","Interrupt","Offline"],
	  "action":"charge","per":"call","rate_per_minute":"0.05","first_interval":60,"next_interval":60,
	  "connection_fee":"0","minimum_charge":"0"}]}`, string(applied.VersionJSON))

	var version billing.TariffVersion
	require.NoError(t, json.Unmarshal(applied.VersionJSON, &version))
	again, err := json.Marshal(version)
	require.NoError(t, err)
	require.Equal(t, string(applied.VersionJSON), string(again))
}

// TestHashStaysTheSame: ledgers hold this hash, so it must not change with the code.
func TestHashStaysTheSame(t *testing.T) {
	applied := rate(t, connected(61), tariffOf(perMinute(t, "0.05", 60, 60))).Tariff
	require.Equal(t, "1acecd2dc7674b41cb4d581a665c046d2069292345be85ae237f17d339ef5e41", applied.Hash)
}

func TestHashTellsTariffsApart(t *testing.T) {
	digits := func(n int) *int { return &n }
	neverConnected := connected(61)
	neverConnected.AcceptTime, neverConnected.Result = 0, tencent.ResultCancel
	hash := func(change func(*billing.Tariff)) string {
		tariff := tariffOf(perMinute(t, "0.05", 60, 60))
		change(&tariff)
		return rate(t, neverConnected, tariff).Tariff.Hash
	}
	minutes := func(change func(*billing.Evidence)) func(*billing.Tariff) {
		return func(tt *billing.Tariff) {
			e := billing.Evidence{Use: attendance.UseRecord, Without: billing.WithoutParticipant}
			change(&e)
			tt.Versions[0].Rules[0].Per, tt.Versions[0].Evidence = billing.PerParticipantMinute, &e
		}
	}
	different := map[string]string{}
	plain := hash(func(*billing.Tariff) {})
	for name, change := range map[string]func(*billing.Tariff){
		"zeros at the end": func(tt *billing.Tariff) { tt.Versions[0].Rules[0].RatePerMinute = dec(t, "0.0500") },
		"another zone": func(tt *billing.Tariff) {
			tt.Versions[0].EffectiveFrom = tt.Versions[0].EffectiveFrom.In(time.FixedZone("", 3600))
		},
		"defaults written out": func(tt *billing.Tariff) {
			tt.Digits, tt.Rounding = digits(2), billing.RoundHalfUp
			tt.Versions[0].MaxDuration = billing.Duration(24 * time.Hour)
			r := &tt.Versions[0].Rules[0]
			r.Action, r.Per = billing.ActionCharge, billing.PerCall
			r.Media = []tencent.MediaType{tencent.MediaVideo, tencent.MediaAudio}
			r.CallTypes = []tencent.CallType{tencent.CallTypeMulti, tencent.CallTypeSingle}
			r.Results = []tencent.CallResult{tencent.ResultOffline, tencent.ResultNormalEnd, tencent.ResultInterrupt}
		},
		"another version": func(tt *billing.Tariff) {
			tt.Versions = append(tt.Versions, billing.Version{EffectiveFrom: readAt, Rules: []billing.Rule{{Action: billing.ActionFree}}})
		},
	} {
		require.Equal(t, plain, hash(change), name)
	}
	for name, change := range map[string]func(*billing.Tariff){
		"rate":     func(tt *billing.Tariff) { tt.Versions[0].Rules[0].RatePerMinute = dec(t, "0.051") },
		"interval": func(tt *billing.Tariff) { tt.Versions[0].Rules[0].NextInterval = 1 },
		"cap":      func(tt *billing.Tariff) { tt.Versions[0].Rules[0].Cap = capOf(t, "3") },
		"currency": func(tt *billing.Tariff) { tt.Currency = "EUR" },
		"digits":   func(tt *billing.Tariff) { tt.Digits = digits(3) },
		"rounding": func(tt *billing.Tariff) { tt.Rounding = billing.RoundUp },
		"start":    func(tt *billing.Tariff) { tt.Versions[0].EffectiveFrom = time.Unix(1_700_000_001, 0) },
		"first":    func(tt *billing.Tariff) { tt.Versions[0].Rules[0].FirstInterval = 30 },
		"fee":      func(tt *billing.Tariff) { tt.Versions[0].Rules[0].ConnectionFee = dec(t, "0.01") },
		"minimum":  func(tt *billing.Tariff) { tt.Versions[0].Rules[0].MinimumCharge = dec(t, "0.01") },
		"free":     func(tt *billing.Tariff) { tt.Versions[0].Rules[0].FreeSeconds = 1 },
		"unit":     func(tt *billing.Tariff) { tt.Versions[0].Rules[0].Per = billing.PerParticipant },
		"results": func(tt *billing.Tariff) {
			tt.Versions[0].Rules[0].Results = []tencent.CallResult{
				tencent.ResultNormalEnd, tencent.ResultInterrupt, tencent.ResultOffline, tencent.ResultCancel,
			}
		},
		"grace": func(tt *billing.Tariff) {
			lost := perMinute(t, "0.05", 60, 60)
			lost.Results, lost.GraceSeconds = []tencent.CallResult{tencent.ResultInterrupt, tencent.ResultOffline}, 30
			tt.Versions[0].Rules[0].Results = []tencent.CallResult{tencent.ResultNormalEnd}
			tt.Versions[0].Rules = append(tt.Versions[0].Rules, lost)
		},
		"minutes":   minutes(func(*billing.Evidence) {}),
		"use":       minutes(func(e *billing.Evidence) { e.Use = attendance.UseLongest }),
		"without":   minutes(func(e *billing.Evidence) { e.Without = billing.WithoutReview }),
		"tolerance": minutes(func(e *billing.Evidence) { e.Tolerance = billing.Duration(time.Second) }),
		"sources":   minutes(func(e *billing.Evidence) { e.Sources = 2 }),
		"maximum":   func(tt *billing.Tariff) { tt.Versions[0].MaxDuration = billing.Duration(time.Hour) },
	} {
		changed := hash(change)
		require.NotEqual(t, plain, changed, name)
		require.Empty(t, different[changed], "the same as %s", name)
		different[changed] = name
	}
	require.Equal(t, hash(minutes(func(*billing.Evidence) {})), hash(minutes(func(e *billing.Evidence) {
		e.Tolerance, e.Sources = billing.Duration(5*time.Second), 1
	})), "defaults written out")
}

// TestCanonicalEvidence: what a rule by minutes adds to the hashed JSON.
func TestCanonicalEvidence(t *testing.T) {
	tariff := byMinutes(t, attendance.UseReview)
	require.JSONEq(t, `{
	 "currency":"USD","digits":2,"rounding":"half_up","effective_from":"2023-11-14T22:13:20Z","max_duration":"24h0m0s",
	 "rules":[{
	  "media":["Audio","Video"],"call_types":["SingleCall","MultiCall"],"results":["NormalEnd","Interrupt","Offline"],
	  "action":"charge","per":"participant_minute","rate_per_minute":"0.6","first_interval":1,"next_interval":1,
	  "connection_fee":"0","minimum_charge":"0"}],
	 "evidence":{"use":"review","without":"participant","tolerance":"5s","sources":1}}`, string(rate(t, connected(61), tariff).Tariff.VersionJSON))
	require.Equal(t, &billing.Evidence{Use: attendance.UseReview, Without: billing.WithoutParticipant}, tariff.Versions[0].Evidence, "the tariff itself stays as it is")
}

// TestCanonicalVersion: every number and list has one form in the hashed JSON.
func TestCanonicalVersion(t *testing.T) {
	rule := perMinute(t, "0.500", 60, 60)
	rule.Media, rule.CallTypes = []tencent.MediaType{tencent.MediaAudio}, []tencent.CallType{tencent.CallTypeMulti, tencent.CallTypeSingle}
	rule.Results = []tencent.CallResult{tencent.ResultCancel, tencent.ResultOffline, tencent.ResultNormalEnd}
	rule.ConnectionFee, rule.MinimumCharge, rule.Cap = dec(t, "1.00"), dec(t, "20.50"), capOf(t, "30.0")
	free := billing.Rule{Action: billing.ActionFree, Media: []tencent.MediaType{tencent.MediaVideo}}
	review := billing.Rule{
		Action: billing.ActionReview, Media: []tencent.MediaType{tencent.MediaAudio}, Results: []tencent.CallResult{tencent.ResultInterrupt},
	}
	given := *rule.Cap
	applied := rate(t, connected(61), tariffOf(rule, free, review)).Tariff
	require.JSONEq(t, `{
	 "currency":"USD","digits":2,"rounding":"half_up","effective_from":"2023-11-14T22:13:20Z","max_duration":"24h0m0s",
	 "rules":[{
	  "media":["Audio"],"call_types":["SingleCall","MultiCall"],"results":["NormalEnd","Offline","Cancel"],
	  "action":"charge","per":"call","rate_per_minute":"0.5","first_interval":60,"next_interval":60,
	  "connection_fee":"1","minimum_charge":"20.5","cap":"30"
	 },{
	  "media":["Video"],"call_types":["SingleCall","MultiCall"],"results":["NormalEnd","Interrupt","Offline"],
	  "action":"free","per":"call","rate_per_minute":"0","connection_fee":"0","minimum_charge":"0"
	 },{
	  "media":["Audio"],"call_types":["SingleCall","MultiCall"],"results":["Interrupt"],
	  "action":"review","per":"call","rate_per_minute":"0","connection_fee":"0","minimum_charge":"0"
	 }]}`, string(applied.VersionJSON))
	require.Equal(t, given, *rule.Cap, "the tariff itself stays as it is")
	require.Equal(t, tencent.ResultCancel, rule.Results[0])
}
