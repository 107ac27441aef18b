package launch

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestRecheckDistance(t *testing.T) {
	t.Parallel()
	for rechecks, want := range map[int]time.Duration{
		0: 0, 1: 5 * time.Minute, 2: 10 * time.Minute, 3: 20 * time.Minute, 7: 320 * time.Minute, 8: 6 * time.Hour, 1000: 6 * time.Hour,
	} {
		require.Equal(t, want, recheckDistance(rechecks), rechecks)
	}
}
