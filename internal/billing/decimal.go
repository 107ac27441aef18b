package billing

import (
	"errors"
	"fmt"
	"strings"

	"github.com/cockroachdb/apd/v3"
	"github.com/goccy/go-yaml/ast"
)

// The most digits that a number of a tariff can have on either side of the point:
// far more than a price needs, and few enough to bound the arithmetic.
const (
	maxIntegerDigits  = 12
	maxFractionDigits = 12
)

// Decimal is an exact decimal number, such as a price. Its zero value is 0.
// Values are immutable and can be copied.
type Decimal struct {
	number apd.Decimal
}

// ParseDecimal reads a number as people write prices: digits, and optionally a
// point with digits after it, as in 0.05, 12 or -3.50. Exponents, thousands
// separators, NaN and numbers of more than 12 digits on either side of the
// point are errors, which say what is wrong.
func ParseDecimal(text string) (Decimal, error) {
	unsigned := strings.TrimPrefix(text, "-")
	integer, fraction, pointed := strings.Cut(unsigned, ".")
	switch {
	case text == "":
		return Decimal{}, errors.New("is empty: write a number such as 0.05")
	case strings.ContainsAny(unsigned, "eE") && onlyDigits(strings.NewReplacer("e", "", "E", "", "+", "", "-", "", ".", "").Replace(unsigned)):
		return Decimal{}, errors.New("must be written without an exponent, as in 0.05")
	case strings.Contains(unsigned, ","):
		return Decimal{}, errors.New("must be written with a point and without separators, as in 1250.05")
	case !onlyDigits(integer) || (pointed && !onlyDigits(fraction)):
		return Decimal{}, errors.New("must be a decimal number, such as 0.05 or 12")
	case len(integer) > maxIntegerDigits || len(fraction) > maxFractionDigits:
		return Decimal{}, fmt.Errorf("has more digits than a price can have: at most %d on either side of the point", maxFractionDigits)
	}
	var d Decimal
	if _, _, err := d.number.SetString(text); err != nil {
		return Decimal{}, errors.New("must be a decimal number, such as 0.05 or 12")
	}
	if d.number.IsZero() {
		d.number.Negative = false
	}
	return d, nil
}

func onlyDigits(s string) bool {
	return s != "" && strings.IndexFunc(s, func(r rune) bool { return r < '0' || r > '9' }) < 0
}

// String is the number with the digits it was written with, never with an exponent.
func (d Decimal) String() string { return d.number.Text('f') }

// Sign is -1 below zero, 0 at zero and +1 above.
func (d Decimal) Sign() int { return d.number.Sign() }

// Cmp is -1 when d is less than other, 0 when they are equal and +1 when it is more.
func (d Decimal) Cmp(other Decimal) int { return d.number.Cmp(&other.number) }

// MarshalText is String, so that JSON has the number as a string.
func (d Decimal) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText is ParseDecimal.
func (d *Decimal) UnmarshalText(text []byte) error {
	parsed, err := ParseDecimal(string(text))
	if err != nil {
		return err
	}
	*d = parsed
	return nil
}

// UnmarshalYAML is ParseDecimal of the text in the file, quoted or not. Without
// it, go-yaml would convert an unquoted number to a float first.
func (d *Decimal) UnmarshalYAML(node ast.Node) error {
	if _, ok := node.(ast.ScalarNode); !ok {
		return errors.New("must be a single number, such as 0.05")
	}
	return d.UnmarshalText([]byte(node.GetToken().Value))
}

// fractionDigits counts the digits after the point, trailing zeros left out.
func (d Decimal) fractionDigits() int {
	return max(0, -int(d.reduced().number.Exponent))
}

// reduced is the same number without trailing zeros after the point, so that
// 0.50 and 0.5 become the same text.
func (d Decimal) reduced() Decimal {
	var r Decimal
	r.number.Reduce(&d.number)
	return r
}
