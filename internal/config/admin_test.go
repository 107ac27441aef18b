package config

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestAdminAddress(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ process, listen, want, problem string }{
		"default of the starter": {"starter", "", "127.0.0.1:9090", ""},
		"default of the worker":  {"worker", "", "127.0.0.1:9091", ""},
		"one address":            {"worker", "10.0.0.7:9999", "10.0.0.7:9999", ""},
		"a name":                 {"starter", "localhost:9999", "localhost:9999", ""},
		"every address":          {"starter", ":9090", "127.0.0.1:9090", ""},
		"every IPv4 address":     {"starter", "0.0.0.0:9090", "127.0.0.1:9090", ""},
		"every IPv6 address":     {"starter", "[::]:9090", "[::1]:9090", ""},
		"no port":                {"starter", "9090", "", "AFTERCALL_ADMIN_LISTEN: must be host:port or :port, as in 127.0.0.1:8080"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			address, err := AdminAddress(tt.process, map[string]string{"AFTERCALL_ADMIN_LISTEN": tt.listen})
			if tt.problem != "" {
				require.EqualError(t, err, tt.problem)
				return
			}
			require.NoError(t, err)
			require.Equal(t, tt.want, address)
		})
	}
}

// TestAdminAddressIsThatOfTheProcess compares with what the processes themselves read.
func TestAdminAddressIsThatOfTheProcess(t *testing.T) {
	t.Parallel()
	var starter StarterSettings
	var worker WorkerSettings
	parseSettings(&starter, nil)
	parseSettings(&worker, nil)
	for process, want := range map[string]string{"starter": starter.AdminListen, "worker": worker.AdminListen} {
		require.Contains(t, Processes, process)
		address, err := AdminAddress(process, nil)
		require.NoError(t, err)
		require.Equal(t, want, address)
	}
}
