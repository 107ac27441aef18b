package activities

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"go.temporal.io/sdk/activity"

	"aftercall/internal/ledger"
	"aftercall/internal/tencent"
)

// What a sweep finds and cannot start, for a reason that lies in the call or row
// alone, is held back in the ledger's database: the progress moves on, and later
// sweeps try it again with growing distance. It stays there until it is started
// or in the ledger.

func isPermanentStart(err error) bool { return errors.As(err, new(*PermanentStartError)) }

// readHeld reads what is held back, unless nothing is to be started.
func (r *windowRun) readHeld(ctx context.Context) error {
	if r.params.DryRun {
		return nil
	}
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
	return nil
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
	activity.GetLogger(ctx).Info("a call is no longer held back", "app", r.app.Name, "call_id", h.CallID, "since", h.Since)
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
	if h, ok := r.held[key]; r.params.DryRun || (ok && h.NextAttemptAt.After(r.now)) {
		r.result.Counts.HeldBack++
		return nil
	}
	return r.holdBack(ctx, ledger.Held{Key: key, CallID: row.Record.CallID, Reason: tencent.DescribeProblems(row.Problems), Item: row.Raw})
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
	activity.GetLogger(ctx).Error("a call is held back: it cannot be started", "app", r.app.Name, "call_id", h.CallID, "reason", h.Reason)
	return nil
}

// retryHeld tries what is due and was not listed in this window.
func (r *windowRun) retryHeld(ctx context.Context) error {
	for _, h := range r.held {
		if h.NextAttemptAt.After(r.now) {
			continue
		}
		if err := r.retry(ctx, h); err != nil {
			return err
		}
		activity.RecordHeartbeat(ctx, r.started)
	}
	return nil
}

// retry tries to start one call again, from the record that was held back with
// it. A row that could not be read may be readable to a later release.
func (r *windowRun) retry(ctx context.Context, h ledger.Held) error {
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
