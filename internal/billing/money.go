package billing

import (
	"github.com/cockroachdb/apd/v3"
)

// exact is a context without a precision: sums and products in it are never rounded.
var exact = apd.BaseContext.WithPrecision(0)

// sixtieths is a sum of money times 60, exactly. A rate is per minute and time
// is in seconds, so that every sum is a whole number of sixtieths of a decimal,
// and the one division can wait until the one rounding.
type sixtieths struct {
	n apd.Decimal
}

// sixtiethsOf multiplies price by count sixtieths: by seconds for a price per
// minute, by 60 for a price as it is.
func sixtiethsOf(price *Decimal, count int64) (sixtieths, error) {
	var s sixtieths
	var factor apd.Decimal
	factor.SetInt64(count)
	_, err := exact.Mul(&s.n, &price.number, &factor)
	return s, err
}

func (s *sixtieths) add(other *sixtieths) error {
	_, err := exact.Add(&s.n, &s.n, &other.n)
	return err
}

func (s *sixtieths) times(count int64) error {
	var factor apd.Decimal
	factor.SetInt64(count)
	_, err := exact.Mul(&s.n, &s.n, &factor)
	return err
}

func (s *sixtieths) cmp(other *sixtieths) int { return s.n.Cmp(&other.n) }

// powersOfTen are as many as an int64 holds.
var powersOfTen = func() (p [19]int64) {
	p[0] = 1
	for i := 1; i < len(p); i++ {
		p[i] = 10 * p[i-1]
	}
	return p
}()

// scale multiplies n by 10^digits.
func scale(n *apd.BigInt, digits int32) {
	for ; digits > 0; digits -= int32(len(powersOfTen) - 1) {
		var power apd.BigInt
		power.SetInt64(powersOfTen[min(digits, int32(len(powersOfTen)-1))])
		n.Mul(n, &power)
	}
}

// round divides by 60 and rounds the exact quotient to so many digits behind
// the point. The remainder decides, so there is no second rounding.
func (s *sixtieths) round(digits int, rounding Rounding) apd.Decimal {
	var numerator, denominator, quotient, remainder apd.BigInt
	numerator.Set(&s.n.Coeff)
	denominator.SetInt64(60)
	places := int32(digits) //nolint:gosec // at most maxFractionDigits
	shift := s.n.Exponent + places
	scale(&numerator, shift)
	scale(&denominator, -shift)
	quotient.QuoRem(&numerator, &denominator, &remainder)
	if remainder.Sign() != 0 {
		remainder.Add(&remainder, &remainder)
		if rounding.rounder().ShouldAddOne(&quotient, false, remainder.Cmp(&denominator)) {
			remainder.SetInt64(1)
			quotient.Add(&quotient, &remainder)
		}
	}
	var result apd.Decimal
	result.Coeff.Set(&quotient)
	result.Exponent = -places
	return result
}

// texts are the sum for programs, as a decimal or, where none is exact, as a
// fraction of whole numbers; and for people, as a decimal that may be cut off
// with an ellipsis.
func (s *sixtieths) texts() (exact, shown string) {
	// 60 is 3·20, and a twentieth is five hundredths: only the 3 can leave a
	// remainder that no decimal expresses.
	var factor, third, remainder apd.BigInt
	factor.SetInt64(3)
	third.QuoRem(&s.n.Coeff, &factor, &remainder)
	if remainder.Sign() == 0 {
		var d Decimal
		factor.SetInt64(5)
		d.number.Coeff.Mul(&third, &factor)
		d.number.Exponent = s.n.Exponent - 2
		text := trimZeros(d.String())
		return text, text
	}
	factor.SetInt64(60)
	scale(&factor, -s.n.Exponent)
	cut := s.round(maxFractionDigits, RoundDown)
	return s.n.Coeff.String() + "/" + factor.String(), cut.Text('f') + "…"
}
