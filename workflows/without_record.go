package workflows

import (
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"aftercall/activities"
	"aftercall/internal/billing"
)

// chargeWithoutRecord charges a call that has no record because of cause, as its app says.
// The error is that of a review if the call is not confirmed.
func (c *call) chargeWithoutRecord(ctx workflow.Context, cause error, how billing.Unrecorded) (activities.ChargeResult, error) {
	c.status.Failure, c.awaitedEvidence = "", true
	switch {
	case c.params.Callback == nil:
		return activities.ChargeResult{}, notConfirmed(cause, "no callback says what it was")
	case !possibleEnd(ctx, *c.params.Callback):
		return activities.ChargeResult{}, notConfirmed(cause, "it cannot have ended when the callback says")
	}
	charge, err := c.chargeBy(ctx, *c.params.Callback, nil, how)
	if needsReview(err) {
		return charge, notConfirmed(cause, errorMessage(err))
	}
	return charge, err
}

// notConfirmed is a review of a call without record.
func notConfirmed(cause error, reason string) error {
	return temporal.NewNonRetryableApplicationError(errorMessage(cause)+"; "+reason, activities.RecordNeverAppeared, nil)
}
