package billing

import (
	"errors"
	"fmt"
	"strconv"
	"time"

	"aftercall/internal/tencent"

	"github.com/bojanz/currency"
)

// Rater charges calls by one tariff. It is immutable and safe for concurrent use.
type Rater struct {
	name string
	// editions are in descending order of their beginning.
	editions []compiledEdition
}

// compiledEdition is an edition with what need not be computed for every call.
type compiledEdition struct {
	Edition
	applied AppliedTariff
	prices  []price
	zero    currency.Amount
	// title begins the text of the first step.
	title string
}

// price holds the fixed sums of a rule.
type price struct {
	fee, minimum, limit sixtieths
}

// NewRater prepares a tariff for charging. name is what the configuration calls
// it. The error lists everything that is wrong with the tariff.
func NewRater(name string, t Tariff) (*Rater, error) {
	if problems := t.Validate(); len(problems) > 0 {
		errs := make([]error, len(problems))
		for i, p := range problems {
			errs[i] = fmt.Errorf("tariff %s: %s", name, p)
		}
		return nil, errors.Join(errs...)
	}
	r := &Rater{name: name}
	for _, e := range t.editions() {
		compiled, err := e.compile(name)
		if err != nil {
			return nil, fmt.Errorf("tariff %s: %w", name, err)
		}
		r.editions = append(r.editions, compiled)
	}
	return r, nil
}

func (e Edition) compile(name string) (compiledEdition, error) {
	canonical, hash, err := e.encode()
	if err != nil {
		return compiledEdition{}, err
	}
	c := compiledEdition{
		Edition: e,
		applied: AppliedTariff{Name: name, EffectiveFrom: e.EffectiveFrom, Hash: hash, Edition: canonical},
		prices:  make([]price, len(e.Rules)),
		title:   "tariff " + name + ", version of " + e.EffectiveFrom.Format(time.RFC3339) + ": ",
	}
	for i := range e.Rules {
		if c.prices[i], err = e.Rules[i].price(); err != nil {
			return compiledEdition{}, err
		}
	}
	c.zero, err = e.settle(&sixtieths{})
	return c, err
}

// price puts the fixed sums of the rule into sixtieths.
func (r *Rule) price() (p price, err error) {
	if p.fee, err = sixtiethsOf(&r.ConnectionFee, 60); err != nil {
		return p, err
	}
	if p.minimum, err = sixtiethsOf(&r.MinimumCharge, 60); err != nil {
		return p, err
	}
	if r.Cap != nil {
		p.limit, err = sixtiethsOf(r.Cap, 60)
	}
	return p, err
}

// settle rounds a sum: the only rounding of a charge.
func (e *Edition) settle(s *sixtieths) (currency.Amount, error) {
	rounded, err := s.round(e.Digits, e.Rounding)
	if err != nil {
		return currency.Amount{}, fmt.Errorf("settle: %w", err)
	}
	amount, err := currency.NewAmount(rounded.Text('f'), e.Currency)
	if err != nil {
		return currency.Amount{}, fmt.Errorf("settle: %w", err)
	}
	return amount, nil
}

// Rate charges one call by a tariff; see Rater, which is faster for more calls
// than one.
func Rate(record tencent.CallRecord, name string, t Tariff, asOf time.Time) (Charge, error) {
	r, err := NewRater(name, t)
	if err != nil {
		return Charge{}, err
	}
	return r.Rate(record, asOf)
}

// Rate says what the call costs by the version in force at its EndTime. asOf is
// when the record was read: a call cannot have ended after it. A record that
// must not be charged blindly gives a *ReviewError and no charge.
func (r *Rater) Rate(record tencent.CallRecord, asOf time.Time) (Charge, error) {
	var why reasons
	why.record(&record, asOf)
	e := r.inForce(record.EndTime)
	if e == nil && record.EndTime > 0 {
		why.add(ReasonNoVersion, "no version of tariff %s was in force at %s", r.name, record.EndedAt().Format(time.RFC3339))
	}
	if e == nil {
		return Charge{}, why.err()
	}
	return e.rate(&record, why)
}

// inForce finds the version that applies to a call that ended then, in Unix seconds.
func (r *Rater) inForce(endTime int64) *compiledEdition {
	ended := time.Unix(endTime, 0)
	for i := range r.editions {
		if !ended.Before(r.editions[i].EffectiveFrom) {
			return &r.editions[i]
		}
	}
	return nil
}

// rate charges the record unless there are reasons against it, or it finds some.
func (e *compiledEdition) rate(record *tencent.CallRecord, why reasons) (Charge, error) {
	charge := Charge{
		Participants: participants(record),
		Amount:       e.zero,
		Tariff:       e.applied,
	}
	if !record.Connected() {
		if err := why.err(); err != nil {
			return Charge{}, err
		}
		charge.Steps = e.unconnectedSteps(record)
		return charge, nil
	}
	charge.ConnectedSeconds = record.ConnectedSeconds()
	if limit := time.Duration(e.MaxDuration); charge.ConnectedSeconds > int64(limit/time.Second) {
		why.add(ReasonTooLong, "connected for %d s, longer than the tariff's max_duration of %s", charge.ConnectedSeconds, limit)
	}
	i, found := e.rule(record)
	switch {
	case !found && record.Result.Known() && record.MediaType.Known() && record.CallType.Known():
		why.add(ReasonNoRule, "no rule of tariff %s is for a connected %s %s that ended with %s",
			e.applied.Name, record.MediaType, record.CallType, record.Result)
	case found && e.Rules[i].Action == ActionReview:
		why.add(ReasonRule, "tariff %s wants %s calls reviewed", e.applied.Name, record.Result)
	case found && e.Rules[i].Action == ActionCharge && e.Rules[i].Per == PerParticipant && charge.Participants == 0:
		why.add(ReasonNoParticipants, "the price is per participant, but the record has no member other than the caller")
	}
	if err := why.err(); err != nil {
		return Charge{}, err
	}
	return e.sum(charge, record, i, Step{
		Kind: StepConnected, Seconds: charge.ConnectedSeconds,
		Text: "connected for " + strconv.FormatInt(charge.ConnectedSeconds, 10) + " s, from AcceptTime to EndTime",
	})
}

// participants counts the members other than the caller, each once. Tencent's
// member list includes the caller, and nothing says that it has no duplicates.
func participants(r *tencent.CallRecord) int {
	seen := make(map[string]struct{}, len(r.Members))
	for _, m := range r.Members {
		if m != r.Caller && m != "" {
			seen[m] = struct{}{}
		}
	}
	return len(seen)
}
