package workflows

import (
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/workflow"

	"aftercall/activities"
)

// Registry takes workflows and activities: a worker, or the environment of a test.
type Registry interface {
	RegisterWorkflowWithOptions(w any, options workflow.RegisterOptions)
	RegisterActivityWithOptions(a any, options activity.RegisterOptions)
}

// Dependencies are the activities that workflows call. They may be nil where
// no activity is executed, as in a replay.
type Dependencies struct {
	Activities *activities.Activities
	Sweeps     *activities.Sweeps
	Audits     *activities.Audits
}

// Register registers all workflows and activities under their names in
// histories, including the names of earlier versions.
func Register(r Registry, d Dependencies) {
	for name, w := range map[string]any{
		AfterCallName: AfterCall, DeliverName: Deliver, RelayCallbackName: RelayCallback, SweepName: Sweep, FoldReviewsName: FoldReviews, AuditName: Audit,
	} {
		r.RegisterWorkflowWithOptions(w, workflow.RegisterOptions{Name: name})
	}
	for name, a := range map[string]any{
		"FetchRecord": d.Activities.FetchRecord, "Charge": d.Activities.Charge, "OpenReview": d.Activities.OpenReview,
		"Notify": d.Activities.Notify, "Subscribers": d.Activities.Subscribers, "RelayCallback": d.Activities.RelayCallback,
		"PlanSweep": d.Sweeps.PlanSweep, "SweepWindow": d.Sweeps.SweepWindow,
		"AuditRooms": d.Audits.AuditRooms,
	} {
		r.RegisterActivityWithOptions(a, activity.RegisterOptions{Name: name})
	}
	registerFormerNames(r, d)
}

// Nil pointers whose methods refer to activities, so that a call of one is
// checked against its parameters by the compiler.
var (
	acts   *activities.Activities
	sweeps *activities.Sweeps
	audits *activities.Audits
)
