package ops

import (
	"context"
	"errors"
	"strings"
	"time"

	"aftercall/internal/ledger"
	"aftercall/internal/ledgerlog"
	"aftercall/internal/shell"
)

// ClosedMonth is a month that was closed.
type ClosedMonth struct {
	Month string `json:"month"`
	Zone  string `json:"zone"`
	// From, inclusive, and To, exclusive, are its bounds.
	From     time.Time `json:"from"`
	To       time.Time `json:"to"`
	Operator string    `json:"operator"`
	// Before reports that it had been closed before.
	Before bool `json:"closed_before"`
	// Checkpoint is the one at which it was closed. Its text says all of this.
	Checkpoint Checkpoint `json:"checkpoint"`
}

// CloseMonth records that a month of a zone was closed: it takes what was booked into
// the log, makes a checkpoint that says so, and notifies the targets that subscribe to
// checkpoints if notify is true. A month that was closed before stays as it is. If the
// notification cannot be started, the result is returned with the error.
func (d *Deps) CloseMonth(ctx context.Context, name, zoneName, operator string, notify bool) (*ClosedMonth, error) {
	zone, err := Zone(zoneName)
	if err != nil {
		return nil, err
	}
	m, err := parseMonth("--close", name, zone)
	if err != nil {
		return nil, err
	}
	if strings.TrimSpace(operator) == "" {
		return nil, Errorf(Usage, "say who closes the month: it is kept in the checkpoint", "missing: --operator NAME")
	}
	month := ledgerlog.Close{Month: m.name, Zone: zone.String(), From: m.from.Unix(), To: m.to.Unix(), Operator: operator}
	var c ClosedMonth
	checkpoint, err := d.checkpoint(ctx, notify, func(l *ledger.Ledger, key ledgerlog.Key) (ledgerlog.Issued, error) {
		made, closed, err := l.CloseMonth(ctx, month, key)
		if err == nil {
			c = ClosedMonth{Month: made.Close.Month, Zone: made.Close.Zone, Operator: made.Close.Operator, Before: !closed}
			c.From, c.To = made.Close.Bounds()
		}
		return made, err
	})
	switch {
	case errors.Is(err, ledger.ErrNotOver):
		return nil, Errorf(Refused, "close it after its end", "--close %s in %s: %w", m.name, zone, err)
	case checkpoint == nil:
		return nil, err
	}
	c.Checkpoint = *checkpoint
	return &c, err
}

// EntriesAfterClose returns the entries that q selects and that are of calls of a
// closed month, but not in its checkpoint: corrections, and calls that were charged
// late.
func (d *Deps) EntriesAfterClose(ctx context.Context, name string, q EntryQuery) ([]LedgerEntry, error) {
	if q.Ended.From != "" || q.Ended.To != "" {
		return nil, Errorf(Usage, "", "--after-close: the month says which calls; leave out --from and --to")
	}
	if _, err := parseMonth("--after-close", name, time.UTC); err != nil {
		return nil, err
	}
	f, _, err := d.filter(ctx, q)
	if err != nil {
		return nil, err
	}
	l, err := d.Ledger(ctx)
	if err != nil {
		return nil, err
	}
	c, err := l.ClosedMonth(ctx, name)
	if errors.Is(err, ledger.ErrNotClosed) {
		return nil, Errorf(NotFound, "close it: "+shell.Command("aftercall ledger report --operator NAME --close", name), "--after-close %s: %w", name, err)
	}
	if err != nil {
		return nil, err
	}
	entries := []LedgerEntry{}
	for e, err := range l.ListAfterClose(ctx, f, c.Checkpoint) {
		if err != nil {
			return nil, err
		}
		entries = append(entries, newLedgerEntry(e))
	}
	return entries, nil
}
