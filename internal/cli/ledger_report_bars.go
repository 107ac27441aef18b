package cli

import (
	"math/big"
	"strconv"
	"strings"

	"aftercall/internal/ops"
)

// barWidth is the width of the largest amount's bar, in characters.
const barWidth = 24

// amountBars draws the amounts of one currency to scale; bars of negative
// amounts are hollow.
func amountBars(totals []ops.Total) []string {
	amounts := make([]*big.Rat, len(totals))
	largest := new(big.Rat)
	for i, t := range totals {
		amounts[i], _ = new(big.Rat).SetString(t.Amount.Number())
		if size := new(big.Rat).Abs(amounts[i]); size.Cmp(largest) > 0 {
			largest = size
		}
	}
	bars := make([]string, len(totals))
	for i, a := range amounts {
		if a.Sign() == 0 {
			continue
		}
		scaled := new(big.Rat).Quo(new(big.Rat).Mul(new(big.Rat).Abs(a), big.NewRat(barWidth, 1)), largest)
		length, err := strconv.Atoi(scaled.FloatString(0))
		if err != nil {
			continue // it is at most barWidth
		}
		block := "█"
		if a.Sign() < 0 {
			block = "░"
		}
		bars[i] = strings.Repeat(block, max(1, length)) // what is not zero is visible
	}
	return bars
}
