package servermodel

import (
	"strings"
	"time"

	commonpb "go.temporal.io/api/common/v1"
	enumspb "go.temporal.io/api/enums/v1"
	historypb "go.temporal.io/api/history/v1"
	"go.temporal.io/api/serviceerror"
	taskqueuepb "go.temporal.io/api/taskqueue/v1"
	workflowpb "go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/converter"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"
)

func notFound(workflowID string) error {
	return serviceerror.NewNotFound("workflow not found for ID: " + workflowID)
}

// permits reports whether a workflow ID may be started now.
func (s *Server) permits(id string, policy enumspb.WorkflowIdReusePolicy) (latest *execution, ok bool) {
	latest = s.latest[id]
	switch {
	case latest == nil:
		return nil, true
	case latest.running(), policy == enumspb.WORKFLOW_ID_REUSE_POLICY_REJECT_DUPLICATE:
		return latest, false
	}
	return latest, true
}

func (s *Server) start(r *workflowservice.StartWorkflowExecutionRequest) (proto.Message, error) {
	if latest, ok := s.permits(r.WorkflowId, r.WorkflowIdReusePolicy); !ok {
		s.Trace(r.WorkflowId, "start refused: there is one, %s", latest.status)
		return nil, serviceerror.NewWorkflowExecutionAlreadyStarted("Workflow execution already started", "", latest.runID)
	}
	e := &execution{
		server: s, id: r.WorkflowId, runID: s.newRunID(r.WorkflowId), workflowType: r.WorkflowType.GetName(), queue: r.TaskQueue.GetName(),
		runTimeout: r.WorkflowRunTimeout.AsDuration(), startDelay: r.WorkflowStartDelay.AsDuration(),
	}
	e.firstRunID = e.runID
	s.Trace(e.id, "started, its first task after %s", e.startDelay)
	e.begin(&historypb.WorkflowExecutionStartedEventAttributes{
		WorkflowType: r.WorkflowType, TaskQueue: r.TaskQueue, Input: r.Input, WorkflowRunTimeout: r.WorkflowRunTimeout,
		Memo: r.Memo, SearchAttributes: r.SearchAttributes, Header: r.Header, FirstWorkflowTaskBackoff: r.WorkflowStartDelay,
	}, &historypb.HistoryEvent{UserMetadata: r.UserMetadata})
	return &workflowservice.StartWorkflowExecutionResponse{RunId: e.runID, Started: true}, nil
}

func (s *Server) signal(r *workflowservice.SignalWorkflowExecutionRequest) (proto.Message, error) {
	e := s.latest[r.WorkflowExecution.GetWorkflowId()]
	if e == nil || !e.running() {
		return nil, notFound(r.WorkflowExecution.GetWorkflowId())
	}
	s.Trace(e.id, "signal %s", r.SignalName)
	e.add(enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED, func(event *historypb.HistoryEvent) {
		event.Attributes = &historypb.HistoryEvent_WorkflowExecutionSignaledEventAttributes{
			WorkflowExecutionSignaledEventAttributes: &historypb.WorkflowExecutionSignaledEventAttributes{
				SignalName: r.SignalName, Input: r.Input, Header: r.Header,
			},
		}
	})
	return &workflowservice.SignalWorkflowExecutionResponse{}, nil
}

func (s *Server) describe(r *workflowservice.DescribeWorkflowExecutionRequest) (proto.Message, error) {
	e := s.latest[r.Execution.GetWorkflowId()]
	if e == nil {
		return nil, notFound(r.Execution.GetWorkflowId())
	}
	return &workflowservice.DescribeWorkflowExecutionResponse{WorkflowExecutionInfo: e.info()}, nil
}

func (e *execution) info() *workflowpb.WorkflowExecutionInfo {
	info := &workflowpb.WorkflowExecutionInfo{
		Execution: e.name(), Type: &commonpb.WorkflowType{Name: e.workflowType}, StartTime: timestamppb.New(e.startedAt),
		Status: e.status, HistoryLength: int64(len(e.events)), Memo: e.memo, TaskQueue: e.queue, FirstRunId: e.firstRunID,
		SearchAttributes: &commonpb.SearchAttributes{IndexedFields: e.attributes},
	}
	if !e.running() {
		info.CloseTime = timestamppb.New(e.closedAt)
	}
	return info
}

func (e *execution) name() *commonpb.WorkflowExecution {
	return &commonpb.WorkflowExecution{WorkflowId: e.id, RunId: e.runID}
}

func (s *Server) historyOf(r *workflowservice.GetWorkflowExecutionHistoryRequest) (proto.Message, error) {
	e := s.runs[r.Execution.GetRunId()]
	if e == nil {
		e = s.latest[r.Execution.GetWorkflowId()]
	}
	if e == nil {
		return nil, notFound(r.Execution.GetWorkflowId())
	}
	return &workflowservice.GetWorkflowExecutionHistoryResponse{History: &historypb.History{Events: e.events}}, nil
}

// Schedule starts a workflow as a schedule does that skips a run while the last one is
// open.
func (s *Server) Schedule(prefix, workflowType, queue string, params any, runTimeout time.Duration) error {
	input, err := converter.GetDefaultDataConverter().ToPayloads(params)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for id, e := range s.latest {
		if strings.HasPrefix(id, prefix+"-") && e.running() {
			s.Trace(prefix, "skipped: the last run is open")
			return nil
		}
	}
	_, err = s.start(&workflowservice.StartWorkflowExecutionRequest{
		WorkflowId: prefix + "-" + time.Now().UTC().Format(time.RFC3339), WorkflowType: &commonpb.WorkflowType{Name: workflowType},
		TaskQueue: &taskqueuepb.TaskQueue{Name: queue}, Input: input, WorkflowRunTimeout: durationpb.New(runTimeout),
	})
	return err
}

// Has reports whether the server has a run of the workflow, open or retained.
func (s *Server) Has(id string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.latest[id] != nil
}

// ResetToFirstTask starts the workflow again from its first workflow task, as an operator's
// reset does: in a new run, which has the same first run. false if there is none.
func (s *Server) ResetToFirstTask(id string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	base := s.latest[id]
	if base == nil || base.lastStarted == 0 {
		return false
	}
	if base.running() {
		base.close(enumspb.WORKFLOW_EXECUTION_STATUS_TERMINATED)
	}
	first := base.events[0]
	started := proto.Clone(first.GetWorkflowExecutionStartedEventAttributes()).(*historypb.WorkflowExecutionStartedEventAttributes)
	e := &execution{
		server: s, id: id, runID: s.newRunID(id), firstRunID: base.firstRunID, workflowType: base.workflowType, queue: base.queue, parent: base.parent, parentEvent: base.parentEvent,
	}
	s.Trace(id, "reset to its first workflow task")
	e.begin(started, &historypb.HistoryEvent{UserMetadata: first.UserMetadata})
	return true
}
