package main

import (
	"context"
	"fmt"
	"time"

	"aftercall/dev/local"
	"aftercall/workflows"
)

// recordReviews records a window with two reviews, and the one without any that follows.
func recordReviews(ctx context.Context, p project, s *local.Stack) error {
	app := s.Config.Apps[0]
	params := workflows.FoldReviewsParams{SDKAppID: app.SDKAppID, App: app.Name, Window: 3 * time.Second}
	run, err := s.Temporal.ExecuteWorkflow(ctx, workflows.FoldReviewsOptions(params, "aftercall"), workflows.FoldReviewsName, params)
	if err != nil {
		return err
	}
	for i := range 2 {
		if err := s.Temporal.SignalWorkflow(ctx, run.GetID(), "", workflows.SignalReview, fmt.Sprintf("forged-%d", i+1)); err != nil {
			return err
		}
	}
	if err := run.Get(ctx, nil); err != nil {
		return err
	}
	return write(ctx, p, s, "burst of reviews", run.GetID())
}
