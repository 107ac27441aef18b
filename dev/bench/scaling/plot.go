package scaling

import (
	"image/color"
	"io"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"
)

const (
	plotWidth, plotHeight = 18 * vg.Centimeter, 9 * vg.Centimeter
	// plotStep is the number of seconds between two points.
	plotStep = 15
)

var lineColors = []color.Color{
	color.RGBA{R: 0x1f, G: 0x77, B: 0xb4, A: 0xff},
	color.RGBA{R: 0xd6, G: 0x27, B: 0x28, A: 0xff},
	color.RGBA{R: 0x2c, G: 0xa0, B: 0x2c, A: 0xff},
	color.RGBA{R: 0x94, G: 0x67, B: 0xbd, A: 0xff},
}

// WriteSVG draws how late calls are charged in the course of bursts.
func WriteSVG(out io.Writer, outcomes []Outcome) error {
	p := plot.New()
	p.BackgroundColor = color.White
	p.Title.Text = "ten times the usual rate from minute 5 to 15: how late calls are charged"
	p.X.Label.Text, p.Y.Label.Text = "minutes", "minutes late"
	p.X.Min, p.X.Max, p.Y.Min = 0, burstShown/60, 0
	p.Legend.Top = true
	p.Add(plotter.NewGrid())
	for i, o := range outcomes {
		var points plotter.XYs
		for second := 0; second < len(o.Waiting); second += plotStep {
			points = append(points, plotter.XY{X: float64(second) / 60, Y: float64(o.Waiting[second]) / float64(o.Capacity) / 60})
		}
		line, err := plotter.NewLine(points)
		if err != nil {
			return err
		}
		line.Color, line.Width = lineColors[i%len(lineColors)], vg.Points(1.5)
		p.Add(line)
		p.Legend.Add(o.Name, line)
	}
	canvas := vgsvg.New(plotWidth, plotHeight)
	p.Draw(draw.New(canvas))
	_, err := canvas.WriteTo(out)
	return err
}
