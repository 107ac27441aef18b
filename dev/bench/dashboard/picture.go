package dashboard

import (
	"fmt"
	"image/color"
	"io"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"

	"aftercall/dev/grafana"
)

const (
	// columns are those of Grafana's grid, cellWidth and cellHeight its cells here.
	columns               = 24
	cellWidth, cellHeight = 42 * vg.Length(1), 20 * vg.Length(1)
	// gap is around each panel, padding within it, and headHeight above all.
	gap, padding, headHeight = vg.Length(3), vg.Length(6), vg.Length(34)
)

var (
	pageColor   = color.RGBA{R: 0xf4, G: 0xf5, B: 0xf5, A: 0xff}
	borderColor = color.RGBA{R: 0xdc, G: 0xdd, B: 0xde, A: 0xff}
	textColor   = color.RGBA{R: 0x24, G: 0x29, B: 0x2e, A: 0xff}
	faintColor  = color.RGBA{R: 0x6b, G: 0x72, B: 0x7a, A: 0xff}
)

// style is how text of a size in points is written.
func style(size vg.Length, c color.Color) text.Style {
	return text.Style{
		Color: c, Handler: plot.DefaultTextHandler, XAlign: draw.XLeft, YAlign: draw.YBottom,
		Font: font.From(font.Font{Typeface: "Liberation", Variant: "Sans"}, size),
	}
}

// WriteSVG draws the panels where Grafana has them. note says how they were filled.
func WriteSVG(out io.Writer, panels []Filled, minutes float64, note string) error {
	rows := 0
	for _, p := range panels {
		rows = max(rows, p.GridPos.Y+p.GridPos.H)
	}
	canvas := vgsvg.New(columns*cellWidth, vg.Length(rows)*cellHeight+headHeight)
	page := draw.New(canvas)
	fillRectangle(page, pageColor)
	top := page.Max.Y - headHeight
	page.FillText(style(15, textColor), vg.Point{X: 2 * gap, Y: top + 15}, "Aftercall")
	page.FillText(style(9, faintColor), vg.Point{X: 2 * gap, Y: top + 3}, note)
	for _, p := range panels {
		at := p.GridPos
		left, upper := vg.Length(at.X)*cellWidth, top-vg.Length(at.Y)*cellHeight
		cell := draw.Canvas{Canvas: page.Canvas, Rectangle: vg.Rectangle{
			Min: vg.Point{X: left + gap, Y: upper - vg.Length(at.H)*cellHeight + gap},
			Max: vg.Point{X: left + vg.Length(at.W)*cellWidth - gap, Y: upper - gap},
		}}
		if err := p.draw(cell, minutes); err != nil {
			return fmt.Errorf("%s: %w", p.Title, err)
		}
	}
	_, err := canvas.WriteTo(out)
	return err
}

func (p Filled) draw(c draw.Canvas, minutes float64) error {
	if p.Type == grafana.TypeRow {
		c.FillText(style(11, textColor), vg.Point{X: c.Min.X + gap, Y: c.Min.Y + gap}, p.Title)
		return nil
	}
	fillRectangle(c, color.White)
	c.StrokeLines(draw.LineStyle{Color: borderColor, Width: vg.Points(0.5)}, corners(c.Rectangle, true))
	inner := draw.Crop(c, padding, -padding, padding, -padding)
	title := style(9, textColor)
	inner.FillText(title, vg.Point{X: inner.Min.X, Y: inner.Max.Y - title.Height(p.Title)}, p.Title)
	inner.Max.Y -= title.Height(p.Title) + gap
	unit, err := unitOf(p)
	if err != nil {
		return err
	}
	switch p.Type {
	case grafana.TypeStat:
		return p.drawStat(inner, minutes, unit)
	case grafana.TypeTimeSeries:
		return p.drawTimeSeries(inner, minutes, unit)
	}
	return fmt.Errorf("panels of type %q cannot be drawn here: add them to dev/bench/dashboard/panel.go", p.Type)
}

func fillRectangle(c draw.Canvas, fill color.Color) { c.FillPolygon(fill, corners(c.Rectangle, false)) }

func corners(r vg.Rectangle, closed bool) []vg.Point {
	all := []vg.Point{r.Min, {X: r.Max.X, Y: r.Min.Y}, r.Max, {X: r.Min.X, Y: r.Max.Y}}
	if closed {
		all = append(all, r.Min)
	}
	return all
}
