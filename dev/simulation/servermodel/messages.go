package servermodel

import (
	"context"
	"slices"
	"time"

	commonpb "go.temporal.io/api/common/v1"
	enumspb "go.temporal.io/api/enums/v1"
	historypb "go.temporal.io/api/history/v1"
	protocolpb "go.temporal.io/api/protocol/v1"
	"go.temporal.io/api/serviceerror"
	updatepb "go.temporal.io/api/update/v1"
	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// updateTask is an update that a client waits for.
type updateTask struct {
	request *updatepb.Request
	id      string
	outcome *updatepb.Outcome
	err     error
	done    chan struct{}
}

func (u *updateTask) answer(outcome *updatepb.Outcome, err error) {
	if u.outcome != nil || u.err != nil {
		return
	}
	u.outcome, u.err = outcome, err
	close(u.done)
}

// update gives an update to the workflow, and waits until it is completed.
func (s *Server) update(ctx context.Context, r *workflowservice.UpdateWorkflowExecutionRequest) (proto.Message, error) {
	id := r.WorkflowExecution.GetWorkflowId()
	u := &updateTask{request: r.Request, id: r.Request.GetMeta().GetUpdateId(), done: make(chan struct{})}
	s.mu.Lock()
	_, err := client(s, "update", id, func() (proto.Message, error) {
		e := s.latest[id]
		if e == nil || !e.running() {
			return nil, notFound(id)
		}
		e.updates = append(e.updates, u)
		s.Trace(id, "update %s", r.Request.GetInput().GetName())
		e.scheduleTask()
		return nil, nil //nolint:nilnil // the answer comes later
	})
	s.mu.Unlock()
	if err != nil {
		return nil, err
	}
	select {
	case <-u.done:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if u.err != nil {
		return nil, u.err
	}
	return &workflowservice.UpdateWorkflowExecutionResponse{
		UpdateRef: &updatepb.UpdateRef{WorkflowExecution: r.WorkflowExecution, UpdateId: u.id}, Outcome: u.outcome,
		Stage: enumspb.UPDATE_WORKFLOW_EXECUTION_LIFECYCLE_STAGE_COMPLETED,
	}, nil
}

// requests are the messages that bring new updates to a worker.
func (t *workflowTask) requests() []*protocolpb.Message {
	t.updates, t.run.updates = t.run.updates, nil
	var messages []*protocolpb.Message
	for _, u := range t.updates {
		body, err := anypb.New(u.request)
		if err != nil {
			u.answer(nil, err)
			continue
		}
		messages = append(messages, &protocolpb.Message{
			Id: u.id + "/request", ProtocolInstanceId: u.id, Body: body,
			SequencingId: &protocolpb.Message_EventId{EventId: t.started - 1},
		})
	}
	return messages
}

// messages are those of a worker, by ID.
type messages map[string]*protocolpb.Message

func newMessages(list []*protocolpb.Message) messages {
	m := messages{}
	for _, message := range list {
		m[message.Id] = message
	}
	return m
}

// receiveMessage writes what a worker says about an update.
func (e *execution) receiveMessage(id string, all messages) {
	message := all[id]
	if message == nil {
		return
	}
	body, err := message.Body.UnmarshalNew()
	if err != nil {
		e.server.Problems = append(e.server.Problems, "a message of a worker cannot be read: "+err.Error())
		return
	}
	event := &historypb.HistoryEvent{EventTime: timestamppb.Now()}
	switch m := body.(type) {
	case *updatepb.Acceptance:
		u := e.requested(message.ProtocolInstanceId)
		if u == nil {
			return
		}
		event.Attributes = &historypb.HistoryEvent_WorkflowExecutionUpdateAcceptedEventAttributes{
			WorkflowExecutionUpdateAcceptedEventAttributes: &historypb.WorkflowExecutionUpdateAcceptedEventAttributes{
				ProtocolInstanceId: message.ProtocolInstanceId, AcceptedRequestMessageId: m.AcceptedRequestMessageId,
				AcceptedRequestSequencingEventId: m.AcceptedRequestSequencingEventId, AcceptedRequest: u.request,
			},
		}
		e.record(event, enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_ACCEPTED)
		e.accepted[u.id], e.acceptedEvents[u.id] = u, event.EventId
	case *updatepb.Response:
		u := e.accepted[message.ProtocolInstanceId]
		if u == nil {
			return
		}
		delete(e.accepted, u.id)
		event.Attributes = &historypb.HistoryEvent_WorkflowExecutionUpdateCompletedEventAttributes{
			WorkflowExecutionUpdateCompletedEventAttributes: &historypb.WorkflowExecutionUpdateCompletedEventAttributes{
				Meta: m.Meta, AcceptedEventId: e.acceptedEvents[u.id], Outcome: m.Outcome,
			},
		}
		e.record(event, enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_COMPLETED)
		e.server.Trace(e.id, "update completed: %s", m.Outcome.GetFailure().GetMessage())
		u.answer(m.Outcome, nil)
	}
}

// requested finds an update of the workflow task that is being completed.
func (e *execution) requested(id string) *updateTask {
	for _, u := range e.task.updates {
		if u.id == id {
			return u
		}
	}
	return nil
}

// rejectRest answers the updates that the workflow has rejected, of which nothing is
// written.
func (e *execution) rejectRest(t *workflowTask, all messages) {
	for _, message := range all {
		body, err := message.Body.UnmarshalNew()
		if err != nil {
			continue
		}
		rejection, ok := body.(*updatepb.Rejection)
		if !ok {
			continue
		}
		for _, u := range t.updates {
			if u.id == message.ProtocolInstanceId {
				e.server.Trace(e.id, "update rejected: %s", rejection.Failure.GetMessage())
				u.answer(&updatepb.Outcome{Value: &updatepb.Outcome_Failure{Failure: rejection.Failure}}, nil)
			}
		}
	}
}

// queryTask is a query that a client waits for.
type queryTask struct {
	answer chan *workflowservice.RespondQueryTaskCompletedRequest
}

// queryTimeout bounds a query whose worker dies.
const queryTimeout = 10 * time.Second

// query asks a worker, which replays the workflow for it.
func (s *Server) query(ctx context.Context, r *workflowservice.QueryWorkflowRequest) (proto.Message, error) {
	s.mu.Lock()
	q := &queryTask{answer: make(chan *workflowservice.RespondQueryTaskCompletedRequest, 1)}
	_, err := client(s, "query", r.Execution.GetWorkflowId(), func() (proto.Message, error) {
		e := s.latest[r.Execution.GetWorkflowId()]
		switch {
		case e == nil:
			return nil, notFound(r.Execution.GetWorkflowId())
		case e.lastStarted == 0 || len(s.workflowPolls.workers) == 0 || (e.task != nil && e.task.started != 0):
			return nil, serviceerror.NewWorkflowNotReady("the workflow has a task under way")
		}
		s.workflowPolls.give(e.queryTask(r, s.newToken(q)))
		return nil, nil //nolint:nilnil // the answer comes later
	})
	s.mu.Unlock()
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, queryTimeout)
	defer cancel()
	select {
	case answer := <-q.answer:
		if answer.ErrorMessage != "" {
			return nil, serviceerror.NewQueryFailed(answer.ErrorMessage)
		}
		return &workflowservice.QueryWorkflowResponse{QueryResult: answer.QueryResult}, nil
	case <-ctx.Done():
		return nil, serviceerror.NewDeadlineExceeded("the query was not answered")
	}
}

func (s *Server) completeQuery(r *workflowservice.RespondQueryTaskCompletedRequest) (proto.Message, error) {
	q, err := take[*queryTask](s, r.TaskToken)
	if err != nil {
		return nil, err
	}
	q.answer <- r
	return &workflowservice.RespondQueryTaskCompletedResponse{}, nil
}

// queryTask is the task of a query, with the history up to the last workflow task.
func (e *execution) queryTask(r *workflowservice.QueryWorkflowRequest, token []byte) *workflowservice.PollWorkflowTaskQueueResponse {
	return &workflowservice.PollWorkflowTaskQueueResponse{
		TaskToken: token, WorkflowExecution: e.name(), WorkflowType: &commonpb.WorkflowType{Name: e.workflowType}, Query: r.Query,
		PreviousStartedEventId: e.lastStarted, WorkflowExecutionTaskQueue: e.taskQueue(),
		ScheduledTime: timestamppb.Now(), StartedTime: timestamppb.Now(), History: &historypb.History{Events: slices.Clone(e.events)},
	}
}
