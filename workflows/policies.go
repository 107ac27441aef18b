package workflows

import (
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"
)

// How long each step may take and how it is tried again. None has a limit on
// attempts: a call that waits can still be charged, one that is dropped cannot.
// An activity that knows better asks for its next attempt with NextRetryDelay,
// or ends the retries with a non-retryable error.
var (
	// recordOptions: every 2 s at first, later slower. A record that never
	// appears ends with FetchRecordParams.Patience; everything else waits.
	recordOptions = workflow.ActivityOptions{
		// One request of 5 s, and a second one when the UserSig had expired.
		StartToCloseTimeout: 12 * time.Second,
		RetryPolicy: &temporal.RetryPolicy{
			InitialInterval:    2 * time.Second,
			BackoffCoefficient: 1.3,
			MaximumInterval:    time.Minute,
		},
	}

	// chargeOptions: the ledger is ours, so it is asked often until it is back.
	chargeOptions = workflow.ActivityOptions{
		StartToCloseTimeout: 10 * time.Second,
		RetryPolicy: &temporal.RetryPolicy{
			InitialInterval:    time.Second,
			BackoffCoefficient: 2,
			MaximumInterval:    time.Minute,
		},
	}

	// lookupOptions: nothing but the app's configuration can be missing.
	lookupOptions = workflow.ActivityOptions{
		StartToCloseTimeout: 10 * time.Second,
		RetryPolicy: &temporal.RetryPolicy{
			InitialInterval:    2 * time.Second,
			BackoffCoefficient: 2,
			MaximumInterval:    10 * time.Minute,
		},
	}

	// notifyOptions: Notify says when to try again and when to give up, so that
	// time without a worker counts as nobody's refusal.
	notifyOptions = workflow.ActivityOptions{
		StartToCloseTimeout: 20 * time.Second,
		RetryPolicy: &temporal.RetryPolicy{
			InitialInterval:    2 * time.Second,
			BackoffCoefficient: 2,
			MaximumInterval:    10 * time.Minute,
		},
	}
)

// localTimeout bounds the first try of a step, which holds the workflow task.
// Three of them stay below the ten seconds that a workflow task may take.
const localTimeout = 2500 * time.Millisecond
