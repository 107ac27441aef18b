package ops

import (
	"context"
	"io"
	"iter"
	"time"

	"aftercall/internal/attendance"
	"aftercall/internal/billing"
	"aftercall/internal/ledger"
	"aftercall/internal/shell"
	"aftercall/internal/tencent"
)

// LedgerEntry is an entry of the ledger. Its JSON names are the columns of the
// export.
type LedgerEntry struct {
	Seq      int64       `json:"seq"`
	Key      string      `json:"key"`
	Kind     ledger.Kind `json:"kind"`
	Revision int         `json:"revision"`
	// Reverses is the key of the charge or adjustment that a reversal takes back.
	Reverses   string             `json:"reverses"`
	BookedAt   time.Time          `json:"booked_at"`
	SDKAppID   tencent.SDKAppID   `json:"sdk_app_id"`
	App        string             `json:"app"`
	CallID     string             `json:"call_id"`
	Payer      string             `json:"payer"`
	MediaType  tencent.MediaType  `json:"media_type"`
	CallType   tencent.CallType   `json:"call_type"`
	Result     tencent.CallResult `json:"result"`
	StartTime  *time.Time         `json:"start_time"`
	AcceptTime *time.Time         `json:"accept_time"` // nil if the call was never accepted
	EndTime    *time.Time         `json:"end_time"`

	ConnectedSeconds int64 `json:"connected_seconds"`
	BilledSeconds    int64 `json:"billed_seconds"`
	Participants     int   `json:"participants"`
	// Amount is decimal text, negative in the reversal of a charge, and of either sign
	// in an adjustment.
	Amount              string    `json:"amount"`
	Currency            string    `json:"currency"`
	Tariff              string    `json:"tariff"`
	TariffEffectiveFrom time.Time `json:"tariff_effective_from"`
	TariffHash          string    `json:"tariff_hash"`
	WorkflowID          string    `json:"workflow_id"`
	FirstRunID          string    `json:"first_run_id"`
	Operator            string    `json:"operator"`
	Reason              string    `json:"reason"`
	// Members are who took part, with the caller where Tencent lists it.
	Members []string `json:"members"`
	// MemberSeconds are the connected seconds of each member, by account, in a charge by
	// participant minutes.
	MemberSeconds map[string]int64 `json:"member_seconds"`

	stored ledger.Entry
}

// Adjusts reports whether it is an adjustment or the reversal of one.
func (e LedgerEntry) Adjusts() bool { return e.stored.Adjusts() }

// Free reports whether nothing is charged by it.
func (e LedgerEntry) Free() bool { return e.stored.Charge.Free() }

// newLedgerEntry returns a stored entry as operators see it.
func newLedgerEntry(e ledger.Entry) LedgerEntry {
	r, c := e.Record, e.Charge
	return LedgerEntry{
		Seq: e.Seq, Key: e.Key, Kind: e.Kind, Revision: e.Revision, Reverses: e.Reverses, BookedAt: e.CreatedAt,
		SDKAppID: e.SDKAppID, App: e.App, CallID: r.CallID, Payer: e.Payer(),
		MediaType: r.MediaType, CallType: r.CallType, Result: r.Result,
		StartTime: unixTime(r.StartTime), AcceptTime: unixTime(r.AcceptTime), EndTime: unixTime(r.EndTime),
		ConnectedSeconds: c.ConnectedSeconds, BilledSeconds: c.BilledSeconds, Participants: c.Participants,
		Amount: c.Amount.Number(), Currency: c.Amount.CurrencyCode(),
		Tariff: c.Tariff.Name, TariffEffectiveFrom: c.Tariff.EffectiveFrom.UTC(), TariffHash: c.Tariff.Hash,
		WorkflowID: e.WorkflowID, FirstRunID: e.FirstRunID, Operator: e.Operator, Reason: e.Reason,
		Members: append([]string{}, r.Members...), MemberSeconds: c.MemberSeconds(),
		stored: e,
	}
}

// unixTime is one of Tencent's times in UTC, nil for 0, which means never.
func unixTime(seconds int64) *time.Time {
	if seconds == 0 {
		return nil
	}
	t := time.Unix(seconds, 0).UTC()
	return &t
}

// ExplainedEntry is an entry with everything that explains its amount.
type ExplainedEntry struct {
	LedgerEntry
	Steps []billing.Step `json:"steps"`
	// Record is the call record as Tencent returned it.
	Record tencent.CallRecord `json:"record"`
	// Differences are the fields in which the callback disagreed with the record.
	Differences []tencent.Difference `json:"differences"`
	// Evidence is what was seen of the call, if the charge was made from it.
	Evidence []attendance.Event `json:"evidence"`
}

func newExplainedEntry(e ledger.Entry) ExplainedEntry {
	return ExplainedEntry{
		LedgerEntry: newLedgerEntry(e), Steps: e.Charge.Steps, Record: e.Record,
		Differences: append([]tencent.Difference{}, e.Differences...), Evidence: append([]attendance.Event{}, e.Charge.Evidence...),
	}
}

// ListEntries returns the first limit entries that q selects, in the order in
// which they were booked. more reports that there are others.
func (d *Deps) ListEntries(ctx context.Context, q EntryQuery, limit int) (entries []LedgerEntry, more bool, err error) {
	if limit < 1 {
		return nil, false, Errorf(Usage, "", "--limit: must be 1 or more")
	}
	selected, err := d.entries(ctx, q)
	if err != nil {
		return nil, false, err
	}
	entries = []LedgerEntry{}
	for e, err := range selected {
		if err != nil {
			return nil, false, err
		}
		if len(entries) == limit {
			return entries, true, nil
		}
		entries = append(entries, newLedgerEntry(e))
	}
	return entries, false, nil
}

// entries returns the stored entries that q selects, one at a time.
func (d *Deps) entries(ctx context.Context, q EntryQuery) (iter.Seq2[ledger.Entry, error], error) {
	f, _, err := d.filter(ctx, q)
	if err != nil {
		return nil, err
	}
	l, err := d.Ledger(ctx)
	if err != nil {
		return nil, err
	}
	return l.List(ctx, f), nil
}

// WriteEntriesCSV writes entries in the columns of the export.
func WriteEntriesCSV(w io.Writer, entries []LedgerEntry) error {
	_, err := ledger.Export(w, func(yield func(ledger.Entry, error) bool) {
		for _, e := range entries {
			if !yield(e.stored, nil) {
				return
			}
		}
	})
	return err
}

// ExplainCall returns all entries of a call, in the order in which they were
// booked. If app is empty, a CallId that two apps have gives the entries of both.
func (d *Deps) ExplainCall(ctx context.Context, app, callID string) ([]ExplainedEntry, error) {
	stored, err := d.entriesOfCall(ctx, app, callID)
	if err != nil {
		return nil, err
	}
	entries := make([]ExplainedEntry, len(stored))
	for i, e := range stored {
		entries[i] = newExplainedEntry(e)
	}
	return entries, nil
}

// Balance is what the entries of one call come to.
type Balance struct {
	Costs Costs
	// Charge is the one that counts, nil if it was reversed. Adjustments are those
	// that count.
	Charge      *LedgerEntry
	Adjustments []LedgerEntry
}

// BalanceOf adds up all entries of one call.
func BalanceOf(entries []ExplainedEntry) (Balance, error) {
	stored := make([]ledger.Entry, len(entries))
	for i, e := range entries {
		stored[i] = e.stored
	}
	costs, err := costsOf(stored)
	if err != nil {
		return Balance{}, err
	}
	b, found := Balance{Costs: costs}, ledger.BalanceOf(stored)
	if found.Charged {
		charge := newLedgerEntry(found.Charge)
		b.Charge = &charge
	}
	for _, a := range found.Adjustments {
		b.Adjustments = append(b.Adjustments, newLedgerEntry(a))
	}
	return b, nil
}

// entriesOfCall returns the stored entries of a call. A call without any is an
// error.
func (d *Deps) entriesOfCall(ctx context.Context, app, callID string) ([]ledger.Entry, error) {
	selected, err := d.entries(ctx, EntryQuery{App: app, CallID: callID})
	if err != nil {
		return nil, err
	}
	var entries []ledger.Entry
	for e, err := range selected {
		if err != nil {
			return nil, err
		}
		entries = append(entries, e)
	}
	if len(entries) == 0 {
		return nil, Errorf(NotFound, "find out where the call is: "+shell.Command("aftercall call", callID), "the ledger has no entry of call %s", callID)
	}
	return entries, nil
}

// entriesOfOneApp is entriesOfCall for a call that only one app may have.
func (d *Deps) entriesOfOneApp(ctx context.Context, app, callID string) ([]ledger.Entry, error) {
	entries, err := d.entriesOfCall(ctx, app, callID)
	for _, e := range entries {
		if e.SDKAppID != entries[0].SDKAppID {
			return nil, Errorf(Usage, "name one of them with --app", "the apps %s and %s both have a call %s", entries[0].App, e.App, callID)
		}
	}
	return entries, err
}
