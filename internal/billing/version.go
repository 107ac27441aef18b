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

// TariffVersion is a Version with everything that decides a sum: the settings of
// its Tariff, and every default written out. Its JSON is canonical: two versions
// that charge the same have the same JSON and the same hash, whatever they look
// like in the configuration. The ledger keeps the JSON, so that a charge can be
// computed again later. A new field needs omitempty, and a zero value that
// charges as before: otherwise the hash of every version changes.
type TariffVersion struct {
	Currency      string    `json:"currency"`
	Digits        int       `json:"digits"`
	Rounding      Rounding  `json:"rounding"`
	EffectiveFrom time.Time `json:"effective_from"`
	MaxDuration   Duration  `json:"max_duration"`
	Rules         []Rule    `json:"rules"`
	// Evidence is nil unless a rule needs it.
	Evidence *Evidence `json:"evidence,omitempty"`
}

// ChargeDigits are the digits after the point that the charges of a valid tariff have.
func (t Tariff) ChargeDigits() int {
	if t.Digits != nil {
		return *t.Digits
	}
	digits, _ := currency.GetDigits(t.Currency)
	return int(digits)
}

// versions are the complete versions of a valid tariff, the latest first.
func (t Tariff) versions() []TariffVersion {
	versions := make([]TariffVersion, len(t.Versions))
	for i, version := range t.Versions {
		v := TariffVersion{
			Currency:      t.Currency,
			Digits:        t.ChargeDigits(),
			Rounding:      cmp.Or(t.Rounding, RoundHalfUp),
			EffectiveFrom: version.EffectiveFrom.UTC(),
			MaxDuration:   cmp.Or(version.MaxDuration, defaultMaxDuration),
			Rules:         make([]Rule, len(version.Rules)),
			Evidence:      version.Evidence.canonical(),
		}
		for j, rule := range version.Rules {
			v.Rules[j] = rule.canonical()
		}
		versions[i] = v
	}
	slices.SortFunc(versions, func(a, b TariffVersion) int { return b.EffectiveFrom.Compare(a.EffectiveFrom) })
	return versions
}

// canonical is the rule with complete lists in a fixed order, every default
// written out, and numbers without trailing zeros.
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

// expand is given in the order of all, or whenEmpty if nothing is given.
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

// encode returns the canonical JSON of the version and its SHA-256 in hex.
func (v TariffVersion) encode() (canonical []byte, hash string, err error) {
	canonical, err = json.Marshal(v)
	if err != nil {
		return nil, "", fmt.Errorf("encode tariff: %w", err)
	}
	return canonical, hashOf(canonical), nil
}

func hashOf(canonical []byte) string {
	sum := sha256.Sum256(canonical)
	return hex.EncodeToString(sum[:])
}

// rule finds the index of the rule for a connected call. found is false if there is none.
func (v *TariffVersion) rule(r *tencent.CallRecord) (i int, found bool) {
	for i := range v.Rules {
		if v.Rules[i].matches(r.MediaType, r.CallType, r.Result) {
			return i, true
		}
	}
	return 0, false
}
