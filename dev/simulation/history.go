package simulation

import (
	"context"
	"errors"
	"net/http"
	"time"

	"aftercall/activities"
	"aftercall/dev/faults/checker"
	"aftercall/internal/ledger"
	"aftercall/internal/tencent"
	"aftercall/workflows"
)

// begin notes an operation about a call, once it has ended with an outcome.
func (w *World) begin(kind checker.OperationKind, about checker.ID) (o checker.Operation, end func(checker.Operation, checker.Outcome)) {
	return checker.Operation{App: about.App, CallID: about.CallID, Kind: kind, Called: time.Now()}, func(o checker.Operation, outcome checker.Outcome) {
		o.Returned, o.Outcome = time.Now(), outcome
		w.mu.Lock()
		defer w.mu.Unlock()
		w.operations = append(w.operations, o)
	}
}

// outcome is that of an operation that succeeds once, or was done before.
func outcome(done bool, err error) checker.Outcome {
	switch {
	case errors.As(err, new(*ledger.ConflictError)), errors.As(err, new(*ledger.CorrectedError)):
		return checker.Refused
	case err != nil:
		return checker.Unknown
	case done:
		return checker.Done
	default:
		return checker.Already
	}
}

func newEntries(entries []ledger.Entry) (all []checker.Entry) {
	for _, e := range entries {
		all = append(all, newEntry(e))
	}
	return all
}

// posted notes a callback that was posted at a time, and the status of its answer.
func (w *World) posted(about checker.ID, at time.Time, status int) {
	o, end := w.begin(checker.OpCallback, about)
	o.Called = at
	end(o, map[bool]checker.Outcome{true: checker.Done, false: checker.Refused}[status == http.StatusOK])
}

// notedLedger notes what activities do with the ledger.
type notedLedger struct {
	ledgerSeam
	world *World
}

// Charge implements activities.Ledger.
func (l notedLedger) Charge(ctx context.Context, e ledger.Entry) (stored ledger.Entry, inserted bool, err error) {
	o, end := l.world.begin(checker.OpCharge, l.world.idOf(e.SDKAppID, e.CallID()))
	stored, inserted, err = l.ledgerSeam.Charge(ctx, e)
	if err == nil {
		e = stored
	} else {
		e.Key = ledger.Key(ledger.KindCharge, 1, e.SDKAppID, e.CallID())
	}
	o.Entries = []checker.Entry{newEntry(e)}
	end(o, outcome(inserted, err))
	return stored, inserted, err
}

// Get implements activities.Ledger.
func (l notedLedger) Get(ctx context.Context, app tencent.SDKAppID, callID string) ([]ledger.Entry, error) {
	return l.world.read(l.world.idOf(app, callID), func() ([]ledger.Entry, error) { return l.ledgerSeam.Get(ctx, app, callID) })
}

// read notes what a reader of the ledger finds.
func (w *World) read(about checker.ID, get func() ([]ledger.Entry, error)) ([]ledger.Entry, error) {
	o, end := w.begin(checker.OpRead, about)
	entries, err := get()
	if err == nil {
		o.Entries = newEntries(entries)
		end(o, checker.Done)
	}
	return entries, err
}

// Known implements activities.SweepLedger.
func (l notedLedger) Known(ctx context.Context, app tencent.SDKAppID, callIDs []string) (map[string]bool, error) {
	called := time.Now()
	known, err := l.ledgerSeam.Known(ctx, app, callIDs)
	for _, callID := range callIDs {
		if err == nil {
			o, end := l.world.begin(checker.OpFind, l.world.idOf(app, callID))
			o.Called = called
			end(o, map[bool]checker.Outcome{true: checker.Done, false: checker.Refused}[known[callID]])
		}
	}
	return known, err
}

// notedStarter notes the starts of a starter.
type notedStarter struct {
	starterSeam
	world *World
}

// Start implements callback.WorkflowStarter.
func (s notedStarter) Start(ctx context.Context, p workflows.AfterCallParams, fingerprint string) (already bool, err error) {
	o, end := s.world.begin(checker.OpStart, s.world.idOf(p.SDKAppID, p.CallID))
	already, err = s.starterSeam.Start(ctx, p, fingerprint)
	end(o, outcome(!already, err))
	return already, err
}

// notedSweep notes the starts of a sweep.
type notedSweep struct {
	activities.SweepCalls
	world *World
}

// StartListed implements activities.SweepCalls.
func (s notedSweep) StartListed(
	ctx context.Context, app activities.SweepApp, record tencent.CallRecord, again activities.StartAgain,
) (activities.StartOutcome, error) {
	o, end := s.world.begin(checker.OpStart, s.world.idOf(app.ID, record.CallID))
	started, err := s.SweepCalls.StartListed(ctx, app, record, again)
	end(o, outcome(started == activities.StartedFirst || started == activities.StartedAgain, err))
	return started, err
}
