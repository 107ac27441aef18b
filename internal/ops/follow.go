package ops

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"aftercall/internal/notify"
	"aftercall/internal/shell"
	"aftercall/workflows"
)

// followInterval is how often a call that is followed is looked up.
const followInterval = time.Second

// CallStage is where a call that is followed is.
type CallStage struct {
	Stage workflows.Stage
	// Since is when it came there; zero if that is not known.
	Since time.Time
	// WaitingFor is what must happen before the call goes on.
	WaitingFor string
	// Problem is why the stage is not known.
	Problem string
}

// FollowParams choose a call to follow.
type FollowParams struct {
	CallID string
	// App is empty for all apps.
	App string
	// Timeout is how long to follow at most; 0 is without limit.
	Timeout time.Duration
	// Observe is called with each stage.
	Observe func(CallStage)
}

// Follow looks a call up until it is done, the time is over or ctx ends, and returns
// the last status. The error says how the call ended, if not as it should: of kind
// Refused if it was not charged or a target was not notified, Failed if it was not
// done in time, and Incomplete if that is not known.
func (d *Deps) Follow(ctx context.Context, p FollowParams) (*CallStatus, error) {
	if p.Timeout < 0 {
		return nil, Errorf(Usage, "", "--timeout: must be more than 0")
	}
	if p.Timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, p.Timeout)
		defer cancel()
	}
	return follow(ctx, p.CallID, followInterval, p.Observe, func(ctx context.Context) (*CallStatus, error) { return d.Call(ctx, p.CallID, p.App) })
}

func follow(
	ctx context.Context, callID string, interval time.Duration, observe func(CallStage), look func(context.Context) (*CallStatus, error),
) (last *CallStatus, problem error) {
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	var shown CallStage
	for ctx.Err() == nil {
		status, err := look(ctx)
		if ctx.Err() != nil {
			break // what was asked last had no time to answer
		}
		if status == nil && kindOf(err) != Incomplete {
			return nil, err
		}
		last, problem = status, err
		if stage := status.stage(err); stage != shown {
			shown = stage
			observe(stage)
		}
		if done, err := status.ended(); done {
			return status, err
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
		}
	}
	return last, stopped(callID, last, problem)
}

// stopped says where a call is that is not followed any more.
func stopped(callID string, last *CallStatus, problem error) error {
	const cure = "the call goes on; the same command follows it again"
	switch {
	case last != nil && last.TemporalAnswered:
		return Errorf(Failed, cure, "stopped following call %s: it is not done: %s", callID, last.Summary)
	case last != nil:
		return Errorf(Incomplete, checkCure, "stopped following call %s: %s", callID, strings.Join(last.Problems, "; "))
	case problem != nil:
		return Errorf(Incomplete, checkCure, "stopped following call %s: %w", callID, problem)
	}
	return Errorf(Incomplete, cure, "stopped following call %s before anything answered", callID)
}

// stage says where the call is. s is nil if no system that answers knows it, which
// is what err says.
func (s *CallStatus) stage(err error) CallStage {
	switch {
	case s == nil:
		return CallStage{Problem: err.Error()}
	case s.Workflow != nil && s.Workflow.Status != nil:
		status := s.Workflow.Status
		return CallStage{Stage: status.Stage, Since: status.Since, WaitingFor: waitingFor(status)}
	case len(s.Problems) > 0:
		return CallStage{Problem: strings.Join(s.Problems, "; ")}
	case len(s.Ledger) > 0:
		return CallStage{Stage: workflows.StageDone}
	}
	return CallStage{Stage: workflows.StageWaiting}
}

// ended reports whether nothing happens to the call any more by itself. The error
// says what went wrong.
func (s *CallStatus) ended() (done bool, err error) {
	if s == nil || !s.settled() {
		return false, nil
	}
	if strings.HasPrefix(s.Summary, "NOT ") {
		return true, Errorf(Refused, "", "call %s of %s: %s", s.CallID, s.App, s.Summary)
	}
	var failures []string
	for _, delivery := range s.undelivered() {
		failures = append(failures, fmt.Sprintf("%s was not notified: %s", delivery.Target, delivery.Reason))
	}
	if len(failures) > 0 {
		return true, Errorf(Refused, "fix the target, and send it again: "+shell.Command("aftercall resend", s.CallID),
			"call %s of %s is in the ledger, but %s", s.CallID, s.App, strings.Join(failures, "; "))
	}
	return true, nil
}

// settled reports whether the call's workflow has ended, and all that tells how is known.
func (s *CallStatus) settled() bool {
	switch w := s.Workflow; {
	case !s.TemporalAnswered || s.Ledger == nil:
		return false
	case w == nil && len(s.Ledger) == 0:
		return s.Redis != nil && s.Redis.Started // otherwise it is being started
	case w == nil:
		return true
	case w.State == "completed":
		return w.Status != nil
	default:
		return w.State != "running"
	}
}

// undelivered returns the deliveries of the call's workflow that have failed, and
// were not made up for by a later workflow.
func (s *CallStatus) undelivered() (failed []workflows.DeliveryStatus) {
	if s.Workflow == nil || s.Workflow.Status == nil {
		return nil
	}
	for _, delivery := range s.Workflow.Status.Deliveries {
		again := func(w DeliveryWorkflow) bool {
			return !isCorrectionOnly(w.WorkflowID) && slices.ContainsFunc(w.Targets, func(t workflows.DeliveryStatus) bool {
				return t.Target == delivery.Target && t.State == workflows.DeliveryDone
			})
		}
		if delivery.State == workflows.DeliveryFailed && !slices.ContainsFunc(s.Deliveries, again) {
			failed = append(failed, delivery)
		}
	}
	return failed
}

// isCorrectionOnly reports whether a delivery is of an event that does not say what the
// call was charged.
func isCorrectionOnly(workflowID string) bool {
	return strings.HasPrefix(workflowID, "deliver:"+string(notify.EventCallReversed)) || strings.HasPrefix(workflowID, "deliver:"+string(notify.EventCallAdjusted))
}

// kindOf is the kind of an error, Failed if it has none.
func kindOf(err error) Kind {
	var detailed *Error
	if errors.As(err, &detailed) {
		return detailed.Kind
	}
	return Failed
}
