package workflows

import (
	"context"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/workflow"

	"aftercall/activities"
	"aftercall/internal/tencent"
)

// Names of earlier versions. They stay registered for as long as a workflow
// that was started under them may run: a relay runs for the retry window of its
// app, a sweep for minutes. Nothing starts anything under them any more.
const (
	// formerSweepName: Sweep and its schedule.
	formerSweepName = "Reconcile"
	// formerRelayName: RelayCallback, with the activity formerRelayActivity. The
	// workflow has a new name because its histories name the activity.
	formerRelayName     = "Relay"
	formerRelayActivity = "Forward"
)

// FormerSweepID is the ID that earlier versions gave the schedule of an app's
// sweep. The worker deletes it.
func FormerSweepID(app tencent.SDKAppID) string { return "reconcile:" + app.String() }

// registerFormerNames registers functions of their own, because the SDK keeps
// one name for a function.
func registerFormerNames(r Registry, d Dependencies) {
	r.RegisterWorkflowWithOptions(func(ctx workflow.Context, p SweepParams) (SweepResult, error) {
		return Sweep(ctx, p)
	}, workflow.RegisterOptions{Name: formerSweepName})
	r.RegisterWorkflowWithOptions(func(ctx workflow.Context, p activities.RelayCallbackParams) error {
		return relayCallback(ctx, formerRelayActivity, p)
	}, workflow.RegisterOptions{Name: formerRelayName})
	r.RegisterActivityWithOptions(func(ctx context.Context, p activities.RelayCallbackParams) error {
		return d.Activities.RelayCallback(ctx, p)
	}, activity.RegisterOptions{Name: formerRelayActivity})
}
