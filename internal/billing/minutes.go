package billing

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"aftercall/internal/attendance"
	"aftercall/internal/tencent"
)

// names are what members are called in texts, by their accounts, which texts do not name.
type names map[string]string

func namesOf(a *attendance.Attendance, record *tencent.CallRecord) names {
	n, participants := names{}, 0
	if a == nil {
		return n
	}
	for _, m := range a.Members {
		if m.User == record.Caller {
			n[m.User] = "the caller"
			continue
		}
		participants++
		n[m.User] = "participant " + strconv.Itoa(participants)
	}
	return n
}

// problem says what is in disagreement.
func (e *Evidence) problem(d attendance.Disagreement, names names) string {
	who := names[d.User]
	switch d.Problem {
	case attendance.OneSource:
		return fmt.Sprintf("one source saw the call, but %d must", e.Sources)
	case attendance.NobodyJoined:
		return "the record says that the call was accepted, but nobody was seen to join"
	case attendance.SourcesDiffer:
		return fmt.Sprintf("the sources differ about %s by more than %s", who, time.Duration(e.Tolerance))
	case attendance.JoiningMissed:
		return who + " was seen to leave, but not to join before"
	case attendance.NeverLeft:
		return who + " was seen to join, but not to leave"
	default:
		return string(d.Problem) + " " + who
	}
}

// decided says how a disagreement was decided.
func decided(d attendance.Disagreement) string {
	who := "the member"
	if d.User == "" {
		who = "each member"
	}
	switch {
	case d.Problem == attendance.NeverLeft && (d.Decided == attendance.UseEarliestLeave || d.Decided == attendance.UseLongest):
		return string(d.Decided) + ", " + who + " was there until EndTime"
	case d.Decided == attendance.UseEarliestLeave:
		return "earliest_leave, " + who + " left as soon as one source says so"
	case d.Decided == attendance.UseLongest:
		return "longest, " + who + " was there as long as a source makes it possible"
	case d.Decided == attendance.UseRecord:
		return "record, " + who + " was there from AcceptTime to EndTime"
	default:
		return string(d.Decided)
	}
}

// minutes adds to c what a connected call costs by rule i for the time of each member,
// with the steps. connected is the step that says where the time of the record comes from.
func (v *compiledVersion) minutes(c Charge, record *tencent.CallRecord, i int, connected Step, a *attendance.Attendance) (Charge, error) {
	rule, names := &v.Rules[i], namesOf(a, record)
	c.Evidence = a.Events
	c.Steps = append(make([]Step, 0, 8+len(a.Disagreements)+len(a.Members)), v.ruleStep(record, i), connected)
	for _, d := range a.Disagreements {
		c.step(Step{Kind: StepDisagreement, Disagreement: &d, Text: v.Evidence.problem(d, names) + ": decided by " + decided(d)})
	}
	charged := int64(0)
	for _, m := range a.Members {
		billed, how := rule.member(m, record.Result)
		charged += billed
		c.step(Step{Kind: StepMember, Seconds: billed, Member: &m, Text: names[m.User] + ": " + how})
	}
	if charged == 0 {
		c.step(Step{Kind: StepFree, Amount: c.Amount.Number(), Text: "no time to charge for"})
		return c, nil
	}
	c.BilledSeconds = charged
	c.step(Step{
		Kind: StepBilled, Seconds: charged,
		Text: fmt.Sprintf("billed as %d s together: of each the first %d s, then every %d s begun", charged, rule.FirstInterval, rule.NextInterval),
	})
	return v.finish(c, i, false)
}

// member is how many seconds of a member are billed, and why.
func (r *Rule) member(m attendance.Member, result tencent.CallResult) (billed int64, how string) {
	if m.Seconds == 0 {
		return 0, "never connected" + proof(m)
	}
	how = "connected for " + strconv.FormatInt(m.Seconds, 10) + " s" + proof(m)
	duration := m.Seconds
	switch {
	case r.GraceSeconds > 0 && m.Witnessed:
		how += ", without grace for " + string(result) + " because two sources saw the leaving"
	case r.GraceSeconds > 0:
		duration = max(0, duration-r.GraceSeconds)
		how += fmt.Sprintf(", less %d s grace for %s: %d s", r.GraceSeconds, result, duration)
	}
	if why := r.free(duration, result); why != "" {
		return 0, how + ", " + why
	}
	billed = billedSeconds(duration, r.FirstInterval, r.NextInterval)
	return billed, how + ", billed as " + strconv.FormatInt(billed, 10) + " s"
}

// maxShown is how many intervals and how many events a text names.
const maxShown = 4

// proof are the intervals of a member, and the events that prove them.
func proof(m attendance.Member) string {
	var intervals []string
	for _, i := range m.Intervals {
		intervals = append(intervals, i.From.Format(clockFormat)+" to "+i.To.Format(clockFormat))
	}
	var parts []string
	if len(intervals) > 0 {
		parts = append(parts, shownOf(intervals))
	}
	if len(m.Proof) > 0 {
		parts = append(parts, "events "+shownOf(m.Proof))
	}
	if len(parts) == 0 {
		return ""
	}
	return " (" + strings.Join(parts, "; ") + ")"
}

const clockFormat = "15:04:05.000"

func shownOf(all []string) string {
	if more := len(all) - maxShown; more > 0 {
		return strings.Join(all[:maxShown], ", ") + " and " + strconv.Itoa(more) + " more"
	}
	return strings.Join(all, ", ")
}
