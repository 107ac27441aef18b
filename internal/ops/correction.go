package ops

import (
	"context"
	"fmt"
	"strconv"

	"aftercall/activities"
	"aftercall/internal/ledger"
	"aftercall/workflows"
	"aftercall/workflows/launch"
)

// Signature says who corrects the ledger or decides about a call, and why. Both
// are kept in the ledger and sent to the targets.
type Signature struct {
	Operator, Reason string
}

// correction is the signature as the ledger wants it; neither part may be empty.
func (s Signature) correction() (ledger.Correction, error) {
	c := ledger.Correction{Reason: s.Reason, Operator: s.Operator}
	if err := c.Validate(); err != nil {
		return c, Errorf(Usage, "add --operator and --reason", "a correction must be signed: %w", err)
	}
	return c, nil
}

// correctionNotifier notifies the targets of corrections.
type correctionNotifier struct {
	calls launch.Calls
}

// correctionNotifier returns one that has not yet spoken to Temporal.
func (d *Deps) correctionNotifier() (*correctionNotifier, error) {
	settings, err := d.Settings()
	if err != nil {
		return nil, err
	}
	c, _, err := d.Temporal()
	if err != nil {
		return nil, err
	}
	return &correctionNotifier{calls: launch.NewCalls(c, settings.TaskQueue)}, nil
}

// notify starts the notification of booked corrections, of each once: repeating
// it is safe.
func (n *correctionNotifier) notify(ctx context.Context, entries ...ledger.Entry) error {
	ctx, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	for _, e := range entries {
		event, id := activities.EventOf(e)
		params := workflows.DeliverParams{Event: event, MessageID: id}
		if _, err := n.calls.StartDeliver(ctx, strconv.Itoa(e.Revision), params); err != nil {
			return fmt.Errorf("%s is booked, but the targets are not notified: %w", e.Key, err)
		}
	}
	return nil
}

// notNotified is the error of an operation that booked corrections but could
// not start their notifications.
func notNotified(err error) error {
	return &Error{Kind: Incomplete, Err: err, Cure: "once Temporal answers, repeat the same command: nothing is booked twice, and no event is sent twice"}
}
