package harness

import (
	"strconv"
	"testing"

	"github.com/alicebob/miniredis/v2"
	"github.com/stretchr/testify/require"

	"aftercall/internal/freeport"
)

// TestServerThatDoesNotStart makes sure that the error says why.
func TestServerThatDoesNotStart(t *testing.T) {
	redisServer := startRedisForTest(t)
	tests := map[string]struct {
		bench Bench
		want  string
	}{
		"Redis":    {Bench{Servers: &Servers{redisPort: unusedPort(t)}}, "connection refused"},
		"Temporal": {Bench{Servers: redisServer, Temporal: "/nowhere/temporal"}, "start temporal"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			tt.bench.Dir, tt.bench.Apps = t.TempDir(), 1
			_, err := tt.bench.Run(t.Context(), Contestant{Name: "any", Temporal: true}, nil)
			require.ErrorContains(t, err, tt.want)
		})
	}
}

func unusedPort(t *testing.T) int {
	t.Helper()
	ports, err := freeport.Find(1)
	require.NoError(t, err)
	return ports[0]
}

func startRedisForTest(t *testing.T) *Servers {
	t.Helper()
	m := miniredis.RunT(t)
	port, err := strconv.Atoi(m.Port())
	require.NoError(t, err)
	return &Servers{redisPort: port}
}
