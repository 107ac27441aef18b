// Package slimlist leaves Temporal's development server only those indexes of its list
// of workflows that a query uses. The server writes the row of a workflow twice, each
// time into every index: the 45 that it comes with are about a quarter of its CPU time.
package slimlist

import (
	"slices"

	"aftercall/workflows"
)

// Query is a List Filter that something sends to Temporal, and the index for it.
type Query struct {
	// From is the file that has the query, or what else sends it.
	From string
	// Literals are the strings in that file that the query is made of. Code has none
	// that is not here, nor has a page of the docs a query that is not here.
	Literals []string
	// Filter is the query with example values.
	Filter string
	// By is the attribute whose index it uses. Without one, the list is read from the
	// newest workflow on, and Bound says why that ends soon enough.
	By, Bound string
}

// The attributes by which the list has an index.
var (
	byID       = "WorkflowId"
	byType     = "WorkflowType"
	byStatus   = "ExecutionStatus"
	byRoot     = "RootWorkflowId"
	byParent   = "ParentWorkflowId"
	bySchedule = "TemporalScheduledById"
	byDivision = "TemporalNamespaceDivision"
	byStage    = workflows.AttributeStage.GetName()
	bySource   = workflows.AttributeSource.GetName()
	byCallID   = workflows.AttributeCallID.GetName()
)

const (
	aTime      = "2026-11-27T00:00:00Z"
	everyRow   = "nearly every row is found, so that a page is soon full"
	everything = "it is to read the whole list"
	noServer   = "no server has an index for it, and a page is full soon if much is found"
)

// Queries are all that aftercall, this repository and the Web UI send.
func Queries() []Query { return slices.Concat(ofCode, ofStages(), ofDocs, ofWebUI) }

var ofCode = []Query{
	{
		From: "internal/ops/waiting.go", Literals: []string{"WorkflowType = %q AND ExecutionStatus = 'Running'"},
		Filter: `WorkflowType = "AfterCall" AND ExecutionStatus = 'Running'`, By: byStatus,
	},
	{
		From: "internal/ops/check_calls.go", Literals: []string{" AND %s = '%s'", " AND StartTime < '", " AND StartTime >= '"},
		Filter: `WorkflowType = "AfterCall" AND ExecutionStatus = 'Running' AND CallApp = 'clinic' AND StartTime < '` + aTime + "' AND StartTime >= '" + aTime + "'",
		By:     byStatus,
	},
	{
		From: "internal/ops/call_workflow.go", Literals: []string{"WorkflowType = '%s' AND %s = '%s'", " AND %s = '%s'"},
		Filter: "WorkflowType = 'Deliver' AND CallApp = 'clinic' AND CallId = 'x'", By: byCallID,
	},
	{
		// For a CallId with quotes.
		From: "internal/ops/call_workflow.go", Literals: []string{"WorkflowType = '%s' AND %s = '%s'"},
		Filter: "WorkflowType = 'Deliver' AND CallApp = 'clinic'", By: byType,
	},
	{
		From: "internal/ops/conflicts.go", Literals: []string{"WorkflowType = %q AND ExecutionStatus = 'Failed' AND CloseTime >= %q"},
		Filter: `WorkflowType = "AfterCall" AND ExecutionStatus = 'Failed' AND CloseTime >= "` + aTime + `"`, By: byStatus,
	},
	{
		From: "internal/ops/undelivered.go", Literals: []string{"%s = %q AND CloseTime >= %q"},
		Filter: `CallStage = "undelivered" AND CloseTime >= "` + aTime + `"`, By: byStage,
	},
	{
		// All that has ended since that time is read, in a command of an operator.
		From: "internal/ops/undelivered.go", Literals: []string{"WorkflowType = %q AND ExecutionStatus = 'Completed' AND CloseTime >= %q"},
		Filter: `WorkflowType = "Deliver" AND ExecutionStatus = 'Completed' AND CloseTime >= "` + aTime + `"`, By: byStatus,
	},
	{
		From: "internal/ops/restore.go", Literals: []string{"WorkflowType = %q"},
		Filter: `WorkflowType = "Deliver"`, By: byType,
	},
	{
		From: "internal/ops/restore.go", Literals: []string{"WorkflowType = %q", " AND (ExecutionStatus = 'Running' OR (", "CloseTime >= %q", "CloseTime < %q"},
		Filter: `WorkflowType = "AfterCall" AND (ExecutionStatus = 'Running' OR (CloseTime >= "` + aTime + `" AND CloseTime < "` + aTime + `"))`, By: byType,
	},
	{
		From: "internal/ops/sweep_runs.go", Literals: []string{"WorkflowType = %q AND ExecutionStatus = 'Running'"},
		Filter: `WorkflowType = "Sweep" AND ExecutionStatus = 'Running'`, By: byStatus,
	},
	{
		From: "internal/ops/task_queue.go", Literals: []string{"WorkflowType = '"},
		Filter: "WorkflowType = 'Sweep'", By: byType,
	},
	{From: "internal/ops/task_queue.go", Filter: "", Bound: everyRow},
	{
		From: "workflows/launch/lookup.go", Literals: []string{"ExecutionStatus = 'Running' AND WorkflowId IN ('"},
		Filter: "ExecutionStatus = 'Running' AND WorkflowId IN ('call:1400000000:a', 'call:1400000000:b')", By: byStatus,
	},
	{
		From: "dev/faults/harness/settle.go", Literals: []string{"WorkflowType = '"},
		Filter: "WorkflowType = 'Sweep'", By: byType,
	},
	{From: "dev/faults/harness/executions.go", Filter: "", Bound: everything},
	{
		From: "dev/faults/load/evidence.go", Literals: []string{"ExecutionStatus = 'Running' AND StartTime <= '"},
		Filter: "ExecutionStatus = 'Running' AND StartTime <= '" + aTime + "'", By: byStatus,
	},
	{
		From: "dev/faults/load/evidence.go", Literals: []string{"WorkflowType != '"},
		Filter: "WorkflowType != 'AfterCall'", Bound: everything,
	},
}

// ofStages are those of the metrics of waiting calls, of check, waiting and review, for
// each stage, and those that look for the oldest call.
func ofStages() (all []Query) {
	for _, stage := range workflows.WaitingStages {
		filter := workflows.WaitingQuery(stage)
		all = append(
			all,
			Query{From: "workflows/types.go", Literals: []string{"WorkflowType = '", "' AND ExecutionStatus = 'Running' AND "}, Filter: filter, By: byStatus},
			Query{From: "worker/waiting/waiting.go", Literals: []string{" AND StartTime < '"}, Filter: filter + " AND StartTime < '" + aTime + "'", By: byStatus},
		)
	}
	return all
}

// ofDocs are the queries of the docs, for the filter of the Web UI.
var ofDocs = []Query{
	{From: operations, Filter: `WorkflowType = "AfterCall"`, By: byType},
	{From: operations, Filter: `CallStage = "review" AND ExecutionStatus = "Running"`, By: byStatus},
	{From: operations, Filter: `WorkflowType = "AfterCall" AND ExecutionStatus = "Running" AND CallStage IN ("waiting", "record", "charge", "notify")`, By: byStatus},
	{From: operations, Filter: `WorkflowType = "AfterCall" AND CallSource = "sweep"`, By: bySource},
	{From: operations, Filter: `CallStage = "undelivered"`, By: byStage},
	{From: operations, Filter: `WorkflowType = "AfterCall" AND ExecutionStatus = "Failed"`, By: byStatus},
	{From: operations, Filter: `CallApp = "clinic" AND CallMedia = "Video" AND CallResult IN ("Interrupt", "Offline")`, Bound: "a few calls in a hundred are cut, so that a page is full after some thousand rows"},
	{From: operations, Filter: `WorkflowType = "Sweep"`, By: byType},
	{From: operations, Filter: `WorkflowType = "Audit"`, By: byType},
	{From: operations, Filter: `WorkflowType = "FoldReviews"`, By: byType},
	{From: "docs/call.md", Filter: `CallStage = "review"`, By: byStage},
	{From: "docs/call.md", Filter: `CallStage = "undelivered"`, By: byStage},
	{From: "docs/sweep.md", Filter: `CallSource = "sweep" AND WorkflowType = "AfterCall"`, By: bySource},
}

// ofWebUI are those that the Web UI sends by itself, and for them the server: its views,
// what its pages show, and its filters by workflow, type and status.
var ofWebUI = []Query{
	{From: webUI + "All Workflows", Filter: "", Bound: everyRow},
	{From: webUI + "Parent Workflows", Filter: "`ParentWorkflowId` is null", Bound: everyRow},
	{From: webUI + "Running", Filter: "`ExecutionStatus`=\"Running\"", By: byStatus},
	{From: webUI + "Today, Last Hour", Filter: `StartTime >= "` + aTime + `"`, Bound: noServer},
	{From: webUI + "filter by workflow", Filter: "`WorkflowId`=\"call:1400000000:a\"", By: byID},
	{From: webUI + "filter by type", Filter: "`WorkflowType`=\"AfterCall\"", By: byType},
	{From: webUI + "filter by status", Filter: "`ExecutionStatus`=\"TimedOut\"", By: byStatus},
	{From: webUI + "relationships of a workflow", Filter: `RootWorkflowId = "a" AND RootRunId = "b"`, By: byRoot},
	{From: webUI + "children of a workflow", Filter: `ParentWorkflowId = "a" AND ParentRunId = "b"`, By: byParent},
	{From: webUI + "runs of a schedule", Filter: `TemporalScheduledById="sweep:1400000000"`, By: bySchedule},
	{From: webUI + "schedules", Filter: `TemporalNamespaceDivision = "TemporalScheduler" AND WorkflowType = "temporal-sys-scheduler-workflow" AND ExecutionStatus = "Running"`, By: byStatus},
	{From: webUI + "batches", Filter: "TemporalNamespaceDivision = 'TemporalBatcher'", By: byDivision},
}

const (
	operations = "docs/operations.md"
	webUI      = "Web UI: "
)

// attributes are those by which the list has an index.
func attributes() map[string]bool {
	all := map[string]bool{}
	for _, q := range Queries() {
		if q.By != "" {
			all[q.By] = true
		}
	}
	return all
}
