package statement

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"aftercall/internal/ledger"
	"aftercall/internal/untrusted"
)

// title is the month for people, as in November 2026.
func (h Head) title() string { return h.From.Format("January 2006") }

// subject is a line for each thing to know about the statement.
func (h Head) subject() [][2]string {
	lines := [][2]string{{"Payer", orNone(shown(h.Payer))}}
	if h.App != "" {
		lines = append(lines, [2]string{"App", shown(h.App)})
	}
	asOf := h.AsOf.In(h.zone()).Format(time.DateTime)
	if !h.over() {
		asOf += ", before the end of the month"
	}
	return append(
		lines,
		[2]string{"Calls ended", h.From.Format(time.DateOnly) + " to " + h.To.Add(-time.Second).Format(time.DateOnly) + ", " + h.zone().String()},
		[2]string{"As of", asOf},
	)
}

// about says what call it is: app, kind and result.
func (c Call) about() string {
	r := c[0].Record
	return shown(strings.Join([]string{c[0].App, string(r.MediaType), string(r.CallType), string(r.Result)}, ", "))
}

// occasion says what an entry is, and of a correction when and why it was booked.
func occasion(e ledger.Entry, zone *time.Location) (kind, booked, reason string) {
	kind = strings.ToUpper(string(e.Kind[:1])) + string(e.Kind[1:])
	if e.Correction() {
		booked, reason = "booked "+e.CreatedAt.In(zone).Format(time.DateTime), shown(e.Reason)
	}
	return kind, booked, reason
}

// explanation are the texts of the steps from the record to the amount, with accounts.
func explanation(e ledger.Entry) []string {
	texts := make([]string, len(e.Charge.Steps))
	for i, s := range e.Charge.Steps {
		texts[i] = shown(s.NamedText())
	}
	return texts
}

// counts says how many entries a total has.
func counts(t ledger.Total) string {
	words := plural(t.Charges, "charge")
	if t.Adjustments > 0 {
		words += ", " + plural(t.Adjustments, "adjustment")
	}
	if t.Reversals > 0 {
		words += ", " + plural(t.Reversals, "reversal")
	}
	return words
}

func plural(n int64, noun string) string {
	if n != 1 {
		noun += "s"
	}
	return strconv.FormatInt(n, 10) + " " + noun
}

// duration is a time in hours, minutes and seconds, as in 1:02:03.
func duration(seconds int64) string {
	if seconds >= 3600 {
		return fmt.Sprintf("%d:%02d:%02d", seconds/3600, seconds/60%60, seconds%60)
	}
	return fmt.Sprintf("%d:%02d", seconds/60, seconds%60)
}

// money is a sum with its currency.
func money(t ledger.Total) string { return t.Amount.Number() + " " + t.Currency }

// shown is foreign text on one line, without what could reorder or hide it.
func shown(s string) string { return untrusted.Text(s) }

func orNone(s string) string {
	if s == "" {
		return "(none)"
	}
	return s
}
