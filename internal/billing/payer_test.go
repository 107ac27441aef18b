package billing_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"aftercall/internal/attendance"
	"aftercall/internal/billing"
	"aftercall/internal/tencent"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// paidBy is a rater of a tariff by the minute whose calls are paid as the rules say.
func paidBy(t require.TestingT, payers ...billing.PayerRule) *billing.Rater {
	rater, err := billing.NewRater("standard", tariffOf(perMinute(t, "0.12", 60, 60)))
	require.NoError(t, err)
	rater, err = rater.PaidBy(payers)
	require.NoError(t, err)
	return rater
}

// opened says who opened the room, so many seconds after the call began to ring.
func opened(user string, after int64) attendance.Event {
	return attendance.Event{ID: "o" + user, Source: attendance.SourceRoom, User: user, Kind: attendance.Opened, At: time.Unix(started+after, 0).UTC()}
}

// payerOf is who pays for a charge of a record.
func payerOf(c billing.Charge, record tencent.CallRecord) string {
	if payer := c.Payer(); payer != nil {
		return payer.Account
	}
	return record.Caller
}

// group is a call of robot-7 to two people, of 61 s.
func group() tencent.CallRecord {
	record := connected(61)
	record.Caller, record.CallType, record.RoomID = "robot-7", tencent.CallTypeMulti, "patient-3/consultation-9"
	record.Members = []string{"", "robot-7", "patient-3", "doctor-1", "patient-3"}
	return record
}

func TestWhoPays(t *testing.T) {
	robots := billing.PayerRule{Callers: []string{"ivr", "robot-*"}, Is: "first_callee"}
	for name, c := range map[string]struct {
		rules  []billing.PayerRule
		change func(*tencent.CallRecord)
		seen   []attendance.Event
		want   string
		text   string // of the step; empty for none
	}{
		"no rules":              {nil, nil, nil, "robot-7", ""},
		"the robot's callee":    {[]billing.PayerRule{robots}, nil, nil, "patient-3", "paid by the first callee"},
		"another caller":        {[]billing.PayerRule{robots}, func(r *tencent.CallRecord) { r.Caller = "doctor-1" }, nil, "doctor-1", ""},
		"a whole account":       {[]billing.PayerRule{robots}, func(r *tencent.CallRecord) { r.Caller = "ivr" }, nil, "robot-7", "paid by the first callee"},
		"not how it begins":     {[]billing.PayerRule{robots}, func(r *tencent.CallRecord) { r.Caller = "ivr-2" }, nil, "ivr-2", ""},
		"the first that is":     {[]billing.PayerRule{{Callers: []string{"x*"}, Is: "room_owner"}, {Is: "caller"}}, nil, nil, "robot-7", "paid by the caller"},
		"before it begins":      {[]billing.PayerRule{{EffectiveFrom: time.Unix(accepted+62, 0), Is: "first_callee"}}, nil, nil, "robot-7", ""},
		"when it begins":        {[]billing.PayerRule{{EffectiveFrom: time.Unix(accepted+61, 0), Is: "first_callee"}}, nil, nil, "patient-3", "paid by the first callee"},
		"who opened the room":   {[]billing.PayerRule{{Is: "room_owner"}}, nil, []attendance.Event{opened("doctor-1", 3), opened("doctor-1", 3)}, "doctor-1", "paid by who opened the room"},
		"a template":            {[]billing.PayerRule{{Is: `{{ .RoomID | before "/" }}`}}, nil, nil, "patient-3", "paid by the account that the template gives"},
		"after":                 {[]billing.PayerRule{{Is: `{{ .RoomID | after "/" }}`}}, nil, nil, "consultation-9", "paid by the account that the template gives"},
		"trimmed":               {[]billing.PayerRule{{Is: `owner-of-{{ trimSuffix "7" (trimPrefix "robot-" .Caller) }}{{ len .Caller }} ` + "\n"}}, func(r *tencent.CallRecord) { r.Caller = "robot-47" }, nil, "owner-of-48", "paid by the account that the template gives"},
		"a fixed account":       {[]billing.PayerRule{{Is: `{{ "clinic-1" }}`}}, nil, nil, "clinic-1", "paid by the account that the template gives"},
		"one or the other":      {[]billing.PayerRule{{Is: `{{ or .RoomOwner .FirstCallee }}`}}, nil, nil, "patient-3", "paid by the account that the template gives"},
		"if":                    {[]billing.PayerRule{{Is: `{{ if .RoomOwner }}{{ .RoomOwner }}{{ else if eq .Caller "x" }}x{{ else }}{{ .Caller }}{{ end }}`}}, nil, []attendance.Event{opened("doctor-1", 0)}, "doctor-1", "paid by the account that the template gives"},
		"a caller without name": {[]billing.PayerRule{{Is: "first_callee"}}, func(r *tencent.CallRecord) { r.Caller = "" }, nil, "robot-7", "paid by the first callee"},
		"a free call":           {[]billing.PayerRule{robots}, func(r *tencent.CallRecord) { r.AcceptTime, r.Result = 0, tencent.ResultNotAnswer }, nil, "patient-3", "paid by the first callee"},
		"a free call of nobody": {[]billing.PayerRule{{Is: "room_owner"}}, func(r *tencent.CallRecord) { r.AcceptTime, r.Result = 0, tencent.ResultNotAnswer }, nil, "", "it is not known who pays: who opened the room"},
		"a free call of two":    {[]billing.PayerRule{{Is: "room_owner"}}, func(r *tencent.CallRecord) { r.AcceptTime, r.Result = 0, tencent.ResultNotAnswer }, []attendance.Event{opened("doctor-1", 1), opened("patient-3", 2)}, "", "it is not known who pays: who opened the room"},
	} {
		t.Run(name, func(t *testing.T) {
			record := group()
			if c.change != nil {
				c.change(&record)
			}
			charge, err := paidBy(t, c.rules...).Rate(record, readAt, c.seen...)
			require.NoError(t, err)
			require.Equal(t, c.want, payerOf(charge, record))
			plain, err := paidBy(t).Rate(withCaller(record), readAt)
			require.NoError(t, err)
			require.Equal(t, plain.Amount, charge.Amount, "who pays changes no price")
			if c.text == "" {
				require.Nil(t, charge.Payer())
				return
			}
			last := charge.Steps[len(charge.Steps)-1]
			require.Equal(t, billing.StepPayer, last.Kind)
			require.Equal(t, c.text, last.Text)
			named := c.text
			if c.want != "" {
				named += ": " + c.want
			}
			require.Equal(t, named, last.NamedText())
			requirePaidAgain(t, charge, record)
		})
	}
}

// withCaller is the same call by somebody.
func withCaller(record tencent.CallRecord) tencent.CallRecord {
	if record.Caller == "" {
		record.Caller = "somebody"
	}
	return record
}

// requirePaidAgain computes a charge again from what the ledger keeps, although other
// rules are configured by now.
func requirePaidAgain(t require.TestingT, charge billing.Charge, record tencent.CallRecord) {
	stored := throughLedger(t, charge)
	restored, err := stored.Tariff.Restore()
	require.NoError(t, err)
	for _, rater := range []*billing.Rater{restored, paidBy(t, billing.PayerRule{Is: `{{ "somebody else" }}`})} {
		rater, err := rater.PaidAs(stored.Payer())
		require.NoError(t, err)
		again, err := rater.Rate(record, readAt, stored.Evidence...)
		require.NoError(t, err)
		require.Equal(t, stored.Payer(), again.Payer())
		require.True(t, again.SameSum(stored))
		require.Equal(t, stored.Evidence, throughLedger(t, again).Evidence)
	}
}

// TestNobodyPays: a rule that gives no account is not replaced by a guess.
func TestNobodyPays(t *testing.T) {
	for name, c := range map[string]struct {
		is     string
		change func(*tencent.CallRecord)
		seen   []attendance.Event
		want   string
	}{
		"no callee":                 {"first_callee", func(r *tencent.CallRecord) { r.Members = []string{"", r.Caller} }, nil, "the record has no member other than the caller"},
		"no caller":                 {"caller", func(r *tencent.CallRecord) { r.Caller = "" }, nil, "Caller_Account is empty"},
		"nothing was seen":          {"room_owner", nil, nil, "nobody was seen to open the room"},
		"opened without an account": {"room_owner", nil, []attendance.Event{opened("", 1)}, "nobody was seen to open the room"},
		"opened for another call":   {"room_owner", nil, []attendance.Event{opened("doctor-1", -6), opened("doctor-1", 12+61+1)}, "nobody was seen to open the room"},
		"opened by two":             {"room_owner", nil, []attendance.Event{opened("doctor-1", 1), opened("patient-3", 2)}, "the room was opened by more than one account"},
		"a part is not known":       {"of-{{ .RoomOwner }}", nil, nil, "the template of the payer gives no account for this call (nobody was seen to open the room)"},
		"nothing is left":           {`of-{{ trimPrefix "robot-7" .Caller }}`, nil, nil, "the template of the payer gives no account for this call"},
		"no separator":              {`{{ before ":" .RoomID }}`, nil, nil, "gives no account"},
		"nothing after":             {`{{ after ":" .RoomID }}`, nil, nil, "gives no account"},
		"no branch":                 {`{{ if eq .Caller "x" }}x{{ end }}`, nil, nil, "gives no account"},
		"not an account":            {"{{ .RoomID }}", func(r *tencent.CallRecord) { r.RoomID = "a\x00b" }, nil, "the account of the payer must not contain NUL characters"},
		"it fails":                  {`{{ slice .Caller 1 99 }}`, nil, nil, "gives no account"},
	} {
		t.Run(name, func(t *testing.T) {
			record := group()
			if c.change != nil {
				c.change(&record)
			}
			rater := paidBy(t, billing.PayerRule{Is: c.is})
			_, err := rater.Rate(record, readAt, c.seen...)
			var review *billing.ReviewError
			require.ErrorAs(t, err, &review)
			require.Len(t, review.Reasons, 1)
			require.Equal(t, billing.ReasonNoPayer, review.Reasons[0].Code)
			require.Contains(t, review.Reasons[0].Text, c.want)
			require.Contains(t, review.Reasons[0].Text, "there is nobody to charge 0.24 USD")
			for _, account := range []string{"robot-7", "doctor-1", "patient-3"} {
				require.NotContains(t, err.Error(), account)
			}

			// A person names the payer, or decides that nobody pays.
			_, err = rater.Decide(record, billing.Decision{Verdict: billing.VerdictCharge}, c.seen...)
			require.ErrorContains(t, err, "name the payer, or waive the call")
			waived, err := rater.Decide(record, billing.Decision{Verdict: billing.VerdictWaive}, c.seen...)
			require.NoError(t, err)
			require.Equal(t, &billing.Payer{Is: c.is}, waived.Payer(), "no correction charges the caller")
			decision := billing.Decision{Verdict: billing.VerdictCharge, PayerNamed: true, Payer: "clinic-1"}
			named, err := rater.Decide(record, decision, c.seen...)
			require.NoError(t, err)
			require.Equal(t, &billing.Payer{Account: "clinic-1", Is: billing.PayerNamed}, named.Payer())
			require.Equal(t, "0.24 USD", named.Amount.String())
			last := named.Steps[len(named.Steps)-1]
			require.Equal(t, "paid by the account that this person has named", last.Text)
			stored := throughLedger(t, named)
			again, err := rater.PaidAs(stored.Payer())
			require.NoError(t, err)
			recomputed, err := again.Decide(record, *stored.Decision())
			require.NoError(t, err)
			require.True(t, recomputed.SameSum(stored))
		})
	}
}

// TestAReviewSaysThatNobodyPays, too, so that one decision is enough.
func TestAReviewSaysThatNobodyPays(t *testing.T) {
	record := group()
	record.EndTime = record.AcceptTime + 86401
	rater := paidBy(t, billing.PayerRule{Is: "room_owner"})
	_, err := rater.Rate(record, readAt)
	var review *billing.ReviewError
	require.ErrorAs(t, err, &review)
	var codes []billing.ReasonCode
	for _, reason := range review.Reasons {
		codes = append(codes, reason.Code)
	}
	require.Equal(t, []billing.ReasonCode{billing.ReasonTooLong, billing.ReasonNoPayer}, codes)
	record.CallType = "x"
	_, err = rater.Decide(record, billing.Decision{Verdict: billing.VerdictCharge})
	require.ErrorContains(t, err, "name its media_type or call_type, or waive it; nobody was seen to open the room")
	_, err = rater.Decide(record, billing.Decision{Verdict: billing.VerdictCharge, PayerNamed: true, Payer: "x"})
	require.ErrorContains(t, err, "name its media_type or call_type, or waive it")
	require.NotContains(t, err.Error(), "room")
}

// TestADecisionKeepsTheRule: who pays is decided by the rule also after a review, and by a
// person where the record has no caller.
func TestADecisionKeepsTheRule(t *testing.T) {
	rater := paidBy(t, billing.PayerRule{Is: "first_callee"})
	for _, d := range []billing.Decision{
		{Verdict: billing.VerdictCharge},
		{Verdict: billing.VerdictChargeAs, ConnectedSeconds: 30, Exact: true},
		{Verdict: billing.VerdictWaive},
	} {
		charge, err := rater.Decide(group(), d)
		require.NoError(t, err)
		require.Equal(t, "patient-3", payerOf(charge, group()), d.Verdict)
	}
	named := group()
	named.Caller = "clinic-1"
	charge, err := rater.Decide(named, billing.Decision{Verdict: billing.VerdictChargeAs, ConnectedSeconds: 30, Unconfirmed: true, PayerNamed: true})
	require.NoError(t, err)
	require.Nil(t, charge.Payer())
	require.ErrorContains(t, billing.Decision{Verdict: billing.VerdictCharge, Payer: "x"}.Validate(), "payer: is set without payer_named")
}

// TestCorrectionsKeepThePayer of the charge that they correct.
func TestCorrectionsKeepThePayer(t *testing.T) {
	charge, err := paidBy(t, billing.PayerRule{Is: "room_owner"}).Rate(group(), readAt, opened("doctor-1", 1))
	require.NoError(t, err)
	reversal, err := charge.Reversal("charge:1")
	require.NoError(t, err)
	adjustment, err := charge.Adjustment(charge.Amount, charge.Amount)
	require.NoError(t, err)
	undone, err := adjustment.Reversal("adjustment:1")
	require.NoError(t, err)
	for _, c := range []billing.Charge{reversal, adjustment, undone, reversal.Force(), throughLedger(t, adjustment.Force())} {
		require.Equal(t, &billing.Payer{Account: "doctor-1", Is: "room_owner"}, c.Payer())
	}
	require.Equal(t, []billing.StepKind{billing.StepReversal, billing.StepPayer}, kinds(reversal))
	other := throughLedger(t, reversal)
	other.Steps[1].Payer.Account = "mallory"
	require.False(t, other.SameSum(reversal))
}

// TestEvidenceOfThePayer is read only where a rule asks for it, and kept with the charge.
func TestEvidenceOfThePayer(t *testing.T) {
	rater := paidBy(t, billing.PayerRule{Callers: []string{"robot-*"}, Is: `{{ or .RoomOwner .FirstCallee }}`})
	require.True(t, rater.NeedsEvidence(group()))
	require.False(t, rater.NeedsEvidence(connected(61)), "another caller")
	free := group()
	free.AcceptTime, free.Result = 0, tencent.ResultNotAnswer
	require.False(t, rater.NeedsEvidence(free))
	require.False(t, paidBy(t, billing.PayerRule{Is: "first_callee"}).NeedsEvidence(group()))

	joined := attendance.Event{ID: "1", Source: attendance.SourceRoom, User: "doctor-1", Kind: attendance.Joined, At: time.Unix(accepted, 0).UTC()}
	charge, err := rater.Rate(group(), readAt, joined, opened("doctor-1", 2))
	require.NoError(t, err)
	require.Equal(t, []attendance.Event{opened("doctor-1", 2)}, charge.Evidence)

	minutes, err := billing.NewRater("standard", byMinutes(t, attendance.UseEarliestLeave))
	require.NoError(t, err)
	minutes, err = minutes.PaidBy(billing.Payers{{Is: "room_owner"}})
	require.NoError(t, err)
	charge, err = minutes.Rate(group(), readAt, opened("doctor-1", 2), joined)
	require.NoError(t, err)
	require.Equal(t, []attendance.Event{joined, opened("doctor-1", 2)}, charge.Evidence)
	require.Equal(t, map[string]int64{"robot-7": 61, "doctor-1": 61, "patient-3": 0}, charge.MemberSeconds(), "opening a room is not joining it")
	requirePaidAgain(t, mustRate(t, rater, opened("doctor-1", 2)), group())
}

func mustRate(t *testing.T, rater *billing.Rater, seen ...attendance.Event) billing.Charge {
	t.Helper()
	charge, err := rater.Rate(group(), readAt, seen...)
	require.NoError(t, err)
	return charge
}

func TestProblemsOfPayers(t *testing.T) {
	one := func(is string) billing.Payers { return billing.Payers{{Is: is}} }
	for _, c := range []struct {
		payers billing.Payers
		want   string
	}{
		{nil, "is empty: write who pays, or leave it out: then the caller does"},
		{one(""), "[0].is: is missing: write caller, first_callee or room_owner"},
		{one("first_calle"), `[0].is: "first_calle" is not known: write caller, first_callee, room_owner or a template, as in {{ .RoomID }}`},
		{one("{{"), "[0].is: is not a template that gives an account: 1: unclosed action"},
		{one("{{ upper .Caller }}"), `[0].is: is not a template that gives an account: 1: function "upper" not defined`},
		{one("{{ .Owner }}"), "[0].is: is not a template that gives an account: .Owner is not a field: write .Caller, .FirstCallee, .RoomOwner, .RoomID"},
		{one("{{ if .Caller }}{{ .Nobody }}{{ end }}"), ".Nobody is not a field"},
		{one("{{ if .Caller }}x{{ else }}{{ .Nobody }}{{ end }}"), ".Nobody is not a field"},
		{one("{{ if .Nobody }}x{{ end }}"), ".Nobody is not a field"},
		{one("{{ .Caller.Name }}"), ".Caller.Name is not a field"},
		{one("{{ . }}"), "it can have fields, functions and texts, but not ."},
		{one("{{ $.Caller }}"), "it can have fields, functions and texts, but not $.Caller"},
		{one("{{ (slice .Caller 1).Name }}"), "but not "},
		{one("{{ $x := .Caller }}"), "it can have no variables"},
		{one("{{ range 9000000000 }}x{{ end }}"), "it can have fields, functions and if, but not {{range 9000000000}}x{{end}}"},
		{one("{{ with .Caller }}{{ . }}{{ end }}"), "it can have fields, functions and if, but not {{with .Caller}}{{.}}{{end}}"},
		{one(`{{ define "x" }}{{ .Caller }}{{ end }}`), "it can have no define and no block"},
		{one(`{{ template "x" }}`), "but not {{template"},
		{one(`{{ trimPrefix .Caller }}`), "wrong number of args for trimPrefix: want 2 got 1"},
		{billing.Payers{{Callers: []string{""}, Is: "caller"}}, "[0].callers[0]: is empty: write an account"},
		{billing.Payers{{Callers: []string{"a", "*"}, Is: "caller"}}, "[0].callers[1]: is every caller: leave callers out"},
		{billing.Payers{{Callers: []string{"*-robot"}, Is: "caller"}}, "[0].callers[0]: can have an asterisk only at its end, as in robot-*"},
		{billing.Payers{{Callers: []string{"a\x00*"}, Is: "caller"}}, "[0].callers[0]: must not contain NUL characters"},
		{billing.Payers{{Is: "caller"}, {Is: "first_callee"}}, "[1]: is never reached, because the rule [0] before it is for all calls: put that one last"},
	} {
		var texts []string
		for _, p := range c.payers.Validate() {
			texts = append(texts, p.String())
		}
		require.Len(t, texts, 1, c.want)
		require.Contains(t, texts[0], c.want)
		if len(c.payers) == 0 {
			continue
		}
		rater, err := paidBy(t).PaidBy(c.payers)
		require.ErrorContains(t, err, "payer: ")
		require.Nil(t, rater)
	}
	require.Empty(t, billing.Payers{{EffectiveFrom: readAt, Is: "caller"}, {Callers: []string{"a"}, Is: "caller"}, {Is: "room_owner"}}.Validate())
	_, err := paidBy(t).PaidAs(&billing.Payer{Account: "x", Is: "{{ .Gone }}"})
	require.ErrorContains(t, err, "payer: is not a template")
	for is, want := range map[string]bool{"room_owner": true, "{{ if .RoomOwner }}x{{ end }}": true, "first_callee": false, "{{ .RoomID }}": false, "?": false} {
		require.Equal(t, want, billing.Payers{{Is: "caller"}, {Is: is}}.NeedsRoom(), is)
	}
}

// choices are rules with what they give, written another way.
var choices = map[string]func(tencent.CallRecord, string) string{
	"caller":       func(r tencent.CallRecord, _ string) string { return r.Caller },
	"first_callee": func(r tencent.CallRecord, _ string) string { return callee(r) },
	"room_owner":   func(_ tencent.CallRecord, owner string) string { return owner },
	"{{ .RoomID }}-{{ .Caller }}": func(r tencent.CallRecord, _ string) string {
		if r.RoomID == "" || r.Caller == "" {
			return ""
		}
		return string(r.RoomID) + "-" + r.Caller
	},
	"{{ if .RoomOwner }}{{ .RoomOwner }}{{ else }}{{ .FirstCallee }}{{ end }}": func(r tencent.CallRecord, owner string) string {
		if owner != "" {
			return owner
		}
		return callee(r)
	},
	`{{ "fixed" }}`: func(tencent.CallRecord, string) string { return "fixed" },
}

func callee(r tencent.CallRecord) string {
	for _, m := range r.Members {
		if m != r.Caller && len(m) > 0 {
			return m
		}
	}
	return ""
}

// TestPayersAgainstAReference draws rules, calls and what was seen of them.
func TestPayersAgainstAReference(t *testing.T) {
	words := make([]string, 0, len(choices))
	for is := range choices {
		words = append(words, is)
	}
	slices.Sort(words)
	account := rapid.SampledFrom([]string{"", "a", "ab", "abc", "b", "ba"})
	rapid.Check(t, func(t *rapid.T) {
		record := connected(rapid.Int64Range(0, 200).Draw(t, "seconds"))
		record.Caller = account.Draw(t, "caller")
		record.Members = rapid.SliceOfN(account, 0, 4).Draw(t, "members")
		record.RoomID = tencent.RoomID(account.Draw(t, "room"))
		owner := account.Draw(t, "owner")
		seen := rapid.Permutation([]attendance.Event{opened(owner, 3), opened(owner, 3), opened(owner, 9), opened("late", 9999)}).Draw(t, "seen")
		var rules billing.Payers
		want, found := "", false
		for range rapid.IntRange(0, 4).Draw(t, "rules") {
			rule := billing.PayerRule{Is: rapid.SampledFrom(words).Draw(t, "is")}
			rule.Callers = rapid.SliceOfN(rapid.SampledFrom([]string{"a", "a*", "ab*", "b", "abc"}), 1, 2).Draw(t, "callers")
			late := rapid.Bool().Draw(t, "late")
			if late {
				rule.EffectiveFrom = record.EndedAt().Add(time.Second)
			}
			rules = append(rules, rule)
			is := slices.ContainsFunc(rule.Callers, func(p string) bool {
				return p == record.Caller || strings.HasSuffix(p, "*") && len(record.Caller) >= len(p)-1 && record.Caller[:len(p)-1] == p[:len(p)-1]
			})
			if is && !late && !found {
				want, found = choices[rule.Is](record, owner), true
			}
		}
		if !found {
			want = record.Caller
		}
		charge, err := paidBy(t, rules...).Rate(record, readAt, seen...)
		if want == "" && record.ConnectedSeconds() > 0 {
			var review *billing.ReviewError
			require.ErrorAs(t, err, &review)
			require.Equal(t, billing.ReasonNoPayer, review.Reasons[0].Code)
			return
		}
		require.NoError(t, err)
		if want != "" {
			require.Equal(t, want, payerOf(charge, record))
		}
		require.Equal(t, found, charge.Payer() != nil)
		again, err := paidBy(t, rules...).Rate(record, readAt, rapid.Permutation(seen).Draw(t, "again")...)
		require.NoError(t, err)
		require.Equal(t, charge, again)
		requirePaidAgain(t, charge, record)
		plain, err := paidBy(t).Rate(withCaller(record), readAt)
		require.NoError(t, err)
		require.Equal(t, plain.Amount, charge.Amount)
	})
}

// TestTextsNameNoPayer: only NamedText does, for where accounts may be shown.
func TestTextsNameNoPayer(t *testing.T) {
	charge := mustRate(t, paidBy(t, billing.PayerRule{Is: "first_callee"}))
	for _, s := range charge.Steps {
		require.NotContains(t, s.Text, "patient-3")
	}
	var review *billing.ReviewError
	_, err := paidBy(t, billing.PayerRule{Is: "room_owner"}).Rate(group(), readAt, opened("doctor-1", 1), opened("patient-3", 1))
	require.True(t, errors.As(err, &review))
	require.NotContains(t, err.Error(), "doctor-1")
}
