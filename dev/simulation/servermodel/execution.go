package servermodel

import (
	"maps"
	"time"

	commonpb "go.temporal.io/api/common/v1"
	enumspb "go.temporal.io/api/enums/v1"
	historypb "go.temporal.io/api/history/v1"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// defaultTaskTimeout is how long a workflow task may take.
const defaultTaskTimeout = 10 * time.Second

// execution is one run of a workflow.
type execution struct {
	server                 *Server
	id, runID, firstRunID  string
	workflowType, queue    string
	startedAt, closedAt    time.Time
	status                 enumspb.WorkflowExecutionStatus
	failure                string
	attributes             map[string]*commonpb.Payload
	memo                   *commonpb.Memo
	events, buffered       []*historypb.HistoryEvent
	parent                 *execution
	parentEvent            int64
	lastStarted            int64 // of the last workflow task that was completed
	task                   *workflowTask
	activities             map[int64]*activityTask
	timers                 map[string]int64 // ID to the event that started it
	updates                []*updateTask    // not yet given to a worker
	accepted               map[string]*updateTask
	acceptedEvents         map[string]int64
	cancels                []func() // of other workflows, when the task is done
	runTimeout, startDelay time.Duration
}

func (e *execution) running() bool {
	return e.status == enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING
}

// add appends an event, or keeps it until the workflow task that a worker has is over.
// It does nothing to a workflow that is closed.
func (e *execution) add(kind enumspb.EventType, fill func(*historypb.HistoryEvent)) {
	if !e.running() {
		return
	}
	event := &historypb.HistoryEvent{EventType: kind, EventTime: timestamppb.Now()}
	fill(event)
	if e.task != nil && e.task.started != 0 {
		e.buffered = append(e.buffered, event)
		return
	}
	e.write(event)
	e.scheduleTask()
}

// write appends an event.
func (e *execution) write(event *historypb.HistoryEvent) *historypb.HistoryEvent {
	event.EventId = int64(len(e.events)) + 1
	event.TaskId = event.EventId
	e.events = append(e.events, event)
	return event
}

// flush appends what came while a worker had the workflow task. Results of activities
// name the event of their start, which is written with them.
func (e *execution) flush() (any bool) {
	buffered := e.buffered
	e.buffered = nil
	for _, event := range buffered {
		e.write(event)
		linkStarted(event)
	}
	return len(buffered) > 0
}

// linkStarted makes the result of an activity name the event before it.
func linkStarted(event *historypb.HistoryEvent) {
	started := event.EventId - 1
	switch {
	case event.GetActivityTaskCompletedEventAttributes() != nil:
		event.GetActivityTaskCompletedEventAttributes().StartedEventId = started
	case event.GetActivityTaskFailedEventAttributes() != nil:
		event.GetActivityTaskFailedEventAttributes().StartedEventId = started
	case event.GetActivityTaskTimedOutEventAttributes() != nil:
		event.GetActivityTaskTimedOutEventAttributes().StartedEventId = started
	}
}

// close ends the run. Its history is deleted after the retention of the namespace.
func (e *execution) close(status enumspb.WorkflowExecutionStatus) {
	s := e.server
	e.status, e.closedAt, e.task = status, time.Now(), nil
	s.Trace(e.id, "closed: %s", status)
	switch status {
	case enumspb.WORKFLOW_EXECUTION_STATUS_FAILED, enumspb.WORKFLOW_EXECUTION_STATUS_TIMED_OUT, enumspb.WORKFLOW_EXECUTION_STATUS_CANCELED:
		s.failed = append(s.failed, e)
	default:
	}
	s.Agenda.After(s.Retention, "forget "+e.id+" "+e.runID, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.runs, e.runID)
		if s.latest[e.id] == e {
			delete(s.latest, e.id)
		}
		s.Trace(e.id, "deleted after its retention")
	})
	for _, u := range e.accepted {
		u.answer(nil, notFound(e.id))
	}
	for _, u := range e.updates {
		u.answer(nil, notFound(e.id))
	}
}

// begin writes the first event of a run, and makes its first workflow task.
func (e *execution) begin(started *historypb.WorkflowExecutionStartedEventAttributes, event *historypb.HistoryEvent) {
	s := e.server
	e.status, e.startedAt = enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING, time.Now()
	e.activities, e.timers = map[int64]*activityTask{}, map[string]int64{}
	e.accepted, e.acceptedEvents = map[string]*updateTask{}, map[string]int64{}
	e.memo = started.GetMemo()
	e.attributes = maps.Clone(started.GetSearchAttributes().GetIndexedFields())
	if e.attributes == nil {
		e.attributes = map[string]*commonpb.Payload{}
	}
	started.WorkflowTaskTimeout = durationpb.New(defaultTaskTimeout)
	started.OriginalExecutionRunId, started.FirstExecutionRunId, started.WorkflowId, started.Attempt = e.runID, e.firstRunID, e.id, 1
	event.EventType, event.EventTime = enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_STARTED, timestamppb.Now()
	event.Attributes = &historypb.HistoryEvent_WorkflowExecutionStartedEventAttributes{WorkflowExecutionStartedEventAttributes: started}
	e.write(event)
	s.latest[e.id], s.runs[e.runID] = e, e
	if e.runTimeout > 0 {
		s.Agenda.After(e.runTimeout, "run timeout of "+e.id+" "+e.runID, func() {
			s.mu.Lock()
			defer s.mu.Unlock()
			if e.running() {
				e.close(enumspb.WORKFLOW_EXECUTION_STATUS_TIMED_OUT)
			}
		})
	}
	if e.startDelay <= 0 {
		e.scheduleTask()
		return
	}
	s.Agenda.After(e.startDelay, "start of "+e.id, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		e.startDelay = 0
		if e.running() {
			e.scheduleTask()
		}
	})
}
