package billing

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"aftercall/internal/tencent"

	"github.com/bojanz/currency"
)

// Edition is one version of a tariff with everything that decides a sum,
// written out: no default is left open. Its JSON is canonical, so that two
// editions that charge alike have the same hash however they were written, and
// it is what the ledger keeps, so that a sum can be computed again for ever.
type Edition struct {
	Currency      string    `json:"currency"`
	Digits        int       `json:"digits"`
	Rounding      Rounding  `json:"rounding"`
	EffectiveFrom time.Time `json:"effective_from"`
	MaxDuration   Duration  `json:"max_duration"`
	Rules         []Rule    `json:"rules"`
}

// editions writes the versions of a valid tariff out, the latest first.
func (t Tariff) editions() []Edition {
	editions := make([]Edition, len(t.Versions))
	for i, version := range t.Versions {
		digits, _ := currency.GetDigits(t.Currency)
		e := Edition{
			Currency:      t.Currency,
			Digits:        int(digits),
			Rounding:      cmp.Or(t.Rounding, RoundHalfUp),
			EffectiveFrom: version.EffectiveFrom.UTC(),
			MaxDuration:   cmp.Or(version.MaxDuration, defaultMaxDuration),
			Rules:         make([]Rule, len(version.Rules)),
		}
		if t.Digits != nil {
			e.Digits = *t.Digits
		}
		for j, rule := range version.Rules {
			e.Rules[j] = rule.canonical()
		}
		editions[i] = e
	}
	slices.SortFunc(editions, func(a, b Edition) int { return b.EffectiveFrom.Compare(a.EffectiveFrom) })
	return editions
}

// canonical writes the rule out: lists complete and in a fixed order, defaults
// named, numbers without trailing zeros.
func (r Rule) canonical() Rule {
	r.Media = expand(r.Media, mediaTypes, mediaTypes)
	r.CallTypes = expand(r.CallTypes, callTypes, callTypes)
	r.Results = expand(r.Results, connectedResults, slices.Concat(connectedResults, unconnectedResults))
	r.Action = cmp.Or(r.Action, ActionCharge)
	r.Per = cmp.Or(r.Per, PerCall)
	r.RatePerMinute = r.RatePerMinute.reduced()
	r.ConnectionFee = r.ConnectionFee.reduced()
	r.MinimumCharge = r.MinimumCharge.reduced()
	if r.Cap != nil {
		reduced := r.Cap.reduced()
		r.Cap = &reduced
	}
	return r
}

// expand fills in an empty list and orders it as all does.
func expand[T comparable](given, whenEmpty, all []T) []T {
	if len(given) == 0 {
		return slices.Clone(whenEmpty)
	}
	var ordered []T
	for _, w := range all {
		if slices.Contains(given, w) {
			ordered = append(ordered, w)
		}
	}
	return ordered
}

// encode returns the canonical JSON of the edition and its SHA-256 in hex.
func (e Edition) encode() (canonical []byte, hash string, err error) {
	canonical, err = json.Marshal(e)
	if err != nil {
		return nil, "", fmt.Errorf("encode tariff: %w", err)
	}
	return canonical, hashOf(canonical), nil
}

func hashOf(canonical []byte) string {
	sum := sha256.Sum256(canonical)
	return hex.EncodeToString(sum[:])
}

// rule finds the index of the rule for a connected call.
func (e *Edition) rule(r *tencent.CallRecord) (int, bool) {
	for i := range e.Rules {
		if e.Rules[i].matches(r.MediaType, r.CallType, r.Result) {
			return i, true
		}
	}
	return 0, false
}
