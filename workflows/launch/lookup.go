package launch

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	workflowpb "go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/converter"

	"aftercall/activities"
	"aftercall/internal/temporalclient"
	"aftercall/internal/tencent"
	"aftercall/workflows"
)

// lookupBatch is how many calls one query names.
const lookupBatch = 100

// Running returns the calls whose workflow is running. It reads the list of
// workflows, which may be some seconds behind: only a start decides.
func (c Calls) Running(ctx context.Context, app tencent.SDKAppID, callIDs []string) (map[string]activities.RunningCall, error) {
	running := make(map[string]activities.RunningCall, len(callIDs))
	byID := make(map[string]string, len(callIDs))
	for _, callID := range callIDs {
		id := workflows.AfterCallID(app, callID)
		if !strings.ContainsAny(id, `'"\`) {
			byID[id] = callID
			continue
		}
		// It would have to be escaped in a query. Tencent's CallIds have no quotes.
		info, err := c.describe(ctx, id)
		if err != nil {
			return nil, err
		}
		if info.GetStatus() == enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING {
			running[callID] = newRunningCall(info)
		}
	}
	ids := make([]string, 0, len(byID))
	for id := range byID {
		ids = append(ids, id)
	}
	for batch := range slices.Chunk(ids, lookupBatch) {
		if err := c.listRunning(ctx, batch, func(info *workflowpb.WorkflowExecutionInfo) {
			running[byID[info.GetExecution().GetWorkflowId()]] = newRunningCall(info)
		}); err != nil {
			return nil, fmt.Errorf("list workflows: %w", err)
		}
	}
	return running, nil
}

// Workers is how many workers poll the task queue.
func (c Calls) Workers(ctx context.Context) (int, error) {
	return temporalclient.Workers(ctx, c.client, c.taskQueue, temporalclient.LiveFor, c.now())
}

func newRunningCall(info *workflowpb.WorkflowExecutionInfo) activities.RunningCall {
	return activities.RunningCall{InReview: stageOf(info) == workflows.StageReview}
}

// stageOf is the stage in which a call waits, empty if it never had to. Search
// attributes are never encrypted.
func stageOf(info *workflowpb.WorkflowExecutionInfo) (stage workflows.Stage) {
	payload := info.GetSearchAttributes().GetIndexedFields()[workflows.AttributeStage.GetName()]
	if payload == nil || converter.GetDefaultDataConverter().FromPayload(payload, &stage) != nil {
		return ""
	}
	return stage
}

// describe returns what Temporal has of a workflow, nil if there is none.
func (c Calls) describe(ctx context.Context, id string) (*workflowpb.WorkflowExecutionInfo, error) {
	description, err := c.client.DescribeWorkflowExecution(ctx, id, "")
	if errors.As(err, new(*serviceerror.NotFound)) {
		return nil, nil //nolint:nilnil // there is none, and nothing went wrong
	}
	if err != nil {
		return nil, fmt.Errorf("describe workflow %s: %w", id, err)
	}
	return description.GetWorkflowExecutionInfo(), nil
}

// listRunning calls found for every workflow in ids that is running.
func (c Calls) listRunning(ctx context.Context, ids []string, found func(*workflowpb.WorkflowExecutionInfo)) error {
	request := &workflowservice.ListWorkflowExecutionsRequest{
		Query: "ExecutionStatus = 'Running' AND WorkflowId IN ('" + strings.Join(ids, "', '") + "')",
	}
	for {
		page, err := c.client.ListWorkflow(ctx, request)
		if err != nil {
			return err
		}
		for _, execution := range page.GetExecutions() {
			found(execution)
		}
		if request.NextPageToken = page.GetNextPageToken(); len(request.NextPageToken) == 0 {
			return nil
		}
	}
}
