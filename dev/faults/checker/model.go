package checker

import (
	"fmt"
	"math/big"
	"slices"
	"strconv"
	"strings"

	"github.com/anishathalye/porcupine"
)

// model is what a call is if one thing happens after the other: a workflow that is
// started, and a ledger that never forgets. After an operation without an answer it is
// one of several.
var model = func() porcupine.Model {
	m := nondeterministic.ToModel()
	m.DescribeState = func(states any) string {
		var all []string
		for _, s := range states.([]any) {
			all = append(all, s.(callState).String())
		}
		return strings.Join(all, " or ")
	}
	return m
}()

var nondeterministic = porcupine.NondeterministicModel{
	Init: func() []any { return []any{callState{}} },
	Step: func(state, input, _ any) (next []any) {
		for _, s := range state.(callState).step(input.(Operation)) {
			next = append(next, s)
		}
		return next
	},
	Equal: func(a, b any) bool {
		s, t := a.(callState), b.(callState)
		return s.started == t.started && slices.Equal(s.entries, t.entries)
	},
	DescribeOperation: func(input, _ any) string { return input.(Operation).String() },
}

// callState is a call between two operations. It is never changed.
type callState struct {
	started bool
	entries []booked // in the order in which they were booked
}

// booked is an entry, named as in "charge 1", "adjustment 2" and "reversal of charge 1".
// The number is the one in its key, and reversed is that of the reversed entry.
type booked struct {
	name   string
	amount string // without trailing zeros
}

// String is the state in a few words.
func (s callState) String() string {
	if len(s.entries) == 0 {
		return map[bool]string{true: "started", false: "unknown"}[s.started]
	}
	return describe(s.entries)
}

// step returns the states that an operation may leave behind; none if it cannot have
// come to its outcome now.
func (s callState) step(o Operation) []callState {
	after, possible := s.do(o)
	switch {
	case o.Outcome == Unknown && possible:
		return []callState{s, after}
	case o.Outcome == Unknown:
		return []callState{s}
	case (o.Outcome == Done || o.Outcome == Succeeded) && possible:
		return []callState{after}
	case (o.Outcome == Already || o.Outcome == Succeeded) && s.has(o), o.Outcome == Refused && s.refuses(o):
		return []callState{s}
	}
	return nil
}

// do returns the state after an operation that is done.
func (s callState) do(o Operation) (after callState, possible bool) {
	entries := newBooked(o.Entries)
	charge, charged := s.charge()
	switch o.Kind {
	case OpCallback: // which only counts if the call is not lost any more
		return s, s.started || len(s.entries) > 0
	case OpStart: // again only when the workflow of a charged call is no longer known
		return callState{true, s.entries}, !s.started || len(s.entries) > 0
	case OpCharge:
		return s.book(entries), s.started && len(s.entries) == 0 && len(entries) == 1 && entries[0].name == "charge 1"
	case OpReverse:
		name := charge.name
		if o.Key != "" {
			name = nameOf(o.Key)
		}
		reversals, ok := s.reversals(name)
		return s.book(reversals), ok && same(reversals, entries)
	case OpUndo:
		again, ok := s.again()
		return s.book(again), ok && same(again, entries)
	case OpAdjust:
		next := s.next("adjustment")
		if len(entries) == 1 && entries[0].name == anyAdjustment {
			if s.has(o) { // a repetition books nothing
				return s, false
			}
			entries[0].name = next
		}
		return s.book(entries), charged && len(entries) == 1 && entries[0].name == next
	case OpRead:
		return s, contains(s.entries, entries) && len(entries) == len(s.entries)
	default: // OpFind
		return s, len(s.entries) > 0 && contains(s.entries, entries)
	}
}

// has reports whether what an operation does was done before.
func (s callState) has(o Operation) bool {
	charge, charged := s.charge()
	switch o.Kind {
	case OpStart:
		return s.started || len(s.entries) > 0
	case OpReverse:
		if o.Key == "" {
			return !charged && len(s.entries) > 0
		}
		return s.reversed(nameOf(o.Key)) && (!charged || strings.HasPrefix(nameOf(o.Key), "adjustment"))
	case OpUndo:
		return charged && charge.name != "charge 1"
	case OpAdjust:
		return slices.ContainsFunc(s.entries, func(b booked) bool {
			return slices.ContainsFunc(newBooked(o.Entries), func(want booked) bool {
				return b == want || want.name == anyAdjustment && strings.HasPrefix(b.name, "adjustment") && b.amount == want.amount
			})
		})
	default:
		return len(o.Entries) > 0 && contains(s.entries, newBooked(o.Entries))
	}
}

// refuses reports whether an operation cannot be done.
func (s callState) refuses(o Operation) bool {
	charge, charged := s.charge()
	switch o.Kind {
	case OpCallback, OpStart: // a refusal, such as 503, promises nothing
		return true
	case OpCharge, OpFind:
		return (len(s.entries) > 0) == (o.Kind == OpCharge)
	case OpReverse: // without an adjustment, the call may cost less than nothing
		if o.Key == "" {
			return !charged
		}
		_, ok := s.reversals(nameOf(o.Key))
		return !ok || strings.HasPrefix(nameOf(o.Key), "adjustment")
	case OpUndo:
		return len(s.entries) == 0 || charged && charge.name == "charge 1"
	default: // a credit may be larger than the charge
		entries := newBooked(o.Entries)
		return !charged || len(entries) != 1 || entries[0].name != s.next("adjustment") || strings.HasPrefix(entries[0].amount, "-")
	}
}

// charge is the charge that was not reversed.
func (s callState) charge() (charge booked, charged bool) {
	for _, b := range s.entries {
		if strings.HasPrefix(b.name, "charge") && !s.reversed(b.name) {
			charge, charged = b, true
		}
	}
	return charge, charged
}

func (s callState) find(name string) int {
	return slices.IndexFunc(s.entries, func(b booked) bool { return b.name == name })
}

func (s callState) reversed(name string) bool { return s.find(reversalOf+name) >= 0 }

// next is the name of the next entry of a kind.
func (s callState) next(kind string) string {
	n := 1
	for s.find(kind+" "+strconv.Itoa(n)) >= 0 {
		n++
	}
	return kind + " " + strconv.Itoa(n)
}

// reversals are those that the reversal of an entry books: with a charge, its
// adjustments are reversed.
func (s callState) reversals(name string) (all []booked, ok bool) {
	for _, b := range s.entries {
		adjusts := strings.HasPrefix(b.name, "adjustment") && strings.HasPrefix(name, "charge")
		if (b.name == name || adjusts) && !s.reversed(b.name) {
			all = append(all, booked{reversalOf + b.name, negative(b.amount)})
		}
	}
	return all, s.find(name) >= 0 && !s.reversed(name)
}

// again are the entries that undo the last reversal of a charge: what was reversed with
// it is booked again, surcharges first.
func (s callState) again() (all []booked, ok bool) {
	_, charged := s.charge()
	last := -1
	for i, b := range s.entries {
		if strings.HasPrefix(b.name, reversalOf+"charge") {
			last = i
		}
	}
	if charged || last < 0 {
		return nil, false
	}
	after := s
	for _, r := range s.entries[last:] {
		kind, _, _ := strings.Cut(strings.TrimPrefix(r.name, reversalOf), " ")
		all = append(all, booked{kind, negative(r.amount)})
	}
	slices.SortStableFunc(all[1:], func(a, b booked) int { return rational(b.amount).Cmp(rational(a.amount)) })
	for i := range all {
		all[i].name = after.next(all[i].name)
		after = after.book(all[i : i+1])
	}
	return all, true
}

func (s callState) book(entries []booked) callState {
	return callState{s.started, slices.Concat(s.entries, entries)}
}

// same reports whether entries are those that were to be booked, if it is known.
func same(want, entries []booked) bool {
	return len(entries) == 0 || len(entries) == len(want) && contains(want, entries)
}

func contains(all, some []booked) bool {
	for _, b := range some {
		if !slices.Contains(all, b) {
			return false
		}
	}
	return true
}

const (
	reversalOf = "reversal of "
	// anyAdjustment has no number yet.
	anyAdjustment = "adjustment"
)

// nameOf is the name of the entry with a key, as docs/ledger.md describes it:
// charge.2:1400000000:… is "charge 2".
func nameOf(key string) string {
	kind, _, _ := strings.Cut(key, ":")
	kind, number, several := strings.Cut(kind, ".")
	if !several {
		number = "1"
	}
	return kind + " " + number
}

func newBooked(entries []Entry) (all []booked) {
	for _, e := range entries {
		name := nameOf(e.Key)
		switch {
		case e.Reverses != "":
			name = reversalOf + nameOf(e.Reverses)
		case e.Key == "":
			name = anyAdjustment
		}
		all = append(all, booked{name, decimal(rational(e.Amount))})
	}
	return all
}

func rational(amount string) *big.Rat {
	exact, ok := new(big.Rat).SetString(amount)
	if !ok {
		return new(big.Rat)
	}
	return exact
}

func negative(amount string) string { return decimal(new(big.Rat).Neg(rational(amount))) }

func decimal(exact *big.Rat) string {
	return strings.TrimSuffix(strings.TrimRight(exact.FloatString(6), "0"), ".")
}

func describe(entries []booked) string {
	var all []string
	for _, b := range entries {
		all = append(all, fmt.Sprintf("%s of %s", b.name, b.amount))
	}
	return strings.Join(all, ", ")
}
