package programs

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestMissingPrograms(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	_, err := Redis(t.TempDir(), 6379, "always")
	require.ErrorAs(t, err, new(*MissingError))
	require.EqualError(t, err, "redis-server is not on this machine: apt-get install redis-server")
}
