package billing

import (
	"strings"

	"github.com/cockroachdb/apd/v3"
)

var (
	// exact is a context without a precision: sums and products in it are never rounded.
	exact = apd.BaseContext.WithPrecision(0)
	// wide has more digits than any sum: a price has at most 12 on either side of
	// the point, and seconds and participants have at most 19 each.
	wide = apd.BaseContext.WithPrecision(100)

	one   = apd.New(1, 0)
	two   = apd.New(2, 0)
	sixty = apd.New(60, 0)
)

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
	_, err := exact.Mul(&s.n, &price.number, apd.New(count, 0))
	return s, err
}

func (s *sixtieths) add(other *sixtieths) error {
	_, err := exact.Add(&s.n, &s.n, &other.n)
	return err
}

func (s *sixtieths) times(count int64) error {
	_, err := exact.Mul(&s.n, &s.n, apd.New(count, 0))
	return err
}

func (s *sixtieths) cmp(other *sixtieths) int { return s.n.Cmp(&other.n) }

// round divides by 60 and rounds the exact quotient to the given digits after the
// point. The remainder decides, so there is no second rounding. (apd's own
// Quantize rounds 0.003 up to 0 instead of 1.)
func (s *sixtieths) round(digits int, rounding Rounding) (apd.Decimal, error) {
	var scaled, whole, remainder apd.Decimal
	scaled.Set(&s.n)
	scaled.Exponent += int32(digits) //nolint:gosec // at most maxFractionDigits
	steps := apd.MakeErrDecimal(wide)
	steps.QuoInteger(&whole, &scaled, sixty)
	steps.Rem(&remainder, &scaled, sixty)
	if remainder.Sign() != 0 {
		steps.Mul(&remainder, &remainder, two)
		if rounding.rounder().ShouldAddOne(&whole.Coeff, false, remainder.Cmp(sixty)) {
			steps.Add(&whole, &whole, one)
		}
	}
	whole.Exponent -= int32(digits) //nolint:gosec // at most maxFractionDigits
	return whole, steps.Err()
}

// texts are the sum for programs, as a decimal or, where none is exact, as a
// fraction of whole numbers; and for people, as a decimal that is cut off with
// an ellipsis where it is not exact.
func (s *sixtieths) texts() (program, person string, err error) {
	// Where the quotient is a decimal, it has at most one digit more than the sum.
	enough := apd.BaseContext.WithPrecision(uint32(s.n.NumDigits()) + 1) //nolint:gosec // see wide
	var quotient Decimal
	condition, err := enough.Quo(&quotient.number, &s.n, sixty)
	if err != nil {
		return "", "", err
	}
	if !condition.Inexact() {
		text := quotient.reduced().String()
		return text, text, nil
	}
	cut, err := s.round(maxFractionDigits, RoundDown)
	if err != nil {
		return "", "", err
	}
	places := max(0, -s.n.Exponent)
	numerator := s.n
	numerator.Exponent += places
	return numerator.Text('f') + "/60" + strings.Repeat("0", int(places)), cut.Text('f') + "…", nil
}
