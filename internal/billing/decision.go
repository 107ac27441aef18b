package billing

import (
	"errors"
	"fmt"
	"strconv"
	"time"

	"aftercall/internal/tencent"
)

// Verdict is what a person decided about a call that needed review.
type Verdict string

// The verdicts.
const (
	// VerdictCharge: the record is right, charge it.
	VerdictCharge Verdict = "charge"
	// VerdictWaive: charge nothing.
	VerdictWaive Verdict = "waive"
	// VerdictChargeAs: charge the call as if it had been connected for so many seconds.
	VerdictChargeAs Verdict = "charge-as"
)

// Decision is a verdict with what it needs.
type Decision struct {
	Verdict Verdict `json:"verdict"`
	// ConnectedSeconds are for charge-as only, which needs them.
	ConnectedSeconds int64 `json:"connected_seconds,omitempty"`
	// MediaType and CallType stand in for those of a record that has none or
	// unknown ones; they are not for waive.
	MediaType tencent.MediaType `json:"media_type,omitempty"`
	CallType  tencent.CallType  `json:"call_type,omitempty"`
	// Unconfirmed says that Tencent had no record of the call, so that what is
	// known of it is what the callback said.
	Unconfirmed bool `json:"unconfirmed,omitempty"`
}

// maxDecidedSeconds bounds what charge-as can mean: Tencent keeps records for seven days.
const maxDecidedSeconds = int64(7 * 24 * time.Hour / time.Second)

// Validate says what is wrong with the decision itself, whatever the call.
func (d Decision) Validate() error {
	var errs []error
	check := func(ok bool, format string, args ...any) {
		if !ok {
			errs = append(errs, fmt.Errorf(format, args...))
		}
	}
	switch d.Verdict {
	case VerdictChargeAs:
		check(d.ConnectedSeconds > 0 && d.ConnectedSeconds <= maxDecidedSeconds,
			"connected_seconds: must be from 1 to %d for charge-as: say for how long the call was really connected", maxDecidedSeconds)
	case VerdictCharge, VerdictWaive:
		check(d.ConnectedSeconds == 0, "connected_seconds: is only for charge-as: leave it out")
	default:
		check(false, "verdict: %q is none: write charge, waive or charge-as", shorten(string(d.Verdict)))
	}
	check(d.Verdict != VerdictCharge || !d.Unconfirmed,
		"verdict: Tencent has no record of this call, so there is nothing to confirm: write charge-as with the real time, or waive")
	check(d.MediaType == "" || d.MediaType.Known(), "media_type: %q is not known: write %s", shorten(string(d.MediaType)), list(mediaTypes, "or"))
	check(d.CallType == "" || d.CallType.Known(), "call_type: %q is not known: write %s", shorten(string(d.CallType)), list(callTypes, "or"))
	check(d.Verdict != VerdictWaive || d.MediaType == "" && d.CallType == "", "media_type, call_type: mean nothing to waive: leave them out")
	return errors.Join(errs...)
}

// Decide says what a call costs after a person looked at it. What speaks
// against the record no longer counts, but it must be possible to follow the
// verdict; a *ReviewError says why it is not. A call is charged by the rule for
// its result or, where that wants a review or there is none, by the rule for NormalEnd.
func (r *Rater) Decide(record tencent.CallRecord, d Decision) (Charge, error) {
	if err := d.Validate(); err != nil {
		return Charge{}, err
	}
	e := r.inForce(record.EndTime)
	if e == nil {
		if d.Verdict != VerdictWaive {
			var why reasons
			why.add(ReasonNoVersion, "no version of tariff %s was in force at the call's end: add one, or waive the call", r.name)
			return Charge{}, why.err()
		}
		e = &r.editions[len(r.editions)-1] // nothing is nothing in the oldest, too
	}
	return e.decide(&record, d)
}

func (e *compiledEdition) decide(record *tencent.CallRecord, d Decision) (Charge, error) {
	charge := Charge{Participants: participants(record), Amount: e.zero, Tariff: e.applied}
	decided := Step{Kind: StepDecision, Decision: &d}
	source := "the record"
	if d.Unconfirmed {
		source = "the callback (there is no record)"
	}
	if d.Verdict == VerdictWaive {
		charge.ConnectedSeconds = max(0, record.ConnectedSeconds())
		decided.Amount, decided.Text = e.zero.Number(), "a person decided to charge nothing"
		charge.Steps = []Step{e.tariffStep("waived after review"), decided}
		return charge, nil
	}
	var why reasons
	switch {
	case d.Verdict == VerdictChargeAs:
		charge.ConnectedSeconds = d.ConnectedSeconds
		decided.Text = "a person decided: connected for " + strconv.FormatInt(d.ConnectedSeconds, 10) + " s"
		if record.ConnectedSeconds() > 0 {
			decided.Text += ", not " + strconv.FormatInt(record.ConnectedSeconds(), 10) + " s as in " + source
		}
	case record.ConnectedSeconds() <= 0:
		why.add(ReasonImpossibleTimes, "the record has no connected time to charge: use charge-as with the real one, or waive")
	default:
		charge.ConnectedSeconds = record.ConnectedSeconds()
		decided.Text = "a person confirmed: connected for " + strconv.FormatInt(charge.ConnectedSeconds, 10) + " s, from AcceptTime to EndTime"
	}
	decided.Seconds = charge.ConnectedSeconds
	judged := *record
	if d.MediaType != "" {
		judged.MediaType = d.MediaType
	}
	if d.CallType != "" {
		judged.CallType = d.CallType
	}
	i, found := e.decidedRule(&judged)
	switch {
	case !found:
		why.add(ReasonNoRule, "no rule of tariff %s charges such a call (%s %s): name its media_type or call_type, or waive it",
			e.applied.Name, shorten(string(judged.MediaType)), shorten(string(judged.CallType)))
	case e.Rules[i].Action == ActionCharge && e.Rules[i].Per == PerParticipant && charge.Participants == 0:
		why.add(ReasonNoParticipants, "the price is per participant, but the record has no member other than the caller: waive the call")
	}
	if err := why.err(); err != nil {
		return Charge{}, err
	}
	return e.sum(charge, &judged, i, decided)
}

// decidedRule finds the rule to charge by: the one for the call's result, or
// else the one for a normal end.
func (e *compiledEdition) decidedRule(r *tencent.CallRecord) (int, bool) {
	for _, result := range []tencent.CallResult{r.Result, tencent.ResultNormalEnd} {
		as := *r
		as.Result = result
		if i, found := e.rule(&as); found && e.Rules[i].Action != ActionReview {
			return i, true
		}
	}
	return 0, false
}
