package billing

import (
	"cmp"
	"slices"
	"time"

	"aftercall/internal/attendance"
	"aftercall/internal/tencent"
)

// Unrecorded is what becomes of a call of which Tencent has no record.
type Unrecorded string

// What can become of such a call.
const (
	// UnrecordedReview: a person decides.
	UnrecordedReview Unrecorded = "review"
	// UnrecordedEvidence: it is charged by what two sources saw, if they agree.
	UnrecordedEvidence Unrecorded = "evidence"
	// UnrecordedFree: it costs nothing.
	UnrecordedFree Unrecorded = "free"
)

// Unrecordeds lists what can become of a call without a record.
var Unrecordeds = []Unrecorded{UnrecordedReview, UnrecordedEvidence, UnrecordedFree}

const clockFormatFull = "2006-01-02 15:04:05.000"

// RateUnrecorded charges a call without a record, as UnrecordedEvidence or UnrecordedFree
// says. claim is what a callback says of it, which is never charged alone; record is what
// is charged. A free call is nobody's: who made it is not confirmed. asOf and seen are as
// in Rate. A call that must not be charged without review gives a *ReviewError.
func (r *Rater) RateUnrecorded(how Unrecorded, claim tencent.CallRecord, asOf time.Time, seen ...attendance.Event) (record tencent.CallRecord, charge Charge, err error) {
	var why reasons
	why.record(&claim, asOf)
	if claim.MembersTotal > 0 {
		why.add(ReasonUnwitnessed, "the callback names only some of its members")
	}
	if how == UnrecordedFree {
		record, charge = r.freeUnrecorded(claim)
		return record, charge, nil
	}
	if err := why.err(); err != nil {
		return claim, Charge{}, err
	}
	confirmed := r.confirm(claim, claim.EndTime, seen)
	if first, last := r.inForce(claim.EndedAt()), r.inForce(confirmed.Record.EndedAt()); len(confirmed.Doubts) == 0 && first != last {
		confirmed = r.confirm(claim, confirmed.Record.EndTime, seen)
	}
	for _, doubt := range confirmed.Doubts {
		why.add(ReasonUnwitnessed, "%s", string(doubt))
	}
	if err := why.err(); err != nil {
		return claim, Charge{}, err
	}
	record = confirmed.Record
	why.record(&record, asOf)
	if charge, err = r.rate(record, seen, why); err != nil {
		return claim, Charge{}, err
	}
	text := "no record: the room saw that nobody was connected"
	if record.Connected() {
		text = "no record: both sources saw the call connected from " + confirmed.From.Format(clockFormatFull) + " to " + confirmed.To.Format(clockFormatFull)
	}
	charge.Steps = slices.Insert(charge.Steps, 1, Step{Kind: StepWitnessed, Text: text})
	charge.Evidence = confirmed.Events
	return record, charge, nil
}

// confirm compares a claim with what was seen, with the tolerance at a time.
func (r *Rater) confirm(claim tencent.CallRecord, at int64, seen []attendance.Event) attendance.Confirmed {
	tolerance := defaultTolerance
	if v := r.segments[r.inForce(time.Unix(at, 0))].version; v != nil && v.Evidence != nil {
		tolerance = cmp.Or(v.Evidence.Tolerance, defaultTolerance)
	}
	return attendance.Confirm(claim, seen, time.Duration(tolerance))
}

// freeUnrecorded is the charge of a call that costs nothing because it has no record.
func (r *Rater) freeUnrecorded(claim tencent.CallRecord) (tencent.CallRecord, Charge) {
	record := claim
	record.Members = slices.DeleteFunc(slices.Clone(claim.Members), func(m string) bool { return m == claim.Caller && m != "" })
	record.Caller = ""
	i := r.inForce(record.EndedAt())
	for r.segments[i].version == nil { // the next version is as good as any to charge nothing by, and there is one
		i--
	}
	v := r.segments[i].version
	return record, Charge{Participants: participants(&record), Amount: v.zero, Tariff: v.applied, Steps: []Step{
		v.tariffStep("calls without a record"),
		{Kind: StepUnrecorded, Amount: v.zero.Number(), Text: "no record: such calls cost nothing in this app"},
	}}
}

// Unrecorded is how the call was charged without a record and a decision; empty if it was
// charged otherwise.
func (c Charge) Unrecorded() Unrecorded {
	switch {
	case c.has(StepUnrecorded):
		return UnrecordedFree
	case c.has(StepWitnessed):
		return UnrecordedEvidence
	default:
		return ""
	}
}
