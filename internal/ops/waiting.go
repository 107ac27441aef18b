package ops

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"go.temporal.io/api/serviceerror"
	workflowpb "go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"
	"golang.org/x/sync/errgroup"

	"aftercall/internal/tencent"
	"aftercall/workflows"
)

// WaitingParams choose calls that wait.
type WaitingParams struct {
	// App is empty for all apps.
	App string
	// Stage is empty for all stages.
	Stage workflows.Stage
	// Limit is the most calls to return, the oldest first.
	Limit int
}

// WaitingCall is a call that is not done.
type WaitingCall struct {
	App      string           `json:"app"`
	SDKAppID tencent.SDKAppID `json:"sdk_app_id"`
	CallID   string           `json:"call_id"`
	// Stage is where the call is; see workflows.Stage.
	Stage     workflows.Stage `json:"stage"`
	StartedAt time.Time       `json:"started_at"`
	// Since is when the call came into the stage; zero where no worker answers.
	Since time.Time `json:"since,omitzero"`
	// WaitingFor is what must happen before the call goes on, with the failure
	// that led to the wait.
	WaitingFor string `json:"waiting_for"`
	// Pending are the steps that are running or will be retried.
	Pending    []PendingActivity `json:"pending"`
	WorkflowID string            `json:"workflow_id"`
	Link       string            `json:"link,omitempty"`
	// Problem is why details are missing.
	Problem string `json:"problem,omitempty"`

	noRecord bool // it is in review because Tencent had no record
}

// Attempt returns the pending step that is retried next; nil if none is.
func (w WaitingCall) Attempt() *PendingActivity {
	if len(w.Pending) == 0 {
		return nil
	}
	next := slices.MinFunc(w.Pending, func(a, b PendingActivity) int { return a.NextAttemptAt.Compare(b.NextAttemptAt) })
	return &next
}

// detailsAtOnce is how many workflows are asked side by side.
const detailsAtOnce = 8

// Waiting returns the calls that are not done, the oldest first, and how many
// there are. Calls without details come with an error of kind Incomplete.
func (d *Deps) Waiting(ctx context.Context, p WaitingParams) (calls []WaitingCall, total int, err error) {
	if err := p.validate(); err != nil {
		return nil, 0, err
	}
	apps, err := d.Apps(p.App)
	if err != nil {
		return nil, 0, err
	}
	names := make(map[tencent.SDKAppID]string, len(apps))
	for _, app := range apps {
		names[app.SDKAppID] = app.Name
	}
	calls = []WaitingCall{}
	err = d.eachWorkflow(ctx, waitingQuery(p.Stage), func(e *workflowpb.WorkflowExecutionInfo) error {
		id, callID, ok := workflows.ParseAfterCallID(e.GetExecution().GetWorkflowId())
		name, configured := names[id]
		if !ok || (p.App != "" && !configured) {
			return nil
		}
		if !configured { // it was, when the call came
			name = keyword(e, workflows.AttributeApp.GetName())
		}
		calls = append(calls, WaitingCall{
			App: name, SDKAppID: id, CallID: callID, StartedAt: e.GetStartTime().AsTime(), Pending: []PendingActivity{},
			Stage:      cmp.Or(workflows.Stage(keyword(e, workflows.AttributeStage.GetName())), workflows.StageWaiting),
			WorkflowID: e.GetExecution().GetWorkflowId(), Link: d.link(e.GetExecution().GetWorkflowId(), e.GetExecution().GetRunId()),
		})
		return nil
	})
	if err != nil {
		return nil, 0, err
	}
	slices.SortStableFunc(calls, func(a, b WaitingCall) int { return a.StartedAt.Compare(b.StartedAt) })
	total = len(calls)
	calls = calls[:min(total, p.Limit)]
	return calls, total, d.readDetails(ctx, calls)
}

func (p WaitingParams) validate() error {
	if p.Stage != "" && !slices.Contains(workflows.WaitingStages, p.Stage) {
		return Errorf(Usage, "stages are: "+strings.Join(words(workflows.WaitingStages), ", "), "--stage: there is no stage %q", p.Stage)
	}
	if p.Limit < 1 {
		return Errorf(Usage, "", "--limit: must be 1 or more")
	}
	return nil
}

func waitingQuery(stage workflows.Stage) string {
	if stage != "" {
		return workflows.WaitingQuery(stage)
	}
	return fmt.Sprintf("WorkflowType = %q AND ExecutionStatus = 'Running'", workflows.AfterCallName)
}

// readDetails asks the workflows of calls, some side by side. When no worker
// answers for one in time, the rest are not asked: each would take as long.
func (d *Deps) readDetails(ctx context.Context, calls []WaitingCall) error {
	var silent atomic.Pointer[string]
	var group errgroup.Group
	group.SetLimit(detailsAtOnce)
	for i := range calls {
		group.Go(func() error {
			d.readDetail(ctx, &calls[i], &silent)
			return nil
		})
	}
	_ = group.Wait() // no function returns an error
	missing := 0
	problem := ""
	for _, c := range calls {
		if c.Problem != "" {
			missing++
			problem = c.Problem
		}
	}
	if missing > 0 {
		return Errorf(Incomplete, "start a worker: only it can answer for a workflow", "%d of %d calls are without details: %s", missing, len(calls), problem)
	}
	return nil
}

func (d *Deps) readDetail(ctx context.Context, call *WaitingCall, silent *atomic.Pointer[string]) {
	c, _, err := d.Temporal()
	if err != nil {
		call.Problem = err.Error()
		return
	}
	found, err := ask(ctx, func(ctx context.Context) (*workflowservice.DescribeWorkflowExecutionResponse, error) {
		return c.DescribeWorkflowExecution(ctx, call.WorkflowID, "")
	})
	if err != nil {
		call.Problem = d.temporalError(err).Error()
		return
	}
	call.Pending = d.pendingActivities(found)
	if problem := silent.Load(); problem != nil {
		call.Problem = *problem
		return
	}
	status, err := d.queryStatus(ctx, call.WorkflowID, "")
	if err != nil {
		call.Problem = "no worker answers: " + err.Error()
		if errors.Is(err, context.DeadlineExceeded) || errors.As(err, new(*serviceerror.DeadlineExceeded)) {
			silent.Store(&call.Problem)
		}
		return
	}
	if status != nil {
		call.use(status)
	}
}

// use takes the details from the call's workflow.
func (w *WaitingCall) use(s *workflows.Status) {
	w.Stage, w.Since, w.WaitingFor = s.Stage, s.Since, waitingFor(s)
	w.noRecord = s.Review != nil && s.Review.NoRecord
}

// waitingFor says what a call waits for in its stage.
func waitingFor(s *workflows.Status) string {
	switch {
	case s.Stage == workflows.StageReview && s.Review != nil:
		return "a decision: " + s.Review.Reason
	case s.WaitingFor != "":
		return s.WaitingFor
	}
	var targets []string
	for _, delivery := range s.Deliveries {
		if delivery.State == workflows.DeliveryWaiting {
			targets = append(targets, delivery.Target+": "+delivery.Reason)
		}
	}
	return strings.Join(targets, "; ")
}
