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

// SetSweptTo records that every call up to a time, in whole seconds, was listed. It
// never moves back: of two concurrent sweeps the later time is kept.
func (l *Ledger) SetSweptTo(ctx context.Context, app tencent.SDKAppID, to time.Time) error {
	_, err := l.write.ExecContext(ctx, `INSERT INTO ledger_sweeps (sdk_app_id, swept_to) VALUES ($1, $2)
ON CONFLICT (sdk_app_id) DO UPDATE SET swept_to = excluded.swept_to WHERE excluded.swept_to > ledger_sweeps.swept_to`,
		int64(app), to.Unix()) //nolint:gosec // real IDs are far smaller
	if err != nil {
		return fmt.Errorf("ledger: store sweep progress: %w", err)
	}
	return nil
}
