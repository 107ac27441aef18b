package ledger

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"aftercall/internal/tencent"
)

// Held is what a sweep found in Tencent's list of calls and could not start.
type Held struct {
	// Key identifies it within the app; see HeldCallKey and HeldRowKey.
	Key string
	// CallID is as Tencent wrote it, capped; empty if the row has none.
	CallID string
	// Reason is why the last attempt failed, capped.
	Reason string
	// Item is the JSON of the record, or of a row that cannot be read, capped.
	Item string
	// Attempts counts the failed attempts.
	Attempts int
	// Since, LastAttemptAt and NextAttemptAt are by the database's clock.
	Since         time.Time
	LastAttemptAt time.Time
	NextAttemptAt time.Time
}

// The caps of what is stored, in bytes.
const (
	maxHeldCallID = 2 << 10
	maxHeldReason = 1 << 10
	maxHeldItem   = 16 << 10
)

// The distance to the next attempt doubles, between these two.
const (
	minHeldDistance = 5 * time.Minute
	maxHeldDistance = 6 * time.Hour
)

// heldDistance is the distance to the next attempt after so many.
func heldDistance(attempts int) time.Duration {
	distance := minHeldDistance
	for ; attempts > 1 && distance < maxHeldDistance; attempts-- {
		distance *= 2
	}
	return min(distance, maxHeldDistance)
}

// HeldCallKey is the key of a call that could not be started.
func HeldCallKey(callID string) string { return hash("call\x00" + callID) }

// HeldRowKey is the key of a row without a usable CallId.
func HeldRowKey(row string) string { return hash("row\x00" + row) }

func hash(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:])
}

// holdBack is completed by holdBackStatement.
const holdBack = `INSERT INTO ledger_sweep_held AS h
  (sdk_app_id, key, call_id, reason, item, attempts, since, last_attempt_at, next_attempt_at)
VALUES ($1, $2, $3, $4, $5, 1, $6, $6, $7)
ON CONFLICT (sdk_app_id, key) DO UPDATE SET
  call_id = excluded.call_id, reason = excluded.reason, item = excluded.item, attempts = h.attempts + 1,
  last_attempt_at = excluded.last_attempt_at,
  next_attempt_at = excluded.last_attempt_at + CASE h.attempts + 1 `

// holdBackStatement has the distance after each number of attempts.
var holdBackStatement = func() string {
	var b strings.Builder
	b.WriteString(holdBack)
	for attempts := 2; heldDistance(attempts) < maxHeldDistance; attempts++ {
		fmt.Fprintf(&b, "WHEN %d THEN %d ", attempts, heldDistance(attempts).Milliseconds())
	}
	fmt.Fprintf(&b, "ELSE %d END", maxHeldDistance.Milliseconds())
	return b.String()
}()

// HoldBack records a failed attempt to start h, of which Key, CallID, Reason and
// Item count. The next attempt is due after 5 minutes, then 10, up to 6 hours.
func (l *Ledger) HoldBack(ctx context.Context, app tencent.SDKAppID, h Held) error {
	now, err := l.Now(ctx)
	if err != nil {
		return err
	}
	_, err = l.write.ExecContext(ctx, holdBackStatement,
		int64(app), h.Key, capped(h.CallID, maxHeldCallID), capped(h.Reason, maxHeldReason), capped(h.Item, maxHeldItem), //nolint:gosec // real IDs are far smaller
		now.UnixMilli(), now.Add(heldDistance(1)).UnixMilli())
	if err != nil {
		return fmt.Errorf("ledger: hold back: %w", err)
	}
	return nil
}

// capped is text of at most limit bytes that every database stores.
func capped(s string, limit int) string {
	if len(s) <= limit {
		return text(s)
	}
	cut := s[:limit]
	for len(cut) > 0 && !utf8.ValidString(cut) && limit-len(cut) < utf8.UTFMax {
		cut = cut[:len(cut)-1]
	}
	return text(cut) + "…"
}

// HeldBack returns what is held back of an app, the oldest first.
func (l *Ledger) HeldBack(ctx context.Context, app tencent.SDKAppID) ([]Held, error) {
	var all []Held
	err := each(ctx, l.read, `SELECT h.key, h.call_id, h.reason, h.item, h.attempts, h.since, h.last_attempt_at, h.next_attempt_at
FROM ledger_sweep_held h WHERE h.sdk_app_id = $1 ORDER BY h.since, h.key`, []any{int64(app)}, //nolint:gosec // real IDs are far smaller
		func(scan func(...any) error) error {
			var h Held
			var since, last, next int64
			err := scan(&h.Key, &h.CallID, &h.Reason, &h.Item, &h.Attempts, &since, &last, &next)
			h.Since, h.LastAttemptAt, h.NextAttemptAt = time.UnixMilli(since).UTC(), time.UnixMilli(last).UTC(), time.UnixMilli(next).UTC()
			all = append(all, h)
			return err
		})
	if err != nil {
		return nil, fmt.Errorf("ledger: list what is held back: %w", err)
	}
	return all, nil
}

// Release removes what was held back under a key, if anything was.
func (l *Ledger) Release(ctx context.Context, app tencent.SDKAppID, key string) error {
	_, err := l.write.ExecContext(ctx, "DELETE FROM ledger_sweep_held WHERE sdk_app_id = $1 AND key = $2", int64(app), key) //nolint:gosec // real IDs are far smaller
	if err != nil {
		return fmt.Errorf("ledger: release what was held back: %w", err)
	}
	return nil
}
