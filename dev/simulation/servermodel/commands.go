package servermodel

import (
	"fmt"
	"maps"
	"slices"

	commandpb "go.temporal.io/api/command/v1"
	enumspb "go.temporal.io/api/enums/v1"
	historypb "go.temporal.io/api/history/v1"
	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// closing are the commands that end a run.
var closing = []enumspb.CommandType{
	enumspb.COMMAND_TYPE_COMPLETE_WORKFLOW_EXECUTION, enumspb.COMMAND_TYPE_CANCEL_WORKFLOW_EXECUTION,
	enumspb.COMMAND_TYPE_FAIL_WORKFLOW_EXECUTION, enumspb.COMMAND_TYPE_CONTINUE_AS_NEW_WORKFLOW_EXECUTION,
}

func closes(c *commandpb.Command) bool { return slices.Contains(closing, c.CommandType) }

// carryOut does what a workflow task has decided. What follows from it is kept until
// it is done.
func (e *execution) carryOut(t *workflowTask, completed int64, r *workflowservice.RespondWorkflowTaskCompletedRequest) {
	e.task = t
	messages := newMessages(r.Messages)
	for _, command := range r.Commands {
		event := &historypb.HistoryEvent{EventTime: timestamppb.Now(), UserMetadata: command.UserMetadata}
		e.do(command, event, completed, messages)
	}
	e.rejectRest(t, messages)
	cancels := e.cancels
	e.cancels = nil
	for _, cancel := range cancels {
		if e.running() { // the server asks nothing of others for a workflow that is closed
			cancel()
		}
	}
	e.task = nil
}

// do carries one command out. event is the one that records it.
func (e *execution) do(command *commandpb.Command, event *historypb.HistoryEvent, completed int64, messages messages) {
	switch a := command.Attributes.(type) {
	case *commandpb.Command_ScheduleActivityTaskCommandAttributes:
		e.scheduleActivity(a.ScheduleActivityTaskCommandAttributes, event, completed)
	case *commandpb.Command_StartTimerCommandAttributes:
		e.startTimer(a.StartTimerCommandAttributes, event, completed)
	case *commandpb.Command_CancelTimerCommandAttributes:
		e.cancelTimer(a.CancelTimerCommandAttributes.TimerId, event, completed)
	case *commandpb.Command_RecordMarkerCommandAttributes:
		m := a.RecordMarkerCommandAttributes
		event.Attributes = &historypb.HistoryEvent_MarkerRecordedEventAttributes{
			MarkerRecordedEventAttributes: &historypb.MarkerRecordedEventAttributes{
				MarkerName: m.MarkerName, Details: m.Details, Header: m.Header, Failure: m.Failure, WorkflowTaskCompletedEventId: completed,
			},
		}
		e.record(event, enumspb.EVENT_TYPE_MARKER_RECORDED)
		e.server.Trace(e.id, "%s", markerText(m, command))
	case *commandpb.Command_UpsertWorkflowSearchAttributesCommandAttributes:
		u := a.UpsertWorkflowSearchAttributesCommandAttributes
		maps.Copy(e.attributes, u.SearchAttributes.GetIndexedFields())
		event.Attributes = &historypb.HistoryEvent_UpsertWorkflowSearchAttributesEventAttributes{
			UpsertWorkflowSearchAttributesEventAttributes: &historypb.UpsertWorkflowSearchAttributesEventAttributes{
				SearchAttributes: u.SearchAttributes, WorkflowTaskCompletedEventId: completed,
			},
		}
		e.record(event, enumspb.EVENT_TYPE_UPSERT_WORKFLOW_SEARCH_ATTRIBUTES)
	case *commandpb.Command_StartChildWorkflowExecutionCommandAttributes:
		e.startChild(a.StartChildWorkflowExecutionCommandAttributes, event, completed)
	case *commandpb.Command_ProtocolMessageCommandAttributes:
		e.receiveMessage(a.ProtocolMessageCommandAttributes.MessageId, messages)
	case *commandpb.Command_CompleteWorkflowExecutionCommandAttributes:
		result := a.CompleteWorkflowExecutionCommandAttributes.Result
		event.Attributes = &historypb.HistoryEvent_WorkflowExecutionCompletedEventAttributes{
			WorkflowExecutionCompletedEventAttributes: &historypb.WorkflowExecutionCompletedEventAttributes{Result: result, WorkflowTaskCompletedEventId: completed},
		}
		e.record(event, enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED)
		e.close(enumspb.WORKFLOW_EXECUTION_STATUS_COMPLETED)
		e.server.Completed(e.id, result)
		e.tellParent(result)
	case *commandpb.Command_FailWorkflowExecutionCommandAttributes:
		cause := a.FailWorkflowExecutionCommandAttributes.Failure
		for cause.GetCause() != nil { // of a failed activity
			cause = cause.GetCause()
		}
		e.failure = cause.GetMessage()
		e.server.Trace(e.id, "failed: %s", e.failure)
		event.Attributes = &historypb.HistoryEvent_WorkflowExecutionFailedEventAttributes{
			WorkflowExecutionFailedEventAttributes: &historypb.WorkflowExecutionFailedEventAttributes{
				Failure: a.FailWorkflowExecutionCommandAttributes.Failure, WorkflowTaskCompletedEventId: completed,
			},
		}
		e.record(event, enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_FAILED)
		e.close(enumspb.WORKFLOW_EXECUTION_STATUS_FAILED)
	case *commandpb.Command_CancelWorkflowExecutionCommandAttributes:
		event.Attributes = &historypb.HistoryEvent_WorkflowExecutionCanceledEventAttributes{
			WorkflowExecutionCanceledEventAttributes: &historypb.WorkflowExecutionCanceledEventAttributes{WorkflowTaskCompletedEventId: completed},
		}
		e.record(event, enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_CANCELED)
		e.close(enumspb.WORKFLOW_EXECUTION_STATUS_CANCELED)
	case *commandpb.Command_RequestCancelExternalWorkflowExecutionCommandAttributes:
		e.cancelOther(a.RequestCancelExternalWorkflowExecutionCommandAttributes, event, completed)
	case *commandpb.Command_ContinueAsNewWorkflowExecutionCommandAttributes:
		e.continueAsNew(a.ContinueAsNewWorkflowExecutionCommandAttributes, event, completed)
	default:
		e.server.Problems = append(e.server.Problems, fmt.Sprintf("the model of the server does not know the command %s of %s", command.CommandType, e.id))
	}
}

// markerText is a marker for the trace.
func markerText(m *commandpb.RecordMarkerCommandAttributes, command *commandpb.Command) string {
	text := m.MarkerName + " " + string(command.UserMetadata.GetSummary().GetData())
	if m.Failure != nil {
		text += ": " + m.Failure.GetMessage()
	}
	return text
}

// record writes the event of a command.
func (e *execution) record(event *historypb.HistoryEvent, kind enumspb.EventType) {
	event.EventType = kind
	e.write(event)
}

func (e *execution) startTimer(c *commandpb.StartTimerCommandAttributes, event *historypb.HistoryEvent, completed int64) {
	s := e.server
	event.Attributes = &historypb.HistoryEvent_TimerStartedEventAttributes{
		TimerStartedEventAttributes: &historypb.TimerStartedEventAttributes{
			TimerId: c.TimerId, StartToFireTimeout: c.StartToFireTimeout, WorkflowTaskCompletedEventId: completed,
		},
	}
	e.record(event, enumspb.EVENT_TYPE_TIMER_STARTED)
	started := event.EventId
	e.timers[c.TimerId] = started
	// The summary names it: the number depends on which of two was started first.
	name := "timer " + string(event.UserMetadata.GetSummary().GetData()) + " of " + e.id
	s.Agenda.After(c.StartToFireTimeout.AsDuration(), name, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if e.timers[c.TimerId] != started {
			return
		}
		delete(e.timers, c.TimerId)
		e.add(enumspb.EVENT_TYPE_TIMER_FIRED, func(event *historypb.HistoryEvent) {
			event.Attributes = &historypb.HistoryEvent_TimerFiredEventAttributes{
				TimerFiredEventAttributes: &historypb.TimerFiredEventAttributes{TimerId: c.TimerId, StartedEventId: started},
			}
		})
	})
}

func (e *execution) cancelTimer(id string, event *historypb.HistoryEvent, completed int64) {
	started := e.timers[id]
	delete(e.timers, id)
	event.Attributes = &historypb.HistoryEvent_TimerCanceledEventAttributes{
		TimerCanceledEventAttributes: &historypb.TimerCanceledEventAttributes{TimerId: id, StartedEventId: started, WorkflowTaskCompletedEventId: completed},
	}
	e.record(event, enumspb.EVENT_TYPE_TIMER_CANCELED)
}
