package servermodel

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	commonpb "go.temporal.io/api/common/v1"
	enumspb "go.temporal.io/api/enums/v1"
	failurepb "go.temporal.io/api/failure/v1"
	historypb "go.temporal.io/api/history/v1"
	"go.temporal.io/api/serviceerror"
	taskqueuepb "go.temporal.io/api/taskqueue/v1"
	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// workflowTask is the one that a run has at a time.
type workflowTask struct {
	run                *execution
	scheduled, started int64 // events; started is 0 until a worker has it
	attempt            int32
	token              []byte
	updates            []*updateTask
	lost               bool
}

// polls are workers that wait for a task, or tasks that wait for a worker.
type polls struct {
	workers []chan proto.Message
	tasks   []func() // offer them again
}

// wait waits for a task, until the worker or the server ends. It does not end with the
// deadline of the request: the worker would only ask again.
func (s *Server) wait(ctx context.Context, list *polls) proto.Message {
	poll := make(chan proto.Message, 1)
	s.mu.Lock()
	list.workers = append(list.workers, poll)
	for _, offer := range list.tasks {
		offer()
	}
	list.tasks = nil
	s.mu.Unlock()
	cancelled := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		if errors.Is(ctx.Err(), context.Canceled) {
			close(cancelled)
		}
	})
	defer stop()
	select {
	case task := <-poll:
		return task
	case <-cancelled:
	case <-s.closed:
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	list.workers = slices.DeleteFunc(list.workers, func(p chan proto.Message) bool { return p == poll })
	select {
	case task := <-poll: // it came at the same moment
		return task
	default:
		return nil
	}
}

// give gives a task to a worker that waits for one.
func (p *polls) give(task proto.Message) {
	p.workers[0] <- task
	p.workers = p.workers[1:]
}

func (s *Server) pollWorkflowTask(ctx context.Context, r *workflowservice.PollWorkflowTaskQueueRequest) (proto.Message, error) {
	var nobody polls
	list := &s.workflowPolls
	if r.TaskQueue.GetKind() == enumspb.TASK_QUEUE_KIND_STICKY {
		list = &nobody
	}
	if task := s.wait(ctx, list); task != nil {
		return task, nil
	}
	return &workflowservice.PollWorkflowTaskQueueResponse{}, nil
}

// later offers a task again that cannot be handed out now, because the server is down or
// no worker waits for one; false if it can.
func (s *Server) later(list *polls, offer func(after time.Duration)) bool {
	until := s.Faults.Down()
	switch {
	case !until.IsZero():
		offer(time.Until(until))
	case len(list.workers) == 0:
		list.tasks = append(list.tasks, func() { offer(0) })
	default:
		return false
	}
	return true
}

// scheduleTask makes a workflow task unless there is one.
func (e *execution) scheduleTask() {
	if e.task != nil || !e.running() || e.startDelay > 0 {
		return
	}
	e.newTask(1)
	e.task.offer(0)
}

func (e *execution) newTask(attempt int32) {
	scheduled := e.write(&historypb.HistoryEvent{
		EventType: enumspb.EVENT_TYPE_WORKFLOW_TASK_SCHEDULED, EventTime: timestamppb.Now(),
		Attributes: &historypb.HistoryEvent_WorkflowTaskScheduledEventAttributes{
			WorkflowTaskScheduledEventAttributes: &historypb.WorkflowTaskScheduledEventAttributes{TaskQueue: e.taskQueue(), Attempt: attempt},
		},
	})
	e.task = &workflowTask{run: e, scheduled: scheduled.EventId, attempt: attempt}
}

func (e *execution) taskQueue() *taskqueuepb.TaskQueue {
	return &taskqueuepb.TaskQueue{Name: e.queue, Kind: enumspb.TASK_QUEUE_KIND_NORMAL}
}

// offer gives the task to a worker after a while.
func (t *workflowTask) offer(after time.Duration) {
	e := t.run
	s := e.server
	s.Agenda.After(after, "task of "+e.id, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if e.task != t || t.started != 0 || !e.running() {
			return
		}
		if !s.later(&s.workflowPolls, t.offer) {
			s.workflowPolls.give(t.start())
		}
	})
}

// start hands the task out, with the whole history or with its end.
func (t *workflowTask) start() *workflowservice.PollWorkflowTaskQueueResponse {
	e := t.run
	s := e.server
	started := e.write(&historypb.HistoryEvent{
		EventType: enumspb.EVENT_TYPE_WORKFLOW_TASK_STARTED, EventTime: timestamppb.Now(),
		Attributes: &historypb.HistoryEvent_WorkflowTaskStartedEventAttributes{
			WorkflowTaskStartedEventAttributes: &historypb.WorkflowTaskStartedEventAttributes{ScheduledEventId: t.scheduled, HistorySizeBytes: 1},
		},
	})
	t.started, t.token = started.EventId, s.newToken(t)
	t.lost = s.Faults.LoseTask(e.id, t.attempt)
	from := int64(0)
	if t.attempt == 1 && !s.Faults.LoseCache(e.id, t.started) {
		from = e.lastStarted
	}
	task := &workflowservice.PollWorkflowTaskQueueResponse{
		TaskToken: t.token, WorkflowExecution: e.name(), WorkflowType: &commonpb.WorkflowType{Name: e.workflowType},
		PreviousStartedEventId: e.lastStarted, StartedEventId: t.started, Attempt: t.attempt, WorkflowExecutionTaskQueue: e.taskQueue(),
		ScheduledTime: timestamppb.Now(), StartedTime: timestamppb.Now(),
		History:  &historypb.History{Events: slices.Clone(e.events[from:])},
		Messages: t.requests(),
	}
	s.Agenda.After(defaultTaskTimeout, fmt.Sprintf("timeout of task %d of %s", t.started, e.id), func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if e.task == t {
			s.Trace(e.id, "workflow task %d timed out", t.started)
			t.end(&historypb.HistoryEvent{
				EventType: enumspb.EVENT_TYPE_WORKFLOW_TASK_TIMED_OUT,
				Attributes: &historypb.HistoryEvent_WorkflowTaskTimedOutEventAttributes{
					WorkflowTaskTimedOutEventAttributes: &historypb.WorkflowTaskTimedOutEventAttributes{
						ScheduledEventId: t.scheduled, StartedEventId: t.started, TimeoutType: enumspb.TIMEOUT_TYPE_START_TO_CLOSE,
					},
				},
			})
		}
	})
	return task
}

// maxTaskBackoff is the longest wait before another attempt of a workflow task.
const maxTaskBackoff = 10 * time.Minute

// end ends an attempt without a result, and makes the next one.
func (t *workflowTask) end(event *historypb.HistoryEvent) {
	e := t.run
	delete(e.server.tasks, string(t.token))
	event.EventTime = timestamppb.Now()
	e.write(event)
	e.updates = append(t.updates, e.updates...)
	e.flush()
	e.newTask(t.attempt + 1)
	backoff := time.Duration(0)
	if t.attempt > 1 {
		backoff = min(time.Second<<min(t.attempt, 10), maxTaskBackoff)
	}
	e.task.offer(backoff)
}

func (s *Server) failWorkflowTask(r *workflowservice.RespondWorkflowTaskFailedRequest) (proto.Message, error) {
	t, err := take[*workflowTask](s, r.TaskToken)
	if err != nil || t.run.task != t {
		return nil, notFound("of a failed task")
	}
	problem := fmt.Sprintf("a workflow task of %s failed: %s: %s", t.run.id, r.Cause, r.Failure.GetMessage())
	s.Problems = append(s.Problems, problem)
	s.Trace(t.run.id, "%s", problem)
	t.fail(r.Cause, r.Failure)
	return &workflowservice.RespondWorkflowTaskFailedResponse{}, nil
}

func (t *workflowTask) fail(cause enumspb.WorkflowTaskFailedCause, failure *failurepb.Failure) {
	t.end(&historypb.HistoryEvent{
		EventType: enumspb.EVENT_TYPE_WORKFLOW_TASK_FAILED,
		Attributes: &historypb.HistoryEvent_WorkflowTaskFailedEventAttributes{
			WorkflowTaskFailedEventAttributes: &historypb.WorkflowTaskFailedEventAttributes{
				ScheduledEventId: t.scheduled, StartedEventId: t.started, Cause: cause, Failure: failure,
			},
		},
	})
}

func (s *Server) completeWorkflowTask(r *workflowservice.RespondWorkflowTaskCompletedRequest) (proto.Message, error) {
	t, err := take[*workflowTask](s, r.TaskToken)
	if err != nil || t.run.task != t {
		return nil, notFound("of a completed task")
	}
	e := t.run
	if t.lost {
		s.Trace(e.id, "the worker dies with the result of workflow task %d", t.started)
		return nil, serviceerror.NewNotFound("simulated: the worker has died")
	}
	if len(e.buffered) > 0 && slices.ContainsFunc(r.Commands, closes) {
		s.Trace(e.id, "workflow task %d cannot close the workflow: something has come meanwhile", t.started)
		t.fail(enumspb.WORKFLOW_TASK_FAILED_CAUSE_UNHANDLED_COMMAND, nil)
		return nil, serviceerror.NewInvalidArgument("UnhandledCommand")
	}
	completed := e.write(&historypb.HistoryEvent{
		EventType: enumspb.EVENT_TYPE_WORKFLOW_TASK_COMPLETED, EventTime: timestamppb.Now(),
		Attributes: &historypb.HistoryEvent_WorkflowTaskCompletedEventAttributes{
			WorkflowTaskCompletedEventAttributes: &historypb.WorkflowTaskCompletedEventAttributes{
				ScheduledEventId: t.scheduled, StartedEventId: t.started, SdkMetadata: r.SdkMetadata,
			},
		},
	})
	e.lastStarted, e.task = t.started, nil
	e.carryOut(t, completed.EventId, r)
	answer := &workflowservice.RespondWorkflowTaskCompletedResponse{}
	if !e.running() {
		return answer, nil
	}
	if e.flush() || r.ForceCreateNewWorkflowTask || len(e.updates) > 0 {
		e.newTask(1)
	}
	switch {
	case e.task == nil:
	case r.ForceCreateNewWorkflowTask && r.ReturnNewWorkflowTask:
		answer.WorkflowTask = e.task.start()
	default:
		e.task.offer(0)
	}
	return answer, nil
}
