package tracereceiver

import (
	"fmt"
	"html"
	"io"
	"time"
)

// The measures of the picture, in pixels.
const (
	rowHeight  = 22
	indent     = 14
	textWidth  = 390
	barsWidth  = 470
	valueWidth = 90
	top        = 44
)

// colours are those of the processes, in the order of their appearance.
var colours = []string{"#3b82f6", "#10b981", "#f59e0b"}

// SVG draws a trace: a row for each span, a bar for its time.
func SVG(w io.Writer, title string, nodes []Node) error {
	if len(nodes) == 0 {
		return fmt.Errorf("there are no spans to draw")
	}
	first, last := nodes[0].Start, nodes[0].End
	for _, n := range nodes {
		if n.Start.Before(first) {
			first = n.Start
		}
		if n.End.After(last) {
			last = n.End
		}
	}
	scale := barsWidth / float64(last.Sub(first))
	colour := map[string]string{}
	height := top + rowHeight*len(nodes) + 30
	p := &printer{w: w}
	p.printf(`<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" font-family="system-ui, sans-serif" font-size="13">`+"\n",
		textWidth+barsWidth+valueWidth, height)
	p.printf(`<rect width="100%%" height="100%%" fill="#fff"/><text x="12" y="26" font-size="15" font-weight="600">%s</text>`+"\n", html.EscapeString(title))
	for i, n := range nodes {
		if colour[n.Service] == "" {
			colour[n.Service] = colours[len(colour)%len(colours)]
		}
		y := top + rowHeight*i
		x := textWidth + float64(n.Start.Sub(first))*scale
		width := max(float64(n.End.Sub(n.Start))*scale, 2)
		p.printf(`<text x="%d" y="%d">%s</text><rect x="%.1f" y="%d" width="%.1f" height="12" rx="2" fill="%s"/><text x="%d" y="%d" fill="#666" text-anchor="end">%s</text>`+"\n",
			12+indent*n.Depth, y+15, html.EscapeString(n.Name), x, y+5, width, colour[n.Service],
			textWidth+barsWidth+valueWidth-12, y+15, took(n.End.Sub(n.Start)))
	}
	x := 12
	for _, n := range nodes {
		if c := colour[n.Service]; c != "" {
			p.printf(`<rect x="%d" y="%d" width="10" height="10" rx="2" fill="%s"/><text x="%d" y="%d" fill="#666">%s</text>`+"\n",
				x, height-22, c, x+15, height-13, html.EscapeString(n.Service))
			delete(colour, n.Service)
			x += 160
		}
	}
	p.printf("</svg>\n")
	return p.err
}

func took(d time.Duration) string {
	return fmt.Sprintf("%.1f ms", float64(d)/float64(time.Millisecond))
}

// printer keeps the first error.
type printer struct {
	w   io.Writer
	err error
}

func (p *printer) printf(format string, args ...any) {
	if p.err == nil {
		_, p.err = fmt.Fprintf(p.w, format, args...)
	}
}
