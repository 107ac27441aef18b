package report

import (
	"bytes"
	"encoding/csv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"aftercall/dev/bench/harness"
)

func result(contestant string, perSecond float64, lost int) harness.Result {
	return harness.Result{
		Contestant: contestant, Load: harness.Load{Name: harness.BurnDown, Calls: 10}, PerSecond: perSecond,
		ServiceCPU: 2 * time.Millisecond, ServerCPU: 4 * time.Millisecond,
		Verification: harness.Verification{Calls: 10, Unnotified: lost},
	}
}

func TestFigures(t *testing.T) {
	require.Equal(t, "2.0 (1.0–30)", figureOf([]float64{30, 1, 2}).String())
	require.Equal(t, "15 (10–20)", figureOf([]float64{20, 10}).String())
	require.Equal(t, "7.0", figureOf([]float64{7, 7}).String())
	require.Equal(t, "0", figureOf(nil).String())
}

func TestTables(t *testing.T) {
	s := Set{
		result("aftercall", 120, 0), result("temporal", 30, 0), result("setnx", 900, 3),
		result("aftercall", 100, 0), result("temporal", 50, 0), result("setnx", 900, 5),
	}
	require.Contains(t, s.Ratio(), " 3.0 (2.0–4.0) times ")
	require.Empty(t, Set{result("aftercall", 1, 0)}.Ratio())
	var out bytes.Buffer
	s.Write(&out, true)
	text := out.String()
	require.Contains(t, text, "### Burn-down")
	require.NotContains(t, text, "### Steady", "it has no results")
	require.Contains(t, text, "| aftercall | 10 | 110 (100–120) | 6.0 | 2.0 |")
	require.Regexp(t, `SETNX.*\| 4 \(3–5\) \| 0 \|`, text)
	out.Reset()
	s.Write(&out, false)
	require.Contains(t, out.String(), "│ aftercall")
}

func TestCSV(t *testing.T) {
	var out bytes.Buffer
	require.NoError(t, Set{result("aftercall", 120.5, 0), result("temporal", 30, 2)}.WriteCSV(&out))
	rows, err := csv.NewReader(&out).ReadAll()
	require.NoError(t, err)
	require.Len(t, rows, 3)
	column := map[string]string{}
	for i, name := range rows[0] {
		column[name] = rows[2][i]
	}
	require.Equal(t, "temporal", column["contestant"])
	require.Equal(t, "30", column["calls_per_second"])
	require.Equal(t, "4", column["server_cpu"])
	require.Equal(t, "2", column["unnotified"])
}

func TestPicture(t *testing.T) {
	var out bytes.Buffer
	require.NoError(t, Set{result("aftercall", 120, 0), result("temporal", 30, 0)}.WriteSVG(&out))
	require.Contains(t, out.String(), "<svg")
	require.Contains(t, out.String(), "burn-down: calls per second")
	require.Contains(t, out.String(), "temporal")
}
