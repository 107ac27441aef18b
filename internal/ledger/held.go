package ledger

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"aftercall/internal/tencent"
)

// Held is what a sweep could not start: a call or row of Tencent's list, or a
// window that cannot be listed.
type Held struct {
	// Key identifies it within the app; see HeldCallKey, HeldRowKey and HeldWindow.
	Key string
	// CallID is as Tencent wrote it, capped; empty if there is none.
	CallID string
	// Reason is why the last attempt failed, capped.
	Reason string
	// Item is the JSON of the record, of a row that cannot be read, or of a window,
	// capped.
	Item string
	// Attempts counts the failed attempts.
	Attempts int
	// Since, LastAttemptAt and NextAttemptAt are by the database's clock.
	Since         time.Time
	LastAttemptAt time.Time
	NextAttemptAt time.Time
	// Dismissed is nil while it is tried.
	Dismissed *Dismissal
}

// Dismissal is who has said when and why that something is not tried any more.
type Dismissal struct {
	At         time.Time
	By, Reason string
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

// heldWindow is the item of a window, in Unix seconds.
type heldWindow struct {
	From int64 `json:"from"`
	To   int64 `json:"to"`
}

// HeldWindow is a window in whole seconds that cannot be listed, without a reason.
func HeldWindow(from, to time.Time) Held {
	item := fmt.Sprintf(`{"from":%d,"to":%d}`, from.Unix(), to.Unix())
	return Held{Key: hash("window\x00" + item), Item: item}
}

// Window returns the window that HeldWindow was given; ok is false for a call or row.
func (h Held) Window() (from, to time.Time, ok bool) {
	var w heldWindow
	if json.Unmarshal([]byte(h.Item), &w) != nil {
		return from, to, false
	}
	from, to = time.Unix(w.From, 0).UTC(), time.Unix(w.To, 0).UTC()
	return from, to, HeldWindow(from, to).Key == h.Key
}

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
	fmt.Fprintf(&b, "ELSE %d END WHERE h.dismissed_at IS NULL", maxHeldDistance.Milliseconds())
	return b.String()
}()

// HoldBack records a failed attempt to start h, of which Key, CallID, Reason and
// Item count. The next attempt is due after 5 minutes, then 10, up to 6 hours. What
// was dismissed stays as it is.
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

// heldColumns are read by held.
const heldColumns = `h.key, h.call_id, h.reason, h.item, h.attempts, h.since, h.last_attempt_at, h.next_attempt_at,
  h.dismissed_at, h.dismissed_by, h.dismissed_reason`

// HeldBack returns what is held back of an app and not dismissed, the oldest first.
func (l *Ledger) HeldBack(ctx context.Context, app tencent.SDKAppID) ([]Held, error) {
	return l.held(ctx, app, "h.dismissed_at IS NULL ORDER BY h.since, h.key")
}

// Dismissed returns what was held back of an app until it was dismissed, the
// latest first.
func (l *Ledger) Dismissed(ctx context.Context, app tencent.SDKAppID) ([]Held, error) {
	return l.held(ctx, app, "h.dismissed_at IS NOT NULL ORDER BY h.dismissed_at DESC, h.key")
}

func (l *Ledger) held(ctx context.Context, app tencent.SDKAppID, condition string) ([]Held, error) {
	var all []Held
	err := each(ctx, l.read, "SELECT "+heldColumns+" FROM ledger_sweep_held h WHERE h.sdk_app_id = $1 AND "+condition, []any{int64(app)}, //nolint:gosec // real IDs are far smaller
		func(scan func(...any) error) error {
			var h Held
			var since, last, next int64
			var dismissedAt *int64
			var d Dismissal
			err := scan(&h.Key, &h.CallID, &h.Reason, &h.Item, &h.Attempts, &since, &last, &next, &dismissedAt, &d.By, &d.Reason)
			h.Since, h.LastAttemptAt, h.NextAttemptAt = time.UnixMilli(since).UTC(), time.UnixMilli(last).UTC(), time.UnixMilli(next).UTC()
			if dismissedAt != nil {
				d.At = time.UnixMilli(*dismissedAt).UTC()
				h.Dismissed = &d
			}
			all = append(all, h)
			return err
		})
	if err != nil {
		return nil, fmt.Errorf("ledger: list what is held back: %w", err)
	}
	return all, nil
}

// CountHeldBack is the number of what HeldBack returns.
func (l *Ledger) CountHeldBack(ctx context.Context, app tencent.SDKAppID) (n int, err error) {
	err = l.read.QueryRowContext(ctx, "SELECT count(*) FROM ledger_sweep_held WHERE sdk_app_id = $1 AND dismissed_at IS NULL", int64(app)).Scan(&n) //nolint:gosec // real IDs are far smaller
	if err != nil {
		return 0, fmt.Errorf("ledger: count what is held back: %w", err)
	}
	return n, nil
}

// ErrNotHeld is returned for a key under which nothing is held back any more.
var ErrNotHeld = errors.New("ledger: nothing is held back under this key")

// Dismiss says that what is held back under a key is not tried any more. It stays
// in the database with the reason.
func (l *Ledger) Dismiss(ctx context.Context, app tencent.SDKAppID, key string, c Correction) error {
	if err := c.Validate(); err != nil {
		return err
	}
	now, err := l.Now(ctx)
	if err != nil {
		return err
	}
	result, err := l.write.ExecContext(ctx, `UPDATE ledger_sweep_held SET dismissed_at = $3, dismissed_by = $4, dismissed_reason = $5
WHERE sdk_app_id = $1 AND key = $2 AND dismissed_at IS NULL`,
		int64(app), key, now.UnixMilli(), capped(c.Operator, maxHeldReason), capped(c.Reason, maxHeldReason)) //nolint:gosec // real IDs are far smaller
	if err != nil {
		return fmt.Errorf("ledger: dismiss what was held back: %w", err)
	}
	n, err := result.RowsAffected()
	if err == nil && n == 0 {
		err = ErrNotHeld
	}
	return err
}

// Release removes what was held back under a key, if anything was.
func (l *Ledger) Release(ctx context.Context, app tencent.SDKAppID, key string) error {
	_, err := l.write.ExecContext(ctx, "DELETE FROM ledger_sweep_held WHERE sdk_app_id = $1 AND key = $2", int64(app), key) //nolint:gosec // real IDs are far smaller
	if err != nil {
		return fmt.Errorf("ledger: release what was held back: %w", err)
	}
	return nil
}
