package workflows

import (
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"aftercall/activities"
	"aftercall/internal/notify"
)

// DeliverName is the registered name of the workflow Deliver.
const DeliverName = "Deliver"

// DeliverParams are one event and whom to tell.
type DeliverParams struct {
	Event     notify.Event `json:"event"`
	MessageID string       `json:"message_id"`
	// Targets are names; empty means every target that wants to hear of the event.
	Targets []string `json:"targets,omitempty"`
	// Fresh is set by AfterCall alone; see activities.FetchRecordParams.
	Fresh bool `json:"fresh,omitempty"`
}

// DeliverResult is what became of the notifications.
type DeliverResult struct {
	// LedgerKey names the entry that was told of; empty for a sweep.
	LedgerKey  string     `json:"ledger_key,omitempty"`
	Deliveries []Delivery `json:"deliveries"`
}

// Delivery is what became of the notification of one target.
type Delivery struct {
	Event     notify.EventType `json:"event"`
	Target    string           `json:"target"`
	Delivered bool             `json:"delivered"`
	// Error says why not.
	Error string `json:"error,omitempty"`
}

// DeliverID is the ID of a Deliver. token tells apart what is delivered of the
// same event of the same call more than once, and is empty for the only time.
// It and the SDKAppID hold no colon, so no CallId can make two IDs the same.
func DeliverID(e notify.Event, token string) string {
	id := "deliver:" + string(e.Type)
	if token != "" {
		id += "." + token
	}
	if e.Sweep != nil {
		return id + ":" + e.Sweep.SDKAppID.String()
	}
	return id + ":" + e.Call.SDKAppID.String() + ":" + e.Call.CallID
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
	if e.Sweep != nil {
		return temporal.NewSearchAttributes(AttributeApp.ValueSet(e.Sweep.App), AttributeSource.ValueSet(string(SourceSweep)))
	}
	return temporal.NewSearchAttributes(
		AttributeApp.ValueSet(e.Call.App), AttributeSource.ValueSet(string(SourceManual)), AttributeCallID.ValueSet(e.Call.CallID),
		AttributeResult.ValueSet(known(e.Call.Result)), AttributeMedia.ValueSet(known(e.Call.MediaType)), AttributeType.ValueSet(known(e.Call.CallType)),
	)
}

// Deliver tells one event to every target at once, where no call's own workflow
// does. It completes when each has taken or refused it, or not taken it within
// its horizon; the result says which.
func Deliver(ctx workflow.Context, p DeliverParams) (DeliverResult, error) {
	var t tracker
	if err := t.answer(ctx); err != nil {
		return DeliverResult{}, err
	}
	if len(p.Targets) == 0 {
		var found activities.SubscribersResult
		if err := attempt(ctx, lookupOptions, "who wants to hear of "+string(p.Event.Type), func(error) {}, steps.Subscribers,
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

// deliver tells every target at once, each with its own retries, so that none
// waits for another. What fails is reported and undoes nothing. became is called
// whenever the delivery to the target with an index is in another state.
func deliver(ctx workflow.Context, p DeliverParams, became func(int, DeliveryStatus)) []Delivery {
	deliveries := make([]Delivery, len(p.Targets))
	wg := workflow.NewWaitGroup(ctx)
	for i, target := range p.Targets {
		wg.Add(1)
		workflow.GoNamed(ctx, "notify "+target, func(ctx workflow.Context) {
			defer wg.Done()
			deliveries[i] = deliverTo(ctx, target, p, func(s DeliveryStatus) { became(i, s) })
		})
	}
	wg.Wait(ctx)
	return deliveries
}

func deliverTo(ctx workflow.Context, target string, p DeliverParams, became func(DeliveryStatus)) Delivery {
	is := func(state DeliveryState, err error) {
		s := DeliveryStatus{Target: target, State: state, Since: workflow.Now(ctx).UTC()}
		if err != nil {
			s.Reason = reason(err)
		}
		became(s)
	}
	is(DeliveryPending, nil)
	err := attempt(ctx, notifyOptions, "notify "+target, func(err error) { is(DeliveryWaiting, err) }, steps.Notify,
		activities.NotifyParams{Target: target, MessageID: p.MessageID, Event: p.Event, Since: workflow.Now(ctx), Fresh: p.Fresh}, nil)
	if err != nil {
		workflow.GetLogger(ctx).Warn("not notified", "target", target, "event", p.Event.Type, "error", err)
		is(DeliveryFailed, err)
		return Delivery{Event: p.Event.Type, Target: target, Error: reason(err)}
	}
	is(DeliveryDone, nil)
	return Delivery{Event: p.Event.Type, Target: target, Delivered: true}
}
