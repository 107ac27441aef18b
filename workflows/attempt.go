package workflows

import (
	"errors"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"
)

// attempt runs an idempotent activity within the current workflow task first,
// where it costs one marker. Whatever fails there becomes a regular activity
// under options, which the server retries for as long as they say, and which
// the Web UI shows with its attempts and last failure. So a call without
// trouble costs next to nothing, and a call in trouble hides nothing.
//
// stuck is called once, before the regular activity, with the first failure.
func attempt(ctx workflow.Context, options workflow.ActivityOptions, summary string, stuck func(error), activity, params, result any) error {
	err := workflow.ExecuteLocalActivity(
		workflow.WithLocalActivityOptions(ctx, onceOptions(summary)), activity, params,
	).Get(ctx, result)
	if err == nil || !retryable(err) {
		return err
	}
	stuck(err)
	if pause := pauseAfter(err, options); pause > 0 {
		timer := workflow.NewTimerWithOptions(ctx, pause, workflow.TimerOptions{Summary: "before the next try: " + summary})
		if err := timer.Get(ctx, nil); err != nil {
			return err
		}
	}
	options.Summary = summary
	return workflow.ExecuteActivity(workflow.WithActivityOptions(ctx, options), activity, params).Get(ctx, result)
}

// onceOptions are for one try within the workflow task.
func onceOptions(summary string) workflow.LocalActivityOptions {
	return workflow.LocalActivityOptions{
		ScheduleToCloseTimeout: localTimeout,
		RetryPolicy:            &temporal.RetryPolicy{MaximumAttempts: 1},
		Summary:                summary,
	}
}

// retryable reports whether a further attempt could end otherwise.
func retryable(err error) bool {
	var appErr *temporal.ApplicationError
	if errors.As(err, &appErr) {
		return !appErr.NonRetryable()
	}
	return !temporal.IsCanceledError(err)
}

// pauseAfter is how long the failure, or else the policy, wants to wait.
func pauseAfter(err error, options workflow.ActivityOptions) time.Duration {
	var appErr *temporal.ApplicationError
	if errors.As(err, &appErr) && appErr.NextRetryDelay() > 0 {
		return appErr.NextRetryDelay()
	}
	return options.RetryPolicy.InitialInterval
}
