package evidence

import (
	"context"
	"fmt"
	"time"
)

// deletedAtOnce is how many events one transaction deletes: on SQLite, whose only
// writer this is meanwhile, some milliseconds.
const deletedAtOnce = 500

// DeleteBefore deletes up to 500 events that happened before cutoff, and returns how
// many: call it again until there are none. Meanwhile events can be inserted.
func (s *Store) DeleteBefore(ctx context.Context, cutoff time.Time) (deleted int, err error) {
	app := int64(0)
	for {
		// The next app in the index, which has few of them and many events.
		var next *int64
		if err := s.db.Read().QueryRowContext(ctx, "SELECT MIN(sdk_app_id) FROM evidence_events WHERE sdk_app_id > $1", app).Scan(&next); err != nil {
			return 0, fmt.Errorf("evidence: list the apps: %w", err)
		}
		if next == nil {
			return 0, nil
		}
		app = *next
		for _, source := range Sources {
			result, err := s.db.Write().ExecContext(ctx, `DELETE FROM evidence_events WHERE id IN (
SELECT id FROM evidence_events WHERE sdk_app_id = $1 AND source = $2 AND at < $3 ORDER BY at LIMIT $4)`,
				app, string(source), cutoff.UnixMilli(), deletedAtOnce)
			if err != nil {
				return 0, fmt.Errorf("evidence: delete: %w", err)
			}
			n, err := result.RowsAffected()
			if err != nil {
				return 0, fmt.Errorf("evidence: delete: %w", err)
			}
			if n > 0 {
				return int(n), nil
			}
		}
	}
}
