package workflows

import (
	"errors"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"aftercall/activities"
)

// runLocalFirst runs an idempotent activity as a local activity first, within
// the current workflow task, where it costs one marker. If that fails, the
// activity runs as a regular one under options: the server retries it, and the
// Web UI shows its attempts and last failure. So a call without trouble is
// cheap, and a call in trouble is visible.
//
// onFailure is called once, with the failure of the first attempt, unless that
// is final.
func runLocalFirst(ctx workflow.Context, options workflow.ActivityOptions, summary string, onFailure func(error), activity, params, result any) error {
	err := workflow.ExecuteLocalActivity(
		workflow.WithLocalActivityOptions(ctx, localOptions(summary)), activity, params,
	).Get(ctx, result)
	return retryAsRegular(ctx, err, options, summary, onFailure, activity, params, result)
}

// runDelivery is runLocalFirst for a request to a receiver. The local activity
// waits for the answer as long as the regular one, or makes no request at all and
// leaves the first attempt to a regular activity.
func runDelivery(ctx workflow.Context, summary string, onFailure func(error), activity, params any) error {
	local := localOptions(summary)
	local.ScheduleToCloseTimeout = notifyTimeout
	err := workflow.ExecuteLocalActivity(workflow.WithLocalActivityOptions(ctx, local), activity, params).Get(ctx, nil)
	if activities.LeftToRegularActivity(err) {
		// One attempt only, so that the workflow can show its failure.
		once, policy := notifyOptions, *notifyOptions.RetryPolicy
		policy.MaximumAttempts = 1
		once.RetryPolicy, once.Summary = &policy, summary
		err = workflow.ExecuteActivity(workflow.WithActivityOptions(ctx, once), activity, params).Get(ctx, nil)
	}
	return retryAsRegular(ctx, err, notifyOptions, summary, onFailure, activity, params, nil)
}

// retryAsRegular repeats an activity after err, the failure of its first attempt,
// as a regular activity that the server retries. It returns nil and a final
// failure as they are.
func retryAsRegular(
	ctx workflow.Context, err error, options workflow.ActivityOptions, summary string, onFailure func(error), activity, params, result any,
) error {
	if err == nil || !activities.Retryable(err) {
		return err
	}
	onFailure(err)
	if delay := secondAttemptDelay(err, options); delay > 0 {
		timer := workflow.NewTimerWithOptions(ctx, delay, workflow.TimerOptions{Summary: "before the next attempt: " + summary})
		if err := timer.Get(ctx, nil); err != nil {
			return err
		}
	}
	options.Summary = summary
	return workflow.ExecuteActivity(workflow.WithActivityOptions(ctx, options), activity, params).Get(ctx, result)
}

// secondAttemptDelay is the delay that the failure asks for, or else that of the policy.
func secondAttemptDelay(err error, options workflow.ActivityOptions) time.Duration {
	var appErr *temporal.ApplicationError
	if errors.As(err, &appErr) && appErr.NextRetryDelay() > 0 {
		return appErr.NextRetryDelay()
	}
	return options.RetryPolicy.InitialInterval
}

// errorMessage is the message of the activity's error without the wrapping of
// Temporal, which names the activity, its ID and its worker.
func errorMessage(err error) string {
	var appErr *temporal.ApplicationError
	if errors.As(err, &appErr) {
		return appErr.Message()
	}
	return err.Error()
}
