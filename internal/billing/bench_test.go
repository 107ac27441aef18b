package billing_test

import (
	"math"
	"testing"

	"aftercall/internal/billing"
	"aftercall/internal/tencent"
	"aftercall/internal/testenv"

	"github.com/stretchr/testify/require"
)

func benchmarkRater(t testing.TB) (*billing.Rater, tencent.CallRecord) {
	rule := perMinute(t, "0.0537", 30, 6)
	rule.ConnectionFee, rule.MinimumCharge, rule.Cap = dec(t, "0.02"), dec(t, "0.10"), capOf(t, "25")
	rule.Per = billing.PerParticipant
	rater, err := billing.NewRater("standard", tariffOf(rule))
	require.NoError(t, err)
	record := connected(127)
	record.Members = []string{"10001", "user2", "user3", "user4"}
	return rater, record
}

func BenchmarkRate(b *testing.B) {
	rater, record := benchmarkRater(b)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := rater.Rate(record, readAt); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkRateFloat is the same sum in floating point numbers, for comparison.
func BenchmarkRateFloat(b *testing.B) {
	_, record := benchmarkRater(b)
	b.ReportAllocs()
	for b.Loop() {
		billed := 30 + math.Ceil(float64(record.ConnectedSeconds()-30)/6)*6
		amount := math.Min(25, math.Max(0.10, 0.02+0.0537*billed/60)) * 3
		if math.Round(amount*100)/100 == 0 {
			b.Fatal("free")
		}
	}
}

func TestAllocations(t *testing.T) {
	rater, record := benchmarkRater(t)
	testenv.RequireAllocations(t, map[string]func(){
		"Rate": func() {
			if _, err := rater.Rate(record, readAt); err != nil {
				t.Fatal(err)
			}
		},
	})
}
