package ops

import (
	"context"
	"errors"
	"slices"
	"sync"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"
	"golang.org/x/sync/errgroup"

	"aftercall/internal/billing"
	"aftercall/workflows"
)

// ReasonKind is a kind of reasons for a review.
type ReasonKind string

// The kinds of reasons.
const (
	// ReasonNoRecord: Tencent has no record of the call.
	ReasonNoRecord ReasonKind = "no-record"
	// ReasonUnreadable: the record cannot be read completely.
	ReasonUnreadable ReasonKind = "unreadable"
	// ReasonRules: the record must not be charged blindly, or the tariff asks for a review.
	ReasonRules ReasonKind = "rules"
)

// Kind is the kind of the review's reason.
func (r Review) Kind() ReasonKind {
	switch {
	case r.NoRecord:
		return ReasonNoRecord
	case len(r.Unreadable) > 0:
		return ReasonUnreadable
	}
	return ReasonRules
}

// DecideAllParams choose reviews, and say what is decided about them.
type DecideAllParams struct {
	// App is empty for all apps, Kind for all kinds of reasons.
	App      string
	Kind     ReasonKind
	Decision workflows.DecideParams
	// DryRun only lists the calls.
	DryRun bool
	// Observe, if set, is called after each decision.
	Observe func(done, total int)
}

// DecidedOutcome is what became of a decision about one of many calls.
type DecidedOutcome string

// The outcomes.
const (
	OutcomeWouldDecide DecidedOutcome = "would_decide"
	OutcomeDecided     DecidedOutcome = "decided"
	// OutcomeRecordDecided: Tencent has a record by now, which decides instead.
	OutcomeRecordDecided DecidedOutcome = "record_decided"
	OutcomeNotDecided    DecidedOutcome = "not_decided"
)

// DecidedCall is a call that was decided among others.
type DecidedCall struct {
	App     string         `json:"app"`
	CallID  string         `json:"call_id"`
	Kind    ReasonKind     `json:"reason_kind"`
	Outcome DecidedOutcome `json:"outcome"`
	// Result is what was booked, null if nothing was.
	Result *workflows.DecideResult `json:"result"`
	// Detail is why the decision was not carried out.
	Detail string `json:"detail"`
}

// DecidedAll is the result of DecideAll.
type DecidedAll struct {
	DryRun bool `json:"dry_run"`
	// Decided, RecordDecided and NotDecided count the calls by outcome; the first
	// is what would be decided in a dry run.
	Decided       int           `json:"decided"`
	RecordDecided int           `json:"record_decided"`
	NotDecided    int           `json:"not_decided"`
	Calls         []DecidedCall `json:"calls"`
}

// DecideAll sends the same decision about all calls in review that the parameters
// choose. Each is decided on its own, so it can be repeated for the rest.
func (d *Deps) DecideAll(ctx context.Context, p DecideAllParams) (*DecidedAll, error) {
	if p.Decision.Verdict == billing.VerdictChargeAs {
		return nil, Errorf(Usage, "decide about each call on its own", "--all: every call has another time, so there is no charge-as for all")
	}
	if err := validateDecision(p.Decision); err != nil {
		return nil, err
	}
	t, _, err := d.Temporal()
	if err != nil {
		return nil, err
	}
	reviews, err := d.ListReviews(ctx, p.App)
	if reviews == nil {
		return nil, err
	}
	reviews = slices.DeleteFunc(reviews, func(r Review) bool { return r.Error != "" || (p.Kind != "" && r.Kind() != p.Kind) })
	result := &DecidedAll{DryRun: p.DryRun, Calls: make([]DecidedCall, len(reviews))}
	var group errgroup.Group
	group.SetLimit(reviewQueries)
	var mu sync.Mutex
	done := 0
	for i, review := range reviews {
		group.Go(func() error {
			result.Calls[i] = decideOne(ctx, t, review, p)
			mu.Lock()
			defer mu.Unlock()
			if done++; p.Observe != nil {
				p.Observe(done, len(reviews))
			}
			return nil
		})
	}
	_ = group.Wait() // no function returns an error
	result.count()
	if err == nil && result.NotDecided > 0 {
		err = Errorf(Refused, "see why in the list, and decide about these calls again", "%d of %d calls were not decided", result.NotDecided, len(reviews))
	}
	return result, err
}

func decideOne(ctx context.Context, t client.Client, review Review, p DecideAllParams) DecidedCall {
	call := DecidedCall{App: review.App, CallID: review.CallID, Kind: review.Kind(), Outcome: OutcomeWouldDecide}
	if p.DryRun {
		return call
	}
	result, err := decide(ctx, t, review.WorkflowID, p.Decision)
	var rejected *temporal.ApplicationError
	switch {
	case err == nil:
		call.Outcome, call.Result = OutcomeDecided, result
	case errors.As(err, &rejected) && rejected.Type() == workflows.RecordAppeared:
		call.Outcome, call.Detail = OutcomeRecordDecided, rejected.Message()
	default:
		call.Outcome, call.Detail = OutcomeNotDecided, decisionText(err)
	}
	return call
}

func decisionText(err error) string {
	var rejected *temporal.ApplicationError
	if errors.As(err, &rejected) {
		return rejected.Message()
	}
	return err.Error()
}

func (r *DecidedAll) count() {
	for _, c := range r.Calls {
		switch c.Outcome {
		case OutcomeRecordDecided:
			r.RecordDecided++
		case OutcomeNotDecided:
			r.NotDecided++
		default:
			r.Decided++
		}
	}
}
