package servermodel

import (
	commandpb "go.temporal.io/api/command/v1"
	commonpb "go.temporal.io/api/common/v1"
	enumspb "go.temporal.io/api/enums/v1"
	historypb "go.temporal.io/api/history/v1"
)

func (e *execution) continueAsNew(c *commandpb.ContinueAsNewWorkflowExecutionCommandAttributes, event *historypb.HistoryEvent, completed int64) {
	s := e.server
	next := &execution{
		server: s, id: e.id, runID: s.newRunID(e.id), firstRunID: e.firstRunID, workflowType: c.WorkflowType.GetName(), queue: e.queue,
		runTimeout: c.WorkflowRunTimeout.AsDuration(), parent: e.parent, parentEvent: e.parentEvent,
	}
	event.Attributes = &historypb.HistoryEvent_WorkflowExecutionContinuedAsNewEventAttributes{
		WorkflowExecutionContinuedAsNewEventAttributes: &historypb.WorkflowExecutionContinuedAsNewEventAttributes{
			NewExecutionRunId: next.runID, WorkflowType: c.WorkflowType, TaskQueue: c.TaskQueue, Input: c.Input, WorkflowTaskCompletedEventId: completed,
		},
	}
	e.record(event, enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_CONTINUED_AS_NEW)
	e.close(enumspb.WORKFLOW_EXECUTION_STATUS_CONTINUED_AS_NEW)
	next.begin(&historypb.WorkflowExecutionStartedEventAttributes{
		WorkflowType: c.WorkflowType, TaskQueue: e.taskQueue(), Input: c.Input, WorkflowRunTimeout: c.WorkflowRunTimeout,
		Memo: c.Memo, SearchAttributes: c.SearchAttributes, Header: c.Header, ContinuedExecutionRunId: e.runID,
		Initiator: enumspb.CONTINUE_AS_NEW_INITIATOR_WORKFLOW,
	}, &historypb.HistoryEvent{})
}

func (e *execution) startChild(c *commandpb.StartChildWorkflowExecutionCommandAttributes, event *historypb.HistoryEvent, completed int64) {
	s := e.server
	event.Attributes = &historypb.HistoryEvent_StartChildWorkflowExecutionInitiatedEventAttributes{
		StartChildWorkflowExecutionInitiatedEventAttributes: &historypb.StartChildWorkflowExecutionInitiatedEventAttributes{
			WorkflowId: c.WorkflowId, WorkflowType: c.WorkflowType, TaskQueue: c.TaskQueue, Input: c.Input, ParentClosePolicy: c.ParentClosePolicy,
			WorkflowTaskCompletedEventId: completed, WorkflowIdReusePolicy: c.WorkflowIdReusePolicy, Header: c.Header, Memo: c.Memo, SearchAttributes: c.SearchAttributes,
		},
	}
	e.record(event, enumspb.EVENT_TYPE_START_CHILD_WORKFLOW_EXECUTION_INITIATED)
	initiated := event.EventId
	if _, ok := s.permits(c.WorkflowId, c.WorkflowIdReusePolicy); !ok {
		s.Trace(c.WorkflowId, "start as a child refused: there is one")
		e.add(enumspb.EVENT_TYPE_START_CHILD_WORKFLOW_EXECUTION_FAILED, func(event *historypb.HistoryEvent) {
			event.Attributes = &historypb.HistoryEvent_StartChildWorkflowExecutionFailedEventAttributes{
				StartChildWorkflowExecutionFailedEventAttributes: &historypb.StartChildWorkflowExecutionFailedEventAttributes{
					WorkflowId: c.WorkflowId, WorkflowType: c.WorkflowType, InitiatedEventId: initiated, WorkflowTaskCompletedEventId: completed,
					Cause: enumspb.START_CHILD_WORKFLOW_EXECUTION_FAILED_CAUSE_WORKFLOW_ALREADY_EXISTS,
				},
			}
		})
		return
	}
	child := &execution{
		server: s, id: c.WorkflowId, runID: s.newRunID(c.WorkflowId), workflowType: c.WorkflowType.GetName(), queue: e.queue,
		runTimeout: c.WorkflowRunTimeout.AsDuration(), parent: e, parentEvent: initiated,
	}
	child.firstRunID = child.runID
	s.Trace(child.id, "started as a child of %s", e.id)
	child.begin(&historypb.WorkflowExecutionStartedEventAttributes{
		WorkflowType: c.WorkflowType, TaskQueue: e.taskQueue(), Input: c.Input, WorkflowRunTimeout: c.WorkflowRunTimeout,
		Memo: c.Memo, SearchAttributes: c.SearchAttributes, Header: c.Header, ParentWorkflowExecution: e.name(), ParentInitiatedEventId: initiated,
	}, &historypb.HistoryEvent{UserMetadata: event.UserMetadata})
	e.add(enumspb.EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_STARTED, func(event *historypb.HistoryEvent) {
		event.Attributes = &historypb.HistoryEvent_ChildWorkflowExecutionStartedEventAttributes{
			ChildWorkflowExecutionStartedEventAttributes: &historypb.ChildWorkflowExecutionStartedEventAttributes{
				InitiatedEventId: initiated, WorkflowExecution: child.name(), WorkflowType: c.WorkflowType,
			},
		}
	})
}

// cancelOther asks another workflow to end.
func (e *execution) cancelOther(c *commandpb.RequestCancelExternalWorkflowExecutionCommandAttributes, event *historypb.HistoryEvent, completed int64) {
	event.Attributes = &historypb.HistoryEvent_RequestCancelExternalWorkflowExecutionInitiatedEventAttributes{
		RequestCancelExternalWorkflowExecutionInitiatedEventAttributes: &historypb.RequestCancelExternalWorkflowExecutionInitiatedEventAttributes{
			Namespace: namespace, WorkflowExecution: &commonpb.WorkflowExecution{WorkflowId: c.WorkflowId, RunId: c.RunId}, ChildWorkflowOnly: c.ChildWorkflowOnly,
			WorkflowTaskCompletedEventId: completed,
		},
	}
	e.record(event, enumspb.EVENT_TYPE_REQUEST_CANCEL_EXTERNAL_WORKFLOW_EXECUTION_INITIATED)
	initiated := event.EventId
	e.cancels = append(e.cancels, func() {
		other := e.server.latest[c.WorkflowId]
		if other == nil || !other.running() {
			return
		}
		e.server.Trace(other.id, "cancel requested by %s", e.id)
		other.add(enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_CANCEL_REQUESTED, func(event *historypb.HistoryEvent) {
			event.Attributes = &historypb.HistoryEvent_WorkflowExecutionCancelRequestedEventAttributes{
				WorkflowExecutionCancelRequestedEventAttributes: &historypb.WorkflowExecutionCancelRequestedEventAttributes{ExternalWorkflowExecution: e.name()},
			}
		})
		e.add(enumspb.EVENT_TYPE_EXTERNAL_WORKFLOW_EXECUTION_CANCEL_REQUESTED, func(event *historypb.HistoryEvent) {
			event.Attributes = &historypb.HistoryEvent_ExternalWorkflowExecutionCancelRequestedEventAttributes{
				ExternalWorkflowExecutionCancelRequestedEventAttributes: &historypb.ExternalWorkflowExecutionCancelRequestedEventAttributes{
					InitiatedEventId: initiated, WorkflowExecution: other.name(),
				},
			}
		})
	})
}

// tellParent tells the workflow that started this one that it has completed.
func (e *execution) tellParent(result *commonpb.Payloads) {
	if e.parent == nil || !e.parent.running() {
		return
	}
	e.parent.add(enumspb.EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_COMPLETED, func(event *historypb.HistoryEvent) {
		event.Attributes = &historypb.HistoryEvent_ChildWorkflowExecutionCompletedEventAttributes{
			ChildWorkflowExecutionCompletedEventAttributes: &historypb.ChildWorkflowExecutionCompletedEventAttributes{
				Result: result, WorkflowExecution: e.name(), WorkflowType: &commonpb.WorkflowType{Name: e.workflowType}, InitiatedEventId: e.parentEvent,
			},
		}
	})
}
