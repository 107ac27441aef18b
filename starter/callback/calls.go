package callback

import (
	"context"
	"fmt"
	"time"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/temporal"

	"aftercall/internal/tencent"
	"aftercall/workflows"
)

// Calls starts the workflows of ended calls.
type Calls interface {
	// Start starts AfterCall exactly once. already reports that the workflow
	// had been started before; it runs, or has ended and is still retained.
	// On an error the start may yet have happened: starting again is safe.
	Start(ctx context.Context, p workflows.AfterCallParams, fingerprint string) (already bool, err error)
	// FirstFingerprint is that of the callback that started the workflow, and
	// empty if none did.
	FirstFingerprint(ctx context.Context, app tencent.SDKAppID, callID string) (string, error)
}

// NewCalls returns the Calls of a Temporal namespace, for workers on taskQueue.
func NewCalls(c client.Client, taskQueue string) Calls { return temporalCalls{c, taskQueue} }

type temporalCalls struct {
	client    client.Client
	taskQueue string
}

func (t temporalCalls) Start(ctx context.Context, p workflows.AfterCallParams, fingerprint string) (bool, error) {
	options := workflows.AfterCallOptions(p, t.taskQueue, fingerprint, time.Now())
	_, err := t.client.ExecuteWorkflow(ctx, options, workflows.AfterCallName, p)
	if temporal.IsWorkflowExecutionAlreadyStartedError(err) {
		return true, nil
	}
	if err != nil {
		return false, fmt.Errorf("start workflow %s: %w", options.ID, err)
	}
	return false, nil
}

func (t temporalCalls) FirstFingerprint(ctx context.Context, app tencent.SDKAppID, callID string) (string, error) {
	id := workflows.AfterCallID(app, callID)
	description, err := t.client.DescribeWorkflowExecution(ctx, id, "")
	if err != nil {
		return "", fmt.Errorf("describe workflow %s: %w", id, err)
	}
	payload, ok := description.GetWorkflowExecutionInfo().GetMemo().GetFields()[workflows.MemoFingerprint]
	if !ok {
		return "", nil
	}
	var fingerprint string
	if err := converter.GetDefaultDataConverter().FromPayload(payload, &fingerprint); err != nil {
		return "", fmt.Errorf("memo of workflow %s: %w", id, err)
	}
	return fingerprint, nil
}
