// Package launch starts the workflows of calls, for the callback receiver, the
// sweep and the operator's commands.
package launch

import (
	"context"
	"fmt"
	"time"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/temporal"

	"aftercall/activities"
	"aftercall/internal/codec"
	"aftercall/internal/keyring"
	"aftercall/internal/tencent"
	"aftercall/internal/tracing"
	"aftercall/workflows"
)

// Calls starts and finds the workflows of calls in one namespace.
type Calls struct {
	client    client.Client
	taskQueue string
	data      converter.DataConverter
	now       func() time.Time
}

// NewCalls returns the Calls of a namespace, for workers on taskQueue.
func NewCalls(c client.Client, taskQueue string) Calls {
	return Calls{client: c, taskQueue: taskQueue, data: codec.NewDataConverter(keyring.Keyring{}), now: time.Now}
}

// Decrypting returns Calls that can read memos that were encrypted with keys.
// The client encrypts and decrypts everything else itself.
func (c Calls) Decrypting(keys keyring.Keyring) Calls {
	c.data = codec.NewDataConverter(keys)
	return c
}

// WithClock returns Calls that use now, which should be the time by Temporal's
// clock, in place of this process's.
func (c Calls) WithClock(now func() time.Time) Calls {
	c.now = now
	return c
}

// Start starts AfterCall exactly once. already means that the workflow had been
// started before: it is running, or has ended and is still retained. After an
// error the workflow may nevertheless have been started; starting it again is
// safe. fingerprint is that of the callback, empty if there was none.
func (c Calls) Start(ctx context.Context, p workflows.AfterCallParams, fingerprint string) (already bool, err error) {
	p = p.Shortened()
	p.Lead = workflows.StartLead
	return c.start(tracing.WithCall(ctx, p.CallID), workflows.AfterCallOptions(p, c.taskQueue, fingerprint, c.now()), workflows.AfterCallName, p)
}

// StartRelay starts RelayCallback exactly once for a callback, as Start does
// AfterCall.
func (c Calls) StartRelay(ctx context.Context, p activities.RelayCallbackParams) (already bool, err error) {
	return c.start(tracing.WithCall(ctx, p.CallID), workflows.RelayOptions(p, c.taskQueue), workflows.RelayCallbackName, p)
}

// StartDeliver starts Deliver exactly once for an event and token, as Start
// does AfterCall; see workflows.DeliverID.
func (c Calls) StartDeliver(ctx context.Context, token string, p workflows.DeliverParams) (already bool, err error) {
	if p.Event.Call != nil {
		ctx = tracing.WithCall(ctx, p.Event.Call.CallID)
	}
	return c.start(ctx, workflows.DeliverOptions(p, token, c.taskQueue), workflows.DeliverName, p)
}

func (c Calls) start(ctx context.Context, options client.StartWorkflowOptions, name string, params any) (already bool, err error) {
	_, err = c.client.ExecuteWorkflow(ctx, options, name, params)
	if temporal.IsWorkflowExecutionAlreadyStartedError(err) {
		return true, nil
	}
	if err != nil {
		return false, fmt.Errorf("start workflow %s: %w", options.ID, err)
	}
	return false, nil
}

// Started says how far a call is whose workflow was started before. It fails if
// there is no workflow.
func (c Calls) Started(ctx context.Context, app tencent.SDKAppID, callID string) (started workflows.StartedCall, err error) {
	id := workflows.AfterCallID(app, callID)
	description, err := c.client.DescribeWorkflowExecution(ctx, id, "")
	if err != nil {
		return started, fmt.Errorf("describe workflow %s: %w", id, err)
	}
	info := description.GetWorkflowExecutionInfo()
	started.Stage = stageOf(info)
	payload, ok := info.GetMemo().GetFields()[workflows.MemoFingerprint]
	if !ok {
		return started, nil
	}
	if err := c.data.FromPayload(payload, &started.Fingerprint); err != nil {
		return started, fmt.Errorf("memo of workflow %s: %w", id, err)
	}
	return started, nil
}
