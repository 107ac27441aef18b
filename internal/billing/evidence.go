package billing

import (
	"cmp"
	"slices"
	"time"

	"aftercall/internal/attendance"
	"aftercall/internal/tencent"
)

// Evidence says how the time of each member is found by what was seen of the call. Only
// rules with PerParticipantMinute use it.
type Evidence struct {
	Use       attendance.Use `yaml:"use" json:"use" required:"true" doc:"Which time of a member counts where there is a disagreement: earliest_leave (until one source says that the member left), longest (as long as a source makes it possible), record (the whole call), or review (a person decides)."`
	Without   Without        `yaml:"without" json:"without" required:"true" doc:"What becomes of a call of which nothing was seen: participant (charged as by per: participant), or review."`
	Tolerance Duration       `yaml:"tolerance" json:"tolerance,omitempty" default:"5s" doc:"How much time one source can have of a member that another does not have, without a disagreement, 1s to 10m."`
	Sources   int            `yaml:"sources" json:"sources,omitempty" default:"1" doc:"How many sources must have seen the call, 1 or 2: fewer are a disagreement."`
}

// Without is what becomes of a call of which nothing was seen.
type Without string

// What can become of such a call.
const (
	WithoutParticipant Without = "participant"
	WithoutReview      Without = "review"
)

var withouts = []Without{WithoutParticipant, WithoutReview}

const (
	defaultTolerance  = Duration(5 * time.Second)
	smallestTolerance = Duration(time.Second)
	largestTolerance  = Duration(10 * time.Minute)
	// mostSources is how many sources there are.
	mostSources = 2
)

// canonical is the evidence with every default written out.
func (e *Evidence) canonical() *Evidence {
	if e == nil {
		return nil
	}
	return &Evidence{Use: e.Use, Without: e.Without, Tolerance: cmp.Or(e.Tolerance, defaultTolerance), Sources: cmp.Or(e.Sources, 1)}
}

func (e *Evidence) policy() attendance.Policy {
	return attendance.Policy{Tolerance: time.Duration(e.Tolerance), Sources: e.Sources, Use: e.Use}
}

// byMinutes reports whether the rule charges the time of each member.
func (r *Rule) byMinutes() bool {
	return r.Per == PerParticipantMinute && (r.Action == "" || r.Action == ActionCharge)
}

// NeedsEvidence reports whether Rate charges the call by what was seen of it, or finds
// its payer by that.
func (r *Rater) NeedsEvidence(record tencent.CallRecord) bool {
	v := r.segments[r.inForce(time.Unix(record.EndTime, 0))].version
	if v == nil || !record.Connected() {
		return false
	}
	if r.AsksRoomOwner(record) {
		return true
	}
	i, found := v.rule(&record)
	return found && v.Rules[i].byMinutes()
}

// AsksRoomOwner reports whether the payer of the call is found by who opened its room.
func (r *Rater) AsksRoomOwner(record tencent.CallRecord) bool {
	rule := r.payerRule(&record)
	return rule != nil && rule.choice.asksOwner
}

// ByMinutes reports whether any version charges the time of each member.
func (r *Rater) ByMinutes() bool {
	return slices.ContainsFunc(r.segments, func(s segment) bool { return s.version != nil && s.version.byMinutes() })
}

// EvidenceSources is how many sources must see a call that the tariff charges by the time
// of each member, 0 if it charges none so.
func (t Tariff) EvidenceSources() int {
	needed := 0
	for _, v := range t.Versions {
		if slices.ContainsFunc(v.Rules, func(rule Rule) bool { return rule.byMinutes() }) {
			needed = max(needed, 1)
			if v.Evidence != nil {
				needed = max(needed, v.Evidence.Sources)
			}
		}
	}
	return needed
}

func (v *compiledVersion) byMinutes() bool {
	return slices.ContainsFunc(v.Rules, func(rule Rule) bool { return rule.byMinutes() })
}

// attended finds the time of each member. It is nil if nothing was seen.
func (e *Evidence) attended(record *tencent.CallRecord, seen []attendance.Event, use attendance.Use) *attendance.Attendance {
	policy := e.policy()
	policy.Use = use
	a := attendance.Of(*record, seen, policy)
	if len(a.Sources) == 0 {
		return nil
	}
	return &a
}

// maxDisagreements is how many disagreements the reasons for a review name.
const maxDisagreements = 10

// evidence adds the reasons for a review in what was seen, or was not.
func (rs *reasons) evidence(e *Evidence, a *attendance.Attendance, names names) {
	switch {
	case a == nil && e.Without == WithoutReview:
		rs.add(ReasonNoEvidence, "the price is per participant minute, but nothing was seen of who was in the call")
	case a != nil && a.Review():
		for i, d := range a.Disagreements {
			if i == maxDisagreements {
				rs.add(ReasonDisagreement, "%d more disagreements", len(a.Disagreements)-i)
				break
			}
			rs.add(ReasonDisagreement, "%s", e.problem(d, names))
		}
	}
}
