package config_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"aftercall/internal/billing"
	"aftercall/internal/config"
)

// assigned is the valid file with two tariffs and another tariff of the app.
func assigned(t *testing.T, tariff string) string {
	t.Helper()
	other := replaceOnce(t, strings.TrimPrefix(validTariffs, "tariffs:\n"), "standard", "premium")
	return replaceOnce(t, valid+replaceOnce(t, other, "USD", "JPY"), "    tariff: standard\n", "    tariff:"+tariff+"\n")
}

func TestDatedAssignment(t *testing.T) {
	cfg, err := parse(t, assigned(t, " # in any order\n      - name: premium\n        effective_from: 2026-07-01T00:00:00+08:00\n      - name: standard"))
	require.NoError(t, err)
	first := billing.Assignment{Name: "standard"}
	then := billing.Assignment{Name: "premium", EffectiveFrom: time.Date(2026, 6, 30, 16, 0, 0, 0, time.UTC)}
	ordered := cfg.Apps[0].Tariff.Ordered()
	require.Len(t, ordered, 2)
	require.Equal(t, first, ordered[0])
	require.Equal(t, then.Name, ordered[1].Name)
	require.True(t, then.EffectiveFrom.Equal(ordered[1].EffectiveFrom))
	rater, err := cfg.Apps[0].Rater()
	require.NoError(t, err)
	for at, want := range map[time.Time]string{then.EffectiveFrom: "premium", then.EffectiveFrom.Add(-time.Second): "standard"} {
		name, from := rater.InForce(at)
		require.Equal(t, want, name)
		require.True(t, from.Equal(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)))
	}
	for _, one := range []string{" standard", " ${PLAN}", " [{name: standard}]", ` [{name: "${PLAN}"}]`} {
		environ := environment()
		environ["PLAN"] = "standard"
		cfg, err := config.Parse("test.yaml", []byte(assigned(t, one)), lookupIn(environ))
		require.NoError(t, err, one)
		require.Equal(t, billing.Assignments{first}, cfg.Apps[0].Tariff, one)
	}
}

func TestDatedAssignmentProblems(t *testing.T) {
	const missing = "10:32: apps[0].tariff[1].effective_from: is missing, as in tariff[0]: only one tariff, the first, can be without"
	for tariff, want := range map[string][]string{
		"":                                     {"10:12: apps[0].tariff: is empty: write a value or remove the key"},
		" 12":                                  {"10:13: apps[0].tariff: must be text: put it in quotes"},
		" []":                                  {"10:13: apps[0].tariff: is empty: write the name of a tariff"},
		" [{}]":                                {"10:14: apps[0].tariff[0].name: is missing: Name of a tariff in tariffs."},
		" [standard, premium]":                 {"10:14: apps[0].tariff[0]: must be a mapping, lines of “key: value” below it, not text", "10:24: apps[0].tariff[1]: must be a mapping, lines of “key: value” below it, not text"},
		" &a standard":                         {"10:13: apps[0].tariff: anchors (&), aliases (*), tags (!) and directives (%) are not supported: write the value out"},
		" [&a {name: standard}]":               {"10:14: apps[0].tariff[0]: anchors (&), aliases (*), tags (!) and directives (%) are not supported: write the value out"},
		" [{name: standard}, {name: premum}]":  {missing, `10:39: apps[0].tariff[1].name: unknown tariff "premum": did you mean "premium"?`},
		" [{name: standard}, {name: premium}]": {missing},
		" [{name: standard, effective_form: 2026-01-01}]": {`10:31: apps[0].tariff[0].effective_form: unknown key "effective_form": did you mean "effective_from"?`},
		" [{name: standard, effective_from: 2026-01-01T00:00:00}, {name: premium}]": {
			"10:47: apps[0].tariff[0].effective_from: must be a time with its zone, as in 2026-01-31T00:00:00+08:00, or a day in UTC, as in 2026-01-31",
		},
		" [{name: standard, effective_from: 2026-07-01}, {name: premium, effective_from: 2026-07-01T08:00:00+08:00}]": {
			"10:92: apps[0].tariff[1].effective_from: is the same time as in tariff[0]: only one tariff can begin then",
		},
	} {
		_, err := parse(t, assigned(t, tariff))
		require.EqualError(t, err, "test.yaml:"+strings.Join(want, "\ntest.yaml:"), tariff)
	}
}
