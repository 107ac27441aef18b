package statement

import (
	_ "embed"
	"html/template"
	"io"
	"time"

	"aftercall/internal/ledger"
)

//go:embed statement.html
var htmlText string

// htmlTemplates are the parts of a page.
var htmlTemplates = template.Must(template.New("statement").Parse(htmlText))

// htmlLayout writes a page that prints on A4.
type htmlLayout struct {
	w    io.Writer
	head Head
	any  bool
}

type htmlCall struct {
	Date, Time, About, CallID, Connected string
	Sums                                 []string
	Corrected                            bool
	Entries                              []htmlEntry
}

type htmlEntry struct {
	Kind, Booked, Reason, Amount string
	Explanation                  []string
}

func (l *htmlLayout) begin(h Head) error {
	return htmlTemplates.ExecuteTemplate(l.w, "begin", map[string]any{"Title": h.title(), "Payer": orNone(shown(h.Payer)), "Subject": h.subject()})
}

func (l *htmlLayout) call(c Call) error {
	if !l.any {
		l.any = true
		if err := htmlTemplates.ExecuteTemplate(l.w, "calls", nil); err != nil {
			return err
		}
	}
	totals, err := c.totals()
	if err != nil {
		return err
	}
	ended := c[0].Record.EndedAt().In(l.head.zone())
	call := htmlCall{
		Date: ended.Format(time.DateOnly), Time: ended.Format(time.TimeOnly), About: c.about(), CallID: shown(c[0].CallID()),
		Connected: duration(c.connectedSeconds()), Corrected: c.corrected(),
	}
	for _, t := range totals {
		call.Sums = append(call.Sums, money(t))
	}
	for _, e := range c {
		kind, booked, reason := occasion(e, l.head.zone())
		call.Entries = append(call.Entries, htmlEntry{kind, booked, reason, e.Charge.Amount.String(), explanation(e)})
	}
	return htmlTemplates.ExecuteTemplate(l.w, "call", call)
}

func (l *htmlLayout) end(totals []ledger.Total) error {
	type htmlTotal struct{ Sum, Counts string }
	sums := make([]htmlTotal, len(totals))
	for i, t := range totals {
		sums[i] = htmlTotal{money(t), counts(t)}
	}
	return htmlTemplates.ExecuteTemplate(l.w, "end", map[string]any{"Any": l.any, "Totals": sums})
}
