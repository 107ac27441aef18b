package activities

import (
	"context"

	"aftercall/internal/tencent"
)

// StartOutcome is what became of a call that is not in the ledger.
type StartOutcome string

// The outcomes. The ledger decides which calls are handled; the workflow of a
// call only says whether that is still under way.
const (
	// StartedFirst: it had no workflow and has one now.
	StartedFirst StartOutcome = "started"
	// StartedAgain: its workflow had ended without an entry in the ledger, which
	// has lost it, or before it could make one. It has a new run now.
	StartedAgain StartOutcome = "started_again"
	// StillRunning: its workflow is running.
	StillRunning StartOutcome = "running"
	// ChargeFailed: its workflow has failed, because the ledger had another sum. A
	// person must find out which is right, so it was not started again.
	ChargeFailed StartOutcome = "failed"
	// InLedger: it was entered in the meantime.
	InLedger StartOutcome = "in_ledger"
)

// StartAgain says how a workflow that has ended is started again.
type StartAgain struct {
	// InLedger is asked right before, because the workflow that was seen may have
	// just ended with a charge; nil if the ledger cannot be asked.
	InLedger func(context.Context) (bool, error)
	// Notify notifies the targets again of a charge of which a completed workflow has
	// notified them.
	Notify bool
}

// RunningCall is a call whose workflow is running.
type RunningCall struct {
	// InReview says that it waits for a person.
	InReview bool
}

// SweepCalls finds and starts the workflows of calls.
type SweepCalls interface {
	// Running returns the calls whose workflow is running according to the list
	// of workflows, which may be some seconds behind.
	Running(ctx context.Context, app tencent.SDKAppID, callIDs []string) (map[string]RunningCall, error)
	// Inspect says what StartListed would do, and starts nothing.
	Inspect(ctx context.Context, app tencent.SDKAppID, callID string) (StartOutcome, error)
	// StartListed starts the workflow of a call that a sweep found. An error that
	// Temporal gives to this call alone is a *PermanentStartError.
	StartListed(ctx context.Context, app SweepApp, record tencent.CallRecord, again StartAgain) (StartOutcome, error)
	// Recheck makes a call that is in review only because Tencent had no record
	// look for the record again.
	Recheck(ctx context.Context, app tencent.SDKAppID, callID string) error
}

// PermanentStartError is returned if Temporal refuses to start the workflow of
// one call, and would refuse every attempt.
type PermanentStartError struct{ Err error }

// Error is that of Err.
func (e *PermanentStartError) Error() string { return e.Err.Error() }

// Unwrap returns Err.
func (e *PermanentStartError) Unwrap() error { return e.Err }
