package local

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"
	"golang.org/x/sync/errgroup"

	"aftercall/dev/tencentsim"
	"aftercall/dev/webhookreceiver"
	"aftercall/internal/ledger"
	"aftercall/internal/notify"
	"aftercall/internal/tencent"
	"aftercall/workflows"
)

// SampleRun is a sample and its outcome.
type SampleRun struct {
	Sample
	Call      tencentsim.Call
	Execution Execution
	// Payer is the account that pays by the ledger.
	Payer string
	// Resent are the IDs of the workflows that resent its notifications.
	Resent []string
	// Deviations has a sentence for every difference from Want.
	Deviations []string
}

// runTimeout bounds a run of samples. An idle machine takes 20 s; a busy one
// may need many times as long.
const runTimeout = 3 * time.Minute

// RunSamples simulates the samples, follows their workflows, and verifies each:
// the workflow, the ledger, the webhooks, the answers to Tencent. The second
// result has the deviations that belong to no single call.
func (s *Stack) RunSamples(ctx context.Context, samples []Sample) ([]SampleRun, []string, error) {
	ctx, cancel := context.WithTimeout(ctx, runTimeout)
	defer cancel()
	before, err := s.starterCounts(ctx)
	if err != nil {
		return nil, nil, err
	}
	ran := make([]SampleRun, len(samples))
	for i, sample := range samples {
		call, err := s.Tencent.PlaceCall(sample.Spec)
		if err != nil {
			return nil, nil, fmt.Errorf("place the call %q: %w", sample.Name, err)
		}
		ran[i] = SampleRun{Sample: sample, Call: call}
		if sample.Fail != nil {
			failure := *sample.Fail
			failure.CallID = call.Record.CallID
			if err := s.Webhooks.Fail(failure); err != nil {
				return nil, nil, err
			}
		}
	}
	if err := s.triggerSweeps(ctx, samples); err != nil {
		return nil, nil, err
	}
	store, err := ledger.Open(ctx, s.Environ()["LEDGER_URL"], ledger.Options{})
	if err != nil {
		return nil, nil, err
	}
	defer store.Close()
	group, groupCtx := errgroup.WithContext(ctx)
	for i := range ran {
		group.Go(func() (err error) {
			if decision := ran[i].Decide; decision != nil {
				if err := s.Decide(groupCtx, ran[i].Call, *decision); err != nil {
					return err
				}
			}
			ran[i].Execution, err = Follow(groupCtx, s.Temporal, ran[i].Call)
			if err == nil && ran[i].Resend != nil {
				ran[i].Resent, err = s.Resend(groupCtx, ran[i].Call.Record.CallID, ran[i].Resend...)
			}
			return err
		})
	}
	if err := errors.Join(group.Wait(), s.Tencent.Wait(ctx)); err != nil {
		return nil, nil, err
	}
	for i := range ran {
		if err := s.verify(ctx, store, &ran[i]); err != nil {
			return nil, nil, err
		}
	}
	after, err := s.starterCounts(ctx)
	if err != nil {
		return nil, nil, err
	}
	return ran, deviationsOfCounts(samples, before, after), nil
}

// Deviations returns the deviations of all samples, with their names.
func Deviations(ran []SampleRun, others []string) []string {
	var all []string
	for _, r := range ran {
		for _, d := range r.Deviations {
			all = append(all, r.Name+": "+d)
		}
	}
	return append(all, others...)
}

func (s *Stack) verify(ctx context.Context, store *ledger.Ledger, r *SampleRun) error {
	deviates := func(format string, args ...any) { r.Deviations = append(r.Deviations, fmt.Sprintf(format, args...)) }
	f, want := r.Execution, r.Want
	if f.Status != enumspb.WORKFLOW_EXECUTION_STATUS_COMPLETED {
		deviates("its workflow is %s, want completed (%v)", f.Status, f.Err)
	}
	if f.Result.Outcome != want.Outcome {
		deviates("its outcome is %q, want %q", f.Result.Outcome, want.Outcome)
	}
	if f.Result.Amount != want.Amount || f.Result.BilledSeconds != want.Billed {
		deviates("it was charged %s for %d s, want %s for %d s", f.Result.Amount, f.Result.BilledSeconds, want.Amount, want.Billed)
	}
	entries, err := store.Get(ctx, r.Call.SDKAppID, r.Call.Record.CallID)
	if err != nil {
		return err
	}
	if len(entries) > 0 {
		r.Payer = entries[0].Payer()
	}
	switch {
	case len(entries) != 1:
		deviates("the ledger has %d entries for it, want 1", len(entries))
	case entries[0].Charge.Amount.Number() != want.Amount:
		deviates("the ledger has amount %s, want %s", entries[0].Charge.Amount.Number(), want.Amount)
	case !maps.Equal(entries[0].Charge.MemberSeconds(), want.MemberSeconds):
		deviates("the ledger has the seconds %v of the members, want %v", entries[0].Charge.MemberSeconds(), want.MemberSeconds)
	case r.Payer != cmp.Or(want.Payer, r.Call.Record.Caller):
		deviates("%s pays, want %s", r.Payer, cmp.Or(want.Payer, r.Call.Record.Caller))
	}
	var delivered []string
	for _, d := range f.Result.Deliveries {
		if d.Delivered && d.Event != notify.EventCallReview {
			delivered = append(delivered, d.Target)
		}
	}
	if !slices.Equal(delivered, want.Targets) {
		deviates("delivered to %v, want %v", delivered, want.Targets)
	}
	for _, target := range want.Targets {
		r.verifyArrivals(s, target)
	}
	call, _ := s.Tencent.Call(r.Call.SDKAppID, r.Call.Record.CallID)
	r.Call = call
	n := 0
	for _, d := range call.Callbacks {
		if d.Status != http.StatusOK {
			deviates("a callback was answered %d (%s%s), want 200", d.Status, d.Answer, d.Error)
		}
		if d.Command == tencent.CommandAfterEndCall {
			n++
		}
	}
	if n != posted(r.Spec) {
		deviates("Tencent posted %d callbacks, want %d", n, posted(r.Spec))
	}
	if source := cmp.Or(want.Source, workflows.SourceCallback); f.Source != source {
		deviates("its source is %q, want %q", f.Source, source)
	}
	return nil
}

// AwaitReview waits until a call is in review.
func (s *Stack) AwaitReview(ctx context.Context, call tencentsim.Call) error {
	id := WorkflowID(call)
	if err := poll(ctx, func(ctx context.Context) (bool, error) {
		value, err := s.Query(ctx, id, "", workflows.QueryStatus)
		if err != nil {
			return false, unlessNotStarted(err)
		}
		var status workflows.Status
		err = value.Get(&status)
		return status.Stage == workflows.StageReview, err
	}); err != nil {
		return fmt.Errorf("call %s is not in review: %w", call.Record.CallID, err)
	}
	return nil
}

// verifyArrivals verifies how many events a target received, and in how many
// attempts.
func (r *SampleRun) verifyArrivals(s *Stack, target string) {
	events := 1
	if r.Decide != nil && target != chatTarget {
		events = 2 // call.review before call.charged
	}
	attempts := events
	if r.Fail != nil && r.Fail.Target == target {
		attempts += r.Fail.Times
	}
	if slices.Contains(r.Resend, target) {
		attempts++
	}
	if n := s.Arrivals(target, r.Call.Record.CallID); n != attempts {
		r.Deviations = append(r.Deviations, fmt.Sprintf("%s received %d requests about it, want %d", target, n, attempts))
	}
	messages := s.Webhooks.Messages(webhookreceiver.Filter{Target: target, CallID: r.Call.Record.CallID})
	if len(messages) != events && len(messages) > 0 {
		r.Deviations = append(r.Deviations, fmt.Sprintf("%s received %d different messages about it, want %d", target, len(messages), events))
	}
	for _, m := range messages {
		if m.Accepted == 0 || m.BodyChanged {
			r.Deviations = append(r.Deviations, fmt.Sprintf("%s did not accept %s, or its body changed between attempts", target, m.Type))
		}
	}
}

// Decide waits until a call is in review, and decides about it by aftercall review decide.
func (s *Stack) Decide(ctx context.Context, call tencentsim.Call, decision workflows.DecideParams) error {
	if err := s.AwaitReview(ctx, call); err != nil {
		return err
	}
	if err := s.Command(ctx, decideArgs(call.Record.CallID, decision)...).Err(); err != nil {
		return fmt.Errorf("decide about call %s: %w", call.Record.CallID, err)
	}
	return nil
}

// unlessNotStarted returns nil for the errors of a workflow that has not been
// started, or whose first task waits for its start delay.
func unlessNotStarted(err error) error {
	if errors.As(err, new(*serviceerror.NotFound)) || errors.As(err, new(*serviceerror.WorkflowNotReady)) {
		return nil
	}
	return err
}

// posted returns how many callbacks Tencent posts about the end of a call.
func posted(spec tencentsim.CallSpec) int {
	if spec.Lose {
		return 0
	}
	return 1 + spec.Duplicates
}

// triggerSweeps triggers the sweep of every app with a lost callback.
func (s *Stack) triggerSweeps(ctx context.Context, samples []Sample) error {
	apps := map[tencent.SDKAppID]bool{}
	for _, sample := range samples {
		if sample.Spec.Lose {
			apps[sample.Spec.SDKAppID] = true
		}
	}
	for app := range apps {
		handle := s.Temporal.ScheduleClient().GetHandle(ctx, workflows.SweepID(app))
		if err := poll(ctx, func(ctx context.Context) (bool, error) {
			err := handle.Trigger(ctx, client.ScheduleTriggerOptions{Overlap: enumspb.SCHEDULE_OVERLAP_POLICY_ALLOW_ALL})
			if errors.As(err, new(*serviceerror.NotFound)) {
				return false, nil // the worker has not created it yet
			}
			return err == nil, err
		}); err != nil {
			return fmt.Errorf("run the sweep of %s: %w", app, err)
		}
	}
	return nil
}

// poll calls ask until it returns true or an error, or ctx ends.
func poll(ctx context.Context, ask func(context.Context) (bool, error)) error {
	for {
		yes, err := ask(ctx)
		if yes || (err != nil && ctx.Err() == nil) {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(50 * time.Millisecond):
		}
	}
}
