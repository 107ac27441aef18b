package cli

import (
	"runtime/debug"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestVersion(t *testing.T) {
	info := &debug.BuildInfo{
		Main: debug.Module{Version: "v1.2.3"},
		Settings: []debug.BuildSetting{
			{Key: "vcs.revision", Value: "c6760b6b10ab"},
			{Key: "vcs.time", Value: "2026-03-01T12:00:00+08:00"},
			{Key: "vcs.modified", Value: "true"},
		},
	}
	v := newVersion(info, true)
	require.Equal(t, "v1.2.3", v.Version)
	require.Equal(t, "c6760b6b10ab", v.Commit)
	require.Equal(t, "2026-03-01T04:00:00Z", v.Date)
	require.True(t, v.Modified)
	require.NotEmpty(t, v.Go)
	require.Equal(t, "unknown", newVersion(nil, false).Version)
}
