package ops

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"aftercall/internal/config"
	"aftercall/internal/testenv/testconfig"
)

// TestProbeTariff looks at an app with an assignment, at several times.
func TestProbeTariff(t *testing.T) {
	c := testconfig.New()
	late := testconfig.Tariff("EUR", "0.20")
	late["versions"].([]testconfig.Map)[0]["effective_from"] = "2026-03-01T00:00:00Z"
	c.Tariffs["late"] = late
	c.Apps[0]["tariff"] = []testconfig.Map{
		{"name": "late", "effective_from": "2026-02-01T01:00:00+01:00"}, {"name": "standard", "effective_from": "2026-01-01T00:00:00Z"},
	}
	file := filepath.Join(t.TempDir(), "aftercall.yaml")
	require.NoError(t, c.Write(file))
	cfg, err := config.Load(file, func(string) (string, bool) { return "", false })
	require.NoError(t, err)
	for at, want := range map[string]Finding{
		"2025-12-31T23:59:59Z": {Status: FindingFailed, Detail: "no tariff is assigned before 2026-01-01T00:00:00Z"},
		"2026-01-01T00:00:00Z": {
			Status: FindingWarning,
			Detail: "standard, the version of 2025-01-01T00:00:00Z is in force, then late from 2026-02-01T00:00:00Z; but then calls go to review: no version of late is in force before 2026-03-01T00:00:00Z",
		},
		"2026-02-01T00:00:00Z": {Status: FindingFailed, Detail: "no version of late is in force before 2026-03-01T00:00:00Z"},
		"2026-03-01T00:00:00Z": {Status: FindingOK, Detail: "late, the version of 2026-03-01T00:00:00Z is in force"},
	} {
		now, err := time.Parse(time.RFC3339, at)
		require.NoError(t, err)
		detail, err := judgeTariff(&cfg.Apps[0], now)
		found := newFinding(tariffProbe, "clinic", detail, err)
		require.Equal(t, want.Status, found.Status, at)
		require.Equal(t, want.Detail, found.Detail, at)
		require.Equal(t, want.Status == FindingOK, found.Cure == "", at)
	}
}
