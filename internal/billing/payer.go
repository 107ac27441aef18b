package billing

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"aftercall/internal/attendance"
	"aftercall/internal/tencent"
)

// Payers say who pays for the calls of an app: the first rule that is for a call. One
// that no rule is for is paid by its caller.
type Payers []PayerRule

// PayerRule says who pays for the calls that it is for.
type PayerRule struct {
	Callers       []string  `yaml:"callers" doc:"Callers whose calls the rule is for: accounts, or how they begin, followed by an asterisk, as in robot-*; left out, all."`
	EffectiveFrom time.Time `yaml:"effective_from" doc:"When the rule begins to apply, by the EndTime of calls, as in 2026-01-01T00:00:00+08:00; left out, it applies to all calls."`
	Is            string    `yaml:"is" required:"true" doc:"Who pays: caller, first_callee, room_owner (who opened the room), or a template that gives the account."`
}

// PayerNamed is Payer.Is where a person has named the account in a review.
const PayerNamed = "named"

// Payer is who pays for a call, and what has decided it.
type Payer struct {
	// Account is empty for a free call whose rule gave none.
	Account string `json:"account"`
	// Is is that of the rule, so that the account can be found again without the
	// configuration.
	Is string `json:"is"`
}

func (p Payer) step() Step {
	words, known := payerWords[p.Is]
	if !known {
		words = "the account that the template gives"
	}
	text := "paid by " + words
	if p.Account == "" {
		text = "it is not known who pays: " + words
	}
	return Step{Kind: StepPayer, Payer: &p, Text: text}
}

// matches reports whether the rule is for a call.
func (r *PayerRule) matches(record *tencent.CallRecord) bool {
	if record.EndedAt().Before(r.EffectiveFrom) {
		return false
	}
	return len(r.Callers) == 0 || slices.ContainsFunc(r.Callers, func(pattern string) bool {
		if start, several := strings.CutSuffix(pattern, "*"); several {
			return strings.HasPrefix(record.Caller, start)
		}
		return record.Caller == pattern
	})
}

// Validate returns every problem of the rules, in the order of the file.
func (ps Payers) Validate() []Problem {
	if len(ps) == 0 {
		return []Problem{{Message: "is empty: write who pays, or leave it out: then the caller does"}}
	}
	var problems []Problem
	all := -1
	for i, rule := range ps {
		path := fmt.Sprintf("[%d]", i)
		if all >= 0 {
			problems = append(problems, Problem{path, fmt.Sprintf("is never reached, because the rule [%d] before it is for all calls: put that one last", all)})
		}
		if len(rule.Callers) == 0 && rule.EffectiveFrom.IsZero() && all < 0 {
			all = i
		}
		for j, pattern := range rule.Callers {
			if problem := patternProblem(pattern); problem != "" {
				problems = append(problems, Problem{fmt.Sprintf("%s.callers[%d]", path, j), problem})
			}
		}
		if _, err := newPayerChoice(rule.Is); err != nil {
			problems = append(problems, Problem{path + ".is", err.Error()})
		}
	}
	return problems
}

func patternProblem(pattern string) string {
	start, _ := strings.CutSuffix(pattern, "*")
	switch {
	case pattern == "":
		return "is empty: write an account"
	case start == "":
		return "is every caller: leave callers out"
	case strings.Contains(start, "*"):
		return "can have an asterisk only at its end, as in robot-*"
	}
	var bad *tencent.FieldError
	if errors.As(tencent.ValidateAccount("", start), &bad) {
		return bad.Problem
	}
	return ""
}

// NeedsRoom reports whether a rule asks who opened the room, which only the webhooks of
// rooms say.
func (ps Payers) NeedsRoom() bool {
	return slices.ContainsFunc(ps, func(rule PayerRule) bool {
		choice, err := newPayerChoice(rule.Is)
		return err == nil && choice.asksOwner
	})
}

// payerRule is a rule that can be applied.
type payerRule struct {
	PayerRule
	choice payerChoice
}

// PaidBy is the same Rater for calls that are paid as payers say. The error lists every
// problem of them.
func (r *Rater) PaidBy(payers Payers) (*Rater, error) {
	paid := *r
	paid.payers = nil
	if len(payers) == 0 {
		return &paid, nil
	}
	var errs []error
	for _, p := range payers.Validate() {
		errs = append(errs, fmt.Errorf("payer: %s", p))
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	for _, rule := range payers {
		choice, err := newPayerChoice(rule.Is)
		if err != nil {
			return nil, fmt.Errorf("payer: %w", err)
		}
		paid.payers = append(paid.payers, payerRule{rule, choice})
	}
	return &paid, nil
}

// PaidAs is the same Rater for a call that was charged before: it is paid in the same
// way, whatever the configuration says today.
func (r *Rater) PaidAs(payer *Payer) (*Rater, error) {
	if payer == nil && len(r.payers) == 0 {
		return r, nil
	}
	paid := *r
	paid.payers = nil
	if payer == nil || payer.Is == PayerNamed {
		return &paid, nil
	}
	choice, err := newPayerChoice(payer.Is)
	if err != nil {
		return nil, fmt.Errorf("payer: %w", err)
	}
	paid.payers = []payerRule{{choice: choice}}
	return &paid, nil
}

// payerRule is the first rule that is for the call, nil if none is.
func (r *Rater) payerRule(record *tencent.CallRecord) *payerRule {
	for i := range r.payers {
		if r.payers[i].matches(record) {
			return &r.payers[i]
		}
	}
	return nil
}

// payer finds who pays by the rules: nil if none is for the call. problem is why the rule
// gives no account, and payer has none then; it names no account. opened is what was seen
// that it asks for.
func (r *Rater) payer(record *tencent.CallRecord, seen []attendance.Event) (payer *Payer, opened []attendance.Event, problem string) {
	rule := r.payerRule(record)
	if rule == nil {
		return nil, nil, ""
	}
	facts := payerFacts{Caller: record.Caller, FirstCallee: firstCallee(record), RoomID: string(record.RoomID)}
	if rule.choice.asksOwner {
		opened = openings(record, seen)
		facts.RoomOwner, facts.ownerProblem = roomOwner(opened)
	}
	account, problem := rule.choice.account(&facts)
	return &Payer{Account: account, Is: rule.choice.is}, opened, problem
}

// pay adds to a charge who pays for it by the rules. Where they give no account, the call
// is not charged, unless it is free. It keeps the rule then, so that no correction charges
// its caller. hint is what a person can do.
func (r *Rater) pay(charge Charge, record *tencent.CallRecord, seen []attendance.Event, hint string) (Charge, error) {
	payer, opened, problem := r.payer(record, seen)
	switch {
	case problem != "" && !charge.Free():
		var why reasons
		why.add(ReasonNoPayer, "%s: there is nobody to charge %s%s", problem, charge.Amount, hint)
		return Charge{}, why.err()
	case payer != nil:
		charge.step(payer.step())
		charge.Evidence = append(slices.Clip(charge.Evidence), opened...)
	}
	return charge, nil
}

// alsoUnpaid adds to the reasons for a review that the rules give no account.
func (r *Rater) alsoUnpaid(err error, record *tencent.CallRecord, seen []attendance.Event) error {
	var review *ReviewError
	if !record.Connected() || !errors.As(err, &review) {
		return err
	}
	_, _, problem := r.payer(record, seen)
	if problem == "" {
		return err
	}
	return &ReviewError{Reasons: append(slices.Clip(review.Reasons), Reason{ReasonNoPayer, problem})}
}

// Payer is who pays for the call by a rule of the app or the decision of a person; nil if
// its caller does.
func (c Charge) Payer() *Payer {
	for _, s := range c.Steps {
		if s.Payer != nil {
			return s.Payer
		}
	}
	return nil
}

// payerStep is the step about the payer, as a list that can be added to others.
func (c Charge) payerStep() []Step {
	if payer := c.Payer(); payer != nil {
		return []Step{payer.step()}
	}
	return nil
}

// firstCallee is the first member in the order of the record that is not the caller; empty
// if there is none.
func firstCallee(r *tencent.CallRecord) string {
	i := slices.IndexFunc(r.Members, func(m string) bool { return m != "" && m != r.Caller })
	if i < 0 {
		return ""
	}
	return r.Members[i]
}

// openTolerance is how long before its start a call's room may have been opened, since
// clocks differ. Who opened it earlier, or after the end, did so for another call.
const openTolerance = time.Duration(defaultTolerance)

// openings are the openings of a room while a call lasted, each once, in order.
func openings(r *tencent.CallRecord, seen []attendance.Event) []attendance.Event {
	from, to := time.Unix(r.StartTime, 0).Add(-openTolerance), r.EndedAt()
	return slices.DeleteFunc(attendance.Openings(seen), func(e attendance.Event) bool { return e.At.Before(from) || e.At.After(to) })
}

// roomOwner is who opened the room. problem is why that is not known.
func roomOwner(opened []attendance.Event) (owner, problem string) {
	for _, e := range opened {
		if owner != "" && e.User != owner {
			return "", "the room was opened by more than one account"
		}
		owner = e.User
	}
	if owner == "" {
		return "", "nobody was seen to open the room"
	}
	return owner, ""
}
