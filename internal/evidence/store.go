package evidence

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"aftercall/internal/ledger"
	"aftercall/internal/tencent"
)

//go:embed migrations
var migrations embed.FS

var tables = ledger.Tables{Name: "evidence", Migrations: migrations}

// ErrMissing is returned if nothing has been kept in a database yet.
var ErrMissing = errors.New("there is no evidence yet")

// Store keeps events in a database, which can be that of the ledger. It is safe for
// concurrent use, also by several processes.
type Store struct {
	db ledger.Database
}

// Open opens the store at url, written as LEDGER_URL, and brings its tables up to date,
// as ledger.Open does. Close it after use.
func Open(ctx context.Context, url string, o ledger.Options) (*Store, error) {
	db, err := tables.Open(ctx, url, o)
	if err != nil {
		return nil, err
	}
	return &Store{db}, nil
}

// OpenReadOnly opens a store that exists, for reading: it creates and migrates nothing.
// A database without events is ErrMissing.
func OpenReadOnly(ctx context.Context, url string) (*Store, error) {
	db, err := tables.OpenReadOnly(ctx, url)
	if errors.Is(err, ledger.ErrMissing) {
		return nil, ErrMissing
	}
	if err != nil {
		return nil, err
	}
	return &Store{db}, nil
}

// Close closes all connections.
func (s *Store) Close() error { return s.db.Close() }

// Exposed says how others in the network could read or replace the events; empty if
// they cannot.
func (s *Store) Exposed() string { return s.db.Exposed() }

// Ping reports whether the store answers queries.
func (s *Store) Ping(ctx context.Context) error {
	var one int
	err := s.db.Read().QueryRowContext(ctx, "SELECT 1 FROM evidence_events LIMIT 1").Scan(&one)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return fmt.Errorf("evidence: %w", err)
	}
	return nil
}

// TryWrite reports whether the store accepts a write, which it takes back. It works for
// a store that was opened for reading, too.
func (s *Store) TryWrite(ctx context.Context) (err error) {
	db, err := s.db.Writer()
	if err != nil {
		return fmt.Errorf("evidence: %w", err)
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("evidence: begin a transaction: %w", err)
	}
	tried := Event{SDKAppID: 1, Source: SourceCallback, CallID: "try", Kind: KindCalled, At: time.UnixMilli(1)}
	if _, err = insert(ctx, tx, []Event{tried}); err != nil {
		return errors.Join(fmt.Errorf("evidence: try a write: %w", err), ignoreDone(tx.Rollback()))
	}
	return ignoreDone(tx.Rollback())
}

// ignoreDone drops the error of a transaction that SQLite has rolled back itself.
func ignoreDone(err error) error {
	if errors.Is(err, sql.ErrTxDone) {
		return nil
	}
	return err
}

// rowsAtOnce is how many events one statement inserts: few enough for the limits of all
// engines on parameters.
const rowsAtOnce = 200

// Insert keeps the events durably in one transaction, and says of each whether it is
// new: the others have been kept before. An event that cannot be kept is a
// *tencent.FieldError, and then none is. After any other error it is unknown whether
// they were kept: insert them again.
func (s *Store) Insert(ctx context.Context, events []Event) (added []bool, err error) {
	for _, e := range events {
		if err := e.Validate(); err != nil {
			return nil, err
		}
	}
	// In one order everywhere, so that two transactions with the same events never wait
	// for each other.
	order := make([]int, len(events))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return compareKeys(events[a].key(), events[b].key()) })
	tx, err := s.db.Write().BeginTx(ctx, nil)
	if err != nil {
		return nil, fmt.Errorf("evidence: begin a transaction: %w", err)
	}
	new := map[key]bool{}
	for chunk := range slices.Chunk(order, rowsAtOnce) {
		part := make([]Event, len(chunk))
		for i, at := range chunk {
			part[i] = events[at]
		}
		keys, err := insert(ctx, tx, part)
		if err != nil {
			return nil, errors.Join(fmt.Errorf("evidence: insert: %w", err), ignoreDone(tx.Rollback()))
		}
		for _, k := range keys {
			new[k] = true
		}
	}
	if err := tx.Commit(); err != nil {
		return nil, fmt.Errorf("evidence: commit: %w", err)
	}
	added = make([]bool, len(events))
	for i, e := range events {
		added[i] = new[e.key()]
		delete(new, e.key()) // the same event twice is new once
	}
	return added, nil
}

const eventColumns = "sdk_app_id, source, call_id, room_id, room_id_type, user_id, kind, at, detail"

// insert inserts the events in one statement, and returns the keys of those that are new.
func insert(ctx context.Context, tx *sql.Tx, events []Event) ([]key, error) {
	var statement strings.Builder
	statement.WriteString("INSERT INTO evidence_events (" + eventColumns + ") VALUES ")
	var args []any
	for i, e := range events {
		if i > 0 {
			statement.WriteString(", ")
		}
		row := []any{
			int64(e.SDKAppID), string(e.Source), e.CallID, string(e.RoomID), e.RoomIDType, e.User, string(e.Kind), e.At.UnixMilli(), e.detail(), //nolint:gosec // real IDs are far smaller
		}
		for j := range row {
			statement.WriteString([]string{"($", ", $"}[min(j, 1)] + strconv.Itoa(len(args)+j+1))
		}
		statement.WriteString(")")
		args = append(args, row...)
	}
	statement.WriteString(" ON CONFLICT DO NOTHING RETURNING id, " + eventColumns)
	added, err := scan(tx.QueryContext(ctx, statement.String(), args...))
	if err != nil {
		return nil, err
	}
	keys := make([]key, len(added))
	for i, e := range added {
		keys[i] = e.key()
	}
	return keys, nil
}

// scan reads rows of id and eventColumns to their end.
func scan(rows *sql.Rows, err error) ([]Event, error) {
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var events []Event
	for rows.Next() {
		e, err := scanOne(rows)
		if err != nil {
			return nil, err
		}
		events = append(events, e)
	}
	return events, rows.Err()
}

func scanOne(rows *sql.Rows) (e Event, err error) {
	var app, at int64
	err = rows.Scan(&e.ID, &app, (*string)(&e.Source), &e.CallID, (*string)(&e.RoomID), &e.RoomIDType, &e.User, (*string)(&e.Kind), &at, &e.Detail)
	e.SDKAppID, e.At = tencent.SDKAppID(app), time.UnixMilli(at).UTC() //nolint:gosec // it was one
	return e, err
}
