package workflows

import (
	"fmt"
	"time"

	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/workflow"

	"aftercall/activities"
	"aftercall/internal/tencent"
)

// AuditName is the registered name of the workflow Audit.
const AuditName = "Audit"

// AuditID is the ID of the schedule of an app's audits, and the beginning of the IDs of
// the workflows that it starts.
func AuditID(app tencent.SDKAppID) string { return "audit:" + app.String() }

const (
	// AuditEvery is how often the rooms of an app are audited, and for how long each time.
	AuditEvery = time.Hour
	// AuditDelay is how long after its end an hour is audited, at the earliest: by then
	// the calls of its rooms are in the ledger, as a rule, and so are those that the app
	// charges without a record, once the record deadline of half an hour is over.
	AuditDelay = 45 * time.Minute
	// AuditRunTimeout bounds a run, which includes the time without a worker: the next ones
	// wait for its end, and what is older than a week cannot be audited.
	AuditRunTimeout = 8 * 24 * time.Hour
)

// AuditParams starts Audit.
type AuditParams struct {
	SDKAppID tencent.SDKAppID `json:"sdk_app_id"`
	App      string           `json:"app"`
	// From and To, if they are set, are the time to audit. Without them it is the hour
	// before the scheduled start.
	From time.Time `json:"from,omitzero"`
	To   time.Time `json:"to,omitzero"`
}

// AuditResult is the hour that was audited, and what was found.
type AuditResult struct {
	From time.Time `json:"from"`
	To   time.Time `json:"to"`
	activities.AuditRoomsResult
}

// Audit compares when rooms were in use with the calls that are known, once for each
// hour: also for hours in which Temporal or all workers were down, whose runs the schedule
// starts later.
func Audit(ctx workflow.Context, p AuditParams) (AuditResult, error) {
	from, to := p.From, p.To
	if to.IsZero() {
		to = scheduledAt(ctx).Add(-AuditDelay).Truncate(AuditEvery).UTC()
		from = to.Add(-AuditEvery)
	}
	options := auditOptions
	options.Summary = fmt.Sprintf("rooms left from %s to %s", formatTime(from), formatTime(to))
	result := AuditResult{From: from, To: to}
	err := workflow.ExecuteActivity(workflow.WithActivityOptions(ctx, options), audits.AuditRooms,
		activities.AuditRoomsParams{SDKAppID: p.SDKAppID, From: from, To: to}).Get(ctx, &result.AuditRoomsResult)
	if err != nil {
		return result, err
	}
	workflow.SetCurrentDetails(ctx, table([][2]string{
		{"Rooms left", fmt.Sprintf("from %s to %s", formatTime(from), formatTime(to))},
		{"In use", fmt.Sprintf("%d times, for %d s", result.Uses, result.Seconds)},
		{"Without a record", fmt.Sprintf("%d times, for %d s", result.Unexplained, result.UnexplainedSeconds)},
	}))
	return result, nil
}

// attributeScheduled is the search attribute in which a schedule says when a workflow was
// to start. It may start later.
const attributeScheduled = "TemporalScheduledStartTime"

// scheduledAt is when a schedule was to start the workflow, or when it was started without
// one.
func scheduledAt(ctx workflow.Context) time.Time {
	info := workflow.GetInfo(ctx)
	var at time.Time
	payload := info.SearchAttributes.GetIndexedFields()[attributeScheduled] //nolint:staticcheck // the schedule gives it no type
	if err := converter.GetDefaultDataConverter().FromPayload(payload, &at); err != nil || at.IsZero() {
		return info.WorkflowStartTime
	}
	return at
}
