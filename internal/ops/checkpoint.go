package ops

import (
	"context"
	"time"

	"aftercall/activities"
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
	in := l.NewIntegrator()
	for more := true; more; {
		if more, err = in.Integrate(ctx); err != nil {
			return nil, err
		}
	}
	made, err := l.MakeCheckpoint(ctx, settings.LedgerKey)
	if err != nil {
		return nil, err
	}
	c := &Checkpoint{Origin: made.Origin, Entries: made.Size, Root: made.Root, Time: made.Time, Text: made.Text}
	if !notify {
		return c, nil
	}
	if err := sendCheckpoint(ctx, calls, made); err != nil {
		return c, &Error{Kind: Incomplete, Err: err, Cure: "keep the checkpoint that was printed; once Temporal answers, make another one"}
	}
	c.Notified = true
	return c, nil
}

func sendCheckpoint(ctx context.Context, calls launch.Calls, c ledgerlog.Issued) error {
	ctx, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	event, id := activities.CheckpointEvent(c)
	_, err := calls.StartDeliver(ctx, "", workflows.DeliverParams{Event: event, MessageID: id})
	return err
}
