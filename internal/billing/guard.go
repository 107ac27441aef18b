package billing

import (
	"fmt"
	"strings"
	"time"

	"aftercall/internal/tencent"
)

// MaxClockSkew is how long after the time at which its record was read a call can
// have ended, because the two times come from different clocks.
const MaxClockSkew = time.Minute

// ReasonCode is why a call must not be charged without review, for programs.
type ReasonCode string

// The reasons for a review.
const (
	ReasonImpossibleTimes ReasonCode = "impossible_times"
	ReasonNotEnded        ReasonCode = "not_ended"
	ReasonNoAcceptTime    ReasonCode = "no_accept_time"
	ReasonUnknownResult   ReasonCode = "unknown_result"
	ReasonUnknownMedia    ReasonCode = "unknown_media_type"
	ReasonUnknownCallType ReasonCode = "unknown_call_type"
	ReasonTooLong         ReasonCode = "too_long"
	ReasonNoVersion       ReasonCode = "no_tariff_version"
	ReasonNoRule          ReasonCode = "no_rule"
	ReasonRule            ReasonCode = "tariff_rule"
	ReasonNoParticipants  ReasonCode = "no_participants"
	ReasonNoPayer         ReasonCode = "no_payer"
	ReasonNoEvidence      ReasonCode = "no_evidence"
	ReasonDisagreement    ReasonCode = "disagreement"
	ReasonUnwitnessed     ReasonCode = "unwitnessed"
	ReasonTooMuchEvidence ReasonCode = "too_much_evidence"
)

// Reason is one reason for a review. Text is for people, and names no account.
type Reason struct {
	Code ReasonCode `json:"code"`
	Text string     `json:"text"`
}

// ReviewError is returned instead of a charge when a person must decide about a
// call.
type ReviewError struct {
	// Reasons are all that were found, at least one.
	Reasons []Reason
}

// Error lists the reasons.
func (e *ReviewError) Error() string {
	texts := make([]string, len(e.Reasons))
	for i, r := range e.Reasons {
		texts[i] = r.Text
	}
	return "needs review: " + strings.Join(texts, "; ")
}

// reasons collects the reasons for a review.
type reasons []Reason

func (rs *reasons) add(code ReasonCode, format string, args ...any) {
	*rs = append(*rs, Reason{Code: code, Text: fmt.Sprintf(format, args...)})
}

// err is nil when there are no reasons.
func (rs reasons) err() error {
	if len(rs) == 0 {
		return nil
	}
	return &ReviewError{Reasons: rs}
}

// record checks what does not depend on the tariff.
func (rs *reasons) record(r *tencent.CallRecord, asOf time.Time) {
	switch {
	case r.EndTime == 0:
		rs.add(ReasonNotEnded, "EndTime is 0")
	case r.EndTime > asOf.Add(MaxClockSkew).Unix():
		rs.add(ReasonNotEnded, "EndTime %d is in the future", r.EndTime)
	case r.EndTime < 0 || r.StartTime < 0 || r.AcceptTime < 0:
		rs.add(ReasonImpossibleTimes, "a time is negative")
	case r.EndTime < r.StartTime:
		rs.add(ReasonImpossibleTimes, "EndTime %d is before StartTime %d", r.EndTime, r.StartTime)
	}
	if r.Connected() && r.AcceptTime < r.StartTime {
		rs.add(ReasonImpossibleTimes, "AcceptTime %d is before StartTime %d", r.AcceptTime, r.StartTime)
	}
	if r.Connected() && r.EndTime != 0 && r.AcceptTime > r.EndTime {
		rs.add(ReasonImpossibleTimes, "AcceptTime %d is after EndTime %d", r.AcceptTime, r.EndTime)
	}
	if r.Result == tencent.ResultNormalEnd && r.AcceptTime == 0 {
		rs.add(ReasonNoAcceptTime, "CallResult is NormalEnd but AcceptTime is 0")
	}
	if !r.Result.Known() {
		rs.add(ReasonUnknownResult, "CallResult %q is unknown", shorten(string(r.Result)))
	}
	if !r.MediaType.Known() {
		rs.add(ReasonUnknownMedia, "MediaType %q is unknown", shorten(string(r.MediaType)))
	}
	if !r.CallType.Known() {
		rs.add(ReasonUnknownCallType, "CallType %q is unknown", shorten(string(r.CallType)))
	}
}
