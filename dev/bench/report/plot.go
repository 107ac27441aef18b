package report

import (
	"image/color"
	"io"
	"math"
	"slices"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"

	"aftercall/dev/bench/harness"
)

// panel is a chart of the picture.
type panel struct {
	title string
	load  string
	log   bool
	value func(harness.Result) float64
}

var panels = []panel{
	{"burn-down: calls per second", harness.BurnDown, false, func(r harness.Result) float64 { return r.PerSecond }},
	{"burn-down: CPU per call in ms, with servers", harness.BurnDown, false, func(r harness.Result) float64 { return ms(r.ServiceCPU + r.ServerCPU) }},
	{"steady: webhook delay, p99 in ms", harness.Steady, true, func(r harness.Result) float64 { return ms(r.WebhookDelay.P99) }},
	{"killed halfway: calls lost", harness.Killed, false, func(r harness.Result) float64 { return float64(r.Verification.Lost()) }},
}

const (
	panelWidth  = 9 * vg.Centimeter
	panelHeight = 6 * vg.Centimeter
	barWidth    = vg.Length(16)
)

var (
	oursColor   = color.RGBA{R: 0x1f, G: 0x77, B: 0xb4, A: 0xff}
	othersColor = color.RGBA{R: 0xb0, G: 0xb7, B: 0xbf, A: 0xff}
)

// WriteSVG draws bar charts of the medians.
func (s Set) WriteSVG(out io.Writer) error {
	const columns = 2
	rows := (len(panels) + columns - 1) / columns
	canvas := vgsvg.New(columns*panelWidth, vg.Length(rows)*panelHeight)
	tiles := draw.Tiles{Rows: rows, Cols: columns, PadX: vg.Millimeter * 4, PadY: vg.Millimeter * 4, PadTop: 4, PadBottom: 4, PadLeft: 4, PadRight: 4}
	area := draw.New(canvas)
	drawn := 0
	for _, panel := range panels {
		if !s.has(panel.load) {
			continue
		}
		p, err := s.panel(panel)
		if err != nil {
			return err
		}
		p.Draw(tiles.At(area, drawn%columns, drawn/columns))
		drawn++
	}
	_, err := canvas.WriteTo(out)
	return err
}

// has reports whether there are results for a load.
func (s Set) has(load string) bool {
	return slices.ContainsFunc(s, func(r harness.Result) bool { return r.Load.Name == load })
}

func (s Set) panel(panel panel) (*plot.Plot, error) {
	p := plot.New()
	p.Title.Text = panel.title
	p.BackgroundColor = color.White
	var names []string
	for _, c := range harness.Contestants {
		results := s.of(c.Name, panel.load)
		if len(results) == 0 || c.Cluster { // there is no room for long names
			continue
		}
		value := results.figure(panel.value).median
		if panel.log {
			value = math.Log10(max(value, 1))
		}
		bar, err := plotter.NewBarChart(plotter.Values{value}, barWidth)
		if err != nil {
			return nil, err
		}
		bar.XMin, bar.Color, bar.LineStyle.Width = float64(len(names)), othersColor, 0
		if c.Name == harness.Aftercall {
			bar.Color = oursColor
		}
		p.Add(bar)
		names = append(names, c.Name)
	}
	p.NominalX(names...)
	p.Y.Min = 0
	if panel.log {
		p.Y.Tick.Marker = powers{}
	}
	p.Add(plotter.NewGrid())
	return p, nil
}

// powers labels an axis of decimal logarithms.
type powers struct{}

// Ticks implements plot.Ticker.
func (powers) Ticks(low, high float64) []plot.Tick {
	var ticks []plot.Tick
	for exponent := math.Floor(low); exponent <= math.Ceil(high); exponent++ {
		ticks = append(ticks, plot.Tick{Value: exponent, Label: number(math.Pow(10, exponent))})
	}
	return ticks
}
