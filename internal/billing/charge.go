package billing

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"aftercall/internal/attendance"

	"github.com/bojanz/currency"
)

// Charge is what a call costs and why.
type Charge struct {
	// ConnectedSeconds is EndTime − AcceptTime, 0 for a call that was never connected.
	ConnectedSeconds int64 `json:"connected_seconds"`
	// BilledSeconds is the connected time less grace seconds, rounded up to whole
	// intervals; 0 for a call that costs nothing. By PerParticipantMinute it is the sum
	// of all members, each rounded up alone.
	BilledSeconds int64 `json:"billed_seconds"`
	// Participants counts the members other than the caller, each once.
	Participants int `json:"participants"`
	// Amount has the digits of the tariff. It is negative only in a reversal and in an
	// adjustment.
	Amount currency.Amount `json:"amount"`
	Tariff AppliedTariff   `json:"tariff"`
	// Steps explain how the amount follows from the record, in order.
	Steps []Step `json:"steps"`
	// Evidence is what the time of the members was found by, if it was: without it the
	// charge cannot be computed again.
	Evidence []attendance.Event `json:"evidence,omitempty"`
}

// Free reports whether there is nothing to pay.
func (c Charge) Free() bool { return c.Amount.IsZero() }

// AppliedTariff identifies the version of a tariff that a charge was made by.
type AppliedTariff struct {
	Name          string    `json:"name"`
	EffectiveFrom time.Time `json:"effective_from"`
	// Hash is the SHA-256, in hex, of VersionJSON.
	Hash string `json:"hash"`
	// VersionJSON is the canonical JSON of a TariffVersion: all that is needed to
	// compute the charge again. It is shared; do not change it.
	VersionJSON json.RawMessage `json:"edition"`
}

// StepKind is what a step of a sum does, for programs.
type StepKind string

// The steps of a sum, in the order in which they can occur.
const (
	StepTariff StepKind = "tariff"
	// StepUnrecorded and StepWitnessed: Tencent has no record of the call. It is free, or
	// charged as two sources saw it.
	StepUnrecorded   StepKind = "unrecorded"
	StepWitnessed    StepKind = "witnessed"
	StepUnconnected  StepKind = "unconnected"
	StepConnected    StepKind = "connected"
	StepDecision     StepKind = "decision"
	StepDisagreement StepKind = "disagreement"
	StepMember       StepKind = "member"
	StepNoEvidence   StepKind = "no evidence"
	StepGrace        StepKind = "grace"
	StepFree         StepKind = "free"
	StepBilled       StepKind = "billed"
	StepUsage        StepKind = "usage"
	StepFee          StepKind = "fee"
	StepMinimum      StepKind = "minimum"
	StepCap          StepKind = "cap"
	StepParticipants StepKind = "participants"
	StepRounded      StepKind = "rounded"
	// StepPayer says who pays, if that is by a rule of the app or named by a person.
	StepPayer StepKind = "payer"
	// StepReversal is the first step of a reversal.
	StepReversal StepKind = "reversal"
	// StepAdjustment is the first step of an adjustment. Its amount is what the call
	// costs after it.
	StepAdjustment StepKind = "adjustment"
	// StepBelowZero follows in an entry that a person forced, although it brings what
	// the call costs below zero.
	StepBelowZero StepKind = "below zero"
)

// Step is one step of a sum: Text is for people, the rest for programs.
type Step struct {
	Kind StepKind `json:"kind"`
	Text string   `json:"text"`
	// Seconds is the duration after the step, where the step is about time.
	Seconds int64 `json:"seconds,omitempty"`
	// Amount is the exact sum after the step, where the step is about money: a
	// decimal number, or a fraction such as 305/6000 where no decimal is exact.
	// math/big.Rat reads both.
	Amount string `json:"amount,omitempty"`
	// Decision is set in the step of a review: a person decided, in place of the
	// record.
	Decision *Decision `json:"decision,omitempty"`
	// Member is set in the step of a member. Text does not name the account.
	Member *attendance.Member `json:"member,omitempty"`
	// Disagreement is set in its step. Text does not name the account.
	Disagreement *attendance.Disagreement `json:"disagreement,omitempty"`
	// Payer is set in the step about who pays. Text does not name the account.
	Payer *Payer `json:"payer,omitempty"`
}

// NamedText is Text with the account of the member or payer whom the step is about, for
// where accounts may be shown.
func (s Step) NamedText() string {
	switch {
	case s.Member != nil:
		return s.Member.User + ", " + s.Text
	case s.Payer != nil && s.Payer.Account != "":
		return s.Text + ": " + s.Payer.Account
	default:
		return s.Text
	}
}

// Decision is what a person decided about the call, nil if it needed no review.
func (c Charge) Decision() *Decision {
	for _, s := range c.Steps {
		if s.Decision != nil {
			return s.Decision
		}
	}
	return nil
}

// MemberSeconds are the connected seconds of each member, by account; none if the charge
// was not made from them.
func (c Charge) MemberSeconds() map[string]int64 {
	seconds := map[string]int64{}
	for _, s := range c.Steps {
		if s.Member != nil {
			seconds[s.Member.User] = s.Member.Seconds
		}
	}
	return seconds
}

// Reversal is the same call by the same tariff and payer with the negative amount. key is
// the key of the charge or adjustment that it reverses.
func (c Charge) Reversal(key string) (Charge, error) {
	r := c
	r.Evidence = nil
	if !c.Amount.IsZero() { // there is no negative zero
		var err error
		if r.Amount, err = c.Amount.Mul("-1"); err != nil {
			return Charge{}, fmt.Errorf("reverse %s: %w", key, err)
		}
	}
	text := "takes back " + c.Amount.String() + ", which " + key + " charged"
	if c.has(StepAdjustment) {
		text = "takes back " + key + ", which was " + c.Amount.String()
	}
	r.Steps = append([]Step{{Kind: StepReversal, Amount: r.Amount.Number(), Text: text}}, c.payerStep()...)
	return r, nil
}

// Adjustment is the same call by the same tariff and payer with an amount that a person decided,
// and without time. before is what the call costs without it.
func (c Charge) Adjustment(amount, before currency.Amount) (Charge, error) {
	after, err := before.Add(amount)
	if err != nil {
		return Charge{}, fmt.Errorf("adjust by %s: %w", amount, err)
	}
	a := c
	a.Evidence = nil
	a.ConnectedSeconds, a.BilledSeconds, a.Amount = 0, 0, amount
	text := "the call costs " + before.String() + " without it, and " + after.String() + " with it"
	a.Steps = append([]Step{{Kind: StepAdjustment, Amount: after.Number(), Text: text}}, c.payerStep()...)
	return a, nil
}

// Force is the same reversal or adjustment, forced by a person to bring what the call
// costs below zero.
func (c Charge) Force() Charge {
	c.Steps = append(slices.Clip(c.Steps), Step{Kind: StepBelowZero, Text: "below zero, by the decision of the operator"})
	return c
}

// Forced reports whether a person forced the sum below zero.
func (c Charge) Forced() bool { return c.has(StepBelowZero) }

func (c Charge) has(kind StepKind) bool {
	return slices.ContainsFunc(c.Steps, func(s Step) bool { return s.Kind == kind })
}
