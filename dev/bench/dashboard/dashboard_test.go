package dashboard

import (
	"html"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	v1 "github.com/prometheus/client_golang/api/prometheus/v1"
	"github.com/prometheus/common/model"
	"github.com/stretchr/testify/require"
	"gonum.org/v1/plot/plotter"

	"aftercall/dev/grafana"
)

const root = "../../.."

// madeUp are the panels of the dashboard, with lines that nobody measured.
func madeUp(t *testing.T) []Filled {
	t.Helper()
	panels, err := grafana.Read(root)
	require.NoError(t, err)
	filled := make([]Filled, len(panels))
	for i, panel := range panels {
		filled[i].Panel = panel
		for _, query := range panel.Targets {
			name := query.Legend(map[string]string{"outcome": "charged", "target": "crm", "app": "clinic", "instance": "127.0.0.1:9090"})
			filled[i].Series = append(filled[i].Series, Series{name, []plotter.XYs{{{X: 0, Y: 1}, {X: 5, Y: 2000}}, {{X: 7, Y: 3}}}})
		}
	}
	return filled
}

func svg(panels []Filled) (string, error) {
	var out strings.Builder
	err := WriteSVG(&out, panels, 10, "a note")
	return html.UnescapeString(out.String()), err
}

// TestPicture draws every panel of the dashboard.
func TestPicture(t *testing.T) {
	panels := madeUp(t)
	picture, err := svg(panels)
	require.NoError(t, err)
	for _, p := range panels {
		require.Contains(t, picture, ">"+p.Title+"<")
		for _, series := range p.Series {
			if series.Name != "" && p.Type == grafana.TypeTimeSeries {
				require.Contains(t, picture, ">"+series.Name+"<")
			}
		}
	}
	require.Contains(t, picture, "a note")
}

// TestCommittedPicture: the picture in the docs is one of the dashboard as it is.
func TestCommittedPicture(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(root, File))
	require.NoError(t, err)
	picture := html.UnescapeString(string(text))
	panels, err := grafana.Read(root)
	require.NoError(t, err)
	for _, p := range panels {
		require.Contains(t, picture, ">"+p.Title+"<", "draw it again: make bench ARGS=dashboard")
	}
}

// TestUndrawable: what the picture could not show is an error.
func TestUndrawable(t *testing.T) {
	for want, change := range map[string]func(*Filled){
		`unit "ops" is not known`:             func(p *Filled) { p.FieldConfig.Defaults.Unit = "ops" },
		`panels of type "gauge"`:              func(p *Filled) { p.Type = "gauge" },
		"a stat shows one":                    func(p *Filled) { p.Series = append(p.Series, p.Series[0]) },
		"Calls charged per minute: it has no": func(p *Filled) { p.Series[0].Parts = nil },
	} {
		panels := madeUp(t)
		require.Equal(t, grafana.TypeStat, panels[1].Type)
		change(&panels[1])
		_, err := svg(panels)
		require.ErrorContains(t, err, want)
	}
}

// TestParts: a line is interrupted where Prometheus has no number.
func TestParts(t *testing.T) {
	begin := time.Unix(1_800_000_000, 0)
	at := func(seconds int, value float64) model.SamplePair {
		return model.SamplePair{Timestamp: model.TimeFromUnix(begin.Unix() + int64(seconds)), Value: model.SampleValue(value)}
	}
	nan := 0.0
	nan /= nan
	require.Equal(t, []plotter.XYs{
		{{X: 0, Y: 1}, {X: 0.5, Y: 2}},
		{{X: 1.5, Y: 4}},
		{{X: 3, Y: 5}},
	}, parts([]model.SamplePair{at(0, 1), at(30, 2), at(60, nan), at(90, 4), at(180, 5)}, v1.Range{Start: begin, Step: 30 * time.Second}))
}

func TestUnits(t *testing.T) {
	for want, value := range map[string]float64{"0 s": 0, "4.26 ms": 0.004263, "1.5 s": 1.5, "119 s": 119, "15 min": 900, "2.5 h": 9000} {
		require.Equal(t, want, seconds(value))
	}
	for want, value := range map[string]float64{"0": 0, "0.0123": 0.01234, "12": 12, "999": 999, "1.5 K": 1500, "-3": -3} {
		require.Equal(t, want, number(value))
	}
	require.Equal(t, "64 MiB", units["bytes"](64<<20))
}
