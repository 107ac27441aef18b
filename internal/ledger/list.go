package ledger

import (
	"context"
	"fmt"
	"iter"
	"strconv"
	"strings"
	"time"

	"aftercall/internal/tencent"
)

// Filter selects entries. A zero field selects all.
type Filter struct {
	// SDKAppID and App both select an app, by its ID and by the name that it had
	// when the entry was booked.
	SDKAppID tencent.SDKAppID
	App      string
	CallID   string
	Payer    string
	// From, inclusive, and To, exclusive, are the time range of the EndTime of calls.
	From, To time.Time
	// BookedFrom, inclusive, and BookedTo, exclusive, are the time range in which
	// entries were booked.
	BookedFrom, BookedTo time.Time
	Result               tencent.CallResult
	Media                tencent.MediaType
	Tariff               string
	Kind                 Kind
	Operator             string
	// Live selects only what counts: no reversals, and nothing that was reversed.
	Live bool
	// after selects entries with a higher seq.
	after *int64
}

// where is the WHERE clause of the filter, and its arguments.
func (f Filter) where() (string, []any) {
	condition, args := f.condition()
	return "WHERE " + condition + " ", args
}

// condition is the condition of the filter on ledger_entries e, and its arguments.
func (f Filter) condition() (string, []any) {
	conditions, args := []string{"true"}, []any(nil)
	add := func(column, operator string, value any) {
		args = append(args, value)
		conditions = append(conditions, column+" "+operator+" $"+strconv.Itoa(len(args)))
	}
	equal := func(column, value string) {
		if value != "" {
			add(column, "=", text(value))
		}
	}
	if f.SDKAppID != 0 {
		add("e.sdk_app_id", "=", uint64(f.SDKAppID))
	}
	equal("e.app", f.App)
	equal("e.call_id", f.CallID)
	equal("e.payer", f.Payer)
	equal("e.result", string(f.Result))
	equal("e.media_type", string(f.Media))
	equal("e.tariff", f.Tariff)
	equal("e.kind", string(f.Kind))
	equal("e.operator", f.Operator)
	if !f.From.IsZero() {
		add("e.end_time", ">=", ceilUnix(f.From))
	}
	if !f.To.IsZero() {
		add("e.end_time", "<", ceilUnix(f.To))
	}
	if !f.BookedFrom.IsZero() {
		add("e.created_at", ">=", ceilMilli(f.BookedFrom))
	}
	if !f.BookedTo.IsZero() {
		add("e.created_at", "<", ceilMilli(f.BookedTo))
	}
	if f.after != nil {
		add("e.seq", ">", *f.after)
	}
	if f.Live {
		conditions = append(conditions, "e.kind <> 'reversal'", "NOT EXISTS (SELECT 1 FROM ledger_entries r WHERE r.reverses = e.key)")
	}
	return strings.Join(conditions, " AND "), args
}

// ceilUnix is the first whole second that is not before t.
func ceilUnix(t time.Time) int64 {
	if t.Nanosecond() == 0 {
		return t.Unix()
	}
	return t.Unix() + 1
}

// ceilMilli is the first whole millisecond that is not before t.
func ceilMilli(t time.Time) int64 {
	return t.Add(time.Millisecond - 1).UnixMilli()
}

// List reads the entries that the filter selects, in the order in which they were
// booked, one at a time, without holding all of them in memory. It is a consistent
// snapshot: entries that are booked meanwhile are not in it. The first error ends
// the sequence.
func (l *Ledger) List(ctx context.Context, f Filter) iter.Seq2[Entry, error] {
	return l.list(ctx, f, inBookedOrder)
}

// ListByPayer is List in another order: by PayerColumn, then by the end of
// calls. The entries of a call follow each other in the order in which they were
// booked. The database sorts, on disk where there are many.
func (l *Ledger) ListByPayer(ctx context.Context, f Filter) iter.Seq2[Entry, error] {
	return l.list(ctx, f, "e.payer, e.end_time, e.sdk_app_id, e.call_id, e.seq")
}

// Records reads the records of an app's calls that ended between from, inclusive, and to,
// exclusive, also of those that were reversed. The first error ends the sequence.
func (l *Ledger) Records(ctx context.Context, app tencent.SDKAppID, from, to time.Time) iter.Seq2[tencent.CallRecord, error] {
	return func(yield func(tencent.CallRecord, error) bool) {
		where, args := Filter{SDKAppID: app, From: from, To: to, Kind: KindCharge}.where()
		rows, err := l.read.QueryContext(ctx, "SELECT e.record FROM ledger_entries e "+where, args...) //nolint:gosec // the filter's own conditions
		if err != nil {
			yield(tencent.CallRecord{}, fmt.Errorf("ledger: list records: %w", err))
			return
		}
		defer rows.Close()
		for rows.Next() {
			var data []byte
			var record tencent.CallRecord
			err := rows.Scan(&data)
			if err == nil {
				err = decode("record", data, &record)
			}
			if !yield(record, err) || err != nil {
				return
			}
		}
		if err := rows.Err(); err != nil {
			yield(tencent.CallRecord{}, fmt.Errorf("ledger: list records: %w", err))
		}
	}
}

// HasPayer reports whether the account was ever charged.
func (l *Ledger) HasPayer(ctx context.Context, payer string) (has bool, err error) {
	err = l.read.QueryRowContext(ctx, "SELECT EXISTS (SELECT 1 FROM ledger_entries WHERE payer = $1)", text(payer)).Scan(&has)
	if err != nil {
		return false, fmt.Errorf("ledger: look up payer: %w", err)
	}
	return has, nil
}

func (l *Ledger) list(ctx context.Context, f Filter, order string) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		query, args := listQuery(f, order)
		rows, err := l.read.QueryContext(ctx, query, args...)
		if err != nil {
			yield(Entry{}, fmt.Errorf("ledger: list entries: %w", err))
			return
		}
		defer rows.Close()
		for rows.Next() {
			e, err := scanEntry(rows.Scan)
			if !yield(e, err) || err != nil {
				return
			}
		}
		if err := rows.Err(); err != nil {
			yield(Entry{}, fmt.Errorf("ledger: list entries: %w", err))
		}
	}
}

// inBookedOrder is the order of List.
const inBookedOrder = "e.seq"

func listQuery(f Filter, order string) (query string, args []any) {
	where, args := f.where()
	return selectEntries + where + "ORDER BY " + order, args
}
