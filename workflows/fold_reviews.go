package workflows

import (
	"fmt"
	"strconv"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"aftercall/internal/notify"
	"aftercall/internal/shell"
	"aftercall/internal/tencent"
)

// FoldReviewsName is the registered name of the workflow FoldReviews.
const FoldReviewsName = "FoldReviews"

// SignalReview tells FoldReviews the CallId of a review that was opened.
const SignalReview = "review"

// ReviewWindow is how long reviews are counted before they are reported.
const ReviewWindow = 10 * time.Minute

// maxBurstExamples is how many CallIds the report names.
const maxBurstExamples = 5

// FoldReviewsID is the ID of FoldReviews for an app: one runs at a time.
func FoldReviewsID(app tencent.SDKAppID) string { return "reviews:" + app.String() + ":no-record" }

// FoldReviewsParams starts FoldReviews.
type FoldReviewsParams struct {
	SDKAppID tencent.SDKAppID `json:"sdk_app_id"`
	App      string           `json:"app"`
	// Window is how long reviews are counted before they are reported.
	Window time.Duration `json:"window"`
	// Number counts the windows that were reported. Reviews are those of the window so
	// far. A run continues as new with both.
	Number  int           `json:"number,omitempty"`
	Reviews FoldedReviews `json:"reviews,omitzero"`
}

// FoldedReviews are the reviews of a window.
type FoldedReviews struct {
	// From is the beginning of the window.
	From  time.Time `json:"from,omitzero"`
	Count int       `json:"count"`
	// Examples are the CallIds of the first ones.
	Examples []string `json:"examples,omitempty"`
}

// FoldReviewsResult is what was reported.
type FoldReviewsResult struct {
	// Reported is how many windows had reviews, and so an event.
	Reported int `json:"reported"`
}

// FoldReviewsOptions start FoldReviews, unless it runs.
func FoldReviewsOptions(p FoldReviewsParams, taskQueue string) client.StartWorkflowOptions {
	return client.StartWorkflowOptions{
		ID:                                       FoldReviewsID(p.SDKAppID),
		TaskQueue:                                taskQueue,
		WorkflowIDReusePolicy:                    enumspb.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE,
		WorkflowExecutionErrorWhenAlreadyStarted: true,
		StaticSummary:                            "Reviews of " + p.App + " without record",
		StaticDetails: fmt.Sprintf("The first review of a call that Tencent has no record of is reported at once. "+
			"Those that follow within %g minutes are counted, and reported in one message.", p.Window.Minutes()),
		TypedSearchAttributes: temporal.NewSearchAttributes(AttributeApp.ValueSet(p.App)),
	}
}

// FoldReviews counts the reviews of an app's calls without record that follow the one
// that started it, and reports them with one event at the end of each window. It
// completes after a window without any; the next review starts it again, and has a
// message of its own.
func FoldReviews(ctx workflow.Context, p FoldReviewsParams) (FoldReviewsResult, error) {
	f := &reviewFolder{FoldReviewsParams: p, signals: workflow.GetSignalChannel(ctx, SignalReview), seen: map[string]bool{}}
	for {
		if f.Reviews.From.IsZero() {
			f.Reviews.From = workflow.Now(ctx).UTC()
		}
		f.show(ctx)
		full, err := f.count(ctx)
		switch {
		case full:
			return FoldReviewsResult{}, workflow.NewContinueAsNewError(ctx, FoldReviewsName, f.FoldReviewsParams)
		case f.Reviews.Count == 0:
			return FoldReviewsResult{Reported: f.Number}, err
		}
		f.report(ctx)
		f.Number, f.Reviews = f.Number+1, FoldedReviews{}
		if err != nil {
			return FoldReviewsResult{Reported: f.Number}, err
		}
	}
}

// reviewFolder is one run of FoldReviews.
type reviewFolder struct {
	FoldReviewsParams
	signals workflow.ReceiveChannel
	// seen are the CallIds that this run has counted: one may be signaled again when
	// its activity is retried.
	seen map[string]bool
}

// count counts reviews until the window ends. full is set if the history has become
// too long before.
func (f *reviewFolder) count(ctx workflow.Context) (full bool, err error) {
	timerCtx, cancel := workflow.WithCancel(ctx)
	defer cancel()
	left := f.Reviews.From.Add(f.Window).Sub(workflow.Now(ctx))
	timer := workflow.NewTimerWithOptions(timerCtx, left, workflow.TimerOptions{Summary: "until the reviews are reported"})
	ended := false
	selector := workflow.NewSelector(ctx).
		AddFuture(timer, func(t workflow.Future) { ended, err = true, t.Get(ctx, nil) }).
		AddReceive(f.signals, func(workflow.ReceiveChannel, bool) {
			f.drain()
			f.show(ctx)
		})
	for !ended {
		if workflow.GetInfo(ctx).GetContinueAsNewSuggested() {
			f.drain()
			return true, nil
		}
		selector.Select(ctx)
	}
	f.drain()
	return false, err
}

// drain counts the reviews that were signaled.
func (f *reviewFolder) drain() {
	var callID string
	for f.signals.ReceiveAsync(&callID) {
		if f.seen[callID] {
			continue
		}
		f.seen[callID] = true
		f.Reviews.Count++
		if len(f.Reviews.Examples) < maxBurstExamples {
			f.Reviews.Examples = append(f.Reviews.Examples, callID)
		}
	}
}

// report sends one event about the reviews of the window to its subscribers.
func (f *reviewFolder) report(ctx workflow.Context) {
	token := workflow.GetInfo(ctx).FirstRunID + "-" + strconv.Itoa(f.Number)
	event := notify.Event{
		Type: notify.EventReviewBurst, Version: notify.EventVersion, Timestamp: workflow.Now(ctx).UTC(),
		Burst: &notify.BurstData{
			App: f.App, SDKAppID: f.SDKAppID, Reviews: f.Reviews.Count, Examples: f.Reviews.Examples, From: f.Reviews.From.UTC(), To: workflow.Now(ctx).UTC(),
			Command: shell.Command("aftercall review decide --all --reason-kind no-record --verdict waive --dry-run --operator NAME --reason TEXT --app", f.App),
		},
	}
	err := startDelivery(ctx, DeliverParams{Event: event, MessageID: notify.MessageID(f.SDKAppID, token, event.Type)}, token)
	if err != nil {
		workflow.GetLogger(ctx).Error("no target is notified of the reviews", "app", f.App, "reviews", f.Reviews.Count, "error", err)
	}
}

// show sets the reviews as the details on the workflow's page in the Web UI.
func (f *reviewFolder) show(ctx workflow.Context) {
	workflow.SetCurrentDetails(ctx, table([][2]string{
		{"Reviews to report", strconv.Itoa(f.Reviews.Count)},
		{"Since", formatTime(f.Reviews.From)},
		{"Reported at", formatTime(f.Reviews.From.Add(f.Window))},
		{"Windows before", strconv.Itoa(f.Number)},
	}))
}
