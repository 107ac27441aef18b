package harness

import (
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTurnsAlternate(t *testing.T) {
	var order string
	side := func(name string, figure float64) func() (float64, error) {
		return func() (float64, error) {
			order += name
			return figure, nil
		}
	}
	figures, err := inTurns(2, side("a", 1), side("b", 2), side("c", 3))
	require.NoError(t, err)
	require.Equal(t, "abccba", order)
	require.Equal(t, [][]float64{{1, 1}, {2, 2}, {3, 3}}, figures)
	_, err = inTurns(2, func() (float64, error) { return 0, errors.New("broken") })
	require.EqualError(t, err, "turn 1 of 2: broken")
}

func TestTargetsOfAComparison(t *testing.T) {
	c := comparison{[]float64{8, 12, 9}, []float64{10, 10, 10}}
	require.Equal(t, Target{"x", "≤ 0.80 ×", "0.90 × (0.80–1.20; 9.0 ms against 10.0 ms)", false}, c.atMost("x", 0.8))
	require.True(t, c.atMost("x", 0.9).Reached)
	require.Equal(t, Target{"x", "≥ 0.85 ×", "0.90 × (0.80–1.20; 9/s against 10/s)", true}, c.target("x", 0.85))
}

// TestCountStacks has three stacks, of which one writes to the list.
func TestCountStacks(t *testing.T) {
	all, list, err := countStacks(strings.NewReader(`
	           2a323 modernc.org/sqlite/lib._sqlite3VdbeExec
	         240935e go.temporal.io/server/common/persistence/sql/sqlplugin/sqlite.(*db).ReplaceIntoVisibility

	           2a323 modernc.org/sqlite/lib._sqlite3VdbeExec
	         240935e go.temporal.io/server/common/persistence/sql/sqlplugin/sqlite.(*db).InsertIntoHistoryNode


	           98261 runtime.goexit.abi0
`))
	require.NoError(t, err)
	require.Equal(t, []int{3, 1}, []int{all, list})
}
