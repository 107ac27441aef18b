package launch_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"
	commonpb "go.temporal.io/api/common/v1"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	workflowpb "go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/mocks"

	"aftercall/activities"
	"aftercall/workflows"
	"aftercall/workflows/launch"
)

const (
	clinic     = 1400000000
	callID     = "055662e1-bc8a-469c-a334-1126c8c17d58"
	workflowID = "call:1400000000:" + callID
)

var (
	errDown    = errors.New("connection refused")
	errRefused = serviceerror.NewInvalidArgument("WorkflowId length exceeds limit")
	errExists  = &serviceerror.WorkflowExecutionAlreadyStarted{RunId: "run-1"}
	errUnknown = serviceerror.NewNotFound("workflow not found")
)

// temporal is a client whose answers a test gives one by one.
type temporal struct {
	*mocks.Client
	// starts are the options of each start, and params its parameters.
	starts []client.StartWorkflowOptions
	params []workflows.AfterCallParams
}

func newTemporal(t *testing.T) (*temporal, launch.Calls) {
	t.Helper()
	c := &temporal{Client: &mocks.Client{}}
	t.Cleanup(func() { c.AssertExpectations(t) })
	return c, launch.NewCalls(c, "aftercall")
}

// answersStart answers the next start.
func (c *temporal) answersStart(err error) {
	c.On("ExecuteWorkflow", mock.Anything, mock.Anything, workflows.AfterCallName, mock.Anything).Run(func(args mock.Arguments) {
		c.starts = append(c.starts, args.Get(1).(client.StartWorkflowOptions))
		c.params = append(c.params, args.Get(3).(workflows.AfterCallParams))
	}).Return(&mocks.WorkflowRun{}, err).Once()
}

// describes answers the next description of the call's workflow.
func (c *temporal) describes(info *workflowpb.WorkflowExecutionInfo, err error) {
	c.On("DescribeWorkflowExecution", mock.Anything, workflowID, "").Return(&workflowservice.DescribeWorkflowExecutionResponse{WorkflowExecutionInfo: info}, err).Once()
}

func hasStatus(status enumspb.WorkflowExecutionStatus) *workflowpb.WorkflowExecutionInfo {
	return &workflowpb.WorkflowExecutionInfo{
		Execution: &commonpb.WorkflowExecution{WorkflowId: workflowID, RunId: "run-1"}, Status: status,
	}
}

func payload(t *testing.T, value any) *commonpb.Payload {
	t.Helper()
	p, err := converter.GetDefaultDataConverter().ToPayload(value)
	require.NoError(t, err)
	return p
}

func inStage(t *testing.T, status enumspb.WorkflowExecutionStatus, stage workflows.Stage) *workflowpb.WorkflowExecutionInfo {
	t.Helper()
	info := hasStatus(status)
	if stage != "" {
		info.SearchAttributes = &commonpb.SearchAttributes{IndexedFields: map[string]*commonpb.Payload{workflows.AttributeStage.GetName(): payload(t, string(stage))}}
	}
	return info
}

func params() workflows.AfterCallParams {
	return workflows.AfterCallParams{SDKAppID: clinic, App: "clinic", CallID: callID, Source: workflows.SourceSweep}
}

func TestStart(t *testing.T) {
	for name, tt := range map[string]struct {
		err, want error
		already   bool
	}{
		"new":       {},
		"duplicate": {err: errExists, already: true},
		"down":      {err: errDown, want: errDown},
	} {
		t.Run(name, func(t *testing.T) {
			c, calls := newTemporal(t)
			c.answersStart(tt.err)
			already, err := calls.Start(t.Context(), params(), "fp")
			require.ErrorIs(t, err, tt.want)
			require.Equal(t, tt.already, already)
			require.Equal(t, workflowID, c.starts[0].ID)
			require.Equal(t, enumspb.WORKFLOW_ID_REUSE_POLICY_REJECT_DUPLICATE, c.starts[0].WorkflowIDReusePolicy)
			require.True(t, c.starts[0].WorkflowExecutionErrorWhenAlreadyStarted)
			require.Equal(t, "fp", c.starts[0].Memo[workflows.MemoFingerprint])
		})
	}
}

func TestStarted(t *testing.T) {
	c, calls := newTemporal(t)
	info := inStage(t, enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING, workflows.StageReview)
	info.Memo = &commonpb.Memo{Fields: map[string]*commonpb.Payload{workflows.MemoFingerprint: payload(t, "fp")}}
	c.describes(info, nil)
	started, err := calls.Started(t.Context(), clinic, callID)
	require.NoError(t, err)
	require.Equal(t, workflows.StartedCall{Fingerprint: "fp", Stage: workflows.StageReview}, started)
	require.True(t, started.LacksRecord())

	c.describes(hasStatus(enumspb.WORKFLOW_EXECUTION_STATUS_COMPLETED), nil)
	started, err = calls.Started(t.Context(), clinic, callID)
	require.NoError(t, err)
	require.Zero(t, started, "a sweep has started it, and it never had to wait")
	require.False(t, started.LacksRecord())

	info.Memo.Fields[workflows.MemoFingerprint] = &commonpb.Payload{Data: []byte("encrypted")}
	c.describes(info, nil)
	started, err = calls.Started(t.Context(), clinic, callID)
	require.ErrorContains(t, err, "memo of workflow "+workflowID)
	require.Equal(t, workflows.StageReview, started.Stage, "all that can be read")

	c.describes(nil, errUnknown)
	_, err = calls.Started(t.Context(), clinic, callID)
	require.ErrorContains(t, err, "workflow not found")
}

// TestStartUncharged: the ledger lacks the call, and its workflow is in any state.
func TestStartUncharged(t *testing.T) {
	const again = enumspb.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE
	inLedger := func(found bool, err error) func(context.Context) (bool, error) {
		return func(context.Context) (bool, error) { return found, err }
	}
	for name, tt := range map[string]struct {
		prepare  func(t *testing.T, c *temporal)
		inLedger func(context.Context) (bool, error)
		want     activities.StartOutcome
		err      error
		starts   int
	}{
		"has none": {
			prepare: func(_ *testing.T, c *temporal) { c.answersStart(nil) },
			want:    activities.StartedFirst, starts: 1,
		},
		"runs": {
			prepare: func(_ *testing.T, c *temporal) {
				c.answersStart(errExists)
				c.describes(hasStatus(enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING), nil)
			},
			want: activities.StillRunning, starts: 1,
		},
		"has failed": {
			prepare: func(_ *testing.T, c *temporal) {
				c.answersStart(errExists)
				c.describes(hasStatus(enumspb.WORKFLOW_EXECUTION_STATUS_FAILED), nil)
			},
			want: activities.ChargeFailed, starts: 1,
		},
		"has ended with a charge a moment ago": {
			prepare: func(_ *testing.T, c *temporal) {
				c.answersStart(errExists)
				c.describes(hasStatus(enumspb.WORKFLOW_EXECUTION_STATUS_COMPLETED), nil)
			},
			inLedger: inLedger(true, nil), want: activities.InLedger, starts: 1,
		},
		"has ended, and the ledger is down": {
			prepare: func(_ *testing.T, c *temporal) {
				c.answersStart(errExists)
				c.describes(hasStatus(enumspb.WORKFLOW_EXECUTION_STATUS_COMPLETED), nil)
			},
			inLedger: inLedger(false, errDown), err: errDown, starts: 1,
		},
		"was started by someone else meanwhile": {
			prepare: func(_ *testing.T, c *temporal) {
				c.answersStart(errExists)
				c.describes(hasStatus(enumspb.WORKFLOW_EXECUTION_STATUS_TERMINATED), nil)
				c.answersStart(errExists)
			},
			want: activities.StillRunning, starts: 2,
		},
		"was deleted meanwhile": {
			prepare: func(_ *testing.T, c *temporal) {
				c.answersStart(errExists)
				c.describes(nil, errUnknown)
				c.answersStart(nil)
			},
			inLedger: inLedger(false, nil), want: activities.StartedFirst, starts: 2,
		},
		"cannot be described": {
			prepare: func(_ *testing.T, c *temporal) {
				c.answersStart(errExists)
				c.describes(nil, errDown)
			},
			err: errDown, starts: 1,
		},
		"Temporal is down": {
			prepare: func(_ *testing.T, c *temporal) { c.answersStart(errDown) },
			err:     errDown, starts: 1,
		},
	} {
		t.Run(name, func(t *testing.T) {
			c, calls := newTemporal(t)
			tt.prepare(t, c)
			outcome, err := calls.StartUncharged(t.Context(), params(), activities.StartAgain{InLedger: tt.inLedger})
			require.ErrorIs(t, err, tt.err)
			require.Equal(t, tt.want, outcome)
			require.Len(t, c.starts, tt.starts)
			require.False(t, errors.As(err, new(*activities.PermanentStartError)), "the next one may succeed")
			if tt.starts == 2 {
				require.Equal(t, again, c.starts[1].WorkflowIDReusePolicy)
				require.Equal(t, workflowID, c.starts[1].ID)
			}
		})
	}
	// A workflow that has completed has notified the targets.
	for status, notified := range map[enumspb.WorkflowExecutionStatus]bool{
		enumspb.WORKFLOW_EXECUTION_STATUS_COMPLETED: true, enumspb.WORKFLOW_EXECUTION_STATUS_TERMINATED: false,
		enumspb.WORKFLOW_EXECUTION_STATUS_CANCELED: false, enumspb.WORKFLOW_EXECUTION_STATUS_TIMED_OUT: false,
	} {
		for _, notify := range []bool{false, true} {
			t.Run("has ended: "+status.String(), func(t *testing.T) {
				c, calls := newTemporal(t)
				c.answersStart(errExists)
				c.describes(hasStatus(status), nil)
				c.answersStart(nil)
				outcome, err := calls.StartUncharged(t.Context(), params(), activities.StartAgain{InLedger: inLedger(false, nil), Notify: notify})
				require.NoError(t, err)
				require.Equal(t, activities.StartedAgain, outcome, "that a workflow has ended is no proof of a charge")
				require.Equal(t, again, c.starts[1].WorkflowIDReusePolicy)
				require.Equal(t, notified && !notify, c.params[1].Notified)
			})
		}
	}
}

// TestStartThatTemporalRefuses: an error that this call alone gets is permanent.
func TestStartThatTemporalRefuses(t *testing.T) {
	var permanent *activities.PermanentStartError
	c, calls := newTemporal(t)
	c.answersStart(errRefused)
	_, err := calls.StartUncharged(t.Context(), params(), activities.StartAgain{})
	require.ErrorAs(t, err, &permanent)
	require.ErrorContains(t, err, "length exceeds limit")

	c.answersStart(errExists)
	c.describes(hasStatus(enumspb.WORKFLOW_EXECUTION_STATUS_TERMINATED), nil)
	c.answersStart(errRefused)
	_, err = calls.StartUncharged(t.Context(), params(), activities.StartAgain{})
	require.ErrorAs(t, err, &permanent)

	c.describes(nil, errRefused)
	_, err = calls.Inspect(t.Context(), clinic, callID)
	require.ErrorAs(t, err, &permanent)
}

func TestRunning(t *testing.T) {
	c, calls := newTemporal(t)
	list := func(page []*workflowpb.WorkflowExecutionInfo, next string) {
		c.On("ListWorkflow", mock.Anything, mock.MatchedBy(func(r *workflowservice.ListWorkflowExecutionsRequest) bool {
			return r.Query == "ExecutionStatus = 'Running' AND WorkflowId IN ('"+workflowID+"')"
		})).Return(&workflowservice.ListWorkflowExecutionsResponse{Executions: page, NextPageToken: []byte(next)}, nil).Once()
	}
	list(nil, "more")
	list([]*workflowpb.WorkflowExecutionInfo{inStage(t, enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING, workflows.StageReview)}, "")
	c.On("DescribeWorkflowExecution", mock.Anything, "call:1400000000:it's", "").Return(&workflowservice.DescribeWorkflowExecutionResponse{
		WorkflowExecutionInfo: hasStatus(enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING),
	}, nil).Once()
	c.On("DescribeWorkflowExecution", mock.Anything, `call:1400000000:a"b`, "").Return(nil, errUnknown).Once()
	running, err := calls.Running(t.Context(), clinic, []string{callID, "it's", `a"b`})
	require.NoError(t, err)
	require.Equal(t, map[string]activities.RunningCall{callID: {InReview: true}, "it's": {}}, running)

	c.On("ListWorkflow", mock.Anything, mock.Anything).Return(nil, errDown).Once()
	_, err = calls.Running(t.Context(), clinic, []string{callID})
	require.ErrorIs(t, err, errDown)
}

// TestRecheck: only a call that is in review gets the signal.
func TestRecheck(t *testing.T) {
	long := inStage(t, enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING, workflows.StageReview)
	long.HistoryLength = 2001
	asLongAsMayBe := inStage(t, enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING, workflows.StageReview)
	asLongAsMayBe.HistoryLength = 2000
	for name, tt := range map[string]struct {
		info   *workflowpb.WorkflowExecutionInfo
		signal bool
	}{
		"in review":                  {inStage(t, enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING, workflows.StageReview), true},
		"in another stage":           {inStage(t, enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING, workflows.StageNotify), false},
		"never waited":               {inStage(t, enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING, ""), false},
		"was terminated in review":   {inStage(t, enumspb.WORKFLOW_EXECUTION_STATUS_TERMINATED, workflows.StageReview), false},
		"has got as many as can be":  {asLongAsMayBe, true},
		"has got too many of them":   {long, false},
		"is no workflow of ours yet": {nil, false},
	} {
		t.Run(name, func(t *testing.T) {
			c, calls := newTemporal(t)
			if tt.info == nil {
				c.describes(nil, errUnknown)
			} else {
				c.describes(tt.info, nil)
			}
			if tt.signal {
				c.On("SignalWorkflow", mock.Anything, workflowID, "run-1", workflows.SignalRecheck, nil).Return(nil).Once()
			}
			require.NoError(t, calls.Recheck(t.Context(), clinic, callID))
		})
	}
	t.Run("was decided meanwhile", func(t *testing.T) {
		c, calls := newTemporal(t)
		c.describes(inStage(t, enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING, workflows.StageReview), nil)
		c.On("SignalWorkflow", mock.Anything, workflowID, "run-1", workflows.SignalRecheck, nil).Return(errUnknown).Once()
		require.NoError(t, calls.Recheck(t.Context(), clinic, callID))
	})
	t.Run("Temporal is down", func(t *testing.T) {
		c, calls := newTemporal(t)
		c.describes(nil, errDown)
		require.ErrorIs(t, calls.Recheck(t.Context(), clinic, callID), errDown)
	})
}

// TestFoldReview: the first review starts the workflow, the next one is signaled to it,
// and one that cannot be folded is not.
func TestFoldReview(t *testing.T) {
	const id = "reviews:1400000000:no-record"
	none := errors.New("no start is attempted")
	for name, tt := range map[string]struct {
		start   error
		signals []error
		want    bool
		err     error
	}{
		"first":                  {signals: []error{errUnknown}},
		"next":                   {start: none, signals: []error{nil}, want: true},
		"two are first":          {start: errExists, signals: []error{errUnknown, nil}, want: true},
		"it has ended meanwhile": {start: errExists, signals: []error{errUnknown, errUnknown}},
		"the signal is refused":  {start: none, signals: []error{errDown}, err: errDown},
		"the start is refused":   {start: errRefused, signals: []error{errUnknown}, err: errRefused},
		"the second is refused":  {start: errExists, signals: []error{errUnknown, errDown}, err: errDown},
	} {
		t.Run(name, func(t *testing.T) {
			c, calls := newTemporal(t)
			for _, err := range tt.signals {
				c.On("SignalWorkflow", mock.Anything, id, "", workflows.SignalReview, callID).Return(err).Once()
			}
			if !errors.Is(tt.start, none) {
				c.On("ExecuteWorkflow", mock.Anything, mock.MatchedBy(func(o client.StartWorkflowOptions) bool {
					return o.ID == id && o.WorkflowExecutionErrorWhenAlreadyStarted && o.WorkflowIDReusePolicy == enumspb.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE
				}), workflows.FoldReviewsName, workflows.FoldReviewsParams{SDKAppID: clinic, App: "clinic", Window: workflows.ReviewWindow}).
					Return(&mocks.WorkflowRun{}, tt.start).Once()
			}
			folded, err := calls.FoldReview(t.Context(), activities.App{ID: clinic, Name: "clinic"}, callID)
			require.ErrorIs(t, err, tt.err)
			require.Equal(t, tt.want, folded)
		})
	}
}

// TestRecheckListed: a sweep lists a call many times, and must not signal it each time.
func TestRecheckListed(t *testing.T) {
	now := time.Now()
	status := func(change func(*workflows.ReviewStatus)) workflows.Status {
		r := &workflows.ReviewStatus{NoRecord: true}
		change(r)
		return workflows.Status{Stage: workflows.StageReview, Review: r}
	}
	for name, tt := range map[string]struct {
		status workflows.Status
		signal bool
	}{
		"never looked again":   {status(func(*workflows.ReviewStatus) {}), true},
		"has a record":         {status(func(r *workflows.ReviewStatus) { r.NoRecord = false }), false},
		"looked 4 minutes ago": {status(func(r *workflows.ReviewStatus) { r.Rechecks, r.RecheckedAt = 1, now.Add(-4*time.Minute) }), false},
		"looked 6 minutes ago": {status(func(r *workflows.ReviewStatus) { r.Rechecks, r.RecheckedAt = 1, now.Add(-6*time.Minute) }), true},
		"looked twice":         {status(func(r *workflows.ReviewStatus) { r.Rechecks, r.RecheckedAt = 2, now.Add(-9*time.Minute) }), false},
		"looked 5 hours ago":   {status(func(r *workflows.ReviewStatus) { r.Rechecks, r.RecheckedAt = 99, now.Add(-5*time.Hour) }), false},
		"looked 7 hours ago":   {status(func(r *workflows.ReviewStatus) { r.Rechecks, r.RecheckedAt = 99, now.Add(-7*time.Hour) }), true},
		"is not in review":     {workflows.Status{Stage: workflows.StageNotify}, false},
		"was in review":        {workflows.Status{Stage: workflows.StageNotify, Review: &workflows.ReviewStatus{NoRecord: true}}, false},
	} {
		t.Run(name, func(t *testing.T) {
			c, calls := newTemporal(t)
			value := &mocks.Value{}
			value.On("Get", mock.Anything).Run(func(args mock.Arguments) { *args.Get(0).(*workflows.Status) = tt.status }).Return(nil)
			c.On("QueryWorkflow", mock.Anything, workflowID, "", workflows.QueryStatus).Return(value, nil).Once()
			if tt.signal {
				c.On("SignalWorkflow", mock.Anything, workflowID, "", workflows.SignalRecheck, nil).Return(nil).Once()
			}
			require.NoError(t, calls.RecheckListed(t.Context(), clinic, callID))
		})
	}
	c, calls := newTemporal(t)
	c.On("QueryWorkflow", mock.Anything, workflowID, "", workflows.QueryStatus).Return(nil, errDown).Once()
	require.ErrorIs(t, calls.RecheckListed(t.Context(), clinic, callID), errDown)
}
