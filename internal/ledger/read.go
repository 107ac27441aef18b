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

	"aftercall/internal/billing"
	"aftercall/internal/tencent"

	"github.com/bojanz/currency"
)

const selectEntries = `SELECT e.seq, e.key, e.kind, e.revision, e.reverses, e.created_at, e.sdk_app_id, e.app,
  e.connected_seconds, e.billed_seconds, e.participants, e.amount, e.currency,
  e.tariff, e.tariff_from, e.tariff_hash, t.edition, e.steps, e.record, e.differences,
  e.workflow_id, e.first_run_id, e.reason, e.operator
FROM ledger_entries e JOIN ledger_tariffs t ON t.hash = e.tariff_hash `

// knownBatch is how many calls one query asks for.
const knownBatch = 500

// Get returns all entries of a call in the order in which they were booked,
// none if it was never charged.
func (l *Ledger) Get(ctx context.Context, app tencent.SDKAppID, callID string) ([]Entry, error) {
	rows, err := l.read.QueryContext(ctx, selectEntries+"WHERE e.sdk_app_id = $1 AND e.call_id = $2 ORDER BY e.seq", uint64(app), callID)
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

// byKey reads the entry that made an insert do nothing. It asks the writing
// pool, which is sure to see it.
func (l *Ledger) byKey(ctx context.Context, key string) (Entry, error) {
	e, err := scanEntry(l.write.QueryRowContext(ctx, selectEntries+"WHERE e.key = $1", key).Scan)
	if errors.Is(err, sql.ErrNoRows) {
		return Entry{}, fmt.Errorf("ledger: %s was refused as a duplicate but is not there", key)
	}
	return e, err
}

// Known tells which of an app's calls have ever been charged.
func (l *Ledger) Known(ctx context.Context, app tencent.SDKAppID, callIDs []string) (map[string]bool, error) {
	known := make(map[string]bool)
	for batch := range slices.Chunk(callIDs, knownBatch) {
		if err := l.addKnown(ctx, known, app, batch); err != nil {
			return nil, fmt.Errorf("ledger: look up calls: %w", err)
		}
	}
	return known, nil
}

func (l *Ledger) addKnown(ctx context.Context, known map[string]bool, app tencent.SDKAppID, callIDs []string) error {
	args := []any{uint64(app)}
	var places strings.Builder
	for i, id := range callIDs {
		args = append(args, id)
		if i > 0 {
			places.WriteString(", ")
		}
		places.WriteString("$" + strconv.Itoa(len(args)))
	}
	query := "SELECT DISTINCT call_id FROM ledger_entries WHERE sdk_app_id = $1 AND call_id IN (" + places.String() + ")" //nolint:gosec // only placeholders are joined
	rows, err := l.read.QueryContext(ctx, query, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var id string
		if err := rows.Scan(&id); err != nil {
			return err
		}
		known[id] = true
	}
	return rows.Err()
}

// scanEntry reads one row of selectEntries.
func scanEntry(scan func(...any) error) (Entry, error) {
	var (
		e                                   Entry
		c                                   = &e.Charge
		reverses                            sql.NullString
		createdAt                           int64
		amount, code, from                  string
		edition, steps, record, differences []byte
	)
	err := scan(&e.Seq, &e.Key, (*string)(&e.Kind), &e.Revision, &reverses, &createdAt, (*uint64)(&e.SDKAppID), &e.App,
		&c.ConnectedSeconds, &c.BilledSeconds, &c.Participants, &amount, &code,
		&c.Tariff.Name, &from, &c.Tariff.Hash, &edition, &steps, &record, &differences,
		&e.WorkflowID, &e.FirstRunID, &e.Reason, &e.Operator)
	if err != nil {
		return Entry{}, fmt.Errorf("ledger: read entry: %w", err)
	}
	e.Reverses = reverses.String
	e.CreatedAt = time.UnixMilli(createdAt).UTC()
	c.Tariff.Edition = edition
	if c.Amount, err = currency.NewAmount(amount, code); err != nil {
		return Entry{}, fmt.Errorf("ledger: %s: amount: %w", e.Key, err)
	}
	if c.Tariff.EffectiveFrom, err = time.Parse(time.RFC3339Nano, from); err != nil {
		return Entry{}, fmt.Errorf("ledger: %s: tariff_from: %w", e.Key, err)
	}
	return e, errors.Join(
		decode(e.Key, "steps", steps, &c.Steps),
		decode(e.Key, "record", record, &e.Record),
		decode(e.Key, "differences", differences, &e.Differences),
	)
}

func decode[T []billing.Step | tencent.CallRecord | []tencent.Difference](key, column string, data []byte, into *T) error {
	if err := json.Unmarshal(data, into); err != nil {
		return fmt.Errorf("ledger: %s: %s: %w", key, column, err)
	}
	return nil
}
