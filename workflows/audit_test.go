package workflows_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/temporal"

	"aftercall/activities"
	"aftercall/internal/audit"
	"aftercall/workflows"
)

// TestAudit: each hour is audited once, whenever the workflow starts.
func TestAudit(t *testing.T) {
	hour := func(day, h int) time.Time { return time.Date(2026, 3, day, h, 0, 0, 0, time.UTC) }
	for name, c := range map[string]struct {
		scheduled, started time.Time
		params             workflows.AuditParams
		from, to           time.Time
	}{
		"on time":          {hour(1, 12).Add(45 * time.Minute), hour(1, 12).Add(45 * time.Minute), workflows.AuditParams{}, hour(1, 11), hour(1, 12)},
		"after midnight":   {hour(2, 0).Add(45 * time.Minute), hour(2, 0).Add(46 * time.Minute), workflows.AuditParams{}, hour(1, 23), hour(2, 0)},
		"a day late":       {hour(1, 12).Add(45 * time.Minute), hour(2, 13), workflows.AuditParams{}, hour(1, 11), hour(1, 12)},
		"by hand":          {time.Time{}, hour(1, 12).Add(50 * time.Minute), workflows.AuditParams{}, hour(1, 11), hour(1, 12)},
		"by hand, earlier": {time.Time{}, hour(1, 12).Add(44 * time.Minute), workflows.AuditParams{}, hour(1, 10), hour(1, 11)},
		"of a given time":  {time.Time{}, hour(2, 12), workflows.AuditParams{From: hour(1, 2), To: hour(1, 3)}, hour(1, 2), hour(1, 3)},
	} {
		t.Run(name, func(t *testing.T) {
			e := newEnv(t)
			e.SetStartTime(c.started)
			if !c.scheduled.IsZero() {
				scheduled := temporal.NewSearchAttributeKeyTime("TemporalScheduledStartTime").ValueSet(c.scheduled)
				require.NoError(t, e.SetTypedSearchAttributesOnStart(temporal.NewSearchAttributes(scheduled)))
			}
			found := activities.AuditRoomsResult{Uses: 3, Seconds: 500, Unexplained: 1, UnexplainedSeconds: 30}
			e.OnActivity("AuditRooms", mock.Anything, mock.Anything).Return(func(_ context.Context, p activities.AuditRoomsParams) (activities.AuditRoomsResult, error) {
				require.Equal(t, activities.AuditRoomsParams{SDKAppID: 1400000000, From: c.from, To: c.to}, p)
				return found, nil
			}).Once()
			c.params.SDKAppID, c.params.App = 1400000000, "clinic"
			e.ExecuteWorkflow(workflows.AuditName, c.params)
			require.NoError(t, e.GetWorkflowError())
			var result workflows.AuditResult
			require.NoError(t, e.GetWorkflowResult(&result))
			require.Equal(t, workflows.AuditResult{From: c.from, To: c.to, AuditRoomsResult: found}, result)
		})
	}
}

// TestAuditOutlastsAnOutage: attempts go on for as long as the hour can be audited.
func TestAuditOutlastsAnOutage(t *testing.T) {
	e := newEnv(t)
	e.SetWorkflowRunTimeout(workflows.AuditRunTimeout)
	e.OnActivity("AuditRooms", mock.Anything, mock.Anything).Return(func(ctx context.Context, _ activities.AuditRoomsParams) (activities.AuditRoomsResult, error) {
		if limit := activity.GetInfo(ctx).ScheduleToCloseTimeout; limit != 0 { // the run's
			require.Greater(t, limit, audit.Reach)
		}
		return activities.AuditRoomsResult{}, nil
	}).Once()
	e.ExecuteWorkflow(workflows.AuditName, workflows.AuditParams{SDKAppID: 1400000000, App: "clinic"})
	require.NoError(t, e.GetWorkflowError())
	require.Greater(t, workflows.AuditRunTimeout, audit.Reach)
}

// TestAuditThatFails tries again, but not what is not possible any more.
func TestAuditThatFails(t *testing.T) {
	e := newEnv(t)
	e.OnActivity("AuditRooms", mock.Anything, mock.Anything).Return(activities.AuditRoomsResult{}, temporal.NewApplicationError("down", activities.EvidenceUnavailable)).Twice()
	e.OnActivity("AuditRooms", mock.Anything, mock.Anything).Return(activities.AuditRoomsResult{}, nil).Once()
	e.ExecuteWorkflow(workflows.AuditName, workflows.AuditParams{SDKAppID: 1400000000, App: "clinic"})
	require.NoError(t, e.GetWorkflowError())

	e = newEnv(t)
	e.OnActivity("AuditRooms", mock.Anything, mock.Anything).
		Return(activities.AuditRoomsResult{}, temporal.NewNonRetryableApplicationError("too late", activities.AuditTooLate, nil)).Once()
	e.ExecuteWorkflow(workflows.AuditName, workflows.AuditParams{SDKAppID: 1400000000, App: "clinic"})
	require.Equal(t, activities.AuditTooLate, errorTypes(e.GetWorkflowError()))
}
