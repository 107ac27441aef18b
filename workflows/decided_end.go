package workflows

import (
	"errors"
	"slices"
	"time"

	"go.temporal.io/sdk/workflow"

	"aftercall/internal/billing"
	"aftercall/internal/tencent"
)

// validateEnd returns an error if it is not known when a call ended that is to be
// charged: its EndTime decides which version of the tariff applies, and to which month
// the charge belongs. What it rejects is not in the history, so that it can change.
func (c *call) validateEnd(ctx workflow.Context, d DecideParams) error {
	switch {
	case d.Verdict != billing.VerdictChargeAs:
		return nil
	case d.EndedAt.After(workflow.Now(ctx).Add(billing.MaxClockSkew)):
		return errors.New("ended_at: " + d.EndedAt.UTC().Format(time.RFC3339) + " is in the future")
	case !d.EndedAt.IsZero():
		return nil
	case c.review.endUnknown || c.review.record.EndTime == 0:
		return errors.New("ended_at: is missing: nobody has said when the call ended, so name the time")
	case c.endPossible(ctx):
		return nil
	}
	return errors.New("ended_at: is missing: the call cannot have ended at " + formatUnix(c.review.record.EndTime) + ", so name the real time")
}

// endPossible reports whether the call can have ended when it is said to have: not in
// the future, and not before the oldest record that Tencent had when the workflow began.
func (c *call) endPossible(ctx workflow.Context) bool { return possibleEnd(ctx, c.review.record) }

func possibleEnd(ctx workflow.Context, record tencent.CallRecord) bool {
	ended := record.EndedAt()
	oldest := workflow.GetInfo(ctx).WorkflowStartTime.Add(-recordRetention - billing.MaxClockSkew)
	return !ended.Before(oldest) && !ended.After(workflow.Now(ctx).Add(billing.MaxClockSkew))
}

// endConfirmed reports whether the EndTime is from Tencent, not only from a callback.
func (r *review) endConfirmed() bool {
	return r.Claimed == nil && !slices.ContainsFunc(r.Unreadable, func(problem tencent.FieldError) bool {
		return slices.Contains([]string{"EndTime", "CallRecord", "Response"}, problem.Field)
	})
}
