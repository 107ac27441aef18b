package ops

import (
	"context"
	"io"

	"aftercall/internal/ledger"
)

// ExportParams say what to export.
type ExportParams struct {
	Query EntryQuery
	// After is a cursor, with which an earlier export ended: the number of entries of
	// the log before the first one to export. nil exports without the log.
	After *uint64
	// Until ends the export at a cursor; nil at the end of the log.
	Until *uint64
}

// Exported is what an export wrote.
type Exported struct {
	Entries int
	// Next is the cursor of the next export; nil for one without a cursor.
	Next *uint64
	// Waiting is how many entries are booked and not in the log yet, and so come after
	// Next.
	Waiting int64
}

// ExportEntries writes entries as CSV, as they are read. Those after a cursor are in
// the order of the log, so that none is left out or written twice from one cursor to
// the next, whatever is booked meanwhile. After an error the CSV is incomplete.
func (d *Deps) ExportEntries(ctx context.Context, w io.Writer, p ExportParams) (done Exported, err error) {
	f, _, err := d.filter(ctx, p.Query)
	if err != nil {
		return done, err
	}
	l, err := d.Ledger(ctx)
	if err != nil {
		return done, err
	}
	selected := l.List(ctx, f)
	switch {
	case p.After != nil:
		state, err := l.LogState(ctx)
		if err != nil {
			return done, err
		}
		end, err := p.end(state.Size)
		if err != nil {
			return done, err
		}
		done.Next, done.Waiting = &end, state.Waiting
		selected = l.ListLogged(ctx, f, *p.After, end)
	case p.Until != nil:
		return done, Errorf(Usage, "name the cursor to begin at, as in --after 0", "--until: needs --after")
	}
	if done.Entries, err = ledger.Export(w, selected); err != nil {
		return done, Errorf(Failed, "", "the export is incomplete, do not use it: %w", err)
	}
	return done, nil
}

// end is the cursor at which the export ends, in a log of a size.
func (p ExportParams) end(size uint64) (uint64, error) {
	end := size
	if p.Until != nil {
		end = *p.Until
	}
	switch {
	case p.Query.Live:
		return 0, Errorf(Usage, "export all entries, and compute which charges count from kind and reverses", "--live: is not possible with --after, because a later correction would change the result")
	case *p.After > size, end > size:
		return 0, Errorf(Refused, "if LEDGER_URL is right, an older copy of the ledger was restored: export everything again, with --after 0",
			"the log has %d entries: no export of this ledger ended at %d", size, max(*p.After, end))
	case *p.After > end:
		return 0, Errorf(Usage, "", "--until %d is before --after %d", end, *p.After)
	}
	return end, nil
}
