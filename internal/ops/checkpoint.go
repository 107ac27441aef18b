package ops

import (
	"context"
	"time"

	"aftercall/activities"
	"aftercall/internal/ledger"
	"aftercall/internal/ledgerlog"
	"aftercall/workflows"
	"aftercall/workflows/launch"
)

// Checkpoint is a checkpoint of the ledger's log.
type Checkpoint struct {
	Origin  string         `json:"origin"`
	Entries uint64         `json:"entries"`
	Root    ledgerlog.Hash `json:"root"`
	Time    time.Time      `json:"time"`
	// Text is the checkpoint itself, a signed note if there is a key.
	Text string `json:"text"`
	// Notified reports that the targets that subscribe are being notified.
	Notified bool `json:"notified"`
}

// MakeCheckpoint takes what was booked into the log, makes a checkpoint, and
// notifies the targets that subscribe if notify is true. If that cannot be started,
// the result is returned with the error.
func (d *Deps) MakeCheckpoint(ctx context.Context, notify bool) (*Checkpoint, error) {
	return d.checkpoint(ctx, notify, func(l *ledger.Ledger, key ledgerlog.Key) (ledgerlog.Issued, error) { return l.MakeCheckpoint(ctx, key) })
}

// checkpoint does what MakeCheckpoint does, with the checkpoint that issue returns.
func (d *Deps) checkpoint(
	ctx context.Context, notify bool, issue func(*ledger.Ledger, ledgerlog.Key) (ledgerlog.Issued, error),
) (*Checkpoint, error) {
	settings, err := d.Settings()
	if err != nil {
		return nil, err
	}
	var calls launch.Calls
	if notify {
		if calls, err = d.starts(); err != nil {
			return nil, err
		}
	}
	l, err := d.WritableLedger(ctx)
	if err != nil {
		return nil, err
	}
	if err := integrate(ctx, l); err != nil {
		return nil, err
	}
	made, err := issue(l, settings.LedgerKey)
	if err != nil {
		return nil, err
	}
	c := newCheckpoint(made)
	if notify {
		err = c.notify(ctx, calls, made)
	}
	return c, err
}

// integrate takes what was booked into the log.
func integrate(ctx context.Context, l *ledger.Ledger) error {
	in := l.NewIntegrator()
	for {
		if more, err := in.Integrate(ctx); err != nil || !more {
			return err
		}
	}
}

func newCheckpoint(c ledgerlog.Issued) *Checkpoint {
	return &Checkpoint{Origin: c.Origin, Entries: c.Size, Root: c.Root, Time: c.Time, Text: c.Text}
}

// notify starts the notification of the checkpoint, which is sent once.
func (c *Checkpoint) notify(ctx context.Context, calls launch.Calls, made ledgerlog.Issued) error {
	if err := sendCheckpoint(ctx, calls, made); err != nil {
		return &Error{Kind: Incomplete, Err: err, Cure: "keep the checkpoint that was printed; once Temporal answers, repeat the command"}
	}
	c.Notified = true
	return nil
}

func sendCheckpoint(ctx context.Context, calls launch.Calls, c ledgerlog.Issued) error {
	ctx, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	event, id := activities.CheckpointEvent(c)
	_, err := calls.StartDeliver(ctx, "", workflows.DeliverParams{Event: event, MessageID: id})
	return err
}
