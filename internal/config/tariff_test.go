package config_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"aftercall/internal/billing"
)

// validTariffs ends the smallest useful file.
const validTariffs = `tariffs:
  standard:
    currency: USD
    versions:
      - effective_from: 2026-01-01T00:00:00Z
        rules:
          - rate_per_minute: 0.10
            first_interval: 60
            next_interval: 6
`

func TestTariffIsReadExactly(t *testing.T) {
	cfg, err := parse(t, valid)
	require.NoError(t, err)
	tariff := cfg.Apps[0].PriceList()
	require.Equal(t, "USD", tariff.Currency)
	require.Nil(t, tariff.Digits)
	require.True(t, tariff.Versions[0].EffectiveFrom.Equal(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)))
	require.Equal(t, billing.Duration(24*time.Hour), tariff.Versions[0].MaxDuration, "default")
	rule := tariff.Versions[0].Rules[0]
	require.Equal(t, "0.10", rule.RatePerMinute.String(), "as written, never through a float")
	require.EqualValues(t, 6, rule.NextInterval)
	require.Equal(t, billing.PerCall, rule.Per, "default")
	require.Nil(t, rule.Cap)

	cfg, err = parse(t, replaceOnce(t, valid, "next_interval: 6", "next_interval: 6\n            cap: 12.345678901\n            results: [NormalEnd]\n          - {results: [Interrupt, Offline], action: review}"))
	require.Nil(t, cfg)
	require.EqualError(t, err, "test.yaml:26:18: tariffs.standard.versions[0].rules[0].cap: has 9 digits behind the point, "+
		"more than can be meant: at most 2 here, for sums in USD are settled at 2")
}

const goldTariff = `  Gold_2:
    currency: KWD
    digits: 3
    versions:
      - effective_from: 2026-01-01
        rules: [{action: free}]
`
