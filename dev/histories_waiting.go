package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"aftercall/dev/local"
	"aftercall/dev/tencentsim"
	"aftercall/dev/webhookreceiver"
	"aftercall/workflows"
	"aftercall/workflows/launch"
)

// recordWaiting records calls that wait in ways that no sample does.
func recordWaiting(ctx context.Context, p project, s *local.Stack) error {
	if err := recordSlowTarget(ctx, p, s); err != nil {
		return err
	}
	if err := recordUnrecorded(ctx, p, s); err != nil {
		return err
	}
	return recordRecheck(ctx, p, s)
}

// recordUnrecorded records a call that never has a record, and is charged by what callbacks
// and room saw.
func recordUnrecorded(ctx context.Context, p project, s *local.Stack) error {
	call, err := s.Tencent.PlaceCall(tencentsim.CallSpec{SDKAppID: 1400000002, Seconds: 61, NoRecord: true})
	if err != nil {
		return err
	}
	followed, err := local.Follow(ctx, s.Temporal, call)
	if err := errors.Join(err, followed.Err); err != nil {
		return err
	}
	if r := followed.Result; r.Outcome != workflows.OutcomeCharged || r.ConnectedSeconds != 61 {
		return fmt.Errorf("a call without a record was not charged by evidence: %+v", r)
	}
	return write(ctx, p, s, "without a record, by evidence", followed.WorkflowID)
}

// recordSlowTarget records a call whose targets have just been slow, so that their
// local activities make no request.
func recordSlowTarget(ctx context.Context, p project, s *local.Stack) error {
	if err := s.Webhooks.Fail(webhookreceiver.Failure{DelayMS: 2500}); err != nil {
		return err
	}
	defer s.Webhooks.ClearFailures()
	for range 2 { // the first makes them slow
		call, err := s.Tencent.PlaceCall(tencentsim.CallSpec{SDKAppID: 1400000000, Seconds: 61, EndedAgoSeconds: 5})
		if err != nil {
			return err
		}
		followed, err := local.Follow(ctx, s.Temporal, call)
		if err != nil {
			return err
		}
		if err := write(ctx, p, s, "slow target", followed.WorkflowID); err != nil {
			return err
		}
	}
	return nil
}

// recordRecheck records a call whose record appears after it went into review, and
// that is made to look for it before and after that.
func recordRecheck(ctx context.Context, p project, s *local.Stack) error {
	call, err := s.Tencent.PlaceCall(tencentsim.CallSpec{SDKAppID: 1400000000, Seconds: 61, EndedAgoSeconds: 60, RecordAfterSeconds: 75, Lose: true})
	if err != nil {
		return err
	}
	params := workflows.AfterCallParams{
		SDKAppID: call.SDKAppID, App: "clinic", CallID: call.Record.CallID, Source: workflows.SourceCallback, Callback: &call.Record, RecordDeadline: time.Millisecond,
	}
	run, err := s.Temporal.ExecuteWorkflow(ctx, workflows.AfterCallOptions(params, "aftercall", "", time.Now()), workflows.AfterCallName, params)
	if err != nil {
		return err
	}
	if err := s.AwaitReview(ctx, call); err != nil {
		return err
	}
	ended := make(chan error, 1)
	go func() { ended <- run.Get(ctx, nil) }()
	again := time.NewTicker(8 * time.Second)
	defer again.Stop()
	calls := launch.NewCalls(s.Temporal, "aftercall")
	for {
		if err := calls.Recheck(ctx, call.SDKAppID, call.Record.CallID); err != nil {
			return err
		}
		select {
		case err := <-ended:
			if err != nil {
				return err
			}
			return write(ctx, p, s, "record appears in review", run.GetID())
		case <-again.C:
		}
	}
}
