package simulation

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"

	"aftercall/dev/faults/checker"
	"aftercall/dev/simulation/servermodel"
	"aftercall/internal/billing"
	"aftercall/internal/sweep"
	"aftercall/internal/tencent"
	"aftercall/workflows"
)

// patience is how long an operator waits for an answer.
const patience = 20 * time.Second

// decideAll decides about every call that is in review.
func (w *World) decideAll(round string) {
	var waiting []*call
	for _, wf := range w.temporal.Workflows() {
		app, callID, ok := workflows.ParseAfterCallID(wf.ID)
		if !ok || wf.Status != enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING || stageOf(wf) != string(workflows.StageReview) {
			continue
		}
		if c := w.find(app, callID); c != nil {
			waiting = append(waiting, c)
		} else {
			w.problem("a call is in review that never was: " + wf.ID)
		}
	}
	slices.SortFunc(waiting, func(a, b *call) int { return strings.Compare(a.key(), b.key()) })
	for i, c := range waiting {
		w.agenda.After(time.Duration(i+1)*time.Second, "decide "+c.key(), func() { go w.decide(c, round) })
	}
}

func (w *World) find(app tencent.SDKAppID, callID string) *call {
	w.mu.Lock()
	defer w.mu.Unlock()
	i := slices.IndexFunc(w.calls, func(c *call) bool { return c.app == app && c.id == callID })
	if i < 0 {
		return nil
	}
	return w.calls[i]
}

// decide is a person's decision about one call, who knows how long it was.
func (w *World) decide(c *call, round string) {
	d := c.decide(w.plan.random("decision", round, c.key()))
	d.By, d.Reason = "operator", "decision "+round+" about "+c.id
	w.mu.Lock()
	w.decisions = append(w.decisions, checker.Decision{
		App: c.name, CallID: c.id, Reason: d.Reason, Verdict: string(d.Verdict), Seconds: d.ConnectedSeconds,
		Media: string(d.MediaType), Type: string(d.CallType), Payer: d.Payer, EndedAt: unixOrZero(d.EndedAt),
	})
	w.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	handle, err := w.process.temporal.UpdateWorkflow(ctx, client.UpdateWorkflowOptions{
		WorkflowID: workflows.AfterCallID(c.app, c.id), UpdateName: workflows.UpdateDecide, Args: []any{d}, WaitForStage: client.WorkflowUpdateStageCompleted,
		UpdateID: round + " " + c.id,
	})
	if err == nil {
		err = handle.Get(ctx, nil)
	}
	w.trace.add(c.id, "decided %s %d s: %v", d.Verdict, d.ConnectedSeconds, err)
}

func unixOrZero(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.Unix()
}

// decide draws a verdict whose price is known whatever the callbacks said: a result that
// cannot be read is that of a callback.
func (c *call) decide(random *rand.Rand) (d workflows.DecideParams) {
	d.Verdict = billing.VerdictWaive
	var odd string
	if c.odd {
		if len(c.spec.OddRecord) == 0 { // a callback has made the call up
			return d
		}
		odd = c.spec.OddRecord[0].Field
	}
	switch chargeAs := random.IntN(2) == 0; {
	case odd == "CallResult", !c.recorded && c.spec.OddCallback != nil:
	case chargeAs:
		d.Verdict, d.ConnectedSeconds, d.MediaType, d.CallType = billing.VerdictChargeAs, int64(1+random.IntN(4000)), c.spec.Media, c.record.CallType
		if !c.recorded || odd == "EndTime" {
			d.EndedAt = c.record.EndedAt()
		}
	case c.recorded && !c.odd && c.record.ConnectedSeconds() > 0 && random.IntN(2) == 0:
		d.Verdict, d.MediaType, d.CallType = billing.VerdictCharge, c.spec.Media, c.record.CallType
	}
	if d.Verdict != billing.VerdictWaive && (c.record.Caller == "" || !c.recorded) {
		d.Payer = "somebody"
	}
	return d
}

// reset starts the workflow of a call again from its beginning, as an operator can.
func (w *World) reset(c *call) {
	if w.temporal.ResetToFirstTask(workflows.AfterCallID(c.app, c.id)) {
		w.plan.happened(Reset)
	}
}

// sweep starts a sweep as the schedule does.
func (w *World) sweep(app int) {
	a := w.config.Apps[app]
	params := workflows.SweepParams{SDKAppID: a.SDKAppID, App: a.Name}
	if err := w.temporal.Schedule(workflows.SweepID(a.SDKAppID), workflows.SweepName, taskQueue, params, workflows.SweepRunTimeout); err != nil {
		w.problem("a sweep could not be started: " + err.Error())
	}
}

// backfill lists a range again, while sweeps go on.
func (w *World) backfill(app int, length time.Duration) {
	a := w.config.Apps[app]
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	w.overlaps(Backfill, app)
	now := time.Now()
	_, attached, err := w.process.tasks.Calls.Backfill(ctx, workflows.SweepParams{
		SDKAppID: a.SDKAppID, App: a.Name, TimeRange: &sweep.Window{From: now.Add(-length).Truncate(time.Second), To: now.Truncate(time.Second)},
	})
	w.trace.add(a.Name, "backfill of the last %s: attached %t, %v", length, attached, err)
}

// secondSweep starts a sweep without looking whether one runs.
func (w *World) secondSweep(app int) {
	a := w.config.Apps[app]
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	w.overlaps(SecondSweep, app)
	_, err := w.process.temporal.ExecuteWorkflow(ctx, client.StartWorkflowOptions{
		ID: fmt.Sprintf("second-%s-%d", workflows.SweepID(a.SDKAppID), time.Now().UnixNano()), TaskQueue: taskQueue, WorkflowRunTimeout: workflows.SweepRunTimeout,
	}, workflows.SweepName, workflows.SweepParams{SDKAppID: a.SDKAppID, App: a.Name})
	w.trace.add(a.Name, "a second sweep: %v", err)
}

// overlaps counts a fault if a sweep of the app runs now.
func (w *World) overlaps(fault Fault, app int) {
	prefix := workflows.SweepID(w.config.Apps[app].SDKAppID) + "-"
	if slices.ContainsFunc(w.temporal.Workflows(), func(wf servermodel.Workflow) bool {
		return wf.Status == enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING && strings.HasPrefix(wf.ID, prefix)
	}) {
		w.plan.happened(fault)
	}
}
