package costs

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"aftercall/internal/config"
)

func TestConfigurationIsValid(t *testing.T) {
	path := filepath.Join(t.TempDir(), "aftercall.yaml")
	require.NoError(t, configuration().Write(path))
	cfg, err := config.Load(path, func(name string) (string, bool) {
		v, ok := map[string]string{
			"DEV_WEBHOOK_URL": "http://127.0.0.1:1", "DEV_TENCENT_URL": "http://127.0.0.1:2", "DEV_PUBLIC_URL": "http://127.0.0.1:3",
			"CLINIC_CALLBACK_SECRET": "clinic-callback-path-secret", "CRM_WEBHOOK_SECRET": "whsec_dGhlIGNybSdzIHdlYmhvb2sgc2VjcmV0",
		}[name]
		return v, ok
	})
	require.NoError(t, err)
	require.Len(t, cfg.Apps, apps)
}

// TestWhatIdlenessCostsIsSubtracted has a load of 40 s, in which 100 calls cost 2 s of
// CPU and 900 commands, and 20 s without calls, which cost 0.1 s and 50 commands.
func TestWhatIdlenessCostsIsSubtracted(t *testing.T) {
	begin := time.Now()
	at := func(seconds int, cpu time.Duration, commands, keys int64, requests int) snapshot {
		moment, used := begin.Add(time.Duration(seconds)*time.Second), map[string]time.Duration{"worker": cpu, "redis": 0}
		return snapshot{
			until: moment, untilCPU: used, at: moment, cpu: used,
			counts:   counts{redisCommands: commands, visibilityWrites: 2 * keys, visibilityIndexes: 45},
			requests: requests, calls: requests,
		}
	}
	m := Measurement{Storage: Storage{RedisBytes: 50}}
	fill(&m, at(0, time.Second, 1000, 10, 5), at(40, 3*time.Second, 1900, 110, 105), at(60, 3100*time.Millisecond, 1950, 110, 105))
	require.Equal(t, map[string]CPU{"worker": {PerCall: 18_000, Idle: 5000}, "redis": {}}, m.CPU)
	require.Equal(t, Requests{RecordAPI: 1000, RedisCommands: 8000}, m.Requests)
	require.Equal(t, Storage{VisibilityRows: 0, VisibilityWrites: 2000, VisibilityIndexes: 45, RedisBytes: 50}, m.Storage)
	require.EqualValues(t, 18_000, m.TotalCPU())
	require.EqualValues(t, 18_000, m.CPUOf("work", "none"))
}

func TestPublishReplacesAMeasurement(t *testing.T) {
	root := t.TempDir()
	require.NoError(t, os.Mkdir(filepath.Join(root, "docs"), 0o755))
	for _, m := range []Measurement{
		{Topology: "dev", Indexes: Shipped, Calls: 1},
		{Topology: "cluster", Indexes: Partial, Calls: 2},
		{Topology: "cluster", Indexes: Shipped, Calls: 3},
		{Topology: "dev", Indexes: Shipped, Calls: 4},
	} {
		require.NoError(t, Publish(root, m))
	}
	all, err := Read(root)
	require.NoError(t, err)
	var names []string
	for _, m := range all {
		names = append(names, m.Name())
	}
	require.Equal(t, []string{"cluster", "cluster, partial indexes", "dev"}, names)
	require.Equal(t, 4, all[2].Calls)
	require.NoError(t, PublishRedisMemory(root, 50))
	all, err = Read(root)
	require.NoError(t, err)
	require.Len(t, all, 3)
	require.EqualValues(t, 50, all[0].Storage.RedisBytes)
	require.EqualValues(t, 50, all[2].Storage.RedisBytes)
	require.NoError(t, os.WriteFile(filepath.Join(root, File), []byte("{"), 0o600))
	require.ErrorContains(t, Publish(root, all[0]), File)
}
