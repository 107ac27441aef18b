package launch

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflowservice/v1"

	"aftercall/internal/tencent"
	"aftercall/workflows"
)

// lookupBatch is how many calls one query names.
const lookupBatch = 100

// HaveWorkflow returns which calls have a workflow, running or retained. It reads
// the list of workflows, which may be some seconds behind: only a start decides.
func (c Calls) HaveWorkflow(ctx context.Context, app tencent.SDKAppID, callIDs []string) (map[string]bool, error) {
	have := make(map[string]bool, len(callIDs))
	byID := make(map[string]string, len(callIDs))
	for _, callID := range callIDs {
		id := workflows.AfterCallID(app, callID)
		if !strings.ContainsAny(id, `'"\\`) {
			byID[id] = callID
			continue
		}
		// It would have to be escaped in a query. Tencent's CallIds have no quotes.
		found, err := c.exists(ctx, id)
		if err != nil {
			return nil, err
		}
		have[callID] = found
	}
	ids := make([]string, 0, len(byID))
	for id := range byID {
		ids = append(ids, id)
	}
	for batch := range slices.Chunk(ids, lookupBatch) {
		if err := c.list(ctx, batch, func(id string) { have[byID[id]] = true }); err != nil {
			return nil, fmt.Errorf("list workflows: %w", err)
		}
	}
	return have, nil
}

func (c Calls) exists(ctx context.Context, id string) (bool, error) {
	_, err := c.client.DescribeWorkflowExecution(ctx, id, "")
	if errors.As(err, new(*serviceerror.NotFound)) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("describe workflow %s: %w", id, err)
	}
	return true, nil
}

// list calls found for every run of the workflows in ids.
func (c Calls) list(ctx context.Context, ids []string, found func(id string)) error {
	request := &workflowservice.ListWorkflowExecutionsRequest{Query: "WorkflowId IN ('" + strings.Join(ids, "', '") + "')"}
	for {
		page, err := c.client.ListWorkflow(ctx, request)
		if err != nil {
			return err
		}
		for _, execution := range page.GetExecutions() {
			found(execution.GetExecution().GetWorkflowId())
		}
		if request.NextPageToken = page.GetNextPageToken(); len(request.NextPageToken) == 0 {
			return nil
		}
	}
}
