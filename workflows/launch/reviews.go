package launch

import (
	"context"
	"errors"
	"fmt"

	"go.temporal.io/api/serviceerror"

	"aftercall/activities"
	"aftercall/workflows"
)

// FoldReview implements activities.FoldReview: the first review of a burst starts
// FoldReviews, which counts those that follow.
func (c Calls) FoldReview(ctx context.Context, app activities.App, callID string) (folded bool, err error) {
	// In a burst one request is enough.
	if folded, err := c.signalReview(ctx, app, callID); folded || err != nil {
		return folded, err
	}
	p := workflows.FoldReviewsParams{SDKAppID: app.ID, App: app.Name, Window: workflows.ReviewWindow}
	running, err := c.start(ctx, workflows.FoldReviewsOptions(p, c.taskQueue), workflows.FoldReviewsName, p)
	if err != nil || !running {
		return false, err
	}
	// Another review has started it meanwhile.
	return c.signalReview(ctx, app, callID)
}

// signalReview tells a running FoldReviews about a review; folded is false if none runs.
func (c Calls) signalReview(ctx context.Context, app activities.App, callID string) (folded bool, err error) {
	id := workflows.FoldReviewsID(app.ID)
	err = c.client.SignalWorkflow(ctx, id, "", workflows.SignalReview, callID)
	if errors.As(err, new(*serviceerror.NotFound)) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("signal workflow %s: %w", id, err)
	}
	return true, nil
}
