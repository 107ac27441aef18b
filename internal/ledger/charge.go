package ledger

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"aftercall/internal/attendance"
)

// Charge books the first charge of a call. It sets Seq, Key, Kind, Revision,
// Reverses and CreatedAt of the entry, and ignores their values.
//
//   - inserted: the call is charged, by this entry.
//   - not inserted, no error, and the FirstRunID of stored is the caller's: an earlier
//     attempt of the same workflow booked it. It is the charge, even if the sum would
//     be another one now, or a person has corrected it since: its answer may have been
//     lost, and then no target knows of it.
//   - not inserted, no error, and another FirstRunID: another workflow has charged the
//     call the same sum.
//   - not inserted, no error, and stored is a correction, which has no FirstRunID:
//     a person has corrected the charge of another workflow since, so the call is
//     handled, whatever the sum is now. stored is the latest correction.
//   - *ConflictError: another workflow charged the call another sum. stored is that
//     entry.
//
// After any other error it is unknown whether the entry was booked: call it again.
func (l *Ledger) Charge(ctx context.Context, e Entry) (stored Entry, inserted bool, err error) {
	e.Kind, e.Revision, e.Reverses = KindCharge, 1, ""
	e.Key = Key(e.Kind, e.Revision, e.SDKAppID, e.Record.CallID)
	if err := e.validate(); err != nil {
		return Entry{}, false, err
	}
	if err := l.storeTariff(ctx, &e); err != nil {
		return Entry{}, false, err
	}
	stored, inserted, err = insert(ctx, l.write, e)
	if err != nil {
		// The database can have been replaced by one without the tariff version.
		l.tariffs.Delete(e.Charge.Tariff.Hash)
		return Entry{}, false, err
	}
	if inserted {
		return stored, true, nil
	}
	entries, err := entriesOf(ctx, l.write, e.SDKAppID, e.CallID())
	if err != nil {
		return Entry{}, false, err
	}
	first := slices.IndexFunc(entries, func(stored Entry) bool { return stored.Key == e.Key })
	if first < 0 {
		return Entry{}, false, fmt.Errorf("ledger: %s was not inserted because it exists, but it cannot be found", e.Key)
	}
	stored, last := Latest(entries), entries[len(entries)-1]
	switch {
	case entries[first].FirstRunID == e.FirstRunID:
		return entries[first], false, nil
	case stored.Key != e.Key, stored.SameSum(e):
		return stored, false, nil
	case last.Correction(): // a person has adjusted what the call costs
		return last, false, nil
	}
	return stored, false, &ConflictError{Stored: stored, Offered: e}
}

// storeTariff stores the tariff version of a charge, unless it is stored.
func (l *Ledger) storeTariff(ctx context.Context, e *Entry) error {
	tariff := e.Charge.Tariff
	if _, known := l.tariffs.Load(tariff.Hash); known {
		return nil
	}
	_, err := l.write.ExecContext(ctx, "INSERT INTO ledger_tariffs (hash, edition) VALUES ($1, $2) ON CONFLICT DO NOTHING",
		tariff.Hash, string(tariff.VersionJSON))
	if err != nil {
		return fmt.Errorf("ledger: store tariff: %w", err)
	}
	l.tariffs.Store(tariff.Hash, struct{}{})
	return nil
}

const insertEntry = `INSERT INTO ledger_entries (
  key, kind, revision, reverses, sdk_app_id, app, call_id, payer, media_type, call_type, result,
  start_time, accept_time, end_time, connected_seconds, billed_seconds, participants,
  amount, currency, tariff, tariff_from, tariff_hash, steps, record, differences,
  workflow_id, first_run_id, reason, operator, evidence)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20,
  $21, $22, $23, $24, $25, $26, $27, $28, $29, $30)
ON CONFLICT DO NOTHING
RETURNING seq, created_at`

// querier is a pool of connections or a transaction.
type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// insert adds the entry in one round trip. inserted is false if its key exists.
func insert(ctx context.Context, q querier, e Entry) (stored Entry, inserted bool, err error) {
	steps, err := json.Marshal(e.Charge.Steps)
	if err != nil {
		return Entry{}, false, fmt.Errorf("ledger: encode steps: %w", err)
	}
	record, err := json.Marshal(e.Record)
	if err != nil {
		return Entry{}, false, fmt.Errorf("ledger: encode record: %w", err)
	}
	differences, err := json.Marshal(e.Differences)
	if err != nil {
		return Entry{}, false, fmt.Errorf("ledger: encode differences: %w", err)
	}
	evidence, err := encodeEvidence(e.Charge.Evidence)
	if err != nil {
		return Entry{}, false, err
	}
	r, c := e.Record, e.Charge
	var createdAt int64
	inserted, err = returned(ctx, q, insertEntry, []any{
		e.Key, string(e.Kind), e.Revision, nullable(e.Reverses), uint64(e.SDKAppID), text(e.App), r.CallID, text(e.Payer()),
		text(string(r.MediaType)), text(string(r.CallType)), text(string(r.Result)),
		r.StartTime, r.AcceptTime, r.EndTime, c.ConnectedSeconds, c.BilledSeconds, c.Participants,
		c.Amount.Number(), c.Amount.CurrencyCode(), text(c.Tariff.Name), c.Tariff.EffectiveFrom.UTC().Format(time.RFC3339Nano), c.Tariff.Hash,
		string(steps), string(record), string(differences),
		text(e.WorkflowID), text(e.FirstRunID), text(e.Reason), text(e.Operator), evidence,
	}, &e.Seq, &createdAt)
	if err != nil {
		return Entry{}, false, fmt.Errorf("ledger: insert entry: %w", err)
	}
	if !inserted {
		return Entry{}, false, nil
	}
	e.CreatedAt = time.UnixMilli(createdAt).UTC()
	return e, true, nil
}

// encodeEvidence is the column of what was seen of a call: empty without any.
func encodeEvidence(seen []attendance.Event) (string, error) {
	if len(seen) == 0 {
		return "", nil
	}
	encoded, err := json.Marshal(seen)
	if err != nil {
		return "", fmt.Errorf("ledger: encode evidence: %w", err)
	}
	return string(encoded), nil
}

// returned runs a statement with RETURNING and scans its row, if it returned one. It
// reads to the end, as QueryRow does not: SQLite folds its log back only after a
// statement that came to its end.
func returned(ctx context.Context, q querier, statement string, args []any, into ...any) (found bool, err error) {
	rows, err := q.QueryContext(ctx, statement, args...)
	if err != nil {
		return false, err
	}
	defer rows.Close()
	for rows.Next() {
		found = true
		if err := rows.Scan(into...); err != nil {
			return false, err
		}
	}
	return found, rows.Err()
}

// text replaces what PostgreSQL does not store in a column: NUL and invalid UTF-8.
// The JSON of the record keeps a NUL.
func text(s string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "\uFFFD")
}

func nullable(s string) sql.NullString { return sql.NullString{String: s, Valid: s != ""} }
