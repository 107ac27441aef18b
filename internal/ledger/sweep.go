package ledger

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"aftercall/internal/tencent"
)

// SweptTo is up to when the sweep of an app has listed Tencent's records, in whole
// seconds; the zero time if it never ran.
func (l *Ledger) SweptTo(ctx context.Context, app tencent.SDKAppID) (time.Time, error) {
	var unix int64
	err := l.read.QueryRowContext(ctx, "SELECT swept_to FROM ledger_sweeps WHERE sdk_app_id = $1", int64(app)).Scan(&unix) //nolint:gosec // real IDs are far smaller
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return time.Time{}, nil
	case err != nil:
		return time.Time{}, fmt.Errorf("ledger: read sweep progress: %w", err)
	}
	return time.Unix(unix, 0).UTC(), nil
}

// Now is the time by the database's clock, in UTC. All processes that share the
// ledger share it, whatever their own clocks say.
func (l *Ledger) Now(ctx context.Context) (time.Time, error) {
	var unixMilli int64
	if err := l.read.QueryRowContext(ctx, "SELECT "+l.engine.now).Scan(&unixMilli); err != nil {
		return time.Time{}, fmt.Errorf("ledger: read the database's clock: %w", err)
	}
	return time.UnixMilli(unixMilli).UTC(), nil
}

// SetSweptTo records that every call up to a time, in whole seconds, was listed. It
// never moves back: of two concurrent sweeps the later time is kept. It never
// passes the database's now less settle either, because later calls could not be
// listed yet.
func (l *Ledger) SetSweptTo(ctx context.Context, app tencent.SDKAppID, to time.Time, settle time.Duration) error {
	now, err := l.Now(ctx)
	if err != nil {
		return err
	}
	if limit := now.Add(-settle); to.After(limit) {
		to = limit
	}
	_, err = l.write.ExecContext(ctx, `INSERT INTO ledger_sweeps (sdk_app_id, swept_to) VALUES ($1, $2)
ON CONFLICT (sdk_app_id) DO UPDATE SET swept_to = excluded.swept_to WHERE excluded.swept_to > ledger_sweeps.swept_to`,
		int64(app), to.Unix()) //nolint:gosec // real IDs are far smaller
	if err != nil {
		return fmt.Errorf("ledger: store sweep progress: %w", err)
	}
	return nil
}

// ForgetSweptTo removes the progress of an app's sweep, unless it has changed from
// sweptTo. The next sweep is then like the first one.
func (l *Ledger) ForgetSweptTo(ctx context.Context, app tencent.SDKAppID, sweptTo time.Time) error {
	_, err := l.write.ExecContext(ctx, "DELETE FROM ledger_sweeps WHERE sdk_app_id = $1 AND swept_to = $2", int64(app), sweptTo.Unix()) //nolint:gosec // real IDs are far smaller
	if err != nil {
		return fmt.Errorf("ledger: remove sweep progress: %w", err)
	}
	return nil
}
