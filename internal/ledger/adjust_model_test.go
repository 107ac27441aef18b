package ledger_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"aftercall/internal/ledger"
)

// callModel is what a call must cost, in cents.
type callModel struct {
	charge   int64 // -1 if it was reversed
	last     int64 // the charge that was reversed last
	revision int
	// adjustments are those that count by their number, and with those that were
	// reversed with the charge.
	adjustments, with map[int]int64
	number            int
}

func (m *callModel) sum() int64 {
	sum := max(m.charge, 0)
	for _, a := range m.adjustments {
		sum += a
	}
	return sum
}

// refused reports whether a change needs to be forced.
func (m *callModel) refused(change int64) bool { return change < 0 && m.sum()+change < 0 }

// testAdjustModel compares sequences of corrections with a model, on one ledger.
func testAdjustModel(t *testing.T, url string) {
	l := open(t, url)
	calls := 0
	rapid.Check(t, func(rt *rapid.T) {
		calls++
		c := &correctedCall{T: rt, outer: t, l: l, id: fmt.Sprintf("call-%d", calls), first: charge(t, l, entry(t, fmt.Sprintf("call-%d", calls), "run", "0.05"))}
		c.m = callModel{charge: 10, revision: 1, adjustments: map[int]int64{}}
		rt.Repeat(map[string]func(*rapid.T){
			"adjust": c.adjust, "reverse an adjustment": c.reverseAdjustment, "reverse": c.reverse, "reinstate": c.reinstate, "replace": c.replace,
			"": c.check,
		})
	})
	requireClean(t, l)
}

// correctedCall is a call of the ledger and its model.
type correctedCall struct {
	*rapid.T
	outer testing.TB
	l     *ledger.Ledger
	id    string
	first ledger.Entry
	m     callModel
}

func (c *correctedCall) signed() ledger.Correction {
	signed := goodwill
	signed.Force = rapid.IntRange(0, 4).Draw(c.T, "force") == 0
	return signed
}

// expect checks that an operation was refused exactly if it had to be.
func (c *correctedCall) expect(err error, belowZero bool) (done bool) {
	if belowZero {
		require.ErrorAs(c.T, err, new(*ledger.BelowZeroError))
		return false
	}
	require.NoError(c.T, err)
	return true
}

func (c *correctedCall) adjust(t *rapid.T) {
	c.T = t
	cents := rapid.Int64Range(-12, 12).Filter(func(n int64) bool { return n != 0 }).Draw(t, "cents")
	signed := c.signed()
	amount := usd(c.outer, fmt.Sprintf("%d.%02d", 0, max(cents, -cents)))
	if cents < 0 {
		amount = usd(c.outer, "-"+amount.Number())
	}
	_, inserted, err := c.l.Adjust(t.Context(), testApp, c.id, ledger.Adjustment{Amount: amount, Number: c.m.number + 1, Correction: signed})
	if c.m.charge < 0 {
		require.ErrorIs(t, err, ledger.ErrNotCharged)
		return
	}
	if c.expect(err, c.m.refused(cents) && !signed.Force) {
		require.True(t, inserted)
		c.m.number++
		c.m.adjustments[c.m.number] = cents
	}
}

func (c *correctedCall) reverseAdjustment(t *rapid.T) {
	c.T = t
	if c.m.number == 0 {
		t.Skip("nothing to reverse")
	}
	number, signed := rapid.IntRange(1, c.m.number).Draw(t, "number"), c.signed()
	cents, counts := c.m.adjustments[number]
	_, inserted, err := c.l.Reverse(t.Context(), ledger.Key(ledger.KindAdjustment, number, testApp, c.id), signed)
	if c.expect(err, counts && c.m.refused(-cents) && !signed.Force) {
		require.Equal(t, counts, inserted)
		delete(c.m.adjustments, number)
	}
}

func (c *correctedCall) reverse(t *rapid.T) {
	c.T = t
	reversals, inserted, err := c.l.Reverse(t.Context(), ledger.Key(ledger.KindCharge, c.m.revision, testApp, c.id), c.signed())
	require.NoError(t, err)
	require.Equal(t, c.m.charge >= 0, inserted)
	if inserted {
		require.Len(t, reversals, 1+len(c.m.adjustments))
		c.m.last, c.m.with = c.m.charge, c.m.adjustments
		c.m.charge, c.m.adjustments = -1, map[int]int64{}
	}
}

func (c *correctedCall) reinstate(t *rapid.T) {
	c.T = t
	booked, inserted, err := c.l.Reinstate(t.Context(), testApp, c.id, c.signed())
	switch {
	case c.m.charge >= 0 && c.m.revision == 1:
		require.ErrorIs(t, err, ledger.ErrNotReversed)
		return
	case c.m.charge >= 0:
		require.NoError(t, err)
		require.False(t, inserted)
		return
	}
	require.NoError(t, err)
	require.True(t, inserted)
	require.Len(t, booked, 1+len(c.m.with))
	c.m.revision++
	c.m.charge = c.m.last
	c.m.number += len(c.m.with)
	for _, e := range booked[1:] {
		cents, err := e.Charge.Amount.Int64()
		require.NoError(t, err)
		c.m.adjustments[e.Revision] = cents
	}
}

func (c *correctedCall) replace(t *rapid.T) {
	c.T = t
	cents := rapid.Int64Range(1, 9).Draw(t, "rate")
	charge := rate(c.outer, c.first.Record, tariffAt(c.outer, fmt.Sprintf("0.%02d", cents)))
	_, inserted, err := c.l.Replace(t.Context(), ledger.Key(ledger.KindCharge, c.m.revision, testApp, c.id), charge, goodwill)
	if c.m.charge < 0 {
		require.ErrorAs(t, err, new(*ledger.CorrectedError))
		return
	}
	if c.expect(err, len(c.m.adjustments) > 0 && c.m.refused(2*cents-c.m.charge)) {
		require.True(t, inserted)
		c.m.revision++
		c.m.charge = 2 * cents
	}
}

// check compares what the call costs with the model.
func (c *correctedCall) check(t *rapid.T) {
	entries, err := c.l.Get(t.Context(), testApp, c.id)
	require.NoError(t, err)
	balance := ledger.BalanceOf(entries)
	require.Equal(t, c.m.charge >= 0, balance.Charged)
	require.Equal(t, c.m.number+1, balance.Next)
	sum, err := balance.Sum()
	require.NoError(t, err)
	cents, err := sum.Int64()
	require.NoError(t, err)
	require.Equal(t, c.m.sum(), cents)
	var forced bool
	total := int64(0)
	for _, e := range entries {
		forced = forced || e.Charge.Forced()
		cents, err := e.Charge.Amount.Int64()
		require.NoError(t, err)
		total += cents
	}
	require.Equal(t, c.m.sum(), total, "the amounts of all entries add up to it")
	require.True(t, forced || cents >= 0, "below zero only by force")
}
