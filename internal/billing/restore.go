package billing

import (
	"encoding/json"
	"errors"
	"fmt"
)

// Restore makes a Rater of the one version of a tariff that a charge was made
// by, as the ledger keeps it, so that the charge can be computed again whatever
// became of the configuration. The error says that the version is not the one
// that its hash names, or cannot be read.
func (t AppliedTariff) Restore() (*Rater, error) {
	if hash := hashOf(t.Edition); hash != t.Hash {
		return nil, fmt.Errorf("tariff %s: the stored version has the hash %s, not %s: it was changed", t.Name, hash, t.Hash)
	}
	var e Edition
	if err := json.Unmarshal(t.Edition, &e); err != nil {
		return nil, fmt.Errorf("tariff %s: the stored version: %w", t.Name, err)
	}
	if !e.EffectiveFrom.Equal(t.EffectiveFrom) {
		return nil, fmt.Errorf("tariff %s: the stored version is that of %s, not of %s", t.Name, e.EffectiveFrom, t.EffectiveFrom)
	}
	if len(e.Rules) == 0 {
		return nil, errors.New("tariff " + t.Name + ": the stored version has no rules")
	}
	compiled, err := e.compile(t.Name)
	if err != nil {
		return nil, fmt.Errorf("tariff %s: the stored version: %w", t.Name, err)
	}
	// A later release may write an edition otherwise; its name stays.
	compiled.applied = t
	return &Rater{name: t.Name, editions: []compiledEdition{compiled}}, nil
}

// SameSum reports whether two charges come to the same money, seconds and
// steps. The words of steps do not count: a later release may word them better.
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
		if (a.Decision == nil) != (b.Decision == nil) || a.Decision != nil && *a.Decision != *b.Decision {
			return false
		}
	}
	return true
}
