package operator

import (
	"context"
	"errors"
	"fmt"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/temporal"

	"aftercall/internal/config"
	"aftercall/internal/dedupe"
	"aftercall/internal/ledger"
	"aftercall/internal/tencent"
	"aftercall/workflows"
)

// callReport is where a call stands.
type callReport struct {
	App      string           `json:"app"`
	SDKAppID tencent.SDKAppID `json:"sdk_app_id"`
	CallID   string           `json:"call_id"`
	// Redis is null when it could not be asked.
	Redis *redisReport `json:"redis"`
	// Workflow is null when there is none any more, or Temporal could not be asked.
	Workflow *workflowReport `json:"workflow"`
	Ledger   []ledgerReport  `json:"ledger"`
	// Deliveries are those beside the workflow's own: of corrections, and what
	// was sent again.
	Deliveries []deliveryReport `json:"deliveries"`
	// Problems are the parts that could not be asked.
	Problems []string `json:"problems"`

	temporalAnswers, ledgerAnswers bool
}

type redisReport struct {
	Known          bool  `json:"known"`
	Started        bool  `json:"started"`
	ExpiresSeconds int64 `json:"expires_seconds"`
}

type workflowReport struct {
	ID      string    `json:"id"`
	RunID   string    `json:"run_id"`
	State   string    `json:"state"`
	Source  string    `json:"source"`
	Started time.Time `json:"started"`
	Closed  time.Time `json:"closed,omitzero"`
	Link    string    `json:"link,omitempty"`
	// Status is null when no worker answers.
	Status *workflows.Status `json:"status"`
	// Pending are the steps that are tried again.
	Pending []pendingReport `json:"pending"`
	// Failure is why the workflow failed.
	Failure string `json:"failure,omitempty"`
}

type pendingReport struct {
	Activity string `json:"activity"`
	Attempt  int32  `json:"attempt"`
	// Next is when it is tried next; zero while it is being tried.
	Next        time.Time `json:"next,omitzero"`
	LastFailure string    `json:"last_failure,omitempty"`
}

type ledgerReport struct {
	Key           string    `json:"key"`
	Kind          string    `json:"kind"`
	Amount        string    `json:"amount"`
	Currency      string    `json:"currency"`
	BilledSeconds int64     `json:"billed_seconds"`
	Tariff        string    `json:"tariff"`
	BookedAt      time.Time `json:"booked_at"`
	Reason        string    `json:"reason,omitempty"`
	Operator      string    `json:"operator,omitempty"`

	sum string
}

func (r callReport) known() bool {
	return r.Workflow != nil || len(r.Ledger) > 0 || (r.Redis != nil && r.Redis.Known)
}

// look asks everybody about a call.
func (t *tools) look(ctx context.Context, app *config.App, callID string) callReport {
	r := callReport{App: app.Name, SDKAppID: app.SDKAppID, CallID: callID, Ledger: []ledgerReport{}, Deliveries: []deliveryReport{}, Problems: []string{}}
	problem := func(err error) { r.Problems = append(r.Problems, err.Error()) }

	seen, err := ask(ctx, func(ctx context.Context) (dedupe.State, error) {
		return dedupe.Lookup(ctx, t.redis, app.SDKAppID, callID)
	})
	if err != nil {
		problem(fmt.Errorf("Redis does not answer: %w", err)) //nolint:staticcheck // a name begins it
	} else {
		r.Redis = &redisReport{Known: seen.Found, Started: seen.Started, ExpiresSeconds: int64(seen.ExpiresIn.Seconds())}
	}
	if err := t.lookAtWorkflow(ctx, &r); err != nil {
		problem(err)
	}
	if r.temporalAnswers {
		if r.Deliveries, err = t.deliveries(ctx, app, callID); err != nil {
			problem(err)
		}
	}
	entries, err := t.entries(ctx, app, callID)
	if r.ledgerAnswers = err == nil; err != nil {
		problem(err)
	}
	for _, e := range entries {
		r.Ledger = append(r.Ledger, newLedgerReport(e))
	}
	return r
}

func newLedgerReport(e ledger.Entry) ledgerReport {
	return ledgerReport{
		Key: e.Key, Kind: string(e.Kind), Amount: e.Charge.Amount.Number(), Currency: e.Charge.Amount.CurrencyCode(),
		BilledSeconds: e.Charge.BilledSeconds, Tariff: e.Charge.Tariff.Name, BookedAt: e.CreatedAt,
		Reason: e.Reason, Operator: e.Operator, sum: sum(e),
	}
}

// lookAtWorkflow describes the call's workflow, if the namespace knows it.
func (t *tools) lookAtWorkflow(ctx context.Context, r *callReport) error {
	id := workflows.AfterCallID(r.SDKAppID, r.CallID)
	found, err := ask(ctx, func(ctx context.Context) (*workflowservice.DescribeWorkflowExecutionResponse, error) {
		return t.temporal.DescribeWorkflowExecution(ctx, id, "")
	})
	if errors.As(err, new(*serviceerror.NotFound)) {
		r.temporalAnswers = true
		return nil
	}
	if err != nil {
		return t.temporalError(err)
	}
	r.temporalAnswers = true
	info := found.GetWorkflowExecutionInfo()
	w := &workflowReport{
		ID: id, RunID: info.GetExecution().GetRunId(), State: state(info.GetStatus()), Source: source(info),
		Started: info.GetStartTime().AsTime(), Pending: []pendingReport{},
	}
	w.Link = t.link(id, w.RunID)
	if info.GetCloseTime() != nil {
		w.Closed = info.GetCloseTime().AsTime()
	}
	for _, a := range found.GetPendingActivities() {
		p := pendingReport{Activity: a.GetActivityType().GetName(), Attempt: a.GetAttempt()}
		if a.GetLastFailure() != nil {
			p.LastFailure = innermost(t.failures.FailureToError(a.GetLastFailure()))
		}
		if a.GetNextAttemptScheduleTime() != nil {
			p.Next = a.GetNextAttemptScheduleTime().AsTime()
		}
		w.Pending = append(w.Pending, p)
	}
	r.Workflow = w
	return t.lookInside(ctx, w, info.GetStatus())
}

// lookInside asks the workflow itself, which needs a worker.
func (t *tools) lookInside(ctx context.Context, w *workflowReport, status enumspb.WorkflowExecutionStatus) error {
	if status == enumspb.WORKFLOW_EXECUTION_STATUS_FAILED {
		ctx, cancel := context.WithTimeout(ctx, partTimeout)
		defer cancel()
		w.Failure = innermost(t.temporal.GetWorkflow(ctx, w.ID, w.RunID).Get(ctx, nil))
	}
	answer, err := t.status(ctx, w.ID, w.RunID)
	if err != nil {
		return fmt.Errorf("no worker says how far the workflow is: %w", err)
	}
	w.Status = answer
	return nil
}

func state(s enumspb.WorkflowExecutionStatus) string {
	switch s {
	case enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING:
		return "running"
	case enumspb.WORKFLOW_EXECUTION_STATUS_COMPLETED:
		return "completed"
	case enumspb.WORKFLOW_EXECUTION_STATUS_FAILED:
		return "failed"
	case enumspb.WORKFLOW_EXECUTION_STATUS_CANCELED:
		return "cancelled"
	case enumspb.WORKFLOW_EXECUTION_STATUS_TERMINATED:
		return "terminated"
	default:
		return s.String()
	}
}

// source is what started the workflow, empty if it does not say.
func source(info *workflow.WorkflowExecutionInfo) (s string) {
	payload := info.GetSearchAttributes().GetIndexedFields()[workflows.AttributeSource.GetName()]
	if err := converter.GetDefaultDataConverter().FromPayload(payload, &s); err != nil {
		return ""
	}
	return s
}

// innermost is the message that says what went wrong.
func innermost(err error) string {
	var appErr *temporal.ApplicationError
	if errors.As(err, &appErr) {
		return appErr.Message()
	}
	if err == nil {
		return ""
	}
	return err.Error()
}
