// Package statement writes what payers were charged for the calls of a month, for
// people and for programs, one call at a time.
package statement

import (
	"fmt"
	"io"
	"iter"
	"slices"
	"time"

	"aftercall/internal/ledger"
)

// Format is how a statement is written. It is also the ending of a file's name.
type Format string

// The formats of statements.
const (
	Text Format = "text"
	CSV  Format = "csv"
	JSON Format = "json"
	HTML Format = "html"
)

// Head says what a statement is about.
type Head struct {
	// Payer is the account that is charged, as ledger.PayerColumn gives it.
	Payer string
	// App is the app to which the statement is limited; empty for all.
	App string
	// Month is as in 2026-11. From, inclusive, and To, exclusive, are its bounds in the
	// time zone of From.
	Month    string
	From, To time.Time
	// AsOf is when the ledger was read, by the clock of its database.
	AsOf time.Time
}

// zone is the one in which the statement gives times.
func (h Head) zone() *time.Location { return h.From.Location() }

// over reports whether the month was over when the ledger was read: no call of it can
// end any more.
func (h Head) over() bool { return !h.AsOf.Before(h.To) }

// Call is a call with all its entries, in the order in which they were booked.
type Call []ledger.Entry

// Payer is the account that the call is charged to.
func (c Call) Payer() string { return ledger.PayerColumn(c[0].Payer()) }

// corrected reports whether the call has more than its first charge.
func (c Call) corrected() bool { return len(c) > 1 }

// totals are the sums of the call's entries, by currency.
func (c Call) totals() ([]ledger.Total, error) {
	var sums ledger.Sums
	for _, e := range c {
		if err := sums.Add(e); err != nil {
			return nil, err
		}
	}
	return sums.Totals(), nil
}

// connectedSeconds is how long the call was connected, as it was charged last.
func (c Call) connectedSeconds() int64 {
	for _, e := range slices.Backward(c) {
		if e.Kind == ledger.KindCharge {
			return e.Charge.ConnectedSeconds
		}
	}
	return 0
}

// Calls are the calls of entries in the order of ledger.ListByPayer. The first error
// ends the sequence.
func Calls(entries iter.Seq2[ledger.Entry, error]) iter.Seq2[Call, error] {
	return func(yield func(Call, error) bool) {
		var call Call
		for e, err := range entries {
			if err != nil {
				yield(nil, err)
				return
			}
			if len(call) > 0 && (call[0].SDKAppID != e.SDKAppID || call[0].CallID() != e.CallID()) {
				if !yield(call, nil) {
					return
				}
				call = nil
			}
			call = append(call, e)
		}
		if len(call) > 0 {
			yield(call, nil)
		}
	}
}

// layout writes the parts of a statement in one format.
type layout interface {
	begin(h Head) error
	call(c Call) error
	end(totals []ledger.Total) error
}

// Writer writes the statement of one payer.
type Writer struct {
	layout
	sums ledger.Sums
}

// NewWriter begins a statement.
func NewWriter(w io.Writer, f Format, h Head) (*Writer, error) {
	var l layout
	switch f {
	case Text:
		l = &textLayout{w: w, head: h}
	case CSV:
		l = &csvLayout{out: ledger.NewCSV(w), head: h}
	case JSON:
		l = &jsonLayout{w: w, head: h}
	case HTML:
		l = &htmlLayout{w: w, head: h}
	default:
		return nil, fmt.Errorf("there is no format %q of statements", f)
	}
	if err := l.begin(h); err != nil {
		return nil, fmt.Errorf("write statement: %w", err)
	}
	return &Writer{layout: l}, nil
}

// Add adds a call of the payer.
func (w *Writer) Add(c Call) error {
	for _, e := range c {
		if err := w.sums.Add(e); err != nil {
			return err
		}
	}
	if err := w.call(c); err != nil {
		return fmt.Errorf("write statement: %w", err)
	}
	return nil
}

// End ends the statement with its totals, and returns them.
func (w *Writer) End() ([]ledger.Total, error) {
	totals := w.sums.Totals()
	if err := w.end(totals); err != nil {
		return nil, fmt.Errorf("write statement: %w", err)
	}
	return totals, nil
}
