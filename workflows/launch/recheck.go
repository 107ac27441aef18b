package launch

import (
	"context"
	"errors"
	"fmt"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"

	"aftercall/internal/tencent"
	"aftercall/workflows"
)

const (
	// maxRecheckedHistory keeps callbacks from filling a workflow's history.
	maxRecheckedHistory = 2000
	// minRecheckDistance is between the first two rechecks by sweeps. It doubles
	// up to maxRecheckDistance.
	minRecheckDistance = 5 * time.Minute
	maxRecheckDistance = 6 * time.Hour
)

// recheckDistance is how long after so many rechecks sweeps wait with the next.
func recheckDistance(rechecks int) time.Duration {
	distance := minRecheckDistance
	for ; rechecks > 1 && distance < maxRecheckDistance; rechecks-- {
		distance *= 2
	}
	if rechecks == 0 {
		return 0
	}
	return min(distance, maxRecheckDistance)
}

// Recheck makes a call that is in review only because Tencent had no record look
// for the record again. Calls in another stage are left alone: a signal to them
// would cost an event, and change nothing.
func (c Calls) Recheck(ctx context.Context, app tencent.SDKAppID, callID string) error {
	id := workflows.AfterCallID(app, callID)
	info, err := c.describe(ctx, id)
	if err != nil || info.GetStatus() != enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING ||
		stageOf(info) != workflows.StageReview || info.GetHistoryLength() > maxRecheckedHistory {
		return err
	}
	return c.signalRecheck(ctx, id, info.GetExecution().GetRunId())
}

// RecheckListed is Recheck for a call that is known to be in review. It asks the
// workflow first, because a sweep lists a call many times: one that is in review
// for another reason must not get a signal each time. A worker must answer.
func (c Calls) RecheckListed(ctx context.Context, app tencent.SDKAppID, callID string) error {
	id := workflows.AfterCallID(app, callID)
	value, err := c.client.QueryWorkflow(ctx, id, "", workflows.QueryStatus)
	if err != nil {
		return fmt.Errorf("ask workflow %s why it is in review: %w", id, err)
	}
	var status workflows.Status
	if err := value.Get(&status); err != nil {
		return fmt.Errorf("status of workflow %s: %w", id, err)
	}
	r := status.Review
	if status.Stage != workflows.StageReview || r == nil || !r.NoRecord || c.now().Before(r.RecheckedAt.Add(recheckDistance(r.Rechecks))) {
		return nil
	}
	return c.signalRecheck(ctx, id, "")
}

func (c Calls) signalRecheck(ctx context.Context, id, runID string) error {
	err := c.client.SignalWorkflow(ctx, id, runID, workflows.SignalRecheck, nil)
	if err != nil && !errors.As(err, new(*serviceerror.NotFound)) { // it has been decided meanwhile
		return fmt.Errorf("signal workflow %s: %w", id, err)
	}
	return nil
}
