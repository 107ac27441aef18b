package workflows_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/temporal"

	"aftercall/activities"
	"aftercall/internal/notify"
	"aftercall/internal/tencent"
	"aftercall/workflows"
)

func reversed() notify.Event {
	return notify.Event{Type: notify.EventCallReversed, Version: 1, Timestamp: endedAt, Call: &notify.CallData{
		App: "clinic", SDKAppID: 1400000000, CallID: "call-1", LedgerKey: "reversal:1400000000:call-1", MediaType: tencent.MediaVideo, Result: tencent.ResultNormalEnd,
	}}
}

func (e *env) delivers(p workflows.DeliverParams) (result workflows.DeliverResult) {
	e.t.Helper()
	e.ExecuteWorkflow(workflows.DeliverName, p)
	require.NoError(e.t, e.GetWorkflowError())
	require.NoError(e.t, e.GetWorkflowResult(&result))
	return result
}

func TestDeliver(t *testing.T) {
	e := newEnv(t)
	stages := e.stages()
	e.OnActivity("Notify", mock.Anything, activities.NotifyParams{
		Target: "crm", MessageID: "msg_1", Event: reversed(), Since: endedAt,
	}).Return(nil).Once()
	e.notifies("flapping", errBroken).Times(3)
	e.notifies("flapping", nil).Once()
	e.notifies("gone", errHopeless).Once()
	result := e.delivers(workflows.DeliverParams{Event: reversed(), MessageID: "msg_1", Targets: []string{"crm", "flapping", "gone"}})
	require.Equal(t, []workflows.Delivery{
		{Event: notify.EventCallReversed, Target: "crm", Delivered: true},
		{Event: notify.EventCallReversed, Target: "flapping", Delivered: true},
		{Event: notify.EventCallReversed, Target: "gone", Error: "hopeless"},
	}, result.Deliveries)
	require.Equal(t, "reversal:1400000000:call-1", result.LedgerKey)
	require.Equal(t, []string{"notify", "undelivered"}, *stages)
}

// TestARequestIsNotCut: a receiver may take 15 s, and a request that is cut may have
// been accepted, and would be repeated.
func TestARequestIsNotCut(t *testing.T) {
	e := newEnv(t)
	var left time.Duration
	e.OnActivity("Notify", mock.Anything, mock.Anything).Return(func(ctx context.Context, _ activities.NotifyParams) error {
		deadline, ok := ctx.Deadline()
		require.True(t, ok)
		left = time.Until(deadline)
		return nil
	}).Once()
	e.delivers(workflows.DeliverParams{Event: reversed(), MessageID: "msg_1", Targets: []string{"crm"}})
	require.Greater(t, left, notify.RequestTimeout)
}

// TestASlowTargetGetsOneRequest: a local activity that makes no request is
// followed at once by a regular one, and the workflow never waits.
func TestASlowTargetGetsOneRequest(t *testing.T) {
	errSlow := temporal.NewApplicationError("left", activities.TargetSlow)
	e := newEnv(t)
	e.OnUpsertTypedSearchAttributes(mock.Anything).Return(nil).Never()
	e.notifies("mail", errSlow).Once()
	e.notifies("mail", nil).Once()
	result := e.delivers(workflows.DeliverParams{Event: reversed(), MessageID: "msg_1", Targets: []string{"mail"}})
	require.True(t, result.Deliveries[0].Delivered)
	require.Equal(t, endedAt, e.Now().UTC(), "without a timer")

	e = newEnv(t)
	stages := e.stages()
	e.notifies("mail", errSlow).Once()
	e.notifies("mail", errBroken).Times(3)
	e.notifies("mail", nil).Once()
	result = e.delivers(workflows.DeliverParams{Event: reversed(), MessageID: "msg_1", Targets: []string{"mail"}})
	require.True(t, result.Deliveries[0].Delivered)
	require.Equal(t, []string{"notify", "done"}, *stages, "a delivery that fails is listed")
}

// TestDeliverLooksUpSubscribers: without targets in the params, the worker's
// configuration decides.
func TestDeliverLooksUpSubscribers(t *testing.T) {
	e := newEnv(t)
	e.OnActivity("Subscribers", mock.Anything, activities.SubscribersParams{Event: reversed()}).
		Return(activities.SubscribersResult{Targets: []string{"crm"}}, nil).Once()
	e.notifies("crm", nil).Once()
	result := e.delivers(workflows.DeliverParams{Event: reversed(), MessageID: "msg_1"})
	require.Equal(t, []workflows.Delivery{{Event: notify.EventCallReversed, Target: "crm", Delivered: true}}, result.Deliveries)
}

func TestDeliveryOfASweepHasNoLedgerKey(t *testing.T) {
	e := newEnv(t)
	e.notifies("crm", nil).Once()
	event := notify.Event{Type: notify.EventSweepRecovered, Sweep: &notify.SweepData{App: "clinic", SDKAppID: 1400000000}}
	result := e.delivers(workflows.DeliverParams{Event: event, Targets: []string{"crm"}})
	require.Equal(t, workflows.DeliverResult{Deliveries: []workflows.Delivery{
		{Event: notify.EventSweepRecovered, Target: "crm", Delivered: true},
	}}, result)
}

// TestDeliveryOfACheckpoint: it has no call, and an ID of its own.
func TestDeliveryOfACheckpoint(t *testing.T) {
	e := newEnv(t)
	e.notifies("auditor", nil).Once()
	at := time.Date(2026, 3, 1, 12, 0, 5, 211e6, time.UTC)
	event := notify.Event{Type: notify.EventLedgerCheckpoint, Timestamp: at, Checkpoint: &notify.CheckpointData{Origin: "ledger.example.com", Time: at}}
	params := workflows.DeliverParams{Event: event, MessageID: "msg_1", Targets: []string{"auditor"}}
	require.Equal(t, []workflows.Delivery{{Event: notify.EventLedgerCheckpoint, Target: "auditor", Delivered: true}}, e.delivers(params).Deliveries)
	options := workflows.DeliverOptions(params, "", "queue")
	require.Equal(t, "deliver:ledger.checkpoint:2026-03-01T12:00:05.211Z", options.ID)
	_, _, ok := workflows.ParseDeliverID(options.ID)
	require.False(t, ok, "it is about no call")
}

// TestDeliverDoesNotWaitForFailingTargets has ten targets that fail for minutes.
func TestDeliverDoesNotWaitForFailingTargets(t *testing.T) {
	e := newEnv(t)
	e.stages()
	targets := []string{"b0", "b1", "b2", "b3", "b4", "good", "b5", "b6", "b7", "b8", "b9"}
	var served time.Time
	e.notifies("good", nil).Once().Run(func(mock.Arguments) { served = e.Now() })
	for _, target := range targets {
		if target != "good" {
			e.notifies(target, errBroken).Times(6)
			e.notifies(target, nil).Once()
		}
	}
	result := e.delivers(workflows.DeliverParams{Event: reversed(), MessageID: "msg_1", Targets: targets})
	require.Len(t, result.Deliveries, 11)
	require.Equal(t, endedAt, served.UTC())
	require.Greater(t, e.Now().Sub(endedAt), time.Minute)
}

func TestDeliverIDs(t *testing.T) {
	ids := map[string]bool{}
	add := func(callID string, kind notify.EventType, token string) {
		e := reversed()
		e.Type, e.Call.CallID = kind, callID
		ids[workflows.DeliverID(e, token)] = true
	}
	add("c", notify.EventCallCharged, "")
	add("c", notify.EventCallReversed, "")
	add("c", notify.EventCallReversed, "2")
	add("c:2", notify.EventCallReversed, "")
	add("c.2", notify.EventCallReversed, "")
	require.Len(t, ids, 5)
	require.Contains(t, ids, "deliver:call.reversed.2:1400000000:c")
	o := workflows.DeliverOptions(workflows.DeliverParams{Event: reversed()}, "", "queue")
	require.Equal(t, enumspb.WORKFLOW_ID_REUSE_POLICY_REJECT_DUPLICATE, o.WorkflowIDReusePolicy)
	app, ok := o.TypedSearchAttributes.GetKeyword(workflows.AttributeApp)
	require.True(t, ok)
	require.Equal(t, "clinic", app)
}
