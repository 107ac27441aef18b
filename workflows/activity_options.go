package workflows

import (
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"aftercall/activities"
	"aftercall/internal/notify"
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
	notifyOptions = workflow.ActivityOptions{StartToCloseTimeout: notifyTimeout, RetryPolicy: activities.DeliveryRetries}

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
	// auditOptions do not give up before the hour is too old to be audited, which the
	// activity says.
	auditOptions = workflow.ActivityOptions{
		StartToCloseTimeout: 10 * time.Minute,
		HeartbeatTimeout:    2 * time.Minute,
		RetryPolicy:         activities.WindowRetries,
	}
)

const (
	// localTimeout bounds the local activity of a step that can be cut and repeated
	// without harm. It holds the workflow task.
	localTimeout = 2500 * time.Millisecond
	// notifyTimeout bounds one attempt of a delivery, local or not: longer than
	// notify.RequestTimeout, because a request that is cut may have been accepted,
	// and would be repeated. The SDK keeps the workflow task alive meanwhile.
	notifyTimeout = notify.RequestTimeout + 5*time.Second
)

// localOptions are for the one attempt as a local activity.
func localOptions(summary string) workflow.LocalActivityOptions {
	return workflow.LocalActivityOptions{
		ScheduleToCloseTimeout: localTimeout,
		RetryPolicy:            &temporal.RetryPolicy{MaximumAttempts: 1},
		Summary:                summary,
	}
}
