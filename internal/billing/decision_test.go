package billing_test

import (
	"encoding/json"
	"testing"

	"aftercall/internal/billing"
	"aftercall/internal/tencent"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// reviewed charges one-to-one calls per call and group calls per participant, and
// has interrupted calls reviewed.
func reviewed(t require.TestingT) billing.Tariff {
	normal := perMinute(t, "0.60", 1, 1)
	normal.Results = []tencent.CallResult{tencent.ResultNormalEnd, tencent.ResultOffline}
	normal.CallTypes = []tencent.CallType{tencent.CallTypeSingle}
	group := normal
	group.CallTypes = []tencent.CallType{tencent.CallTypeMulti}
	group.Per = billing.PerParticipant
	canceled := billing.Rule{Action: billing.ActionFree, Per: billing.PerParticipant, Results: []tencent.CallResult{tencent.ResultCancel}}
	return tariffOf(normal, group, canceled, billing.Rule{Action: billing.ActionReview, Results: []tencent.CallResult{tencent.ResultInterrupt}})
}

// TestChargeAsIsBilledAsDecided decides about a call whose rule has grace seconds.
func TestChargeAsIsBilledAsDecided(t *testing.T) {
	rule := perMinute(t, "0.60", 1, 1)
	rule.GraceSeconds, rule.Results = 30, []tencent.CallResult{tencent.ResultOffline}
	others := perMinute(t, "0.60", 1, 1)
	others.Results = []tencent.CallResult{tencent.ResultNormalEnd, tencent.ResultInterrupt}
	rater, err := billing.NewRater("standard", tariffOf(rule, others))
	require.NoError(t, err)
	record := connected(400)
	record.Result = tencent.ResultOffline
	for want, d := range map[int64]billing.Decision{
		300: {Verdict: billing.VerdictChargeAs, ConnectedSeconds: 300, Exact: true},
		270: {Verdict: billing.VerdictChargeAs, ConnectedSeconds: 300}, // as stored before there was Exact
		370: {Verdict: billing.VerdictCharge, Exact: true},             // a person confirmed the record, not a time
	} {
		c, err := rater.Decide(record, d)
		require.NoError(t, err)
		require.Equal(t, want, c.BilledSeconds, "%+v", d)
		require.Equal(t, &d, c.Decision(), "so that it can be computed again")
	}
}

func TestDecide(t *testing.T) {
	charge, chargeAs := billing.Decision{Verdict: billing.VerdictCharge}, billing.Decision{Verdict: billing.VerdictChargeAs, ConnectedSeconds: 30}
	tests := map[string]struct {
		change    func(*tencent.CallRecord)
		decision  billing.Decision
		connected int64
		amount    string
		text      string
	}{
		"a rule that wants a review": {
			func(r *tencent.CallRecord) { r.Result = tencent.ResultInterrupt },
			charge, 100, "1.00", "a person confirmed: connected for 100 s",
		},
		"named payer": {
			func(*tencent.CallRecord) {},
			billing.Decision{Verdict: billing.VerdictChargeAs, ConnectedSeconds: 30, Unconfirmed: true, PayerNamed: true},
			30, "0.30", "connected for 30 s, not 100 s as in callbacks (there is no record); this person has named the payer",
		},
		"named end": {
			func(r *tencent.CallRecord) { r.AcceptTime = 1 },
			billing.Decision{Verdict: billing.VerdictChargeAs, ConnectedSeconds: 30, Unconfirmed: true, EndNamed: true},
			30, "0.30", "connected for 30 s; this person has named when the call ended",
		},
		"too long":       {func(r *tencent.CallRecord) { r.EndTime = r.AcceptTime + 90_000 }, charge, 90_000, "900.00", "confirmed"},
		"unknown result": {func(r *tencent.CallRecord) { r.Result = "Vanished" }, charge, 100, "1.00", "confirmed"},
		"other seconds":  {func(*tencent.CallRecord) {}, chargeAs, 30, "0.30", "connected for 30 s, not 100 s as in the record"},
		"impossible":     {func(r *tencent.CallRecord) { r.AcceptTime = r.EndTime + 5 }, chargeAs, 30, "0.30", "connected for 30 s"},
		"never accepted": {func(r *tencent.CallRecord) { r.AcceptTime = 0 }, chargeAs, 30, "0.30", "connected for 30 s"},
		"unknown media": {
			func(r *tencent.CallRecord) { r.MediaType = "Hologram" },
			billing.Decision{Verdict: billing.VerdictCharge, MediaType: tencent.MediaVideo},
			100, "1.00", "confirmed",
		},
		"unknown type": {
			func(r *tencent.CallRecord) {
				r.CallType, r.Members = "Crowd", []string{"10001", "a", "b", "c"}
			},
			billing.Decision{Verdict: billing.VerdictCharge, CallType: tencent.CallTypeMulti},
			100, "3.00", "confirmed",
		},
		"unconfirmed": {
			func(*tencent.CallRecord) {},
			billing.Decision{Verdict: billing.VerdictChargeAs, ConnectedSeconds: 30, Unconfirmed: true},
			30, "0.30", "connected for 30 s, not 100 s as in callbacks (there is no record)",
		},
		"free without participants": {
			func(r *tencent.CallRecord) { r.Result, r.Members = tencent.ResultCancel, nil }, charge, 100, "0.00", "confirmed",
		},
		"waived, impossible times": {
			func(r *tencent.CallRecord) { r.AcceptTime = r.EndTime + 5 }, billing.Decision{Verdict: billing.VerdictWaive}, 0, "0.00", "nothing",
		},
		"waived":           {func(*tencent.CallRecord) {}, billing.Decision{Verdict: billing.VerdictWaive}, 100, "0.00", "nothing"},
		"waived, no times": {func(r *tencent.CallRecord) { *r = tencent.CallRecord{CallID: r.CallID} }, billing.Decision{Verdict: billing.VerdictWaive}, 0, "0.00", "nothing"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			record := connected(100)
			tt.change(&record)
			rater, err := billing.NewRater("standard", reviewed(t))
			require.NoError(t, err)
			got, err := rater.Decide(record, tt.decision)
			require.NoError(t, err)
			require.Equal(t, tt.connected, got.ConnectedSeconds)
			require.Equal(t, tt.amount, got.Amount.Number())
			require.Equal(t, &tt.decision, got.Decision())
			require.Contains(t, got.Steps[1].Text, tt.text)
			for _, step := range got.Steps {
				require.NotContains(t, step.Text, "10001")
			}
			encoded, err := json.Marshal(got.Steps)
			require.NoError(t, err)
			var steps []billing.Step
			require.NoError(t, json.Unmarshal(encoded, &steps))
			require.Equal(t, got.Steps, steps)
		})
	}
}

func TestDecideErrors(t *testing.T) {
	charge := billing.Decision{Verdict: billing.VerdictCharge}
	tests := map[string]struct {
		change   func(*tencent.CallRecord)
		decision billing.Decision
		want     string
	}{
		"no connected time":  {func(r *tencent.CallRecord) { r.AcceptTime = 0 }, charge, "use charge-as"},
		"no time":            {func(r *tencent.CallRecord) { r.AcceptTime = r.EndTime }, charge, "use charge-as"},
		"impossible times":   {func(r *tencent.CallRecord) { r.AcceptTime = r.EndTime + 1 }, charge, "use charge-as"},
		"unknown media":      {func(r *tencent.CallRecord) { r.MediaType = "Hologram" }, charge, "name its media_type"},
		"no participants":    {func(r *tencent.CallRecord) { r.CallType, r.Members = tencent.CallTypeMulti, nil }, charge, "waive"},
		"before any version": {func(r *tencent.CallRecord) { r.StartTime, r.AcceptTime, r.EndTime = 1, 2, 3 }, charge, "waive"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			record := connected(100)
			tt.change(&record)
			rater, err := billing.NewRater("standard", reviewed(t))
			require.NoError(t, err)
			_, err = rater.Decide(record, tt.decision)
			var review *billing.ReviewError
			require.ErrorAs(t, err, &review)
			require.ErrorContains(t, err, tt.want)
		})
	}
}

func TestDecisionValidate(t *testing.T) {
	for name, tt := range map[string]struct {
		decision billing.Decision
		want     string // empty for valid
	}{
		"charge":                  {billing.Decision{Verdict: "charge"}, ""},
		"waive":                   {billing.Decision{Verdict: "waive"}, ""},
		"charge-as":               {billing.Decision{Verdict: "charge-as", ConnectedSeconds: 1, MediaType: "Audio", CallType: "MultiCall"}, ""},
		"none":                    {billing.Decision{}, `verdict: "" is not a verdict: write charge, waive or charge-as`},
		"no seconds":              {billing.Decision{Verdict: "charge-as"}, "connected_seconds: must be from 1"},
		"negative":                {billing.Decision{Verdict: "charge-as", ConnectedSeconds: -1}, "connected_seconds: must be from 1"},
		"a week":                  {billing.Decision{Verdict: "charge-as", ConnectedSeconds: 7 * 86400}, ""},
		"charge without a record": {billing.Decision{Verdict: "charge", Unconfirmed: true}, "nothing to confirm"},
		"charge with words":       {billing.Decision{Verdict: "charge", MediaType: "Video", CallType: "SingleCall"}, ""},
		"waive with a call type":  {billing.Decision{Verdict: "waive", CallType: "MultiCall"}, "have no effect with waive"},
		"more than a week":        {billing.Decision{Verdict: "charge-as", ConnectedSeconds: 7*86400 + 1}, "connected_seconds: must be from 1"},
		"seconds to charge":       {billing.Decision{Verdict: "charge", ConnectedSeconds: 5}, "only for charge-as"},
		"unknown media":           {billing.Decision{Verdict: "charge", MediaType: "Hologram"}, "media_type: "},
		"unknown call type":       {billing.Decision{Verdict: "charge", CallType: "Crowd"}, "call_type: "},
		"waive with an end":       {billing.Decision{Verdict: "waive", EndNamed: true}, "ended_at: is only for charge-as"},
		"charge with an end":      {billing.Decision{Verdict: "charge", EndNamed: true}, "ended_at: is only for charge-as"},
		"waive with a payer":      {billing.Decision{Verdict: "waive", PayerNamed: true}, "payer: has no effect with waive"},
		"waive with a media":      {billing.Decision{Verdict: "waive", MediaType: "Audio"}, "have no effect with waive"},
	} {
		t.Run(name, func(t *testing.T) {
			err := tt.decision.Validate()
			if tt.want == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, tt.want)
		})
	}
}

// TestDecidedAsRated: a person who confirms what the record says, or names the
// same seconds, charges what the tariff would have.
func TestDecidedAsRated(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rater, err := billing.NewRater("standard", reviewed(t))
		require.NoError(t, err)
		record := connected(rapid.Int64Range(1, 86_400).Draw(t, "seconds"))
		rated, err := rater.Rate(record, readAt)
		require.NoError(t, err)
		for _, d := range []billing.Decision{
			{Verdict: billing.VerdictCharge}, {Verdict: billing.VerdictChargeAs, ConnectedSeconds: record.ConnectedSeconds()},
		} {
			decided, err := rater.Decide(record, d)
			require.NoError(t, err)
			require.True(t, rated.Amount.Equal(decided.Amount))
			require.Equal(t, rated.BilledSeconds, decided.BilledSeconds)
		}
	})
}

// TestDecideWithoutATimeInTheRecord: there is nothing that the person disagrees with.
func TestDecideWithoutATimeInTheRecord(t *testing.T) {
	record := connected(0)
	rater, err := billing.NewRater("standard", reviewed(t))
	require.NoError(t, err)
	charge, err := rater.Decide(record, billing.Decision{Verdict: billing.VerdictChargeAs, ConnectedSeconds: 30})
	require.NoError(t, err)
	require.Equal(t, "a person decided: connected for 30 s", charge.Steps[1].Text)
}

// TestDecideWhereNormalEndIsReviewed: no rule is left to charge by.
func TestDecideWhereNormalEndIsReviewed(t *testing.T) {
	rater, err := billing.NewRater("standard", tariffOf(billing.Rule{Action: billing.ActionReview}))
	require.NoError(t, err)
	_, err = rater.Decide(connected(100), billing.Decision{Verdict: billing.VerdictCharge})
	var review *billing.ReviewError
	require.ErrorAs(t, err, &review)
	require.Len(t, review.Reasons, 1)
	require.Equal(t, billing.ReasonNoRule, review.Reasons[0].Code)
	_, err = rater.Decide(connected(100), billing.Decision{})
	require.NotErrorAs(t, err, &review, "an invalid decision needs no review")
}
