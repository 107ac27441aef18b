package ops

import (
	"context"
	"fmt"
	"slices"
	"time"

	"go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"
	"golang.org/x/sync/errgroup"

	"aftercall/internal/tencent"
	"aftercall/workflows"
)

// reviewQueries is how many workflows are queried at once.
const reviewQueries = 8

// Review is a call that waits for a person's decision.
type Review struct {
	CallID     string           `json:"call_id"`
	SDKAppID   tencent.SDKAppID `json:"sdk_app_id"`
	App        string           `json:"app"`
	WorkflowID string           `json:"workflow_id"`
	// Since is nil if the workflow did not answer.
	Since *time.Time `json:"since"`
	// Reason is why a person must decide.
	Reason string `json:"reason"`
	// NoRecord says that Tencent has no record of the call.
	NoRecord bool `json:"no_record"`
	// ClaimedCaller and Claimed are what the callback says of a call that Tencent
	// has not confirmed; both are empty otherwise.
	ClaimedCaller string `json:"claimed_caller"`
	Claimed       string `json:"claimed"`
	// Unreadable are the fields of the record that could not be read, and Raw is
	// Tencent's JSON, capped. It may contain accounts.
	Unreadable []tencent.FieldError `json:"unreadable,omitempty"`
	Raw        string               `json:"raw,omitempty"`
	// Summary describes the call as its record does.
	Summary string `json:"summary"`
	// Error is why the workflow could not be queried; empty if it answered.
	Error string `json:"error"`
}

// ListReviews returns the calls in review, the oldest first; an empty app means
// all apps. If a workflow does not answer, the calls are returned with an error.
func (d *Deps) ListReviews(ctx context.Context, app string) ([]Review, error) {
	var only tencent.SDKAppID
	if app != "" {
		found, err := d.App(app)
		if err != nil {
			return nil, err
		}
		only = found.SDKAppID
	}
	t, _, err := d.Temporal()
	if err != nil {
		return nil, err
	}
	reviews, err := openReviews(ctx, t, only)
	if err != nil {
		return nil, d.temporalError(err)
	}
	queryReviews(ctx, t, reviews)
	slices.SortStableFunc(reviews, func(a, b Review) int { return since(a).Compare(since(b)) })
	for _, r := range reviews {
		if r.Error != "" {
			return reviews, Errorf(Incomplete, "start a worker: only a worker answers for a workflow", "why call %s is in review is not known: %s", r.CallID, r.Error)
		}
	}
	return reviews, nil
}

// since is zero for a review whose workflow did not answer.
func since(r Review) time.Time {
	if r.Since == nil {
		return time.Time{}
	}
	return *r.Since
}

// openReviews lists the calls in review of one app, or of all if only is 0.
func openReviews(ctx context.Context, t client.Client, only tencent.SDKAppID) ([]Review, error) {
	ctx, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	reviews := []Review{}
	request := &workflowservice.ListWorkflowExecutionsRequest{Query: workflows.WaitingQuery(workflows.StageReview)}
	for {
		page, err := t.ListWorkflow(ctx, request)
		if err != nil {
			return nil, fmt.Errorf("list the calls in review: %w", err)
		}
		for _, info := range page.GetExecutions() {
			id := info.GetExecution().GetWorkflowId()
			app, callID, ok := workflows.ParseAfterCallID(id)
			if ok && (only == 0 || only == app) {
				reviews = append(reviews, Review{CallID: callID, SDKAppID: app, App: appOf(info), WorkflowID: id})
			}
		}
		if request.NextPageToken = page.GetNextPageToken(); len(request.NextPageToken) == 0 {
			return reviews, nil
		}
	}
}

// appOf is the name of a workflow's app, empty if it has none.
func appOf(info *workflow.WorkflowExecutionInfo) (name string) {
	payload := info.GetSearchAttributes().GetIndexedFields()[workflows.AttributeApp.GetName()]
	if err := converter.GetDefaultDataConverter().FromPayload(payload, &name); err != nil {
		return ""
	}
	return name
}

// queryReviews asks the workflows for their reasons, some at a time.
func queryReviews(ctx context.Context, t client.Client, reviews []Review) {
	var group errgroup.Group
	group.SetLimit(reviewQueries)
	for i := range reviews {
		group.Go(func() error {
			if err := reviews[i].query(ctx, t); err != nil {
				reviews[i].Error = err.Error()
			}
			return nil
		})
	}
	_ = group.Wait() // errors are in the reviews
}

func (r *Review) query(ctx context.Context, t client.Client) error {
	value, err := ask(ctx, func(ctx context.Context) (converter.EncodedValue, error) {
		return t.QueryWorkflow(ctx, r.WorkflowID, "", workflows.QueryStatus)
	})
	if err != nil {
		return err
	}
	var status workflows.Status
	if err := value.Get(&status); err != nil {
		return err
	}
	if status.Record != nil {
		r.Summary = status.Record.Summary
	}
	if review := status.Review; review != nil {
		r.Since, r.Reason, r.NoRecord = &review.Since, review.Reason, review.NoRecord
		r.Unreadable, r.Raw = review.Unreadable, review.Raw
		if claimed := review.Claimed; claimed != nil {
			r.ClaimedCaller, r.Claimed = claimed.Caller, claimed.Summary
		}
	}
	return nil
}
