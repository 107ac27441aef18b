package statement

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/muesli/reflow/wordwrap"

	"aftercall/internal/ledger"
)

// textWidth is the width of a statement in characters.
const textWidth = 80

// textLayout writes for people, on a screen or a printer.
type textLayout struct {
	w    io.Writer
	head Head
}

func (l *textLayout) begin(h Head) error {
	lines := []string{"Statement of " + h.title(), ""}
	for _, s := range h.subject() {
		lines = append(lines, indented(fmt.Sprintf("%-12s ", s[0]), s[1])...)
	}
	return l.lines(append(lines, "")...)
}

func (l *textLayout) call(c Call) error {
	totals, err := c.totals()
	if err != nil {
		return err
	}
	ended := c[0].Record.EndedAt().In(l.head.zone()).Format(time.DateTime)
	lines := []string{ended + "  " + duration(c.connectedSeconds()) + "  " + sums(totals)}
	lines = append(lines, indented("  ", c.about())...)
	lines = append(lines, indented("  ", "call "+shown(c[0].CallID()))...)
	for _, e := range c {
		indent := "  "
		if c.corrected() {
			lines = append(lines, indented(indent, l.title(e))...)
			indent += "  "
		}
		for i, step := range explanation(e) {
			lines = append(lines, indented(fmt.Sprintf("%s%d. ", indent, i+1), step)...)
		}
	}
	return l.lines(append(lines, "")...)
}

// title is the amount of an entry of a corrected call, and what the entry is.
func (l *textLayout) title(e ledger.Entry) string {
	kind, booked, reason := occasion(e, l.head.zone())
	title := e.Charge.Amount.String() + "  " + kind
	if booked != "" {
		title += ", " + booked
	}
	if reason != "" {
		title += ": " + reason
	}
	return title
}

func (l *textLayout) end(totals []ledger.Total) error {
	if len(totals) == 0 {
		return l.lines("No calls.")
	}
	for _, t := range totals {
		if err := l.lines("Total  " + money(t) + "  (" + counts(t) + ")"); err != nil {
			return err
		}
	}
	return nil
}

func (l *textLayout) lines(lines ...string) error {
	_, err := io.WriteString(l.w, strings.Join(lines, "\n")+"\n")
	return err
}

// sums are sums of several currencies, separated by commas.
func sums(totals []ledger.Total) string {
	words := make([]string, len(totals))
	for i, t := range totals {
		words[i] = money(t)
	}
	return strings.Join(words, ", ")
}

// indented are the lines of a text after a prefix, as far to the right as it is wide.
func indented(prefix, text string) []string {
	wrap := wordwrap.NewWriter(textWidth - len(prefix))
	wrap.Breakpoints = nil // hyphens are in CallIds
	_, _ = wrap.Write([]byte(text))
	_ = wrap.Close() // it writes into memory
	lines := strings.Split(wrap.String(), "\n")
	for i := range lines {
		lines[i] = strings.TrimRight(prefix+lines[i], " ")
		prefix = strings.Repeat(" ", len(prefix))
	}
	return lines
}
