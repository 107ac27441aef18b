package ledger

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"aftercall/internal/tencent"
)

// EnsureFirstStart returns when an app was first run with this ledger, by the
// database's clock, and records that it is now if it never was. The zero time is
// for an app that was in use before this was recorded.
func (l *Ledger) EnsureFirstStart(ctx context.Context, app tencent.SDKAppID) (time.Time, error) {
	at, known, err := l.FirstStart(ctx, app)
	if err != nil || known {
		return at, err
	}
	_, err = l.write.ExecContext(ctx, `INSERT INTO ledger_apps (sdk_app_id, first_start) VALUES ($1, `+l.engine.now+`) ON CONFLICT (sdk_app_id) DO NOTHING`, //nolint:gosec // the engine's own expression
		int64(app)) //nolint:gosec // real IDs are far smaller
	if err != nil {
		return at, fmt.Errorf("ledger: record the first start of an app: %w", err)
	}
	at, _, err = l.FirstStart(ctx, app)
	return at, err
}

// FirstStart is what EnsureFirstStart has recorded; known is false if the app was
// never run.
func (l *Ledger) FirstStart(ctx context.Context, app tencent.SDKAppID) (at time.Time, known bool, err error) {
	var unixMilli int64
	err = l.read.QueryRowContext(ctx, "SELECT first_start FROM ledger_apps WHERE sdk_app_id = $1", int64(app)).Scan(&unixMilli) //nolint:gosec // real IDs are far smaller
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return at, false, nil
	case err != nil:
		return at, false, fmt.Errorf("ledger: read the first start of an app: %w", err)
	case unixMilli == 0:
		return at, true, nil
	}
	return time.UnixMilli(unixMilli).UTC(), true, nil
}

// CallsEnded counts the calls of an app in the ledger that ended within a range of
// time, both ends included.
func (l *Ledger) CallsEnded(ctx context.Context, app tencent.SDKAppID, from, to time.Time) (n int, err error) {
	err = l.read.QueryRowContext(ctx, "SELECT COUNT(DISTINCT call_id) FROM ledger_entries WHERE sdk_app_id = $1 AND end_time BETWEEN $2 AND $3",
		int64(app), from.Unix(), to.Unix()).Scan(&n) //nolint:gosec // real IDs are far smaller
	if err != nil {
		return 0, fmt.Errorf("ledger: count calls: %w", err)
	}
	return n, nil
}
