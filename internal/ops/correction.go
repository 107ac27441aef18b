package ops

import (
	"context"
	"fmt"
	"strconv"
	"strings"

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

// validate finds what is missing; nothing may be.
func (s Signature) validate() error {
	var missing []string
	if strings.TrimSpace(s.Operator) == "" {
		missing = append(missing, "--operator NAME")
	}
	if strings.TrimSpace(s.Reason) == "" {
		missing = append(missing, "--reason TEXT")
	}
	if len(missing) > 0 {
		return Errorf(Usage, "say who decides and why: both are kept in the ledger", "missing: %s", strings.Join(missing, " and "))
	}
	return nil
}

// correction is the signature as the ledger wants it.
func (s Signature) correction() (ledger.Correction, error) {
	return ledger.Correction{Reason: s.Reason, Operator: s.Operator}, s.validate()
}

// NotifyCorrections starts the notification of booked corrections, of each once:
// repeating it is safe.
func NotifyCorrections(ctx context.Context, calls launch.Calls, entries ...ledger.Entry) error {
	ctx, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	for _, e := range entries {
		event, id := activities.EventOf(e)
		params := workflows.DeliverParams{Event: event, MessageID: id}
		if _, err := calls.StartDeliver(ctx, deliveryToken(e), params); err != nil {
			return fmt.Errorf("%s is booked, but the targets are not notified: %w", e.Key, err)
		}
	}
	return nil
}

// deliveryToken distinguishes the entries of a call that have the same event.
func deliveryToken(e ledger.Entry) string {
	token := strconv.Itoa(e.Revision)
	if e.Adjusts() && e.Kind == ledger.KindReversal {
		token += "-reversal"
	}
	return token
}

// notNotified is the error of an operation that booked corrections but could
// not start their notifications.
func notNotified(err error) error {
	return &Error{Kind: Incomplete, Err: err, Cure: "once Temporal answers, repeat the same command: nothing is booked twice, and no event is sent twice"}
}
