package dashboard

import (
	"cmp"
	"fmt"
	"image/color"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"aftercall/dev/grafana"
)

// palette has the colors of a panel's series.
var palette = []color.RGBA{
	{R: 0x56, G: 0xa6, B: 0x4b, A: 0xff},
	{R: 0xe0, G: 0xb4, B: 0x00, A: 0xff},
	{R: 0x32, G: 0x74, B: 0xd9, A: 0xff},
	{R: 0xe0, G: 0x2f, B: 0x44, A: 0xff},
	{R: 0x8f, G: 0x3b, B: 0xb8, A: 0xff},
	{R: 0xfa, G: 0x64, B: 0x00, A: 0xff},
	{R: 0x1f, G: 0x9b, B: 0xa5, A: 0xff},
	{R: 0x9e, G: 0x6b, B: 0x3c, A: 0xff},
}

// named are the colors of thresholds.
var named = map[string]color.RGBA{"green": palette[0], "red": palette[3]}

const (
	fontSize    = vg.Length(7)
	legendLine  = vg.Length(10)
	opacity     = 0x1a
	statSize    = vg.Length(22)
	legendSpace = vg.Length(9)
)

// drawTimeSeries draws lines, with their names below.
func (p Filled) drawTimeSeries(c draw.Canvas, minutes float64, u unit) error {
	c.Min.Y += p.drawLegend(c)
	area, err := p.plot(minutes)
	if err != nil {
		return err
	}
	for _, axis := range []*plot.Axis{&area.X, &area.Y} {
		axis.Tick.Label.Font = style(fontSize, faintColor).Font
		axis.Tick.Label.Color, axis.Color, axis.Tick.Color = faintColor, borderColor, borderColor
		axis.Padding = 0
	}
	area.X.Tick.Marker = unit(func(v float64) string { return number(v) + " min" })
	area.Y.Tick.Marker = u
	grid := plotter.NewGrid()
	grid.Horizontal.Color, grid.Vertical.Color = borderColor, borderColor
	area.Add(grid)
	area.Draw(c)
	return nil
}

// plot has the lines of all series.
func (p Filled) plot(minutes float64) (*plot.Plot, error) {
	area := plot.New()
	area.BackgroundColor = nil
	highest := 0.0
	for i, series := range p.Series {
		for _, part := range series.Parts {
			line, err := plotter.NewLine(part)
			if err != nil {
				return nil, err
			}
			c := palette[i%len(palette)]
			line.Color, line.Width = c, vg.Points(1)
			line.FillColor = color.NRGBA{R: c.R, G: c.G, B: c.B, A: opacity}
			area.Add(line)
			for _, point := range part {
				highest = max(highest, point.Y)
			}
		}
	}
	area.X.Min, area.X.Max = 0, minutes
	area.Y.Min, area.Y.Max = 0, cmp.Or(highest*1.1, 1)
	return area, nil
}

// drawLegend names the series at the bottom of c, and returns how high that is.
func (p Filled) drawLegend(c draw.Canvas) vg.Length {
	label := style(fontSize, textColor)
	type entry struct {
		x     vg.Length
		line  int
		color color.Color
		name  string
	}
	var entries []entry
	x, line := c.Min.X, 0
	for i, series := range p.Series {
		width := legendSpace + label.Width(series.Name) + legendSpace
		if x > c.Min.X && x+width > c.Max.X {
			x, line = c.Min.X, line+1
		}
		if series.Name != "" {
			entries = append(entries, entry{x, line, palette[i%len(palette)], series.Name})
		}
		x += width
	}
	for _, e := range entries {
		y := c.Min.Y + vg.Length(line-e.line)*legendLine
		c.StrokeLine2(draw.LineStyle{Color: e.color, Width: vg.Points(2)}, e.x, y+fontSize/3, e.x+legendSpace-2, y+fontSize/3)
		c.FillText(label, vg.Point{X: e.x + legendSpace, Y: y}, e.name)
	}
	return vg.Length(line+1) * legendLine
}

// drawStat writes the last value above a small line of how it came about.
func (p Filled) drawStat(c draw.Canvas, minutes float64, u unit) error {
	if len(p.Series) != 1 {
		return fmt.Errorf("its query returns %d series: a stat shows one", len(p.Series))
	}
	value, ok := p.Series[0].last()
	if !ok {
		return fmt.Errorf("it has no value")
	}
	area, err := p.plot(minutes)
	if err != nil {
		return err
	}
	area.HideAxes()
	lower := c
	lower.Max.Y = c.Min.Y + (c.Max.Y-c.Min.Y)/2
	area.Draw(lower)
	written := style(statSize, colorOf(p.FieldConfig.Defaults.Thresholds.Steps, value))
	written.XAlign, written.YAlign = draw.XCenter, draw.YTop
	c.FillText(written, vg.Point{X: (c.Min.X + c.Max.X) / 2, Y: c.Max.Y}, u(value))
	return nil
}

// colorOf is the color of the last step that a value reaches.
func colorOf(steps []grafana.Step, value float64) color.Color {
	reached := named["green"]
	for _, step := range steps {
		if step.Value == nil || value >= *step.Value {
			reached = named[step.Color]
		}
	}
	return reached
}
