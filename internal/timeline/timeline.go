// Package timeline draws who was in a call and when, as a charge by participant minutes
// has it: the intervals of each member, and the events by which they were found.
package timeline

import (
	"errors"
	"fmt"
	"image/color"
	"io"
	"slices"
	"time"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"

	"aftercall/internal/attendance"
	"aftercall/internal/billing"
	"aftercall/internal/ledger"
	"aftercall/internal/untrusted"
)

// ErrNoIntervals is returned for an entry that was not charged by participant minutes.
var ErrNoIntervals = errors.New("there are no intervals: the call was not charged by participant minutes")

// maxMembers is how many members are drawn.
const maxMembers = 100

const (
	width      = 18 * vg.Centimeter
	rowHeight  = 0.8 * vg.Centimeter
	headHeight = 2.6 * vg.Centimeter
	// barHeight is part of a row, and beside is where the events of a source are in it.
	barHeight, beside = 0.34, 0.3
	glyphRadius       = vg.Length(2.6)
	// aside is the part of the call's length that is drawn before and after it.
	aside = 0.04
)

var (
	barColor   = color.RGBA{R: 0x1f, G: 0x77, B: 0xb4, A: 0xff}
	faintColor = color.RGBA{R: 0xb0, G: 0xb7, B: 0xbf, A: 0xff}
	// sources are drawn in this order, from the top of a row.
	sources = []source{
		{attendance.SourceCallback, "callback:", beside, color.RGBA{R: 0xd6, G: 0x27, B: 0x28, A: 0xff}},
		{attendance.SourceRoom, "room:", -beside, color.RGBA{R: 0x2c, G: 0x8a, B: 0x2c, A: 0xff}},
	}
	glyphs = []glyph{
		{attendance.Joined, "joined", draw.CircleGlyph{}},
		{attendance.Left, "left", draw.RingGlyph{}},
		{attendance.Dropped, "dropped", draw.CrossGlyph{}},
	}
)

// source is how the events of one source are drawn.
type source struct {
	name  attendance.Source
	label string
	above float64 // the middle of the row
	color color.RGBA
}

// glyph is how events of one kind are drawn.
type glyph struct {
	kind  attendance.Kind
	label string
	shape draw.GlyphDrawer
}

// WriteSVG draws the intervals of a charge. It names the accounts of the members, so
// show it only to those who may know them. The error is ErrNoIntervals for a charge that
// was not made by participant minutes.
func WriteSVG(out io.Writer, e ledger.Entry) error {
	c := chart{entry: e, from: e.Record.AcceptTime * 1000, to: e.Record.EndTime * 1000, rows: map[string]int{}}
	for _, s := range e.Charge.Steps {
		if s.Member != nil && len(c.steps) < maxMembers {
			c.rows[s.Member.User] = len(c.steps)
			c.steps = append(c.steps, s)
		}
	}
	if len(c.steps) == 0 {
		return ErrNoIntervals
	}
	canvas := vgsvg.New(width, headHeight+rowHeight*vg.Length(len(c.steps)))
	c.plot().Draw(draw.Crop(draw.New(canvas), 6, -12, 6, -6))
	_, err := canvas.WriteTo(out)
	return err
}

// chart draws one charge. Its rows are numbered downwards from 0; the row above has the
// legend.
type chart struct {
	entry    ledger.Entry
	from, to int64 // Unix milliseconds
	steps    []billing.Step
	rows     map[string]int // by account
}

func (c *chart) plot() *plot.Plot {
	p := plot.New()
	p.BackgroundColor = color.White
	charge := c.entry.Charge
	p.Title.Text = fmt.Sprintf("Call %s: %d s of %d members, %s", untrusted.Text(c.entry.CallID()), charge.BilledSeconds, len(charge.MemberSeconds()), charge.Amount)
	p.X.Label.Text = c.at(c.from).Format("2006-01-02") + ", UTC"
	length := float64(c.to - c.from)
	p.X.Min, p.X.Max = float64(c.from)-aside*length, float64(c.to)+aside*length
	p.X.Tick.Marker = clock{}
	p.Y.Min, p.Y.Max = -float64(len(c.steps))+0.4, 1.2
	names := make(plot.ConstantTicks, len(c.steps))
	for i, s := range c.steps {
		names[i] = plot.Tick{Value: -float64(i), Label: fmt.Sprintf("%s: %d s, billed %d s", short(s.Member.User), s.Member.Seconds, s.Seconds)}
	}
	p.Y.Tick.Marker = names
	p.Y.Width, p.Y.Tick.Length, p.Y.Padding = 0, 0, 14
	for _, f := range []*font.Font{&p.Title.TextStyle.Font, &p.X.Label.TextStyle.Font, &p.X.Tick.Label.Font, &p.Y.Tick.Label.Font, &p.Legend.TextStyle.Font} {
		f.Variant = "Sans"
	}
	p.Title.TextStyle.Font.Size, p.X.Label.TextStyle.Font.Size, p.Legend.TextStyle.Font.Size, p.Y.Tick.Label.Font.Size = 11, 9, 9, 9
	p.Add(c)
	return p
}

func (c *chart) at(ms int64) time.Time { return time.UnixMilli(ms).UTC() }

// Plot implements plot.Plotter.
func (c *chart) Plot(canvas draw.Canvas, p *plot.Plot) {
	x, y := p.Transforms(&canvas)
	for _, edge := range []int64{c.from, c.to} {
		at := x(float64(edge))
		canvas.StrokeLine2(draw.LineStyle{Color: faintColor, Width: 1, Dashes: []vg.Length{3, 2}}, at, y(p.Y.Min), at, y(0.6))
	}
	for i, s := range c.steps {
		row := -float64(i)
		canvas.StrokeLine2(draw.LineStyle{Color: faintColor, Width: 0.5}, x(float64(c.from)), y(row), x(float64(c.to)), y(row))
		for _, in := range s.Member.Intervals {
			left, right := x(float64(in.From.UnixMilli())), x(float64(in.To.UnixMilli()))
			low, high := y(row-barHeight/2), y(row+barHeight/2)
			canvas.FillPolygon(barColor, []vg.Point{{X: left, Y: low}, {X: right, Y: low}, {X: right, Y: high}, {X: left, Y: high}})
		}
	}
	for _, e := range c.entry.Charge.Evidence {
		row, drawn := c.rows[e.User]
		for _, from := range sources {
			if at := float64(e.At.UnixMilli()); drawn && e.Source == from.name {
				canvas.DrawGlyph(styleOf(e.Kind, from), vg.Point{X: x(min(max(at, p.X.Min), p.X.Max)), Y: y(-float64(row) + from.above)})
			}
		}
	}
	c.legend(canvas, p, y(1))
}

// legend explains the glyphs that are drawn in one line.
func (c *chart) legend(canvas draw.Canvas, p *plot.Plot, height vg.Length) {
	style := p.Legend.TextStyle
	style.YAlign = draw.YCenter
	at := canvas.Min.X
	write := func(label string) {
		canvas.FillText(style, vg.Point{X: at, Y: height}, label)
		at += style.Width(label) + 6
	}
	canvas.FillPolygon(barColor, []vg.Point{{X: at, Y: height - 3}, {X: at + 14, Y: height - 3}, {X: at + 14, Y: height + 3}, {X: at, Y: height + 3}})
	at += 18
	write("counted")
	for _, from := range sources {
		write(from.label)
		for _, g := range glyphs {
			if !slices.ContainsFunc(c.entry.Charge.Evidence, func(e attendance.Event) bool { return e.Source == from.name && e.Kind == g.kind }) {
				continue
			}
			canvas.DrawGlyph(styleOf(g.kind, from), vg.Point{X: at + glyphRadius, Y: height})
			at += 2*glyphRadius + 4
			write(g.label)
		}
	}
	if more := len(c.entry.Charge.MemberSeconds()) - len(c.steps); more > 0 {
		write(fmt.Sprintf("and %d more members", more))
	}
}

func styleOf(kind attendance.Kind, from source) draw.GlyphStyle {
	style := draw.GlyphStyle{Color: from.color, Radius: glyphRadius}
	for _, g := range glyphs {
		if g.kind == kind {
			style.Shape = g.shape
		}
	}
	return style
}

// maxName is how many characters of an account are drawn.
const maxName = 24

func short(account string) string {
	text := []rune(untrusted.Text(account))
	if len(text) > maxName {
		return string(text[:maxName-1]) + "…"
	}
	return string(text)
}

// steps are the distances between the times at the axis.
var steps = []time.Duration{
	time.Second, 2 * time.Second, 5 * time.Second, 10 * time.Second, 15 * time.Second, 30 * time.Second,
	time.Minute, 2 * time.Minute, 5 * time.Minute, 10 * time.Minute, 15 * time.Minute, 30 * time.Minute,
	time.Hour, 2 * time.Hour, 3 * time.Hour, 6 * time.Hour, 12 * time.Hour, 24 * time.Hour, 7 * 24 * time.Hour,
}

// maxTicks is how many times fit beside each other.
const maxTicks = 8

// longFormat is for calls of several days.
const longFormat = "2 Jan 15:04"

// clock labels an axis of Unix milliseconds.
type clock struct{}

// Ticks implements plot.Ticker.
func (clock) Ticks(low, high float64) []plot.Tick {
	first, last := time.UnixMilli(int64(low)).UTC(), time.UnixMilli(int64(high)).UTC()
	step := steps[len(steps)-1]
	for i := len(steps) - 1; i >= 0 && last.Sub(first)/steps[i] < maxTicks; i-- {
		step = steps[i]
	}
	format := time.TimeOnly
	if step >= 12*time.Hour {
		format = longFormat
	}
	var ticks []plot.Tick
	for at := first.Truncate(step); !at.After(last); at = at.Add(step) {
		if !at.Before(first) {
			ticks = append(ticks, plot.Tick{Value: float64(at.UnixMilli()), Label: at.Format(format)})
		}
	}
	return ticks
}
