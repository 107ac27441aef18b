package usage

import (
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestUsageOfProcesses(t *testing.T) {
	ticks, err := parseStat("7 (a (b) c) S 1 7 7 0 -1 4194304 1 2 3 4 100 20 3 1 20 0 9 0")
	require.NoError(t, err)
	require.EqualValues(t, 124, ticks)
	_, err = parseStat("7 (short) S 1")
	require.Error(t, err)
	kib, err := parseKiB("Rss:  900 kB\nPss:     123 kB\n", "Pss:")
	require.NoError(t, err)
	require.EqualValues(t, 123, kib)
	_, err = parseKiB("", "Pss:")
	require.Error(t, err)

	self := WithChildren(os.Getpid())
	require.Contains(t, self, os.Getpid())
	used, err := CPU(self)
	require.NoError(t, err)
	require.GreaterOrEqual(t, used, time.Duration(0))
	resident, err := Memory([]int{os.Getpid()})
	require.NoError(t, err)
	require.Positive(t, resident)
}
