package servermodel

import (
	"context"
	"fmt"
	"math"
	"regexp"
	"slices"
	"time"

	commandpb "go.temporal.io/api/command/v1"
	commonpb "go.temporal.io/api/common/v1"
	enumspb "go.temporal.io/api/enums/v1"
	failurepb "go.temporal.io/api/failure/v1"
	historypb "go.temporal.io/api/history/v1"
	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// activityTask is a regular activity with its attempts.
type activityTask struct {
	run       *execution
	scheduled int64
	first     time.Time // when it was scheduled
	attempt   int32
	token     []byte // of the attempt that a worker has, nil for none
	lost      bool
	beats     int
	details   *commonpb.Payloads // of the last heartbeat
	last      *failurepb.Failure
	// name is the same whichever of two activities was scheduled first, as the
	// activity ID is not.
	name string
	attributes
}

type attributes = *historypb.ActivityTaskScheduledEventAttributes

// nameOf is the type of an activity and the Sum of its input.
func nameOf(a attributes) string {
	sum := uint64(0)
	for _, payload := range a.Input.GetPayloads() {
		sum += Sum(payload.Data)
	}
	return fmt.Sprintf("%s %x", a.ActivityType.GetName(), sum)
}

// RequestID is that of an answer of Tencent: a random one.
var RequestID = regexp.MustCompile(`RequestId Id-[0-9a-f]+-O-Seq-\d+`)

// Sum tells the inputs of activities apart. It is the same in every run of a seed: neither
// the order of what a list holds nor a RequestID makes a difference.
func Sum(input []byte) (sum uint64) {
	for _, b := range RequestID.ReplaceAll(input, nil) {
		sum += uint64(b) * uint64(b)
	}
	return sum
}

func (s *Server) pollActivityTask(ctx context.Context) (proto.Message, error) {
	if task := s.wait(ctx, &s.activityPolls); task != nil {
		return task, nil
	}
	return &workflowservice.PollActivityTaskQueueResponse{}, nil
}

func (e *execution) scheduleActivity(c *commandpb.ScheduleActivityTaskCommandAttributes, event *historypb.HistoryEvent, completed int64) {
	a := &historypb.ActivityTaskScheduledEventAttributes{
		ActivityId: c.ActivityId, ActivityType: c.ActivityType, TaskQueue: c.TaskQueue, Header: c.Header, Input: c.Input,
		ScheduleToCloseTimeout: c.ScheduleToCloseTimeout, ScheduleToStartTimeout: c.ScheduleToStartTimeout, StartToCloseTimeout: c.StartToCloseTimeout,
		HeartbeatTimeout: c.HeartbeatTimeout, RetryPolicy: c.RetryPolicy, WorkflowTaskCompletedEventId: completed,
	}
	event.Attributes = &historypb.HistoryEvent_ActivityTaskScheduledEventAttributes{ActivityTaskScheduledEventAttributes: a}
	e.record(event, enumspb.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED)
	task := &activityTask{run: e, scheduled: event.EventId, first: time.Now(), attempt: 1, name: nameOf(a), attributes: a}
	e.activities[task.scheduled] = task
	task.offer(0)
}

// open reports whether the activity has not ended.
func (a *activityTask) open() bool { return a.run.running() && a.run.activities[a.scheduled] == a }

func (a *activityTask) offer(after time.Duration) {
	s, attempt := a.run.server, a.attempt
	s.Agenda.After(after, fmt.Sprintf("activity %s of %s", a.name, a.run.id), func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if !a.open() || a.attempt != attempt || a.token != nil {
			return
		}
		if !s.later(&s.activityPolls, a.offer) {
			s.activityPolls.give(a.start())
		}
	})
}

func (a *activityTask) start() *workflowservice.PollActivityTaskQueueResponse {
	e, s := a.run, a.run.server
	a.token = s.newToken(a)
	a.lost = s.Faults.LoseActivity(e.id, a.name, a.attempt)
	a.watch(a.StartToCloseTimeout, enumspb.TIMEOUT_TYPE_START_TO_CLOSE)
	a.watchHeartbeat()
	s.Trace(e.id, "activity %s, attempt %d", a.name, a.attempt)
	return &workflowservice.PollActivityTaskQueueResponse{
		TaskToken: a.token, WorkflowNamespace: namespace, WorkflowType: &commonpb.WorkflowType{Name: e.workflowType}, WorkflowExecution: e.name(),
		ActivityType: a.ActivityType, ActivityId: a.ActivityId, Header: a.Header, Input: a.Input, HeartbeatDetails: a.details,
		ScheduledTime: timestamppb.New(a.first), CurrentAttemptScheduledTime: timestamppb.Now(), StartedTime: timestamppb.Now(), Attempt: a.attempt,
		ScheduleToCloseTimeout: a.ScheduleToCloseTimeout, StartToCloseTimeout: a.StartToCloseTimeout, HeartbeatTimeout: a.HeartbeatTimeout, RetryPolicy: a.RetryPolicy,
	}
}

// watch ends the attempt when it takes too long.
func (a *activityTask) watch(limit *durationpb.Duration, kind enumspb.TimeoutType) {
	if limit.AsDuration() <= 0 {
		return
	}
	s, attempt, beats := a.run.server, a.attempt, a.beats
	s.Agenda.After(limit.AsDuration(), fmt.Sprintf("timeout of activity %s of %s", a.name, a.run.id), func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if !a.open() || a.attempt != attempt || a.token == nil || (kind == enumspb.TIMEOUT_TYPE_HEARTBEAT && a.beats != beats) {
			return
		}
		delete(s.tasks, string(a.token))
		a.endAttempt(&failurepb.Failure{
			Message: "activity " + kind.String() + " timeout",
			FailureInfo: &failurepb.Failure_TimeoutFailureInfo{TimeoutFailureInfo: &failurepb.TimeoutFailureInfo{
				TimeoutType: kind, LastHeartbeatDetails: a.details,
			}},
		})
	})
}

func (a *activityTask) watchHeartbeat() { a.watch(a.HeartbeatTimeout, enumspb.TIMEOUT_TYPE_HEARTBEAT) }

func (s *Server) heartbeat(r *workflowservice.RecordActivityTaskHeartbeatRequest) (proto.Message, error) {
	a, ok := s.tasks[string(r.TaskToken)].(*activityTask)
	if !ok || !a.open() {
		return nil, notFound("of an activity")
	}
	a.details, a.beats = r.Details, a.beats+1
	a.watchHeartbeat()
	return &workflowservice.RecordActivityTaskHeartbeatResponse{}, nil
}

// takeActivity returns the activity of a result that counts.
func (s *Server) takeActivity(token []byte) (*activityTask, error) {
	a, err := take[*activityTask](s, token)
	if err != nil || !a.open() {
		return nil, notFound("of an activity")
	}
	if a.lost {
		s.Trace(a.run.id, "the worker dies with the result of activity %s, attempt %d", a.name, a.attempt)
		return nil, notFound("simulated: the worker has died")
	}
	return a, nil
}

func (s *Server) completeActivity(r *workflowservice.RespondActivityTaskCompletedRequest) (proto.Message, error) {
	a, err := s.takeActivity(r.TaskToken)
	if err != nil {
		return nil, err
	}
	a.close(enumspb.EVENT_TYPE_ACTIVITY_TASK_COMPLETED, func(event *historypb.HistoryEvent) {
		event.Attributes = &historypb.HistoryEvent_ActivityTaskCompletedEventAttributes{
			ActivityTaskCompletedEventAttributes: &historypb.ActivityTaskCompletedEventAttributes{Result: r.Result, ScheduledEventId: a.scheduled},
		}
	})
	return &workflowservice.RespondActivityTaskCompletedResponse{}, nil
}

func (s *Server) failActivity(r *workflowservice.RespondActivityTaskFailedRequest) (proto.Message, error) {
	a, err := s.takeActivity(r.TaskToken)
	if err != nil {
		return nil, err
	}
	if r.LastHeartbeatDetails != nil {
		a.details = r.LastHeartbeatDetails
	}
	a.endAttempt(r.Failure)
	return &workflowservice.RespondActivityTaskFailedResponse{}, nil
}

// endAttempt makes the next attempt after a failure, unless that is final.
func (a *activityTask) endAttempt(failure *failurepb.Failure) {
	a.token, a.last = nil, failure
	a.run.server.Trace(a.run.id, "activity %s, attempt %d: %s", a.name, a.attempt, failure.GetMessage())
	if delay, again := a.retry(failure); again {
		a.attempt++
		a.offer(delay)
		return
	}
	if timeout := failure.GetTimeoutFailureInfo(); timeout != nil {
		a.close(enumspb.EVENT_TYPE_ACTIVITY_TASK_TIMED_OUT, func(event *historypb.HistoryEvent) {
			event.Attributes = &historypb.HistoryEvent_ActivityTaskTimedOutEventAttributes{
				ActivityTaskTimedOutEventAttributes: &historypb.ActivityTaskTimedOutEventAttributes{Failure: failure, ScheduledEventId: a.scheduled},
			}
		})
		return
	}
	a.close(enumspb.EVENT_TYPE_ACTIVITY_TASK_FAILED, func(event *historypb.HistoryEvent) {
		event.Attributes = &historypb.HistoryEvent_ActivityTaskFailedEventAttributes{
			ActivityTaskFailedEventAttributes: &historypb.ActivityTaskFailedEventAttributes{Failure: failure, ScheduledEventId: a.scheduled},
		}
	})
}

// retry is when the next attempt is, if there is one.
func (a *activityTask) retry(failure *failurepb.Failure) (delay time.Duration, again bool) {
	policy, application := a.RetryPolicy, failure.GetApplicationFailureInfo()
	switch {
	case application.GetNonRetryable(), slices.Contains(policy.GetNonRetryableErrorTypes(), application.GetType()),
		policy.GetMaximumAttempts() > 0 && a.attempt >= policy.GetMaximumAttempts():
		return 0, false
	case application.GetNextRetryDelay() != nil:
		delay = application.GetNextRetryDelay().AsDuration()
	default:
		interval := policy.GetInitialInterval().AsDuration().Seconds() * math.Pow(max(policy.GetBackoffCoefficient(), 1), float64(a.attempt-1))
		if limit := policy.GetMaximumInterval().AsDuration().Seconds(); limit > 0 {
			interval = min(interval, limit)
		}
		delay = time.Duration(interval * float64(time.Second))
	}
	limit := a.ScheduleToCloseTimeout.AsDuration()
	return delay, limit <= 0 || time.Now().Add(delay).Before(a.first.Add(limit))
}

// close ends the activity. Its start is written with its end, as the server does for
// activities that are retried.
func (a *activityTask) close(kind enumspb.EventType, fill func(*historypb.HistoryEvent)) {
	e := a.run
	delete(e.activities, a.scheduled)
	pending := e.task == nil
	if pending { // so that both events are together
		e.task = &workflowTask{run: e, started: 1}
	}
	e.add(enumspb.EVENT_TYPE_ACTIVITY_TASK_STARTED, func(event *historypb.HistoryEvent) {
		event.Attributes = &historypb.HistoryEvent_ActivityTaskStartedEventAttributes{
			ActivityTaskStartedEventAttributes: &historypb.ActivityTaskStartedEventAttributes{ScheduledEventId: a.scheduled, Attempt: a.attempt, LastFailure: a.last},
		}
	})
	e.add(kind, fill)
	if pending {
		e.task = nil
		e.flush()
		e.scheduleTask()
	}
}
