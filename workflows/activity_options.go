package workflows

import (
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"aftercall/activities"
)

// How long one attempt of each step may take. When the next one follows is in
// activities/retry.go.
var (
	recordOptions = workflow.ActivityOptions{
		// One request of 5 s, and a second one if the UserSig had expired.
		StartToCloseTimeout: 12 * time.Second,
		RetryPolicy:         activities.RecordRetries,
	}
	chargeOptions = workflow.ActivityOptions{StartToCloseTimeout: 10 * time.Second, RetryPolicy: activities.ChargeRetries}
	// lookupOptions: OpenReview and Subscribers, which read the configuration.
	lookupOptions = workflow.ActivityOptions{StartToCloseTimeout: 10 * time.Second, RetryPolicy: activities.LookupRetries}
	notifyOptions = workflow.ActivityOptions{StartToCloseTimeout: 20 * time.Second, RetryPolicy: activities.DeliveryRetries}

	planOptions = workflow.ActivityOptions{
		StartToCloseTimeout:    30 * time.Second,
		ScheduleToCloseTimeout: 10 * time.Minute,
		RetryPolicy:            activities.PlanRetries,
	}
	// windowOptions give up after half an hour: the next sweep begins where this one stopped.
	windowOptions = workflow.ActivityOptions{
		StartToCloseTimeout:    10 * time.Minute,
		HeartbeatTimeout:       time.Minute,
		ScheduleToCloseTimeout: 30 * time.Minute,
		RetryPolicy:            activities.WindowRetries,
	}
)

// localTimeout bounds a local activity, which holds the workflow task. Three of
// them stay below the ten seconds that a workflow task may take.
const localTimeout = 2500 * time.Millisecond

// localOptions are for the one attempt as a local activity.
func localOptions(summary string) workflow.LocalActivityOptions {
	return workflow.LocalActivityOptions{
		ScheduleToCloseTimeout: localTimeout,
		RetryPolicy:            &temporal.RetryPolicy{MaximumAttempts: 1},
		Summary:                summary,
	}
}
