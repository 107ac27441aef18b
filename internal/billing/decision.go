package billing

import (
	"errors"
	"fmt"
	"strconv"
	"time"

	"aftercall/internal/attendance"
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
	// VerdictChargeAs: charge the call as if it had been connected for ConnectedSeconds.
	VerdictChargeAs Verdict = "charge-as"
)

// Decision is a verdict with what it needs.
type Decision struct {
	Verdict Verdict `json:"verdict"`
	// ConnectedSeconds is required for charge-as, and 0 otherwise.
	ConnectedSeconds int64 `json:"connected_seconds,omitempty"`
	// MediaType and CallType replace those of a record that has none or unknown
	// ones. They are empty for waive.
	MediaType tencent.MediaType `json:"media_type,omitempty"`
	CallType  tencent.CallType  `json:"call_type,omitempty"`
	// Unconfirmed is set if Tencent has no record of the call, so that all that is
	// known about it comes from the callback.
	Unconfirmed bool `json:"unconfirmed,omitempty"`
	// PayerNamed is set if the person who decided has named the payer, whom Tencent
	// has not confirmed.
	PayerNamed bool `json:"payer_named,omitempty"`
	// Payer is the account that this person has named where the record has a caller,
	// but the rule of the app gives no account; PayerNamed is set, too.
	Payer string `json:"payer,omitempty"`
	// EndNamed is set if the person who decided has named when the call ended, which
	// Tencent has not confirmed.
	EndNamed bool `json:"end_named,omitempty"`
	// Exact makes charge-as bill ConnectedSeconds without the rule's grace seconds,
	// which are about dead air before a lost connection was noticed: a person has
	// named the time without it. It is set for every new decision, and stored, so
	// that decisions from before this field are computed again as they were.
	Exact bool `json:"exact,omitempty"`
}

// maxDecidedSeconds is the longest time for charge-as: Tencent keeps records for seven days.
const maxDecidedSeconds = int64(7 * 24 * time.Hour / time.Second)

// Validate reports every problem of the decision itself, whatever the call.
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
		check(false, "verdict: %q is not a verdict: write charge, waive or charge-as", shorten(string(d.Verdict)))
	}
	check(d.Verdict != VerdictCharge || !d.Unconfirmed,
		"verdict: Tencent has no record of this call, so there is nothing to confirm: write charge-as with the real time, or waive")
	check(d.MediaType == "" || d.MediaType.Known(), "media_type: %q is not known: write %s", shorten(string(d.MediaType)), list(mediaTypes, "or"))
	check(d.CallType == "" || d.CallType.Known(), "call_type: %q is not known: write %s", shorten(string(d.CallType)), list(callTypes, "or"))
	check(d.Verdict != VerdictWaive || !d.PayerNamed, "payer: has no effect with waive: leave it out")
	check(d.Payer == "" || d.PayerNamed, "payer: is set without payer_named")
	check(d.Verdict == VerdictChargeAs || !d.EndNamed, "ended_at: is only for charge-as: leave it out")
	check(d.Verdict != VerdictWaive || d.MediaType == "" && d.CallType == "", "media_type, call_type: have no effect with waive: leave them out")
	return errors.Join(errs...)
}

// Decide computes what a call costs after a person reviewed it. The reasons for
// the review no longer count. A verdict that cannot be carried out is a
// *ReviewError with the reasons, and an invalid decision is the error of Validate.
// The call is charged by the rule for its result or, if there is none or its
// action is review, by the rule for NormalEnd. seen is as in Rate: whoever confirms the
// record confirms its time for members about whom there is a disagreement.
func (r *Rater) Decide(record tencent.CallRecord, d Decision, seen ...attendance.Event) (Charge, error) {
	if err := d.Validate(); err != nil {
		return Charge{}, err
	}
	i := r.inForce(time.Unix(record.EndTime, 0))
	if s := &r.segments[i]; s.version == nil && d.Verdict != VerdictWaive {
		var why reasons
		why.add(ReasonNoVersion, "%s at the call's end: add one, or waive the call", s.missing())
		return Charge{}, why.err()
	}
	for r.segments[i].version == nil { // the next version is as good as any to charge nothing by, and there is one
		i--
	}
	charge, err := r.segments[i].version.decide(&record, seen, d)
	switch {
	case err != nil && d.PayerNamed:
		return Charge{}, err
	case err != nil:
		return Charge{}, r.alsoUnpaid(err, &record, seen)
	case d.Payer != "":
		charge.step(Payer{Account: d.Payer, Is: PayerNamed}.step())
		return charge, nil
	case d.PayerNamed:
		return charge, nil
	}
	return r.pay(charge, &record, seen, ": name the payer, or waive the call")
}

func (v *compiledVersion) decide(record *tencent.CallRecord, seen []attendance.Event, d Decision) (Charge, error) {
	charge := Charge{Participants: participants(record), Amount: v.zero, Tariff: v.applied}
	decided := Step{Kind: StepDecision, Decision: &d}
	source := "the record"
	if d.Unconfirmed {
		source = "callbacks (there is no record)"
	}
	if d.Verdict == VerdictWaive {
		charge.ConnectedSeconds = max(0, record.ConnectedSeconds())
		decided.Amount, decided.Text = v.zero.Number(), "a person decided to charge nothing"
		charge.Steps = []Step{v.tariffStep("waived after review"), decided}
		return charge, nil
	}
	var why reasons
	switch {
	case d.Verdict == VerdictChargeAs:
		charge.ConnectedSeconds = d.ConnectedSeconds
		decided.Text = "a person decided: connected for " + strconv.FormatInt(d.ConnectedSeconds, 10) + " s"
		if record.ConnectedSeconds() > 0 && !d.EndNamed {
			decided.Text += ", not " + strconv.FormatInt(record.ConnectedSeconds(), 10) + " s as in " + source
		}
	case record.ConnectedSeconds() <= 0:
		why.add(ReasonImpossibleTimes, "the record has no connected time to charge: use charge-as with the real one, or waive")
	default:
		charge.ConnectedSeconds = record.ConnectedSeconds()
		decided.Text = "a person confirmed: connected for " + strconv.FormatInt(charge.ConnectedSeconds, 10) + " s, from AcceptTime to EndTime"
	}
	if d.PayerNamed {
		decided.Text += "; this person has named the payer"
	}
	if d.EndNamed {
		decided.Text += "; this person has named when the call ended"
	}
	decided.Seconds = charge.ConnectedSeconds
	judged := *record
	if d.MediaType != "" {
		judged.MediaType = d.MediaType
	}
	if d.CallType != "" {
		judged.CallType = d.CallType
	}
	i, found := v.decidedRule(&judged)
	switch {
	case !found:
		why.add(ReasonNoRule, "no rule of tariff %s charges such a call (%s %s): name its media_type or call_type, or waive it",
			v.applied.Name, shorten(string(judged.MediaType)), shorten(string(judged.CallType)))
	case v.Rules[i].perParticipant() && charge.Participants == 0:
		why.add(ReasonNoParticipants, "the price is per participant, but the record has no member other than the caller: waive the call")
	}
	if err := why.err(); err != nil {
		return Charge{}, err
	}
	if d.Verdict == VerdictCharge && v.Rules[i].byMinutes() {
		if d.PayerNamed && d.Payer == "" {
			judged.Caller = "" // who pays need not have been in the call, nor have called
		}
		if a := v.Evidence.attended(&judged, seen, attendance.UseRecord); a != nil {
			return v.minutes(charge, &judged, i, decided, a)
		}
	}
	return v.sum(charge, &judged, i, decided, d.Verdict == VerdictChargeAs && d.Exact)
}

// decidedRule finds the rule to charge by: the one for the call's result, or else
// the one for NormalEnd.
func (v *compiledVersion) decidedRule(r *tencent.CallRecord) (int, bool) {
	for _, result := range []tencent.CallResult{r.Result, tencent.ResultNormalEnd} {
		as := *r
		as.Result = result
		if i, found := v.rule(&as); found && v.Rules[i].Action != ActionReview {
			return i, true
		}
	}
	return 0, false
}
