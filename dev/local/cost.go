package local

import (
	"context"
	"fmt"

	enumspb "go.temporal.io/api/enums/v1"
	historypb "go.temporal.io/api/history/v1"
	"go.temporal.io/sdk/client"
)

// Cost is what a call costs in Temporal.
type Cost struct {
	Events, Transitions int64
	// Actions are the billable actions of Temporal Cloud.
	Actions int64
}

// Budget is the maximum cost of an ordinary call with two targets. With one it
// has an event less.
var Budget = Cost{Events: 9, Transitions: 4, Actions: 2}

// CheckWithin returns an error if the cost exceeds the budget.
func (c Cost) CheckWithin(budget Cost) error {
	if c.Events > budget.Events || c.Transitions > budget.Transitions || c.Actions > budget.Actions {
		return fmt.Errorf("the call cost %d events, %d state transitions and %d actions; its budget is %d, %d and %d",
			c.Events, c.Transitions, c.Actions, budget.Events, budget.Transitions, budget.Actions)
	}
	return nil
}

// CostOf returns the cost of a call.
func CostOf(ctx context.Context, c client.Client, f Execution) (Cost, error) {
	cost := Cost{Events: f.Events, Transitions: f.Transitions}
	var events []*historypb.HistoryEvent
	all := c.GetWorkflowHistory(ctx, f.WorkflowID, f.RunID, false, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	for all.HasNext() {
		event, err := all.Next()
		if err != nil {
			return cost, fmt.Errorf("history of %s: %w", f.WorkflowID, err)
		}
		events = append(events, event)
	}
	cost.Actions = Actions(events)
	return cost, nil
}

// Actions counts the actions in a history as Temporal Cloud does: one each for the
// start, a timer, a signal, an upsert of search attributes, a child workflow, an
// attempt of an activity, and all local activities of a workflow task together.
func Actions(events []*historypb.HistoryEvent) (actions int64) {
	local := map[int64]bool{}
	for _, event := range events {
		switch event.GetEventType() {
		case enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_STARTED, enumspb.EVENT_TYPE_TIMER_STARTED,
			enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED, enumspb.EVENT_TYPE_UPSERT_WORKFLOW_SEARCH_ATTRIBUTES,
			enumspb.EVENT_TYPE_START_CHILD_WORKFLOW_EXECUTION_INITIATED, enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_ACCEPTED:
			actions++
		case enumspb.EVENT_TYPE_ACTIVITY_TASK_STARTED:
			actions += int64(event.GetActivityTaskStartedEventAttributes().GetAttempt())
		case enumspb.EVENT_TYPE_MARKER_RECORDED:
			if task := event.GetMarkerRecordedEventAttributes().GetWorkflowTaskCompletedEventId(); !local[task] {
				local[task] = true
				actions++
			}
		default: // free
		}
	}
	return actions
}
