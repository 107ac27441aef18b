package billing

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"aftercall/internal/attendance"
)

// Restore makes a Rater of the tariff version that a charge was made by, as the
// ledger keeps it, so that the charge can be computed again whatever the
// configuration says today. It is an error if the version does not have its
// hash or its effective_from, or cannot be decoded.
func (t AppliedTariff) Restore() (*Rater, error) {
	if hash := hashOf(t.VersionJSON); hash != t.Hash {
		return nil, fmt.Errorf("tariff %s: the stored version has the hash %s, not %s: it was changed", t.Name, hash, t.Hash)
	}
	var v TariffVersion
	if err := json.Unmarshal(t.VersionJSON, &v); err != nil {
		return nil, fmt.Errorf("tariff %s: the stored version: %w", t.Name, err)
	}
	if !v.EffectiveFrom.Equal(t.EffectiveFrom) {
		return nil, fmt.Errorf("tariff %s: the stored version is that of %s, not of %s", t.Name, v.EffectiveFrom, t.EffectiveFrom)
	}
	if len(v.Rules) == 0 {
		return nil, errors.New("tariff " + t.Name + ": the stored version has no rules")
	}
	compiled, err := v.compile(t.Name)
	if err != nil {
		return nil, fmt.Errorf("tariff %s: the stored version: %w", t.Name, err)
	}
	// Charges keep the stored text and hash, also if this release would encode
	// the same version differently.
	compiled.applied = t
	return &Rater{segments: []segment{{from: v.EffectiveFrom, tariff: t.Name, version: &compiled}, {tariff: t.Name}}, restored: true}, nil
}

// SameSum reports whether two charges have the same amount, seconds, participants,
// payer and steps. The texts of steps are not compared, because a later release can
// word them differently.
func (c Charge) SameSum(other Charge) bool {
	if !c.Amount.Equal(other.Amount) || c.ConnectedSeconds != other.ConnectedSeconds || c.BilledSeconds != other.BilledSeconds ||
		c.Participants != other.Participants || len(c.Steps) != len(other.Steps) {
		return false
	}
	for i := range c.Steps {
		a, b := &c.Steps[i], &other.Steps[i]
		if a.Kind != b.Kind || a.Seconds != b.Seconds || a.Amount != b.Amount {
			return false
		}
		if !equal(a.Decision, b.Decision) || !equal(a.Disagreement, b.Disagreement) || !equal(a.Payer, b.Payer) || !sameMember(a.Member, b.Member) {
			return false
		}
	}
	return true
}

func equal[T comparable](a, b *T) bool {
	return a == nil && b == nil || a != nil && b != nil && *a == *b
}

func sameMember(a, b *attendance.Member) bool {
	if a == nil || b == nil {
		return a == b
	}
	return a.User == b.User && a.Seconds == b.Seconds && a.Witnessed == b.Witnessed && slices.Equal(a.Proof, b.Proof) &&
		slices.EqualFunc(a.Intervals, b.Intervals, func(a, b attendance.Interval) bool { return a.From.Equal(b.From) && a.To.Equal(b.To) })
}
