package main

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"time"

	"go.temporal.io/api/workflowservice/v1"

	"aftercall/dev/faults/checker"
	"aftercall/dev/local"
	"aftercall/dev/tencentsim"
	"aftercall/internal/tencent"
	"aftercall/workflows"
)

// burst posts the callbacks of all calls at once, each on a connection of its own if the
// answers take long, and gives up on an answer after two seconds, as Tencent does.
func burst(ctx context.Context, r *run) error {
	if err := r.place(ctx, r.calls, true); err != nil {
		return err
	}
	began := time.Now()
	for _, call := range r.placed {
		if err := r.stack.Tencent.RepeatCallback(call.SDKAppID, call.Record.CallID, nil); err != nil {
			return err
		}
	}
	if err := r.stack.Tencent.Wait(ctx); err != nil {
		return err
	}
	a := answersTo(r.stack.Tencent.Calls())
	r.figure("answered OK", "%d", a.ok)
	r.figure("answered 503", "%d", a.unavailable)
	r.figure("other answers", "%d", a.others)
	r.figure("no answer within 2 s", "%d", a.none)
	r.figure("slowest answer at the sender, with its wait for a processor", "%d ms", a.slowestMS)
	r.findings = a.findings()
	within, all, err := r.answeredWithin(ctx, answerBudget)
	if err != nil {
		return err
	}
	r.figure("answered within 1.5 s at the starter", "%d of %d", within, all)
	if err := r.awaitCharged(ctx, r.calls); err != nil {
		return err
	}
	r.figure("all charged after, sweeps included", "%s", time.Since(began).Round(time.Second))
	return nil
}

// answers are those to the callbacks of calls, of which each has one.
type answers struct {
	ok, unavailable, others, none int
	slowestMS                     int64
}

func answersTo(calls []tencentsim.Call) (a answers) {
	for _, call := range calls {
		status := 0
		for _, posted := range call.Callbacks {
			status = posted.Status
			a.slowestMS = max(a.slowestMS, posted.LatencyMS)
		}
		switch status {
		case 0:
			a.none++
		case http.StatusOK:
			a.ok++
		case http.StatusServiceUnavailable:
			a.unavailable++
		default:
			a.others++
		}
	}
	return a
}

// findings are the answers that must not be: a callback is answered OK or 503, in time.
func (a answers) findings() (findings []checker.Finding) {
	if a.none > 0 {
		findings = append(findings, checker.Finding{Kind: unanswered, Text: fmt.Sprintf("%d callbacks had no answer within 2 s", a.none)})
	}
	if a.others > 0 {
		findings = append(findings, checker.Finding{Kind: unanswered, Text: fmt.Sprintf("%d callbacks had another answer than OK and 503", a.others)})
	}
	return findings
}

// unanswered is the kind of a finding about the answers of a burst.
const unanswered = "unanswered"

// answerBudget is the bucket of the starter's metric above its limit for an answer.
const answerBudget = 1.5

// answeredWithin counts callbacks by how long the starters took, by their metric.
func (r *run) answeredWithin(ctx context.Context, seconds float64) (within, all uint64, err error) {
	for _, port := range r.stack.Ports().StarterAdmins {
		families, err := local.Metrics(ctx, fmt.Sprintf("http://127.0.0.1:%d/metrics", port))
		if err != nil {
			return 0, 0, err
		}
		for _, m := range families["aftercall_callback_duration_seconds"].GetMetric() {
			all += m.GetHistogram().GetSampleCount()
			for _, bucket := range m.GetHistogram().GetBucket() {
				if bucket.GetUpperBound() == seconds {
					within += bucket.GetCumulativeCount()
				}
			}
		}
	}
	return within, all, nil
}

// accepted counts the calls of which a callback was answered OK.
func accepted(calls []tencentsim.Call) (n int) {
	for _, call := range calls {
		if slices.ContainsFunc(call.Callbacks, func(p tencentsim.PostedCallback) bool { return p.Status == http.StatusOK }) {
			n++
		}
	}
	return n
}

// waiting lets all calls end while the record API fails, and then lets it work again.
func waiting(ctx context.Context, r *run) error {
	if err := r.stack.Tencent.AddAPIFault(tencentsim.APIFault{Code: tencent.CodeInternal}); err != nil {
		return err
	}
	if err := r.place(ctx, r.calls, false); err != nil {
		return err
	}
	began := time.Now()
	if err := r.stack.Tencent.Wait(ctx); err != nil {
		return err
	}
	// The sweep cannot find the others before the record API lists records again.
	expected := accepted(r.stack.Tencent.Calls())
	if err := r.await(ctx, time.Second, func() (string, bool, error) {
		open, err := r.stack.Temporal.CountWorkflow(ctx, &workflowservice.CountWorkflowExecutionsRequest{Query: workflows.WaitingQuery(workflows.StageRecord)})
		return fmt.Sprintf("%d of %d calls wait", open.GetCount(), expected), err == nil && int(open.GetCount()) >= expected, nil
	}); err != nil {
		return err
	}
	r.figure("all wait after the last of them had ended", "%s", time.Since(began).Round(time.Second))
	r.figure("callbacks refused meanwhile, whose calls the sweep finds", "%d", r.calls-expected)
	if err := r.stack.Tencent.ClearFaults(); err != nil {
		return err
	}
	healed := time.Now()
	if err := r.awaitCharged(ctx, r.calls); err != nil {
		return err
	}
	took := time.Since(healed)
	r.figure("all charged after the record API worked again", "%s", took.Round(time.Second))
	r.figure("charged", "%.0f calls/s", float64(r.calls)/took.Seconds())
	return nil
}
