package ops

import (
	"context"
	"time"

	"aftercall/internal/config"
	"aftercall/internal/ledger"
	"aftercall/internal/sweep"
	"aftercall/internal/tencent"
)

// HeldCall is what sweeps could not start: a call or row of Tencent's list, or a
// window that cannot be listed.
type HeldCall struct {
	// CallID is as Tencent wrote it, capped; empty where the row has none.
	CallID string `json:"call_id"`
	// Key identifies it, also where there is no CallId.
	Key string `json:"key"`
	// Window is null for a call or row.
	Window        *sweep.Window `json:"window"`
	Since         time.Time     `json:"since"`
	Attempts      int           `json:"attempts"`
	LastAttemptAt time.Time     `json:"last_attempt_at"`
	NextAttemptAt time.Time     `json:"next_attempt_at"`
	// Reason is why the last attempt failed.
	Reason string `json:"reason"`
	// Item is the JSON of the record or row as it was listed, or of the window, capped.
	Item string `json:"item"`
	// Dismissal is null while it is tried.
	Dismissal *Dismissal `json:"dismissal"`
}

// Dismissal is who has said when and why that something is not tried any more.
type Dismissal struct {
	At       time.Time `json:"at"`
	Operator string    `json:"operator"`
	Reason   string    `json:"reason"`
}

// Name says what it is, for people.
func (h HeldCall) Name() string {
	switch {
	case h.CallID != "":
		return h.CallID
	case h.Window != nil:
		return "all calls of " + h.Window.From.Format(time.RFC3339) + " that could not be listed"
	}
	return "a row without a CallId"
}

// ShortKey is enough of Key to name it in a command.
func (h HeldCall) ShortKey() string { return h.Key[:min(len(h.Key), 12)] }

func newHeldCall(h ledger.Held) HeldCall {
	c := HeldCall{
		CallID: h.CallID, Key: h.Key, Since: h.Since, Attempts: h.Attempts,
		LastAttemptAt: h.LastAttemptAt, NextAttemptAt: h.NextAttemptAt, Reason: h.Reason, Item: h.Item,
	}
	if from, to, ok := h.Window(); ok {
		c.Window = &sweep.Window{From: from, To: to}
	}
	if d := h.Dismissed; d != nil {
		c.Dismissal = &Dismissal{At: d.At, Operator: d.By, Reason: d.Reason}
	}
	return c
}

// heldBack lists what is held back of an app, the oldest first.
func (d *Deps) heldBack(ctx context.Context, app *config.App) ([]HeldCall, error) {
	return d.readHeld(ctx, app, (*ledger.Ledger).HeldBack)
}

// dismissed lists what was held back of an app and dismissed, the latest first.
func (d *Deps) dismissed(ctx context.Context, app *config.App) ([]HeldCall, error) {
	return d.readHeld(ctx, app, (*ledger.Ledger).Dismissed)
}

func (d *Deps) readHeld(ctx context.Context, app *config.App, read func(*ledger.Ledger, context.Context, tencent.SDKAppID) ([]ledger.Held, error)) ([]HeldCall, error) {
	l, err := d.Ledger(ctx)
	if err != nil {
		return nil, err
	}
	held, err := ask(ctx, func(ctx context.Context) ([]ledger.Held, error) { return read(l, ctx, app.SDKAppID) })
	if err != nil {
		return nil, Errorf(Failed, "is the database up?", "the ledger does not answer: %w", err)
	}
	all := make([]HeldCall, len(held))
	for i, h := range held {
		all[i] = newHeldCall(h)
	}
	return all, nil
}
