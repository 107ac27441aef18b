package config_test

import (
	"strings"
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
	tariff := cfg.Tariffs["standard"]
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
	require.EqualError(t, err, "test.yaml:26:18: tariffs.standard.versions[0].rules[0].cap: has 9 digits after the point: "+
		"at most 2 here, because charges in USD are rounded to 2")
}

const goldTariff = `  Gold_2:
    currency: KWD
    digits: 3
    versions:
      - effective_from: 2026-01-01
        rules: [{action: free}]
`

// TestTariffProblemsNameTheLine breaks a valid tariff in each of
// the ways that would charge somebody wrongly.
func TestTariffProblemsNameTheLine(t *testing.T) {
	const rule = "          - rate_per_minute: 0.10\n            first_interval: 60\n            next_interval: 6\n"
	for name, c := range map[string]struct{ new, want string }{
		"overlap": {
			rule + "          - {media: [Video], action: free}\n",
			"test.yaml:26:13: tariffs.standard.versions[0].rules[1]: and rules[0] are both for Video SingleCall NormalEnd: narrow one of them",
		},
		"gap": {
			rule + "            results: [NormalEnd, Interrupt]\n",
			"test.yaml:23:11: tariffs.standard.versions[0].rules: no rule is for Audio SingleCall Offline, Audio MultiCall Offline, Video SingleCall Offline and 1 more: " +
				"add one, with action free or review if nothing is to be charged",
		},
		"negative price": {
			strings.Replace(rule, "0.10", "-0.10", 1),
			"test.yaml:23:30: tariffs.standard.versions[0].rules[0].rate_per_minute: is negative: a price is 0 or more",
		},
		"more digits than can be meant": {
			strings.Replace(rule, "0.10", "0.123456789", 1),
			"test.yaml:23:30: tariffs.standard.versions[0].rules[0].rate_per_minute: has 9 digits after the point: " +
				"at most 8 here, because charges in USD are rounded to 2",
		},
		"two versions at once": {
			rule + "      - effective_from: 2026-01-01T08:00:00+08:00\n        rules: [{action: free}]\n",
			"test.yaml:26:25: tariffs.standard.versions[1].effective_from: is the same time as in versions[0]: only one version can begin then",
		},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := parse(t, replaceOnce(t, valid, rule, c.new))
			require.EqualError(t, err, c.want)
		})
	}
}
