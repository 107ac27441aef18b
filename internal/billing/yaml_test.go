package billing_test

import (
	"encoding/json"
	"testing"
	"time"

	"aftercall/internal/billing"
	"aftercall/internal/tencent"

	"github.com/goccy/go-yaml"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// tariffYAML has every key of a tariff.
const tariffYAML = `
currency: USD
digits: 4
rounding: half_even
versions:
  - effective_from: 2023-01-01T00:00:00+08:00
    max_duration: 6h
    rules:
      - media: [Audio]
        results: [NormalEnd]
        connection_fee: 0.01      # charged once
        rate_per_minute: 0.050
        first_interval: 30
        next_interval: 6
        minimum_charge: "0.02"
        free_seconds: 5
        cap: 3.50
      - media: [Video]
        call_types: [SingleCall, MultiCall]
        results: [NormalEnd]
        rate_per_minute: 0.123456789
        first_interval: 60
        next_interval: 60
        per: participant
      - results: [Offline]
        rate_per_minute: 0.05
        first_interval: 1
        next_interval: 1
        grace_seconds: 30
      - results: [Interrupt]
        action: review
  - effective_from: 2022-01-01T00:00:00+08:00
    evidence: {use: longest, without: review, tolerance: 10s, sources: 2}
    rules:
      - {rate_per_minute: 0.05, first_interval: 1, next_interval: 1, per: participant_minute}
`

// minutesYAML charges by what was seen of a call.
const minutesYAML = `
currency: USD
versions:
  - effective_from: 2023-01-01T00:00:00+08:00
    evidence: {use: longest, without: participant}
    rules:
      - {results: [NormalEnd], rate_per_minute: 0.05, first_interval: 60, next_interval: 6, per: participant_minute, cap: 1}
      - {results: [Offline], rate_per_minute: 0.05, first_interval: 1, next_interval: 1, per: participant_minute, grace_seconds: 30}
      - {results: [Interrupt], action: review}
`

func TestTariffInYAML(t *testing.T) {
	var tariff billing.Tariff
	require.NoError(t, yaml.UnmarshalWithOptions([]byte(tariffYAML), &tariff, yaml.Strict()))
	require.Empty(t, tariff.Validate())
	require.Equal(t, "0.123456789", tariff.Versions[0].Rules[1].RatePerMinute.String())
	require.Equal(t, billing.Duration(6*time.Hour), tariff.Versions[0].MaxDuration)

	charge := rate(t, connected(45), tariff)
	require.Equal(t, "0.0500 USD", charge.Amount.String())
	require.EqualValues(t, 48, charge.BilledSeconds)
	record := connected(61)
	record.MediaType = tencent.MediaVideo
	require.Equal(t, "0.2469 USD", rate(t, record, tariff).Amount.String())
	record.EndTime = record.AcceptTime + 6*60*60 + 1
	requireReasons(t, record, tariff, billing.ReasonTooLong)
}

func TestDecimalKeepsItsDigitsInYAMLAndJSON(t *testing.T) {
	for text, want := range map[string]string{
		"0.10": "0.10", "1.0": "1.0", "0": "0", "-0.5": "-0.5", "20": "20", "007": "7", "-0": "0",
		"123456789012.123456789012": "123456789012.123456789012",
		"0.000000000001":            "0.000000000001",
		"0.1000000000000":           "",
	} {
		for _, written := range []string{text, `"` + text + `"`, "'" + text + "'", text + " # a remark"} {
			var file struct {
				Rate billing.Decimal  `yaml:"rate"`
				Cap  *billing.Decimal `yaml:"cap"`
			}
			err := yaml.Unmarshal([]byte("rate: "+written+"\ncap: "+written+"\n"), &file)
			if want == "" {
				require.ErrorContains(t, err, "more digits", written)
				continue
			}
			require.NoError(t, err, written)
			require.Equal(t, want, file.Rate.String(), written)
			require.Equal(t, want, file.Cap.String(), written)

			encoded, err := json.Marshal(file.Rate)
			require.NoError(t, err)
			require.Equal(t, `"`+want+`"`, string(encoded))
			var back billing.Decimal
			require.NoError(t, json.Unmarshal(encoded, &back))
			require.Equal(t, want, back.String())
		}
	}
}

func TestDecimalRefuses(t *testing.T) {
	for text, want := range map[string]string{
		"":                      "is empty",
		"1e3":                   "without an exponent",
		"1E-30":                 "without an exponent",
		"1.5e+999999999":        "without an exponent",
		"NaN":                   "must be a decimal number",
		"-inf":                  "must be a decimal number",
		"0x10":                  "must be a decimal number",
		"1_000":                 "must be a decimal number",
		"1,5":                   "with a point",
		"1.000,5":               "with a point",
		".5":                    "must be a decimal number",
		"5.":                    "must be a decimal number",
		"+5":                    "must be a decimal number",
		"1.2.3":                 "must be a decimal number",
		"٣":                     "must be a decimal number",
		" 5":                    "must be a decimal number",
		"5 USD":                 "must be a decimal number",
		"1234567890123":         "more digits than a price",
		"0.1234567890123":       "more digits than a price",
		"--1":                   "must be a decimal number",
		"free":                  "must be a decimal number",
		"99999999999999999e999": "without an exponent",
	} {
		_, err := billing.ParseDecimal(text)
		require.ErrorContains(t, err, want, "%q", text)
	}
	var file struct {
		Rate billing.Decimal `yaml:"rate"`
	}
	for _, written := range []string{"1e3", ".inf", ".nan", "[1]", "0x10", "1_000", "true"} {
		require.Error(t, yaml.Unmarshal([]byte("rate: "+written), &file), written)
	}
}

func TestDecimalIsTheNumberThatIsWritten(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringMatching(`-?[0-9]{0,13}(\.[0-9]{0,13})?([eE_, ][0-9]{0,3})?`).Draw(t, "text")
		d, err := billing.ParseDecimal(text)
		if err == nil {
			require.Zero(t, ratOf(t, text).Cmp(ratOf(t, d.String())))
			require.NotContains(t, d.String(), "E")
		}
	})
}
