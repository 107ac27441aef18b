package activities

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"go.temporal.io/sdk/activity"

	"aftercall/internal/ledger"
	"aftercall/internal/sweep"
	"aftercall/internal/tencent"
)

// What a sweep finds and cannot start, for a reason that lies in the call, row or
// window alone, is held back in the ledger's database: the progress moves on, and
// later sweeps try it again with growing distance. It stays there until it is
// started or in the ledger, or an operator dismisses it.

func isPermanentStart(err error) bool { return errors.As(err, new(*PermanentStartError)) }

// readHeld reads what is held back, and what was dismissed.
func (r *windowRun) readHeld(ctx context.Context) error {
	var err error
	if r.now, err = r.ledger.Now(ctx); err != nil {
		return err
	}
	held, err := r.ledger.HeldBack(ctx, r.app.ID)
	if err != nil {
		return err
	}
	r.held = make(map[string]ledger.Held, len(held))
	for _, h := range held {
		r.held[h.Key] = h
	}
	dismissed, err := r.ledger.Dismissed(ctx, r.app.ID)
	if err != nil {
		return err
	}
	r.dismissed = make(map[string]bool, len(dismissed))
	for _, h := range dismissed {
		r.dismissed[h.Key] = true
	}
	return nil
}

// isDismissed reports whether an operator has said that what has this key is not
// to be tried.
func (r *windowRun) isDismissed(ctx context.Context, key string) bool {
	if !r.dismissed[key] {
		return false
	}
	activity.GetLogger(ctx).Info("left alone: an operator has dismissed it", "app", r.app.Name, "key", key)
	return true
}

// release removes what was held back and is handled now.
func (r *windowRun) release(ctx context.Context, key string) error {
	h, ok := r.held[key]
	if !ok {
		return nil
	}
	if err := r.ledger.Release(ctx, r.app.ID, key); err != nil {
		return err
	}
	delete(r.held, key)
	activity.GetLogger(ctx).Info("no longer held back", "app", r.app.Name, "call_id", h.CallID, "key", key, "since", h.Since)
	return nil
}

// holdBackCall holds a call back that Temporal refuses to start.
func (r *windowRun) holdBackCall(ctx context.Context, key string, record tencent.CallRecord, cause error) error {
	item, err := json.Marshal(record)
	if err != nil {
		return fmt.Errorf("encode the record of a call that is held back: %w", err)
	}
	return r.holdBack(ctx, ledger.Held{Key: key, CallID: record.CallID, Reason: cause.Error(), Item: string(item)})
}

// holdBackRow holds back a row whose CallId cannot be read or used.
func (r *windowRun) holdBackRow(ctx context.Context, row tencent.RecordRow) error {
	key := ledger.HeldRowKey(row.Hash)
	if r.isDismissed(ctx, key) {
		r.result.Counts.Known++
		return nil
	}
	return r.holdBackIfDue(ctx, ledger.Held{Key: key, CallID: row.Record.CallID, Reason: tencent.DescribeProblems(row.Problems), Item: row.Raw})
}

// holdBackWindow holds back a window of one second that cannot be listed whole.
func (r *windowRun) holdBackWindow(ctx context.Context, cause error) error {
	h := ledger.HeldWindow(r.params.Window.From, r.params.Window.To)
	if r.isDismissed(ctx, h.Key) {
		return nil
	}
	h.Reason = cause.Error()
	return r.holdBackIfDue(ctx, h)
}

// holdBackIfDue holds back what was listed, unless it is held back and the next
// attempt is not due.
func (r *windowRun) holdBackIfDue(ctx context.Context, h ledger.Held) error {
	if known, ok := r.held[h.Key]; r.params.DryRun || (ok && known.NextAttemptAt.After(r.now)) {
		r.result.Counts.HeldBack++
		return nil
	}
	return r.holdBack(ctx, h)
}

// releaseWindows removes the windows within this one, which was listed whole.
func (r *windowRun) releaseWindows(ctx context.Context) error {
	for _, key := range slices.Sorted(maps.Keys(r.held)) {
		from, to, ok := r.held[key].Window()
		if ok && !from.Before(r.params.Window.From) && !to.After(r.params.Window.To) {
			if err := r.release(ctx, key); err != nil {
				return err
			}
		}
	}
	return nil
}

func (r *windowRun) holdBack(ctx context.Context, h ledger.Held) error {
	if err := r.ledger.HoldBack(ctx, r.app.ID, h); err != nil {
		return err
	}
	r.result.Counts.HeldBack++
	// Not tried twice in one run, whatever lists it again.
	known := r.held[h.Key]
	known.Key, known.NextAttemptAt = h.Key, r.now.Add(exportInterval)
	r.held[h.Key] = known
	activity.GetLogger(ctx).Error("held back: it cannot be started", "app", r.app.Name, "call_id", h.CallID, "key", h.Key, "reason", h.Reason)
	return nil
}

// retryHeld tries what is due and was not listed in this window.
func (r *windowRun) retryHeld(ctx context.Context) error {
	for _, key := range slices.Sorted(maps.Keys(r.held)) {
		h, ok := r.held[key]
		if !ok || h.NextAttemptAt.After(r.now) { // not ok: a window listed meanwhile has released it
			continue
		}
		if err := r.retry(ctx, h); err != nil {
			return err
		}
		activity.RecordHeartbeat(ctx, r.started)
	}
	return nil
}

// retry tries to list one window again, or to start one call from the record that
// was held back with it. A row that could not be read may be readable to a later
// release.
func (r *windowRun) retry(ctx context.Context, h ledger.Held) error {
	if from, to, ok := h.Window(); ok {
		return r.retryWindow(ctx, h, sweep.Window{From: from, To: to})
	}
	record, _ := tencent.DecodeRecord([]byte(h.Item))
	if record.CallID == "" { // the item was cut, and is no JSON any more
		record.CallID = h.CallID
	}
	if tencent.ValidateCallID("CallId", record.CallID) != nil {
		return r.holdBack(ctx, h) // for the same reason
	}
	known, err := r.ledger.Known(ctx, r.app.ID, []string{record.CallID})
	if err != nil {
		return err
	}
	if known[record.CallID] {
		return r.release(ctx, h.Key)
	}
	return r.attempt(ctx, h.Key, record)
}

const tooOld = "Tencent does not list it any more, after seven days; before that: "

// retryWindow lists a window again. A failure, even an outage, stops no sweep.
func (r *windowRun) retryWindow(ctx context.Context, h ledger.Held, w sweep.Window) error {
	if !w.Listable(r.now) {
		h.Reason = tooOld + strings.TrimPrefix(h.Reason, tooOld)
		return r.holdBack(ctx, h)
	}
	listing, err := sweep.List(ctx, r.app.Records, w, func() { activity.RecordHeartbeat(ctx, r.started) })
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case err != nil:
		h.Reason = err.Error()
		return r.holdBack(ctx, h)
	}
	if err := r.take(ctx, listing); err != nil {
		return err
	}
	if listing.Unread != nil {
		h.Reason = listing.Unread.Error()
		return r.holdBack(ctx, h)
	}
	return r.release(ctx, h.Key)
}
