package checker

import (
	"cmp"
	"fmt"
	"math/big"
	"slices"
	"strings"
)

// Rule is the price of a kind of call. Empty lists match all.
type Rule struct {
	Media, Types, Results []string
	// PerMinute is a decimal, First and Next are intervals in seconds.
	PerMinute      string
	First, Next    int64
	Grace          int64
	PerParticipant bool
	// Members charges the time of each member as it was seen, and calls of which nothing
	// was seen per participant. Where something is wrong, the earliest leaving counts.
	Members bool
	// Review leaves the call to a person.
	Review bool
}

// Tariff is a price list, with what the simulated configuration says.
type Tariff struct {
	Currency   string
	Digits     int
	MaxSeconds int64
	Rules      []Rule
	// Robots is how the callers begin whose calls the first callee pays; empty for none.
	Robots string
	// WithoutRecord is UnrecordedFree or UnrecordedSeen; if it is empty, a person decides
	// about calls of which Tencent has no record.
	WithoutRecord string
}

// Sum is what a call costs.
type Sum struct {
	Amount        string
	Currency      string
	BilledSeconds int64
}

// String is the sum in a few words.
func (s Sum) String() string {
	return fmt.Sprintf("%s %s for %d s", s.Amount, s.Currency, s.BilledSeconds)
}

// The values that Tencent documents.
var (
	knownResults = []string{"Cancel", "Reject", "NotAnswer", "NormalEnd", "CallBusy", "Interrupt", "Offline"}
	knownMedia   = []string{"Audio", "Video"}
	knownTypes   = []string{"SingleCall", "MultiCall"}
)

// Rate computes what a call costs. It shares no code with the product, and is written
// from the documentation of the tariffs: that both agree is what it is for. review says
// that a person must decide.
func (t Tariff) Rate(c Call) (sum Sum, review bool) {
	connected := c.End - c.Accept
	switch {
	case c.End <= 0 || c.Start < 0 || c.Accept < 0 || c.End < c.Start,
		!slices.Contains(knownResults, c.Result), !slices.Contains(knownMedia, c.Media), !slices.Contains(knownTypes, c.Type),
		c.Result == "NormalEnd" && c.Accept == 0:
		return Sum{}, true
	case c.Accept == 0:
		return t.free(), false
	case c.Accept < c.Start, connected < 0, connected > t.MaxSeconds:
		return Sum{}, true
	}
	rule, found := t.rule(c)
	if !found || rule.Review || ((rule.PerParticipant || rule.Members) && c.Participants == 0) {
		return Sum{}, true
	}
	if sum = t.minutes(rule, c, false); sum == (Sum{}) {
		sum = t.sum(rule, max(connected-rule.Grace, 0), c.Participants)
	}
	return sum, c.Caller == "" && sum.Amount != t.free().Amount
}

// Payer is who pays for a call about which no person has decided.
func (t Tariff) Payer(c Call) string {
	if t.Robots != "" && strings.HasPrefix(c.Caller, t.Robots) {
		return c.FirstCallee
	}
	return c.Caller
}

// Decide computes what a call costs after a person's decision: nothing, for its
// connected time, or for the seconds that they gave.
func (t Tariff) Decide(c Call, d Decision) (Sum, bool) {
	if d.Verdict == "waive" {
		return t.free(), true
	}
	c.Media, c.Type = cmp.Or(d.Media, c.Media), cmp.Or(d.Type, c.Type)
	rule, found := t.rule(c)
	if !found || rule.Review { // the documented rule for other results
		c.Result = "NormalEnd"
		rule, found = t.rule(c)
	}
	seconds := d.Seconds
	if d.Verdict == "charge" {
		if !c.Recorded || c.Accept <= 0 || c.End <= c.Accept {
			return Sum{}, false
		}
		seconds = max(c.End-c.Accept-rule.Grace, 0)
		if sum := t.minutes(rule, c, true); sum != (Sum{}) {
			return sum, found
		}
	}
	return t.sum(rule, seconds, c.Participants), found
}

func (t Tariff) free() Sum {
	return Sum{Amount: new(big.Rat).FloatString(t.Digits), Currency: t.Currency}
}

func (t Tariff) rule(c Call) (Rule, bool) {
	for _, r := range t.Rules {
		if matches(r.Media, c.Media) && matches(r.Types, c.Type) && matches(r.Results, c.Result) {
			return r, true
		}
	}
	return Rule{}, false
}

func matches(list []string, value string) bool {
	return len(list) == 0 || slices.Contains(list, value)
}

// minutes is the rate for the time of each member, in intervals that have begun, rounded
// half up once; nothing for another rule or if nothing was seen.
func (t Tariff) minutes(r Rule, c Call, record bool) Sum {
	if !r.Members {
		return Sum{}
	}
	seconds := c.members(record)
	if seconds == nil {
		return Sum{}
	}
	billed := int64(0)
	for _, n := range seconds {
		billed += r.billed(int64(n))
	}
	return t.price(r, billed, 1)
}

// billed are the seconds in intervals that have begun.
func (r Rule) billed(seconds int64) int64 {
	if seconds <= 0 {
		return 0
	}
	billed := r.First
	for billed < seconds {
		billed += r.Next
	}
	return billed
}

// sum is the rate for the seconds, in intervals that have begun, rounded half up once.
func (t Tariff) sum(r Rule, seconds int64, participants int) Sum {
	if !r.PerParticipant && !r.Members {
		participants = 1
	}
	return t.price(r, r.billed(seconds), participants)
}

func (t Tariff) price(r Rule, billed int64, times int) Sum {
	if billed == 0 {
		return t.free()
	}
	exact, ok := new(big.Rat).SetString(r.PerMinute)
	if !ok {
		return Sum{Amount: "no rate: " + r.PerMinute}
	}
	exact.Mul(exact, big.NewRat(billed, 60))
	exact.Mul(exact, big.NewRat(int64(times), 1))
	return Sum{Amount: exact.FloatString(t.Digits), Currency: t.Currency, BilledSeconds: billed}
}
