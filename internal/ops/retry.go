package ops

import (
	"cmp"
	"context"
	"errors"
	"math"
	"slices"
	"strings"

	commonpb "go.temporal.io/api/common/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflowservice/v1"
	"golang.org/x/sync/errgroup"

	"aftercall/internal/shell"
	"aftercall/workflows"
)

// RetryParams choose calls that wait, to be tried now.
type RetryParams struct {
	// CallID is one call, All are all that the other fields choose.
	CallID string
	All    bool
	// App is empty for all apps, Stage for all stages.
	App   string
	Stage workflows.Stage
	// Reason is a text in what a call waits for or in a failure; empty for any.
	Reason string
	// DryRun only lists the calls.
	DryRun bool
}

// RetryOutcome is what became of one call.
type RetryOutcome string

// The outcomes.
const (
	OutcomeWouldRetry RetryOutcome = "would_retry"
	OutcomeRetried    RetryOutcome = "retried"
	// OutcomeNotRetried: nothing of the call can be tried earlier.
	OutcomeNotRetried RetryOutcome = "not_retried"
	// OutcomeRetryFailed: Temporal refused, or did not answer.
	OutcomeRetryFailed RetryOutcome = "failed"
)

// RetriedCall is a call that waits, and what was done about it.
type RetriedCall struct {
	App     string          `json:"app"`
	CallID  string          `json:"call_id"`
	Stage   workflows.Stage `json:"stage"`
	Outcome RetryOutcome    `json:"outcome"`
	// Steps are the activities that are tried now, and Rechecked that the record of a
	// call in review is looked for again.
	Steps     []string `json:"steps"`
	Rechecked bool     `json:"rechecked"`
	// WaitingFor is what the call waits for.
	WaitingFor string `json:"waiting_for"`
	// Detail is why nothing was done.
	Detail string `json:"detail"`
}

// RetriedAll is the result of Retry.
type RetriedAll struct {
	DryRun bool `json:"dry_run"`
	// Retried, NotRetried and Failed count the calls by outcome; the first is what
	// would be retried in a dry run.
	Retried    int           `json:"retried"`
	NotRetried int           `json:"not_retried"`
	Failed     int           `json:"failed"`
	Calls      []RetriedCall `json:"calls"`
}

// Retry makes calls that wait for their next attempt try again now. It decides
// nothing and repeats nothing that was accepted: an attempt comes earlier than it
// would have come anyway, and if it fails, the delays grow from the beginning.
func (d *Deps) Retry(ctx context.Context, p RetryParams) (*RetriedAll, error) {
	if err := p.validate(); err != nil {
		return nil, err
	}
	waiting, err := d.toRetry(ctx, p)
	if waiting == nil {
		return nil, err
	}
	waiting = slices.DeleteFunc(waiting, func(call WaitingCall) bool { return !p.concerns(call) })
	result := &RetriedAll{DryRun: p.DryRun, Calls: make([]RetriedCall, len(waiting))}
	var group errgroup.Group
	group.SetLimit(detailsAtOnce)
	for i, call := range waiting {
		group.Go(func() error {
			result.Calls[i] = d.retryCall(ctx, call, p.DryRun)
			return nil
		})
	}
	_ = group.Wait() // no function returns an error
	result.count()
	return result, cmp.Or(result.problem(p), err)
}

func (p RetryParams) validate() error {
	if err := (WaitingParams{Stage: p.Stage, Limit: math.MaxInt}).validate(); err != nil {
		return err
	}
	switch {
	case p.CallID == "" && !p.All:
		return Errorf(Usage, "aftercall waiting lists the calls that wait", "give a CALLID or --all")
	case p.CallID != "" && p.All:
		return Errorf(Usage, "leave one of them out", "CALLID and --all exclude each other")
	case p.CallID != "" && (p.Stage != "" || p.Reason != ""):
		return Errorf(Usage, "", "--stage and --reason are for --all")
	case p.CallID != "":
		return validateCallID(p.CallID)
	}
	return nil
}

// concerns reports whether the reason chooses a call. What is not known of a call is
// no reason to leave it out.
func (p RetryParams) concerns(call WaitingCall) bool {
	contains := func(text string) bool { return strings.Contains(strings.ToLower(text), strings.ToLower(p.Reason)) }
	return contains(call.WaitingFor) || slices.ContainsFunc(call.Pending, func(a PendingActivity) bool { return contains(a.LastFailure) })
}

// toRetry returns the calls that the parameters choose, but for the reason.
func (d *Deps) toRetry(ctx context.Context, p RetryParams) ([]WaitingCall, error) {
	if p.All {
		calls, _, err := d.Waiting(ctx, WaitingParams{App: p.App, Stage: p.Stage, Limit: math.MaxInt})
		return calls, err
	}
	status, err := d.Call(ctx, p.CallID, p.App)
	switch {
	case status == nil:
		return nil, err
	case !status.TemporalAnswered:
		return nil, Errorf(Failed, checkCure, "nothing was retried: %s", strings.Join(status.Problems, "; "))
	case status.Workflow == nil || status.Workflow.State != "running":
		return nil, Errorf(Refused, shell.Command("aftercall call", p.CallID)+" says where it is", "call %s of %s does not wait: %s", p.CallID, status.App, status.Summary)
	}
	w := status.Workflow
	call := WaitingCall{App: status.App, SDKAppID: status.SDKAppID, CallID: p.CallID, Stage: workflows.StageWaiting, WorkflowID: w.WorkflowID, Pending: w.Pending}
	if w.Status != nil {
		call.use(w.Status)
	} else {
		call.Problem = strings.Join(status.Problems, "; ")
	}
	return []WaitingCall{call}, nil
}

// retryable returns what of a call can be tried now: steps that wait for their next
// attempt, and the look for the record of a call that is in review for lack of one.
// detail says why there is nothing.
func (w WaitingCall) retryable() (steps []PendingActivity, recheck bool, detail string) {
	for _, step := range w.Pending {
		if !step.NextAttemptAt.IsZero() {
			steps = append(steps, step)
		}
	}
	recheck = w.Stage == workflows.StageReview && w.noRecord
	switch {
	case len(steps) > 0 || recheck:
		return steps, recheck, ""
	case len(w.Pending) > 0:
		return nil, false, "an attempt of " + w.Pending[0].Activity + " is under way, or waits for a worker"
	case w.Problem != "":
		return nil, false, w.Problem
	case w.Stage == workflows.StageReview:
		return nil, false, "it waits for a person's decision: see aftercall review list"
	case w.Stage != workflows.StageWaiting && w.WaitingFor != "":
		return nil, false, "the delay before a second attempt cannot be cut short"
	}
	return nil, false, "no attempt has failed yet"
}

func (d *Deps) retryCall(ctx context.Context, call WaitingCall, dryRun bool) RetriedCall {
	steps, recheck, detail := call.retryable()
	r := RetriedCall{
		App: call.App, CallID: call.CallID, Stage: call.Stage, WaitingFor: call.WaitingFor, Steps: []string{},
		Outcome: OutcomeNotRetried, Rechecked: recheck && !dryRun, Detail: detail,
	}
	if detail != "" {
		return r
	}
	for _, step := range steps {
		r.Steps = append(r.Steps, step.Activity)
	}
	if dryRun {
		r.Outcome = OutcomeWouldRetry
		return r
	}
	r.Outcome = OutcomeRetried
	if err := d.tryNow(ctx, call, steps, recheck); err != nil {
		r.Outcome, r.Rechecked, r.Detail = OutcomeRetryFailed, false, d.temporalError(err).Error()
	}
	return r
}

// tryNow ends the delay before the next attempt of steps. What has ended meanwhile
// needs no attempt.
func (d *Deps) tryNow(ctx context.Context, call WaitingCall, steps []PendingActivity, recheck bool) error {
	c, namespace, err := d.Temporal()
	if err != nil {
		return err
	}
	for _, step := range steps {
		_, err := ask(ctx, func(ctx context.Context) (*workflowservice.ResetActivityResponse, error) {
			return c.WorkflowService().ResetActivity(ctx, &workflowservice.ResetActivityRequest{
				Namespace: namespace, Execution: &commonpb.WorkflowExecution{WorkflowId: call.WorkflowID},
				Activity: &workflowservice.ResetActivityRequest_Id{Id: step.id}, KeepPaused: true,
			})
		})
		if err != nil && !errors.As(err, new(*serviceerror.NotFound)) {
			return err
		}
	}
	if !recheck {
		return nil
	}
	calls, err := d.starts()
	if err != nil {
		return err
	}
	_, err = ask(ctx, func(ctx context.Context) (struct{}, error) {
		return struct{}{}, calls.Recheck(ctx, call.SDKAppID, call.CallID)
	})
	return err
}

func (r *RetriedAll) count() {
	for _, call := range r.Calls {
		switch call.Outcome {
		case OutcomeNotRetried:
			r.NotRetried++
		case OutcomeRetryFailed:
			r.Failed++
		default:
			r.Retried++
		}
	}
}

// problem is what went wrong. That one of all calls cannot be tried earlier is not.
func (r *RetriedAll) problem(p RetryParams) error {
	if r.Failed > 0 {
		i := slices.IndexFunc(r.Calls, func(c RetriedCall) bool { return c.Outcome == OutcomeRetryFailed })
		return Errorf(Failed, "run the same command again: it is safe to repeat", "%d of %d calls could not be retried: %s", r.Failed, len(r.Calls), r.Calls[i].Detail)
	}
	if p.CallID != "" && r.NotRetried > 0 {
		return Errorf(Refused, "", "call %s was not retried: %s", p.CallID, r.Calls[0].Detail)
	}
	return nil
}
