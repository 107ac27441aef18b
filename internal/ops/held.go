package ops

import (
	"context"
	"time"

	"aftercall/internal/config"
	"aftercall/internal/ledger"
)

// HeldCall is what sweeps found in Tencent's list and could not start.
type HeldCall struct {
	// CallID is as Tencent wrote it, capped; empty where the row has none.
	CallID string `json:"call_id"`
	// Key identifies a row without CallId.
	Key           string    `json:"key"`
	Since         time.Time `json:"since"`
	Attempts      int       `json:"attempts"`
	LastAttemptAt time.Time `json:"last_attempt_at"`
	NextAttemptAt time.Time `json:"next_attempt_at"`
	// Reason is why the last attempt failed.
	Reason string `json:"reason"`
	// Item is the JSON of the record or row as it was listed, capped.
	Item string `json:"item"`
}

// heldBack lists what is held back of an app, the oldest first.
func (d *Deps) heldBack(ctx context.Context, app *config.App) ([]HeldCall, error) {
	l, err := d.Ledger(ctx)
	if err != nil {
		return nil, err
	}
	held, err := ask(ctx, func(ctx context.Context) ([]ledger.Held, error) { return l.HeldBack(ctx, app.SDKAppID) })
	if err != nil {
		return nil, Errorf(Failed, "is the database up?", "the ledger does not answer: %w", err)
	}
	all := make([]HeldCall, len(held))
	for i, h := range held {
		all[i] = HeldCall{
			CallID: h.CallID, Key: h.Key, Since: h.Since, Attempts: h.Attempts,
			LastAttemptAt: h.LastAttemptAt, NextAttemptAt: h.NextAttemptAt, Reason: h.Reason, Item: h.Item,
		}
	}
	return all, nil
}
