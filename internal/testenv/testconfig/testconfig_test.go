package testconfig_test

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"aftercall/internal/config"
	"aftercall/internal/testenv/testconfig"
)

func TestConfigurationIsValid(t *testing.T) {
	path := filepath.Join(t.TempDir(), "aftercall.yaml")
	c := testconfig.New()
	c.Apps = append(c.Apps, testconfig.App("school", 1400000001))
	c.Tariffs["in-yen"] = testconfig.Tariff("JPY", "20")
	require.NoError(t, c.Write(path))
	cfg, err := config.Load(path, func(string) (string, bool) { return "", false })
	require.NoError(t, err)
	require.Equal(t, []string{"clinic", "school"}, []string{cfg.Apps[0].Name, cfg.Apps[1].Name})
	require.Len(t, cfg.Tariffs, 2)
}
