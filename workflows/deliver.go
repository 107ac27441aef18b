package workflows

import (
	"strings"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"aftercall/activities"
	"aftercall/internal/notify"
	"aftercall/internal/tencent"
)

// DeliverName is the registered name of the workflow Deliver.
const DeliverName = "Deliver"

// DeliverParams are one event and the targets to notify.
type DeliverParams struct {
	Event     notify.Event `json:"event"`
	MessageID string       `json:"message_id"`
	// Targets are names; empty means every target that subscribes to the event.
	Targets []string `json:"targets,omitempty"`
	// ObserveLatency is set by AfterCall only; see activities.FetchRecordParams.
	ObserveLatency bool `json:"fresh,omitempty"`
}

// DeliverResult is the outcome of the deliveries.
type DeliverResult struct {
	// LedgerKey is the ledger entry of the event; empty if it is about no entry.
	LedgerKey  string     `json:"ledger_key,omitempty"`
	Deliveries []Delivery `json:"deliveries"`
}

// Delivery is the outcome of the delivery of one event to one target.
type Delivery struct {
	Event     notify.EventType `json:"event"`
	Target    string           `json:"target"`
	Delivered bool             `json:"delivered"`
	// Error is the reason if it was not delivered.
	Error string `json:"error,omitempty"`
}

// DeliverID is the ID of a Deliver. token distinguishes repeated deliveries of
// the same event of the same call, and is empty for the first. Neither token
// nor the SDKAppID contains a colon, so no CallId can make two IDs equal.
func DeliverID(e notify.Event, token string) string {
	id := "deliver:" + string(e.Type)
	if token != "" {
		id += "." + token
	}
	switch {
	case e.Sweep != nil:
		return id + ":" + e.Sweep.SDKAppID.String()
	case e.Burst != nil:
		return id + ":" + e.Burst.SDKAppID.String()
	case e.Checkpoint != nil:
		return id + ":" + e.Timestamp.Format(time.RFC3339Nano)
	}
	return id + ":" + e.Call.SDKAppID.String() + ":" + escapeCallID(e.Call.CallID)
}

// ParseDeliverID returns the call of a workflow ID, with the CallId as Tencent
// writes it; ok is false if the ID is not that of a Deliver about a call.
func ParseDeliverID(id string) (app tencent.SDKAppID, callID string, ok bool) {
	rest, isDeliver := strings.CutPrefix(id, "deliver:")
	_, rest, _ = strings.Cut(rest, ":")
	return parseCall(rest, isDeliver)
}

// DeliverOptions start Deliver exactly once for an event and token.
func DeliverOptions(p DeliverParams, token, taskQueue string) client.StartWorkflowOptions {
	return client.StartWorkflowOptions{
		ID:                                       DeliverID(p.Event, token),
		TaskQueue:                                taskQueue,
		WorkflowIDReusePolicy:                    enumspb.WORKFLOW_ID_REUSE_POLICY_REJECT_DUPLICATE,
		WorkflowExecutionErrorWhenAlreadyStarted: true,
		StaticSummary:                            "Delivery of " + string(p.Event.Type),
		TypedSearchAttributes:                    deliverAttributes(p.Event),
	}
}

func deliverAttributes(e notify.Event) temporal.SearchAttributes {
	switch {
	case e.Sweep != nil:
		return temporal.NewSearchAttributes(AttributeApp.ValueSet(e.Sweep.App), AttributeSource.ValueSet(string(SourceSweep)))
	case e.Burst != nil:
		return temporal.NewSearchAttributes(AttributeApp.ValueSet(e.Burst.App), AttributeSource.ValueSet(string(SourceCallback)))
	case e.Checkpoint != nil:
		return temporal.NewSearchAttributes() // it is about no app
	}
	return temporal.NewSearchAttributes(
		AttributeApp.ValueSet(e.Call.App), AttributeSource.ValueSet(string(SourceManual)), AttributeCallID.ValueSet(e.Call.CallID),
		AttributeResult.ValueSet(documentedOrUnknown(e.Call.Result)),
		AttributeMedia.ValueSet(documentedOrUnknown(e.Call.MediaType)),
		AttributeType.ValueSet(documentedOrUnknown(e.Call.CallType)),
	)
}

// startDelivery starts a Deliver that survives the workflow, so that no target delays
// it, and is started even if an operator has cancelled the workflow. token is that of
// DeliverID; nothing is started twice.
func startDelivery(ctx workflow.Context, p DeliverParams, token string) error {
	ctx, cancel := workflow.NewDisconnectedContext(ctx)
	// A child is cancelled together with its context, even if it is abandoned. In earlier
	// releases that ended the delivery to each target that did not accept it at first.
	if workflow.GetVersion(ctx, "delivery-outlives", workflow.DefaultVersion, 1) == workflow.DefaultVersion {
		defer cancel()
	}
	child := workflow.ExecuteChildWorkflow(workflow.WithChildOptions(ctx, workflow.ChildWorkflowOptions{
		WorkflowID:            DeliverID(p.Event, token),
		WorkflowIDReusePolicy: enumspb.WORKFLOW_ID_REUSE_POLICY_REJECT_DUPLICATE,
		ParentClosePolicy:     enumspb.PARENT_CLOSE_POLICY_ABANDON,
		StaticSummary:         "Delivery of " + string(p.Event.Type),
		TypedSearchAttributes: deliverAttributes(p.Event),
	}), DeliverName, p)
	err := child.GetChildWorkflowExecution().Get(ctx, nil)
	if temporal.IsWorkflowExecutionAlreadyStartedError(err) {
		return nil
	}
	return err
}

// Deliver delivers one event to all its targets in parallel, where the call's
// own workflow does not: corrections, sweeps, bursts of reviews, repeated deliveries. It completes
// when each target has accepted or refused the event, or its retry window is
// over; the result says which.
func Deliver(ctx workflow.Context, p DeliverParams) (DeliverResult, error) {
	var t tracker
	if err := t.registerStatusQuery(ctx); err != nil {
		return DeliverResult{}, err
	}
	if len(p.Targets) == 0 {
		var found activities.SubscribersResult
		if err := runLocalFirst(ctx, lookupOptions, "targets that subscribe to "+string(p.Event.Type), func(error) {}, acts.Subscribers,
			activities.SubscribersParams{Event: p.Event}, &found); err != nil {
			return DeliverResult{}, err
		}
		p.Targets = found.Targets
	}
	deliveries := t.notify(ctx, p)
	t.finish(ctx, deliveries)
	result := DeliverResult{Deliveries: deliveries}
	if p.Event.Call != nil {
		result.LedgerKey = p.Event.Call.LedgerKey
	}
	return result, nil
}

// notifyTargets delivers an event to all targets in parallel, each with its own
// retries, so that none waits for another. A failed delivery is part of the
// result and undoes nothing. onChange is called with the index of a target
// whenever the state of its delivery changes.
func notifyTargets(ctx workflow.Context, p DeliverParams, onChange func(int, DeliveryStatus)) []Delivery {
	deliveries := make([]Delivery, len(p.Targets))
	wg := workflow.NewWaitGroup(ctx)
	for i, target := range p.Targets {
		wg.Add(1)
		workflow.GoNamed(ctx, "notify "+target, func(ctx workflow.Context) {
			defer wg.Done()
			deliveries[i] = notifyTarget(ctx, target, p, func(s DeliveryStatus) { onChange(i, s) })
		})
	}
	wg.Wait(ctx)
	return deliveries
}

func notifyTarget(ctx workflow.Context, target string, p DeliverParams, onChange func(DeliveryStatus)) Delivery {
	setState := func(state DeliveryState, err error) {
		s := DeliveryStatus{Target: target, State: state, Since: workflow.Now(ctx).UTC()}
		if err != nil {
			s.Reason = errorMessage(err)
		}
		onChange(s)
	}
	setState(DeliveryPending, nil)
	err := runDelivery(ctx, "notify "+target, func(err error) { setState(DeliveryWaiting, err) }, acts.Notify,
		activities.NotifyParams{Target: target, MessageID: p.MessageID, Event: p.Event, Since: workflow.Now(ctx), ObserveLatency: p.ObserveLatency})
	if err != nil {
		workflow.GetLogger(ctx).Warn("not notified", "target", target, "event", p.Event.Type, "error", err)
		setState(DeliveryFailed, err)
		return Delivery{Event: p.Event.Type, Target: target, Error: errorMessage(err)}
	}
	setState(DeliveryDone, nil)
	return Delivery{Event: p.Event.Type, Target: target, Delivered: true}
}
