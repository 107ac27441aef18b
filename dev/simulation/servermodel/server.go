// Package servermodel is a small model of the Temporal server, for the simulation: the
// real SDK client and the real worker run against it, in one process and without a
// connection. It keeps histories as the server does, so that a workflow can be
// replayed at every workflow task, and it decides what only a server can decide: that a
// workflow ID is started once, for as long as its namespace retains it; start delays,
// timeouts and retries; which signal, update or timer comes first.
//
// It models what this project uses: workflow tasks, local and regular activities, timers,
// markers, signals, updates, queries, child workflows, continue-as-new and search
// attributes. It has no sticky task queues: a task goes to any poller, with the whole
// history or with its end, as if the worker had the rest in its cache. Failed attempts
// of workflow tasks are all in the history, where the server keeps the first only.
package servermodel

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/google/uuid"
	commonpb "go.temporal.io/api/common/v1"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"

	"aftercall/dev/simulation/agenda"
)

// namespace is that of all workflows.
const namespace = "default"

// Faults decides what goes wrong. Its methods are called with the server locked.
type Faults interface {
	// Down says until when the server answers no client and hands out no task; the zero
	// time is not at all.
	Down() (until time.Time)
	// Answer decides about one request of a client: not done, or done and the answer lost.
	Answer(request, workflowID string) (refuse, lose bool)
	// LoseTask says that the worker dies after this workflow task, and with it all that
	// it has not yet sent: the task is handed out again after its timeout.
	LoseTask(workflowID string, attempt int32) bool
	// LoseCache says that the worker has the workflow no longer in memory.
	LoseCache(workflowID string, startedEvent int64) bool
	// LoseActivity says that the worker dies after this attempt of an activity.
	LoseActivity(workflowID, activity string, attempt int32) bool
	// Unlisted says that the list of workflows does not have the workflow yet.
	Unlisted(workflowID string) bool
}

// Options are the settings of a Server.
type Options struct {
	Agenda *agenda.Agenda
	Faults Faults
	// Retention is how long a closed workflow is kept.
	Retention time.Duration
	// Trace is called for what happens, and Completed for the result of each workflow.
	Trace     func(workflowID, format string, args ...any)
	Completed func(workflowID string, result *commonpb.Payloads)
}

// Server is safe for concurrent use.
type Server struct {
	Options

	mu sync.Mutex
	// latest are the runs by workflow ID, the last one of each; runs are all by run ID.
	latest map[string]*execution
	runs   map[string]*execution
	starts map[string]int // of a workflow ID, for run IDs
	// failed are the runs that have failed, timed out or been cancelled, also those that
	// are deleted.
	failed []*execution

	workflowPolls, activityPolls polls
	tasks                        map[string]any // what a task token stands for
	tokens                       int
	closed                       chan struct{}

	// Problems are failures of workflow tasks that no fault has caused.
	Problems []string
}

// New returns a Server without workflows.
func New(o Options) *Server {
	return &Server{
		Options: o, latest: map[string]*execution{}, runs: map[string]*execution{}, starts: map[string]int{},
		tasks: map[string]any{}, closed: make(chan struct{}),
	}
}

// Close ends all polls.
func (s *Server) Close() { close(s.closed) }

// DialOption makes a client of the SDK talk to the server. It stands in front of the
// SDK's own retries of requests, whose distances are random.
func (s *Server) DialOption() grpc.DialOption {
	return grpc.WithUnaryInterceptor(func(ctx context.Context, method string, request, reply any, _ *grpc.ClientConn, _ grpc.UnaryInvoker, _ ...grpc.CallOption) error {
		answer, err := s.handle(ctx, method, request)
		if err != nil {
			return err
		}
		proto.Merge(reply.(proto.Message), answer)
		return nil
	})
}

// handle answers one request.
func (s *Server) handle(ctx context.Context, method string, request any) (proto.Message, error) {
	switch r := request.(type) {
	case *workflowservice.GetSystemInfoRequest:
		return systemInfo(), nil
	case *workflowservice.DescribeNamespaceRequest:
		return &workflowservice.DescribeNamespaceResponse{}, nil
	case *workflowservice.ShutdownWorkerRequest:
		return &workflowservice.ShutdownWorkerResponse{}, nil
	case *workflowservice.PollWorkflowTaskQueueRequest:
		return s.pollWorkflowTask(ctx, r)
	case *workflowservice.PollActivityTaskQueueRequest:
		return s.pollActivityTask(ctx)
	case *workflowservice.QueryWorkflowRequest:
		return s.query(ctx, r)
	case *workflowservice.UpdateWorkflowExecutionRequest:
		return s.update(ctx, r)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch r := request.(type) {
	case *workflowservice.RespondWorkflowTaskCompletedRequest:
		return s.completeWorkflowTask(r)
	case *workflowservice.RespondWorkflowTaskFailedRequest:
		return s.failWorkflowTask(r)
	case *workflowservice.RespondQueryTaskCompletedRequest:
		return s.completeQuery(r)
	case *workflowservice.RespondActivityTaskCompletedRequest:
		return s.completeActivity(r)
	case *workflowservice.RespondActivityTaskFailedRequest:
		return s.failActivity(r)
	case *workflowservice.RecordActivityTaskHeartbeatRequest:
		return s.heartbeat(r)
	case *workflowservice.GetWorkflowExecutionHistoryRequest:
		return s.historyOf(r)
	case *workflowservice.StartWorkflowExecutionRequest:
		return client(s, "start", r.WorkflowId, func() (proto.Message, error) { return s.start(r) })
	case *workflowservice.SignalWorkflowExecutionRequest:
		return client(s, "signal", r.WorkflowExecution.GetWorkflowId(), func() (proto.Message, error) { return s.signal(r) })
	case *workflowservice.DescribeWorkflowExecutionRequest:
		return client(s, "describe", r.Execution.GetWorkflowId(), func() (proto.Message, error) { return s.describe(r) })
	case *workflowservice.ListWorkflowExecutionsRequest:
		return client(s, "list", "", func() (proto.Message, error) { return s.list(r) })
	}
	return nil, fmt.Errorf("the model of the server has no %s", method)
}

// client does a request of a client, with the faults of the way there and back.
func client(s *Server, request, workflowID string, do func() (proto.Message, error)) (proto.Message, error) {
	if !s.Faults.Down().IsZero() {
		return nil, serviceerror.NewUnavailable("simulated outage")
	}
	refuse, lose := s.Faults.Answer(request, workflowID)
	if refuse {
		return nil, serviceerror.NewUnavailable("simulated: the request is lost")
	}
	answer, err := do()
	if err == nil && lose {
		return nil, serviceerror.NewUnavailable("simulated: the answer is lost")
	}
	return answer, err
}

func systemInfo() proto.Message {
	return &workflowservice.GetSystemInfoResponse{Capabilities: &workflowservice.GetSystemInfoResponse_Capabilities{
		SignalAndQueryHeader: true, InternalErrorDifferentiation: true, ActivityFailureIncludeHeartbeat: true,
		EncodedFailureAttributes: true, UpsertMemo: true, SdkMetadata: true,
	}}
}

// Workflow is what the server has of one run, for the checker and the report.
type Workflow struct {
	ID, RunID, Type string
	Status          enumspb.WorkflowExecutionStatus
	StartedAt       time.Time
	// Attributes are the search attributes.
	Attributes map[string]*commonpb.Payload
	Failure    string
}

// Workflows returns all runs that are retained.
func (s *Server) Workflows() []Workflow {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make([]Workflow, 0, len(s.runs))
	for _, e := range s.runs {
		all = append(all, e.workflow())
	}
	return all
}

// Failed returns all runs that have failed, timed out or been cancelled, whether they are
// retained or not.
func (s *Server) Failed() (all []Workflow) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range s.failed {
		all = append(all, e.workflow())
	}
	return all
}

func (e *execution) workflow() Workflow {
	return Workflow{
		ID: e.id, RunID: e.runID, Type: e.workflowType, Status: e.status, StartedAt: e.startedAt, Attributes: e.attributes, Failure: e.failure,
	}
}

// Running is how many workflows run.
func (s *Server) Running() (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range s.latest {
		if e.running() {
			n++
		}
	}
	return n
}

// Reset ends what the workers have in hand, as if they had been killed: nothing that
// they send from now on counts.
func (s *Server) Reset() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tasks = map[string]any{}
}

// newToken returns the token of a task.
func (s *Server) newToken(task any) []byte {
	s.tokens++
	token := fmt.Sprintf("task-%d", s.tokens)
	s.tasks[token] = task
	return []byte(token)
}

// take returns what a token stands for, once.
func take[T any](s *Server, token []byte) (task T, err error) {
	task, ok := s.tasks[string(token)].(T)
	if !ok {
		return task, serviceerror.NewNotFound("the task has timed out, or was given to another worker")
	}
	delete(s.tasks, string(token))
	return task, nil
}

// newRunID returns the run ID of the next run of a workflow ID: always the same.
func (s *Server) newRunID(workflowID string) string {
	s.starts[workflowID]++
	return uuid.NewSHA1(uuid.NameSpaceURL, fmt.Appendf(nil, "%s/%d", workflowID, s.starts[workflowID])).String()
}
