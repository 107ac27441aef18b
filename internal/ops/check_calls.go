package ops

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflowservice/v1"

	"aftercall/activities"
	"aftercall/internal/config"
	"aftercall/internal/presence"
	"aftercall/starter/callback"
	"aftercall/workflows"
)

const (
	// answersMinutes is how far back probeAnswers looks.
	answersMinutes = 15
	// stuckAfter is how long a call may be in a stage in which it needs no one, as in
	// the alert AftercallOldestCallTooOld.
	stuckAfter = 15 * time.Minute
)

// probeAnswers looks at how the callbacks of an app were answered lately.
func probeAnswers(ctx context.Context, d *Deps, app *config.App) (string, error) {
	_, guard, err := d.Redis()
	if err != nil {
		return "", err
	}
	minutes, err := presence.Answers(ctx, guard, answersMinutes)
	if err != nil {
		return "", cannotTell("try again in some seconds", "Redis does not say: %w", err)
	}
	return judgeAnswers(minutes, app.Name)
}

// tally counts how the callbacks of an app were answered.
type tally struct {
	accepted int64
	// unsigned had the wrong signature, unsignedSince those after the minute in which a
	// callback was last accepted.
	unsigned, unsignedSince int64
	// unavailable could not be started, because Temporal did not answer.
	unavailable int64
	other       map[string]int64
}

// add counts one more minute.
func (t *tally) add(minute map[presence.Answer]int64, app string) {
	before := t.accepted
	for a, n := range minute {
		switch {
		case a.App != app || a.Outcome == callback.AnswerProbe:
		case a.Outcome == callback.AnswerConflict:
			t.other["differed from the first callback of their call"] += n
		case a.Outcome == callback.AnswerRefused || a.Outcome == callback.AnswerUnavailable:
			t.other[fmt.Sprintf("answered %d", a.Status)] += n
			switch {
			case a.Outcome == callback.AnswerUnavailable:
				t.unavailable += n
			case a.Status == http.StatusUnauthorized:
				t.unsigned, t.unsignedSince = t.unsigned+n, t.unsignedSince+n
			}
		default:
			t.accepted += n
		}
	}
	if t.accepted > before {
		t.unsignedSince = 0
	}
}

// judgeAnswers judges how the callbacks of an app were answered in the last minutes, the
// current one at the end.
func judgeAnswers(minutes []map[presence.Answer]int64, app string) (string, error) {
	t := tally{other: map[string]int64{}}
	for _, minute := range minutes {
		t.add(minute, app)
	}
	found := fmt.Sprintf("%d callbacks accepted in the last %d minutes", t.accepted, len(minutes))
	if len(t.other) == 0 {
		return found + ", none refused", nil
	}
	found += "; " + counted(t.other)
	switch {
	case t.unsignedSince > 0:
		if t.accepted > 0 {
			found += ", and none accepted since"
		}
		return "", Errorf(Failed, "make apps[].callback.token the one in Tencent's console, and restart the starters; the sweep starts the calls that were missed", "%s", found)
	case t.unavailable > 0:
		return "", warn("Temporal did not answer a starter in time: see “Temporal” in the starter's log; the sweep starts the calls that were missed", "%s", found)
	case t.accepted == 0:
		return "", warn("look for “callback refused” in the starter's log; docs/callback.md says what each status means", "%s", found)
	case t.unsigned > 0:
		return "", warn("if these are Tencent's, apps[].callback.token is not the one in its console: correct it and restart the starters; otherwise someone else knows the URL", "%s", found)
	}
	return "", warn("look for “callback refused” and “conflict” in the starter's log: someone else may know the URL", "%s", found)
}

// counted lists counts, the largest first.
func counted(counts map[string]int64) string {
	type count struct {
		words string
		n     int64
	}
	var all []count
	for words, n := range counts {
		all = append(all, count{words, n})
	}
	slices.SortFunc(all, func(a, b count) int { return cmp.Or(cmp.Compare(b.n, a.n), cmp.Compare(a.words, b.words)) })
	lines := make([]string, len(all))
	for i, c := range all {
		lines[i] = fmt.Sprintf("%d %s", c.n, c.words)
	}
	return strings.Join(lines, ", ")
}

// probeCalls looks for calls that have waited for too long, although all that they
// need is there, and for those that the tariff has no version for.
func probeCalls(ctx context.Context, d *Deps, app *config.App) (string, error) {
	ofApp := fmt.Sprintf(" AND %s = '%s'", workflows.AttributeApp.GetName(), app.Name)
	startedBefore := func(at time.Time) string { return " AND StartTime < '" + at.UTC().Format(time.RFC3339) + "'" }
	open, err := d.countWorkflows(ctx, waitingQuery("")+ofApp)
	if err != nil {
		return "", err
	}
	if err := d.callsInGaps(ctx, app, waitingQuery("")+ofApp); err != nil {
		return "", err
	}
	if err := d.refusedRecords(ctx, workflows.WaitingQuery(workflows.StageRecord)+ofApp); err != nil {
		return "", err
	}
	var failed, slow []string
	for _, stage := range []workflows.Stage{workflows.StageWaiting, workflows.StageCharge, workflows.StageRecord} {
		n, err := d.countWorkflows(ctx, workflows.WaitingQuery(stage)+ofApp+startedBefore(d.now(ctx).Add(-stuckAfter)))
		switch {
		case err != nil:
			return "", err
		case n > 0 && stage == workflows.StageRecord:
			slow = append(slow, fmt.Sprintf("%d in stage %s", n, stage))
		case n > 0:
			failed = append(failed, fmt.Sprintf("%d in stage %s", n, stage))
		}
	}
	found := fmt.Sprintf("%d are not done, for more than %d minutes: %s", open, int(stuckAfter.Minutes()), strings.Join(append(failed, slow...), ", "))
	cure := "aftercall waiting --app " + app.Name + " says for what they wait; the worker's log has the failures"
	switch {
	case len(failed) > 0:
		return "", Errorf(Failed, cure, "%s", found)
	case len(slow) > 0:
		return "", warn(cure, "%s", found)
	}
	return fmt.Sprintf("%d are not done, none for longer than it should take", open), nil
}

// refusedShown is how many of the calls that wait for their record are looked at.
const refusedShown = 5

// refusedRecords reports open calls whose record Tencent refuses to a worker: probeCalls
// needs that it answers this command, so their configurations differ. query selects calls
// in stage record.
func (d *Deps) refusedRecords(ctx context.Context, query string) error {
	c, _, err := d.Temporal()
	if err != nil {
		return err
	}
	page, err := ask(ctx, func(ctx context.Context) (*workflowservice.ListWorkflowExecutionsResponse, error) {
		return c.ListWorkflow(ctx, &workflowservice.ListWorkflowExecutionsRequest{Query: query, PageSize: refusedShown})
	})
	if err != nil {
		return d.temporalError(err)
	}
	for _, e := range page.GetExecutions() {
		status, err := d.queryStatus(ctx, e.GetExecution().GetWorkflowId(), e.GetExecution().GetRunId())
		switch {
		case errors.As(err, new(*serviceerror.NotFound)) || errors.As(err, new(*serviceerror.QueryFailed)):
			continue // it has just ended
		case err != nil:
			return cannotTell(noAnswerCure, "no worker answers for %s: %w", e.GetExecution().GetWorkflowId(), err)
		case status != nil && status.WaitingType == activities.RecordAPIRefused:
			return Errorf(Failed, "Tencent answers this command: compare secret_key, administrator and api of the app in the workers' configuration with those here, and restart the workers",
				"calls wait for %s", status.WaitingFor)
		}
	}
	return nil
}

// callsInGaps reports open calls that ended while no version of their tariff was in
// force. query selects the open calls of the app.
func (d *Deps) callsInGaps(ctx context.Context, app *config.App, query string) error {
	rater, err := app.Rater()
	if err != nil {
		return err
	}
	for _, gap := range rater.Gaps() {
		// A call ends before its workflow is started.
		in := query + " AND StartTime < '" + gap.To.Format(time.RFC3339) + "'"
		if !gap.From.IsZero() {
			in += " AND StartTime >= '" + gap.From.Format(time.RFC3339) + "'"
		}
		n, err := d.countWorkflows(ctx, in)
		if err != nil {
			return err
		}
		if n > 0 {
			return Errorf(Failed, "add one with an earlier effective_from, and restart the workers; until then these calls go to review",
				"%d open calls ended before %s, and %s", n, gap.To.Format(time.RFC3339), gap)
		}
	}
	return nil
}
