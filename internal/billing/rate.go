package billing

import (
	"errors"
	"fmt"
	"strconv"
	"time"

	"aftercall/internal/attendance"
	"aftercall/internal/tencent"

	"github.com/bojanz/currency"
)

// Rater charges calls by one tariff, or by one after the other. It is immutable and
// safe for concurrent use.
type Rater struct {
	// segments are all time, the latest first.
	segments []segment
	// restored is set if it computes again what was charged before.
	restored bool
	// payers are the rules by which another account than the caller pays.
	payers []payerRule
}

// compiledVersion is a version with what is the same for every call.
type compiledVersion struct {
	TariffVersion
	applied AppliedTariff
	prices  []price
	zero    currency.Amount
	// title begins the text of the first step.
	title string
}

// price holds the fixed amounts of a rule. limit is its cap.
type price struct {
	fee, minimum, limit sixtieths
}

// NewRater prepares a tariff for charging. name is its name in the configuration.
// The error lists every problem of the tariff.
func NewRater(name string, t Tariff) (*Rater, error) {
	return NewAssignedRater(Assignments{{Name: name}}, map[string]Tariff{name: t})
}

// NewAssignedRater prepares the tariffs that are assigned to an app for charging. The
// error lists every problem of them.
func NewAssignedRater(as Assignments, tariffs map[string]Tariff) (*Rater, error) {
	var errs []error
	for _, p := range as.Validate() {
		errs = append(errs, fmt.Errorf("assigned tariffs: %s", p))
	}
	versions := make(map[string][]compiledVersion)
	for _, a := range as {
		if _, known := versions[a.Name]; known {
			continue
		}
		compiled, err := tariffs[a.Name].compile(a.Name)
		versions[a.Name], errs = compiled, append(errs, err)
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return &Rater{segments: as.segments(versions)}, nil
}

// compile prepares all versions of the tariff, the latest first.
func (t Tariff) compile(name string) ([]compiledVersion, error) {
	var errs []error
	for _, p := range t.Validate() {
		errs = append(errs, fmt.Errorf("tariff %s: %s", name, p))
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	var all []compiledVersion
	for _, v := range t.versions() {
		compiled, err := v.compile(name)
		if err != nil {
			return nil, fmt.Errorf("tariff %s: %w", name, err)
		}
		all = append(all, compiled)
	}
	return all, nil
}

func (v TariffVersion) compile(name string) (compiledVersion, error) {
	canonical, hash, err := v.encode()
	if err != nil {
		return compiledVersion{}, err
	}
	c := compiledVersion{
		TariffVersion: v,
		applied:       AppliedTariff{Name: name, EffectiveFrom: v.EffectiveFrom, Hash: hash, VersionJSON: canonical},
		prices:        make([]price, len(v.Rules)),
		title:         "tariff " + name + ", version of " + v.EffectiveFrom.Format(time.RFC3339) + ": ",
	}
	for i := range v.Rules {
		if c.prices[i], err = v.Rules[i].price(); err != nil {
			return compiledVersion{}, err
		}
	}
	if v.Evidence == nil && c.byMinutes() {
		return compiledVersion{}, errors.New("has per: participant_minute, but no evidence")
	}
	c.zero, err = v.amount(&sixtieths{})
	return c, err
}

// price converts the fixed amounts of the rule to sixtieths.
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

// amount rounds a sum to the digits of the version: the only rounding of a charge.
func (v *TariffVersion) amount(s *sixtieths) (currency.Amount, error) {
	rounded, err := s.round(v.Digits, v.Rounding)
	if err != nil {
		return currency.Amount{}, fmt.Errorf("round: %w", err)
	}
	amount, err := currency.NewAmount(rounded.Text('f'), v.Currency)
	if err != nil {
		return currency.Amount{}, fmt.Errorf("round: %w", err)
	}
	return amount, nil
}

// Rate charges one call by a tariff, as Rater.Rate does. A Rater is faster for
// more than one call.
func Rate(record tencent.CallRecord, name string, t Tariff, asOf time.Time, seen ...attendance.Event) (Charge, error) {
	r, err := NewRater(name, t)
	if err != nil {
		return Charge{}, err
	}
	return r.Rate(record, asOf, seen...)
}

// Rate computes what the call costs by the version in force at its EndTime. asOf
// is when the record was read: a call that ended more than MaxClockSkew later is
// reviewed. seen is what is known of the members while the call lasted; see
// NeedsEvidence. A record that must not be charged without review gives a
// *ReviewError and no charge.
func (r *Rater) Rate(record tencent.CallRecord, asOf time.Time, seen ...attendance.Event) (Charge, error) {
	var why reasons
	why.record(&record, asOf)
	return r.rate(record, seen, why)
}

// rate is Rate of a record about which there are already reasons for a review, or none.
func (r *Rater) rate(record tencent.CallRecord, seen []attendance.Event, why reasons) (Charge, error) {
	s := &r.segments[r.inForce(time.Unix(record.EndTime, 0))]
	if s.version == nil && record.EndTime > 0 {
		why.add(ReasonNoVersion, "%s at %s", s.missing(), record.EndedAt().Format(time.RFC3339))
	}
	if s.version == nil {
		return Charge{}, why.err()
	}
	charge, err := s.version.rate(&record, seen, why)
	if err != nil {
		return Charge{}, r.alsoUnpaid(err, &record, seen)
	}
	if charge, err = r.pay(charge, &record, seen, ""); err != nil {
		return Charge{}, err
	}
	if !charge.Free() && record.Caller == "" && charge.Payer() == nil && !r.restored {
		why.add(ReasonNoPayer, "Caller_Account is empty: there is nobody to charge %s", charge.Amount)
		return Charge{}, why.err()
	}
	return charge, nil
}

// inForce is the index of the segment in which a call ended.
func (r *Rater) inForce(ended time.Time) int {
	for i := range r.segments {
		if !ended.Before(r.segments[i].from) {
			return i
		}
	}
	return len(r.segments) - 1
}

// rate charges the record. It adds to the reasons for a review, and returns them
// instead of a charge if there are any.
func (v *compiledVersion) rate(record *tencent.CallRecord, seen []attendance.Event, why reasons) (Charge, error) {
	charge := Charge{
		Participants: participants(record),
		Amount:       v.zero,
		Tariff:       v.applied,
	}
	if !record.Connected() {
		if err := why.err(); err != nil {
			return Charge{}, err
		}
		charge.Steps = v.unconnectedSteps(record)
		return charge, nil
	}
	charge.ConnectedSeconds = record.ConnectedSeconds()
	if limit := time.Duration(v.MaxDuration); charge.ConnectedSeconds > int64(limit/time.Second) {
		why.add(ReasonTooLong, "connected for %d s, longer than the tariff's max_duration of %s", charge.ConnectedSeconds, limit)
	}
	i, found := v.rule(record)
	switch {
	case !found && record.Result.Known() && record.MediaType.Known() && record.CallType.Known():
		why.add(ReasonNoRule, "no rule of tariff %s is for a connected %s %s that ended with %s",
			v.applied.Name, record.MediaType, record.CallType, record.Result)
	case found && v.Rules[i].Action == ActionReview:
		why.add(ReasonRule, "tariff %s wants %s calls reviewed", v.applied.Name, record.Result)
	case found && v.Rules[i].perParticipant() && charge.Participants == 0:
		why.add(ReasonNoParticipants, "the price is per participant, but the record has no member other than the caller")
	}
	if err := why.err(); err != nil {
		return Charge{}, err
	}
	var a *attendance.Attendance
	if v.Rules[i].byMinutes() {
		a = v.Evidence.attended(record, seen, v.Evidence.Use)
		why.evidence(v.Evidence, a, namesOf(a, record))
	}
	if err := why.err(); err != nil {
		return Charge{}, err
	}
	connected := Step{
		Kind: StepConnected, Seconds: charge.ConnectedSeconds,
		Text: "connected for " + strconv.FormatInt(charge.ConnectedSeconds, 10) + " s, from AcceptTime to EndTime",
	}
	if a != nil {
		return v.minutes(charge, record, i, connected, a)
	}
	return v.sum(charge, record, i, connected, false)
}

// perParticipant reports whether the rule charges nothing that can be known without
// participants.
func (r *Rule) perParticipant() bool {
	return r.byMinutes() || r.Action == ActionCharge && r.Per == PerParticipant
}

// participants counts the members other than the caller, each once. Tencent's
// member list includes the caller, and is not documented to have no duplicates.
func participants(r *tencent.CallRecord) int {
	seen := make(map[string]struct{}, len(r.Members))
	for _, m := range r.Members {
		if m != r.Caller && m != "" {
			seen[m] = struct{}{}
		}
	}
	return len(seen) + r.MemberCount() - len(r.Members)
}
