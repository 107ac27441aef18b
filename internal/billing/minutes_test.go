package billing_test

import (
	"encoding/json"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"aftercall/internal/attendance"
	"aftercall/internal/billing"
	"aftercall/internal/tencent"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// byMinutes charges 0.60 a minute by the second for the time of each member.
func byMinutes(t require.TestingT, use attendance.Use) billing.Tariff {
	rule := perMinute(t, "0.60", 1, 1)
	rule.Per = billing.PerParticipantMinute
	tariff := tariffOf(rule)
	tariff.Versions[0].Evidence = &billing.Evidence{Use: use, Without: billing.WithoutParticipant}
	return tariff
}

// groupCall is a call of the given length with a caller and two others.
func groupCall(seconds int64) tencent.CallRecord {
	record := connected(seconds)
	record.CallType, record.Members = tencent.CallTypeMulti, []string{"user3", "10001", "user2"}
	return record
}

// seen is what one source says of a member, in seconds after AcceptTime: joined, left,
// joined again and so on.
func seen(source attendance.Source, user string, turns ...int64) []attendance.Event {
	var events []attendance.Event
	for i, second := range turns {
		kind := attendance.Joined
		if i%2 == 1 {
			kind = attendance.Left
		}
		events = append(events, attendance.Event{
			ID: string(source[:1]) + user[len(user)-1:] + strconv.Itoa(i), Source: source, User: user, Kind: kind, At: time.Unix(accepted+second, 0),
		})
	}
	return events
}

// allSeen is what the room says of a group call of 100 s: user2 was there for 61 s, and user3 for 30 s.
func allSeen() []attendance.Event {
	room := attendance.SourceRoom
	return slices.Concat(seen(room, "10001", -3, 100), seen(room, "user2", 0, 61), seen(room, "user3", 0, 10, 40, 60))
}

func texts(c billing.Charge) []string {
	var all []string
	for _, s := range c.Steps {
		all = append(all, s.Text)
	}
	return all
}

func TestMinutesOfEachMember(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*billing.Rule)
		billed int64
		want   string
	}{
		"by the second":                {func(*billing.Rule) {}, 191, "1.91"},
		"each rounded up by itself":    {func(r *billing.Rule) { r.FirstInterval, r.NextInterval = 60, 60 }, 300, "3.00"},
		"the sum is rounded once":      {func(r *billing.Rule) { r.RatePerMinute = dec(t, "0.0077") }, 191, "0.02"},
		"one fee for the call":         {func(r *billing.Rule) { r.ConnectionFee = dec(t, "0.25") }, 191, "2.16"},
		"one minimum for the call":     {func(r *billing.Rule) { r.MinimumCharge = dec(t, "2") }, 191, "2.00"},
		"one cap for the call":         {func(r *billing.Rule) { r.Cap = capOf(t, "1.50") }, 191, "1.50"},
		"free seconds of each":         {func(r *billing.Rule) { r.FreeSeconds = 30 }, 161, "1.61"},
		"everybody within the free":    {func(r *billing.Rule) { r.FreeSeconds, r.ConnectionFee = 100, dec(t, "0.25") }, 0, "0.00"},
		"free seconds of all but none": {func(r *billing.Rule) { r.FreeSeconds, r.ConnectionFee = 99, dec(t, "0.25") }, 100, "1.25"},
	} {
		t.Run(name, func(t *testing.T) {
			tariff := byMinutes(t, attendance.UseReview)
			c.change(&tariff.Versions[0].Rules[0])
			require.Empty(t, tariff.Validate())
			charge, err := billing.Rate(groupCall(100), "standard", tariff, readAt, allSeen()...)
			require.NoError(t, err)
			require.Equal(t, c.billed, charge.BilledSeconds)
			require.Equal(t, c.want, charge.Amount.Number())
			require.EqualValues(t, 100, charge.ConnectedSeconds)
			require.Equal(t, 2, charge.Participants)
		})
	}
}

func TestStepsOfMinutes(t *testing.T) {
	tariff := byMinutes(t, attendance.UseEarliestLeave)
	tariff.Versions[0].Rules[0].FirstInterval, tariff.Versions[0].Rules[0].NextInterval = 30, 6
	events := append(allSeen(), seen(attendance.SourceCallback, "user2", 0, 50)...)
	charge, err := billing.Rate(groupCall(100), "standard", tariff, readAt, events...)
	require.NoError(t, err)
	require.Equal(t, []string{
		"tariff standard, version of 2023-11-14T22:13:20Z: rule 1, for Audio MultiCall NormalEnd",
		"connected for 100 s, from AcceptTime to EndTime",
		"the sources differ about participant 1 by more than 5s: decided by earliest_leave, the member left as soon as one source says so",
		"the sources differ about participant 2 by more than 5s: decided by earliest_leave, the member left as soon as one source says so",
		"the caller: connected for 100 s (06:13:32.000 to 06:15:12.000; events r11), billed as 102 s",
		"participant 1: connected for 50 s (06:13:32.000 to 06:14:22.000; events c20, c21, r20, r21), billed as 54 s",
		"participant 2: connected for 30 s (06:13:32.000 to 06:13:42.000, 06:14:12.000 to 06:14:32.000; events r30, r31, r32, r33), billed as 30 s",
		"billed as 186 s together: of each the first 30 s, then every 6 s begun",
		"0.6 a minute × 186 s / 60 = 1.86",
		"rounded half up to 2 digits: 1.86 USD",
	}, texts(charge))
	require.Equal(t, &attendance.Disagreement{Problem: attendance.SourcesDiffer, User: "user2", Decided: attendance.UseEarliestLeave}, charge.Steps[2].Disagreement)
	require.Equal(t, "user2, participant 1: connected for 50 s", charge.Steps[5].NamedText()[:40])
	require.Equal(t, charge.Steps[2].Text, charge.Steps[2].NamedText())
	require.EqualValues(t, 54, charge.Steps[5].Seconds)
	require.EqualValues(t, 50, charge.Steps[5].Member.Seconds)
}

// TestDecisionsInSteps: a step says how its disagreement was decided.
func TestDecisionsInSteps(t *testing.T) {
	both := func(user string, turns ...int64) []attendance.Event {
		return append(seen(attendance.SourceRoom, user, turns...), seen(attendance.SourceCallback, user, turns...)...)
	}
	members := slices.Concat(both("10001", 0, 100), seen(attendance.SourceRoom, "user2", 0, 60), seen(attendance.SourceCallback, "user2", 0, 50), both("user3", 40))
	for use, c := range map[attendance.Use]struct {
		seconds       map[string]int64
		member, never string
	}{
		attendance.UseEarliestLeave: {map[string]int64{"10001": 100, "user2": 50, "user3": 60}, "earliest_leave, the member left as soon as one source says so", "earliest_leave, the member was there until EndTime"},
		attendance.UseLongest:       {map[string]int64{"10001": 100, "user2": 60, "user3": 60}, "longest, the member was there as long as a source makes it possible", "longest, the member was there until EndTime"},
		attendance.UseRecord:        {map[string]int64{"10001": 100, "user2": 100, "user3": 100}, "record, the member was there from AcceptTime to EndTime", "record, the member was there from AcceptTime to EndTime"},
	} {
		charge, err := billing.Rate(groupCall(100), "standard", byMinutes(t, use), readAt, members...)
		require.NoError(t, err)
		require.Equal(t, c.seconds, charge.MemberSeconds())
		require.Equal(t, []string{
			"the sources differ about participant 1 by more than 5s: decided by " + c.member,
			"participant 2 was seen to join, but not to leave: decided by " + c.never,
		}, texts(charge)[2:4])
	}
	charge, err := billing.Rate(groupCall(100), "standard", byMinutes(t, attendance.UseRecord), readAt, both("10001", 0, 100)...)
	require.NoError(t, err)
	require.Equal(t, "the record says that the call was accepted, but nobody was seen to join: decided by record, each member was there from AcceptTime to EndTime", charge.Steps[2].Text)
	require.Empty(t, rate(t, groupCall(100), byMinutes(t, attendance.UseRecord)).MemberSeconds())
}

// TestLongProof: a member who joined very often does not make a text very long.
func TestLongProof(t *testing.T) {
	events := append(seen(attendance.SourceRoom, "10001", 0, 100), seen(attendance.SourceRoom, "user2", 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11)...)
	charge, err := billing.Rate(groupCall(100), "standard", byMinutes(t, attendance.UseReview), readAt, events...)
	require.NoError(t, err)
	require.Contains(t, charge.Steps[3].Text, "06:13:38.000 to 06:13:39.000 and 2 more; events r20, r21, r22, r23 and 8 more)")
	require.Equal(t, "participant 2: never connected", charge.Steps[4].Text)
}

func TestEvidenceIsReviewed(t *testing.T) {
	review := byMinutes(t, attendance.UseReview)
	review.Versions[0].Evidence.Without, review.Versions[0].Evidence.Sources = billing.WithoutReview, 2
	for name, c := range map[string]struct {
		events []attendance.Event
		want   []billing.Reason
	}{
		"nothing": {nil, []billing.Reason{{Code: billing.ReasonNoEvidence, Text: "the price is per participant minute, but nothing was seen of who was in the call"}}},
		"disagreements": {slices.Concat(seen(attendance.SourceRoom, "10001", 0, 100), seen(attendance.SourceRoom, "user2", 0)), []billing.Reason{
			{Code: billing.ReasonDisagreement, Text: "one source saw the call, but 2 must"},
			{Code: billing.ReasonDisagreement, Text: "participant 1 was seen to join, but not to leave"},
		}},
		"others": {slices.Concat(
			seen(attendance.SourceRoom, "10001", 0, 100), seen(attendance.SourceCallback, "10001", 0, 90), seen(attendance.SourceRoom, "user2", -5, -4, 50, 51)[3:],
		), []billing.Reason{
			{Code: billing.ReasonDisagreement, Text: "the record says that the call was accepted, but nobody was seen to join"},
			{Code: billing.ReasonDisagreement, Text: "the sources differ about the caller by more than 5s"},
			{Code: billing.ReasonDisagreement, Text: "participant 1 was seen to leave, but not to join before"},
		}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := billing.Rate(groupCall(100), "standard", review, readAt, c.events...)
			var e *billing.ReviewError
			require.ErrorAs(t, err, &e)
			require.Equal(t, c.want, e.Reasons)
		})
	}
	large := groupCall(100)
	for i := range 30 {
		large.Members = append(large.Members, "user"+strconv.Itoa(100+i))
	}
	var events []attendance.Event
	for _, user := range large.Members {
		events = append(events, seen(attendance.SourceRoom, user, 0)...)
	}
	_, err := billing.Rate(large, "standard", review, readAt, events...)
	var e *billing.ReviewError
	require.ErrorAs(t, err, &e)
	require.Len(t, e.Reasons, 11)
	require.Equal(t, "24 more disagreements", e.Reasons[10].Text, "of one about the call and 33 members")
	alone := groupCall(100)
	alone.Members = nil
	_, err = billing.Rate(alone, "standard", review, readAt, allSeen()...)
	require.ErrorContains(t, err, "no member other than the caller")
	impossible := groupCall(-50)
	_, err = billing.Rate(impossible, "standard", review, readAt, allSeen()...)
	require.ErrorContains(t, err, "is after EndTime")
}

// TestNothingSeen: the call is charged as per participant, and says so.
func TestNothingSeen(t *testing.T) {
	tariff, per := byMinutes(t, attendance.UseReview), byMinutes(t, attendance.UseReview)
	rule := &tariff.Versions[0].Rules[0]
	rule.ConnectionFee, rule.FirstInterval = dec(t, "0.25"), 30
	per.Versions[0].Rules = []billing.Rule{*rule}
	per.Versions[0].Rules[0].Per, per.Versions[0].Evidence = billing.PerParticipant, nil
	want := rate(t, groupCall(61), per)
	got, err := billing.Rate(groupCall(61), "standard", tariff, readAt, seen(attendance.SourceRoom, "robot", 0, 61)...)
	require.NoError(t, err)
	require.Equal(t, want.Amount, got.Amount)
	require.Equal(t, want.BilledSeconds, got.BilledSeconds)
	require.Equal(t, slices.Insert(texts(want)[1:], 1, "nothing was seen of who was in the call: charged per participant"), texts(got)[1:])
	require.Empty(t, got.Evidence)
}

// TestDeadAir: grace is taken off a time that only the record or one source ends.
func TestDeadAir(t *testing.T) {
	lost := byMinutes(t, attendance.UseEarliestLeave).Versions[0].Rules[0]
	lost.Results, lost.GraceSeconds = []tencent.CallResult{tencent.ResultOffline, tencent.ResultInterrupt}, 40
	tariff := withNormalEnd(lost)
	tariff.Versions[0].Evidence = &billing.Evidence{Use: attendance.UseEarliestLeave, Without: billing.WithoutReview}
	require.Empty(t, tariff.Validate())
	record := groupCall(200)
	record.Result = tencent.ResultOffline
	events := slices.Concat(
		seen(attendance.SourceRoom, "10001", 0, 110), seen(attendance.SourceCallback, "10001", 0, 200),
		seen(attendance.SourceRoom, "user2", 0, 200), seen(attendance.SourceRoom, "user3", 0, 30),
		seen(attendance.SourceCallback, "user2", 0),
	)
	charge, err := billing.Rate(record, "standard", tariff, readAt, events...)
	require.NoError(t, err)
	require.Contains(t, texts(charge), "the caller: connected for 110 s (06:13:32.000 to 06:15:22.000; events c11, r11), without grace for Offline because two sources saw the leaving, billed as 110 s")
	require.Contains(t, texts(charge), "participant 1: connected for 200 s (06:13:32.000 to 06:16:52.000; events c20, r20, r21), less 40 s grace for Offline: 160 s, billed as 160 s")
	require.Contains(t, texts(charge), "participant 2: connected for 30 s (06:13:32.000 to 06:14:02.000; events r30, r31), less 40 s grace for Offline: 0 s, no time to charge for")
	require.EqualValues(t, 270, charge.BilledSeconds)
}

// TestDecideAboutMinutes: who confirms the record confirms it where there is a
// disagreement, and who names a time names it for each participant.
func TestDecideAboutMinutes(t *testing.T) {
	rater, err := billing.NewRater("standard", byMinutes(t, attendance.UseReview))
	require.NoError(t, err)
	events := slices.Concat(seen(attendance.SourceRoom, "10001", 0, 100), seen(attendance.SourceRoom, "user2", 40), seen(attendance.SourceRoom, "user3", 0, 30))
	_, err = rater.Rate(groupCall(100), readAt, events...)
	require.ErrorContains(t, err, "participant 1 was seen to join, but not to leave")
	for _, c := range []struct {
		decision billing.Decision
		events   []attendance.Event
		want     string
	}{
		{billing.Decision{Verdict: billing.VerdictCharge}, events, "2.30"},
		{billing.Decision{Verdict: billing.VerdictCharge}, nil, "2.00"},
		{billing.Decision{Verdict: billing.VerdictChargeAs, ConnectedSeconds: 50, Exact: true}, events, "1.00"},
		{billing.Decision{Verdict: billing.VerdictWaive}, events, "0.00"},
	} {
		charge, err := rater.Decide(groupCall(100), c.decision, c.events...)
		require.NoError(t, err)
		require.Equal(t, c.want, charge.Amount.Number(), "%+v", c.decision)
		require.Equal(t, &c.decision, charge.Decision())
		require.Equal(t, c.want == "2.30", len(charge.Evidence) > 0, "only what it was made from is kept")
	}
}

func TestNeedsEvidence(t *testing.T) {
	rater, err := billing.NewRater("standard", byMinutes(t, attendance.UseReview))
	require.NoError(t, err)
	require.True(t, rater.NeedsEvidence(groupCall(1)))
	unconnected := groupCall(1)
	unconnected.AcceptTime = 0
	require.False(t, rater.NeedsEvidence(unconnected))
	before := groupCall(1)
	before.EndTime = 1
	require.False(t, rater.NeedsEvidence(before))
	unknown := groupCall(1)
	unknown.MediaType = "Hologram"
	require.False(t, rater.NeedsEvidence(unknown))
	free, err := billing.NewRater("standard", tariffOf(billing.Rule{Action: billing.ActionFree, Per: billing.PerParticipantMinute}))
	require.NoError(t, err)
	require.False(t, free.NeedsEvidence(groupCall(1)))
}

// TestRestoreMinutes: a charge is computed again from what is stored with it, in any
// order, and not without that.
func TestRestoreMinutes(t *testing.T) {
	events := append(allSeen(), seen(attendance.SourceCallback, "user2", 0, 50)...)
	charge, err := billing.Rate(groupCall(100), "standard", byMinutes(t, attendance.UseLongest), readAt, events...)
	require.NoError(t, err)
	encoded, err := json.Marshal(charge)
	require.NoError(t, err)
	var stored billing.Charge
	require.NoError(t, json.Unmarshal(encoded, &stored))
	require.True(t, charge.SameSum(stored))
	rater, err := stored.Tariff.Restore()
	require.NoError(t, err)
	slices.Reverse(stored.Evidence)
	again, err := rater.Rate(groupCall(100), readAt, stored.Evidence...)
	require.NoError(t, err)
	require.True(t, charge.SameSum(again))
	require.Equal(t, charge.Evidence, again.Evidence)
	without, err := rater.Rate(groupCall(100), readAt)
	require.NoError(t, err)
	require.False(t, charge.SameSum(without))

	for name, change := range map[string]func(*billing.Step){
		"member":       func(s *billing.Step) { s.Member.User = "user9" },
		"interval":     func(s *billing.Step) { s.Member.Intervals[0].To = s.Member.Intervals[0].To.Add(time.Millisecond) },
		"proof":        func(s *billing.Step) { s.Member.Proof[0] = "another" },
		"witnessed":    func(s *billing.Step) { s.Member.Witnessed = !s.Member.Witnessed },
		"seconds":      func(s *billing.Step) { s.Member.Seconds++ },
		"no member":    func(s *billing.Step) { s.Member = nil },
		"disagreement": func(s *billing.Step) { s.Disagreement = &attendance.Disagreement{} },
	} {
		var changed billing.Charge
		require.NoError(t, json.Unmarshal(encoded, &changed))
		i := slices.IndexFunc(changed.Steps, func(s billing.Step) bool { return s.Member != nil && s.Member.User == "user2" })
		change(&changed.Steps[i])
		require.False(t, charge.SameSum(changed), name)
	}

	reversal, err := charge.Reversal("charge:1:a")
	require.NoError(t, err)
	require.Empty(t, reversal.Evidence)
	adjustment, err := charge.Adjustment(charge.Amount, charge.Amount)
	require.NoError(t, err)
	require.Empty(t, adjustment.Evidence)
	broken := stored.Tariff
	text := string(broken.VersionJSON)
	text = text[:strings.Index(text, `,"evidence"`)] + "}"
	broken.VersionJSON, broken.Hash = json.RawMessage(text), sha256Hex(text)
	_, err = broken.Restore()
	require.ErrorContains(t, err, "has per: participant_minute, but no evidence")
}

// TestMinutesAreTheSumOfMembers computes the sum from the steps of the members in the
// rational numbers of the standard library. Texts name no account.
func TestMinutesAreTheSumOfMembers(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rule := anyRule(t)
		rule.Per = billing.PerParticipantMinute
		tariff := tariffOf(rule)
		tariff.Rounding = anyTariff(t).Rounding
		tariff.Versions[0].Evidence = &billing.Evidence{
			Use:     rapid.SampledFrom([]attendance.Use{attendance.UseEarliestLeave, attendance.UseLongest, attendance.UseRecord}).Draw(t, "use"),
			Without: billing.WithoutReview,
		}
		record := groupCall(rapid.Int64Range(1, 4000).Draw(t, "length"))
		var events []attendance.Event
		for _, user := range []string{"10001", "user2", "user3"} {
			for _, source := range []attendance.Source{attendance.SourceRoom, attendance.SourceCallback} {
				turns := rapid.SliceOfN(rapid.Int64Range(-10, 4000), 1, 5).Draw(t, "turns")
				slices.Sort(turns)
				events = append(events, seen(source, user, turns...)...)
			}
		}
		charge, err := billing.Rate(record, "standard", tariff, readAt, events...)
		require.NoError(t, err)
		billed := int64(0)
		for _, s := range charge.Steps {
			if s.Disagreement != nil && s.Disagreement.User != "" {
				require.NotContains(t, s.Text, s.Disagreement.User)
			}
			if s.Member == nil {
				continue
			}
			require.NotContains(t, s.Text, s.Member.User)
			require.LessOrEqual(t, s.Member.Seconds, record.ConnectedSeconds())
			switch d := s.Member.Seconds; {
			case d == 0 || d <= rule.FreeSeconds:
				require.Zero(t, s.Seconds)
			default:
				over := max(0, d-rule.FirstInterval)
				require.Equal(t, rule.FirstInterval+(over+rule.NextInterval-1)/rule.NextInterval*rule.NextInterval, s.Seconds)
			}
			billed += s.Seconds
		}
		require.Equal(t, billed, charge.BilledSeconds)
		sum := new(big.Rat)
		if billed > 0 {
			sum.Mul(ratOf(t, rule.RatePerMinute.String()), big.NewRat(billed, 60))
			sum.Add(sum, ratOf(t, rule.ConnectionFee.String()))
			if least := ratOf(t, rule.MinimumCharge.String()); sum.Cmp(least) < 0 {
				sum = least
			}
			if rule.Cap != nil && sum.Cmp(ratOf(t, rule.Cap.String())) > 0 {
				sum = ratOf(t, rule.Cap.String())
			}
		}
		require.Equal(t, roundedCents(sum, tariff.Rounding), charge.Amount.Number())
	})
}

// TestPayerWhoWasNotInTheCall: whoever a person names as the payer of a record without a
// caller is no member of the call, and a member who pays has no more time than was seen.
func TestPayerWhoWasNotInTheCall(t *testing.T) {
	rater, err := billing.NewRater("standard", byMinutes(t, attendance.UseReview))
	require.NoError(t, err)
	record := groupCall(100)
	members := record.Members
	record.Caller = ""
	var events []attendance.Event
	for _, user := range members {
		events = append(events, seen(attendance.SourceRoom, user, 10, 40)...)
	}
	for _, payer := range []string{"somebody-else", members[0], members[1]} {
		record.Caller = payer
		charge, err := rater.Decide(record, billing.Decision{Verdict: billing.VerdictCharge, PayerNamed: true}, events...)
		require.NoError(t, err)
		want := map[string]int64{}
		for _, user := range members {
			want[user] = 30
		}
		require.Equal(t, want, charge.MemberSeconds(), payer)
	}
}
