package ledger

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"aftercall/internal/attendance"
	"aftercall/internal/billing"
	"aftercall/internal/tencent"

	"github.com/bojanz/currency"
)

const (
	entryColumns = `e.seq, e.key, e.kind, e.revision, e.reverses, e.created_at, e.sdk_app_id, e.app,
  e.call_id, e.payer, e.media_type, e.call_type, e.result, e.start_time, e.accept_time, e.end_time,
  e.connected_seconds, e.billed_seconds, e.participants, e.amount, e.currency,
  e.tariff, e.tariff_from, e.tariff_hash, e.steps, e.record, e.differences,
  e.workflow_id, e.first_run_id, e.reason, e.operator, e.evidence`
	selectEntries = "SELECT " + entryColumns + ", t.edition FROM ledger_entries e JOIN ledger_tariffs t ON t.hash = e.tariff_hash "
)

// batchSize is how many calls one query asks for.
const batchSize = 500

// Get returns all entries of a call in the order in which they were booked; none,
// and no error, if it was never charged.
func (l *Ledger) Get(ctx context.Context, app tencent.SDKAppID, callID string) ([]Entry, error) {
	return entriesOf(ctx, l.read, app, callID)
}

func entriesOf(ctx context.Context, q querier, app tencent.SDKAppID, callID string) ([]Entry, error) {
	rows, err := q.QueryContext(ctx, selectEntries+"WHERE e.sdk_app_id = $1 AND e.call_id = $2 ORDER BY e.seq", uint64(app), callID)
	if err != nil {
		return nil, fmt.Errorf("ledger: read entries: %w", err)
	}
	defer rows.Close()
	var entries []Entry
	for rows.Next() {
		e, err := scanEntry(rows.Scan)
		if err != nil {
			return nil, err
		}
		entries = append(entries, e)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("ledger: read entries: %w", err)
	}
	return entries, nil
}

// byKey reads one entry. It asks the writing pool, which sees the entry that kept
// another one from being inserted.
func (l *Ledger) byKey(ctx context.Context, key string) (Entry, error) {
	e, err := scanEntry(l.write.QueryRowContext(ctx, selectEntries+"WHERE e.key = $1", key).Scan)
	if errors.Is(err, sql.ErrNoRows) {
		return Entry{}, fmt.Errorf("%w: %s", ErrNoCharge, key)
	}
	return e, err
}

// Known returns those of an app's calls that were ever charged.
func (l *Ledger) Known(ctx context.Context, app tencent.SDKAppID, callIDs []string) (map[string]bool, error) {
	known := make(map[string]bool)
	for batch := range slices.Chunk(callIDs, batchSize) {
		condition, args := ofCalls(app, batch)
		err := each(ctx, l.read, "SELECT DISTINCT e.call_id FROM ledger_entries e "+condition, args, func(scan func(...any) error) error {
			var id string
			err := scan(&id)
			known[id] = true
			return err
		})
		if err != nil {
			return nil, fmt.Errorf("ledger: look up calls: %w", err)
		}
	}
	return known, nil
}

// Entries returns all entries of several calls of an app by CallId, in the order in
// which they were booked. Calls without entries are not in the map.
func (l *Ledger) Entries(ctx context.Context, app tencent.SDKAppID, callIDs []string) (map[string][]Entry, error) {
	entries := make(map[string][]Entry)
	for batch := range slices.Chunk(callIDs, batchSize) {
		condition, args := ofCalls(app, batch)
		err := each(ctx, l.read, selectEntries+condition+"ORDER BY e.seq", args, func(scan func(...any) error) error {
			e, err := scanEntry(scan)
			entries[e.CallID()] = append(entries[e.CallID()], e)
			return err
		})
		if err != nil {
			return nil, fmt.Errorf("ledger: look up calls: %w", err)
		}
	}
	return entries, nil
}

// snapshot calls read with a transaction in which all queries see the ledger as it
// was at the first of them.
func (l *Ledger) snapshot(ctx context.Context, read func(q querier) error) error {
	tx, err := l.read.BeginTx(ctx, &sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true})
	if err != nil {
		return err
	}
	// Nothing was written; after an error the connection can have ended the transaction.
	defer tx.Rollback() //nolint:errcheck // as above
	return read(tx)
}

// each runs a query and calls read for every row.
func each(ctx context.Context, q querier, query string, args []any, read func(scan func(...any) error) error) error {
	rows, err := q.QueryContext(ctx, query, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := read(rows.Scan); err != nil {
			return err
		}
	}
	return rows.Err()
}

// ofCalls is the condition that selects calls, and its arguments.
func ofCalls(app tencent.SDKAppID, callIDs []string) (condition string, args []any) {
	args = []any{uint64(app)}
	var places strings.Builder
	for i, id := range callIDs {
		args = append(args, id)
		if i > 0 {
			places.WriteString(", ")
		}
		places.WriteString("$" + strconv.Itoa(len(args)))
	}
	return "WHERE e.sdk_app_id = $1 AND e.call_id IN (" + places.String() + ") ", args
}

// row is an entry as it is in the database.
type row struct {
	entry                      Entry
	reverses                   sql.NullString
	createdAt                  int64
	copied                     recordColumns
	amount, code, from         string
	steps, record, differences []byte
	evidence                   []byte
}

// recordColumns are the columns that repeat fields of the record, for queries, and the
// payer.
type recordColumns struct {
	callID, payer, media, callType, result string
	start, accept, end                     int64
}

// recordColumnsOf are the columns that an entry must have.
func recordColumnsOf(e *Entry) recordColumns {
	r := &e.Record
	return recordColumns{
		r.CallID, text(e.Payer()), text(string(r.MediaType)), text(string(r.CallType)), text(string(r.Result)),
		r.StartTime, r.AcceptTime, r.EndTime,
	}
}

// columns are the destinations that entryColumns are scanned into.
func (r *row) columns() []any {
	e, c := &r.entry, &r.entry.Charge
	return []any{
		&e.Seq, &e.Key, (*string)(&e.Kind), &e.Revision, &r.reverses, &r.createdAt, (*uint64)(&e.SDKAppID), &e.App,
		&r.copied.callID, &r.copied.payer, &r.copied.media, &r.copied.callType, &r.copied.result,
		&r.copied.start, &r.copied.accept, &r.copied.end,
		&c.ConnectedSeconds, &c.BilledSeconds, &c.Participants, &r.amount, &r.code,
		&c.Tariff.Name, &r.from, &c.Tariff.Hash, &r.steps, &r.record, &r.differences,
		&e.WorkflowID, &e.FirstRunID, &e.Reason, &e.Operator, &r.evidence,
	}
}

// decode makes an entry of the columns. The error names the column that cannot be
// decoded.
func (r *row) decode() (Entry, error) {
	e := r.entry
	e.Reverses = r.reverses.String
	e.CreatedAt = time.UnixMilli(r.createdAt).UTC()
	var err error
	if e.Charge.Amount, err = currency.NewAmount(r.amount, r.code); err != nil {
		return e, fmt.Errorf("amount: %w", err)
	}
	if e.Charge.Tariff.EffectiveFrom, err = time.Parse(time.RFC3339Nano, r.from); err != nil {
		return e, fmt.Errorf("tariff_from: %w", err)
	}
	if len(r.evidence) > 0 {
		err = decode("evidence", r.evidence, &e.Charge.Evidence)
	}
	return e, errors.Join(
		err,
		decode("steps", r.steps, &e.Charge.Steps),
		decode("record", r.record, &e.Record),
		decode("differences", r.differences, &e.Differences),
	)
}

// scanEntry reads one row of selectEntries.
func scanEntry(scan func(...any) error) (Entry, error) {
	var r row
	var version []byte
	if err := scan(append(r.columns(), &version)...); err != nil {
		return Entry{}, fmt.Errorf("ledger: read entry: %w", err)
	}
	e, err := r.decode()
	if err != nil {
		return Entry{}, fmt.Errorf("ledger: %s: %w", e.Key, err)
	}
	e.Charge.Tariff.VersionJSON = version
	return e, nil
}

func decode[T []billing.Step | tencent.CallRecord | []tencent.Difference | []attendance.Event](column string, data []byte, into *T) error {
	if err := json.Unmarshal(data, into); err != nil {
		return fmt.Errorf("%s: %w", column, err)
	}
	return nil
}
