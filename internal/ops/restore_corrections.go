package ops

import (
	"cmp"
	"context"
	"errors"
	"math"
	"slices"

	"github.com/bojanz/currency"
	enumspb "go.temporal.io/api/enums/v1"
	historypb "go.temporal.io/api/history/v1"
	workflowpb "go.temporal.io/api/workflow/v1"

	"aftercall/internal/config"
	"aftercall/internal/ledger"
	"aftercall/internal/notify"
	"aftercall/workflows"
)

// corrections finds the corrections whose notification Temporal retains and whose
// entry is missing, and books them.
func (r *restorer) corrections(ctx context.Context) error {
	byCall := map[string][]notify.Event{}
	apps := map[string]*config.App{}
	var inOrder []string
	err := r.eachWorkflow(ctx, r.query(workflows.DeliverName), func(e *workflowpb.WorkflowExecutionInfo) error {
		app, callID, ok := callOfWorkflow(e.GetExecution().GetWorkflowId(), r.apps)
		if !ok {
			return nil
		}
		event, err := r.delivered(ctx, e)
		if err != nil || !isCorrection(event) {
			return err
		}
		id := workflows.AfterCallID(app.SDKAppID, callID)
		if apps[id] == nil {
			apps[id], inOrder = app, append(inOrder, id)
		}
		if !slices.ContainsFunc(byCall[id], func(known notify.Event) bool { return known.Call.LedgerKey == event.Call.LedgerKey }) {
			byCall[id] = append(byCall[id], event)
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, id := range inOrder {
		if err := r.correctionsOf(ctx, apps[id], byCall[id]); err != nil {
			return err
		}
	}
	return nil
}

// isCorrection reports whether a person booked what the event is about.
func isCorrection(e notify.Event) bool {
	switch {
	case e.Call == nil:
		return false
	case e.Type == notify.EventCallReversed, e.Type == notify.EventCallAdjusted:
		return true
	}
	return e.Call.Revision > 1
}

// delivered reads the event that a Deliver was started with.
func (r *restorer) delivered(ctx context.Context, e *workflowpb.WorkflowExecutionInfo) (notify.Event, error) {
	c, _, err := r.Temporal()
	if err != nil {
		return notify.Event{}, err
	}
	events := c.GetWorkflowHistory(ctx, e.GetExecution().GetWorkflowId(), e.GetExecution().GetRunId(), false, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	started, err := ask(ctx, func(context.Context) (*historypb.HistoryEvent, error) { return events.Next() })
	if err != nil {
		return notify.Event{}, r.temporalError(err)
	}
	var p workflows.DeliverParams
	reader := historyReader{Deps: r.Deps}
	err = reader.decode(started.GetWorkflowExecutionStartedEventAttributes().GetInput(), &p)
	return p.Event, err
}

// correctionsOf books the missing corrections of a call in their order: a reversal,
// then the charge that replaced the one that it reverses.
func (r *restorer) correctionsOf(ctx context.Context, app *config.App, events []notify.Event) error {
	callID := events[0].Call.CallID
	entries, err := r.ledger.Get(ctx, app.SDKAppID, callID)
	if err != nil {
		return err
	}
	events = slices.DeleteFunc(events, func(e notify.Event) bool { return hasEntry(entries, e) })
	slices.SortFunc(events, func(a, b notify.Event) int {
		return cmp.Or(a.Timestamp.Compare(b.Timestamp), cmp.Compare(bookedOrder(a), bookedOrder(b)))
	})
	for i, event := range events {
		m := MissingEntry{
			App: app.Name, SDKAppID: app.SDKAppID, CallID: callID,
			Key: event.Call.LedgerKey, Amount: event.Call.Amount, Currency: event.Call.Currency,
		}
		switch {
		case !r.params.Apply:
			m.Cure = restoreCure
		case hasEntry(entries, event): // booked with the one before
			m.Booked = true
		default:
			if err := r.correct(ctx, &m, events[i:]); err != nil {
				return err
			}
			if entries, err = r.ledger.Get(ctx, app.SDKAppID, callID); err != nil {
				return err
			}
		}
		r.add(m)
	}
	return nil
}

// hasEntry reports whether the entry of an event is there.
func hasEntry(entries []ledger.Entry, event notify.Event) bool {
	return slices.ContainsFunc(entries, func(e ledger.Entry) bool { return e.Key == event.Call.LedgerKey })
}

// bookedOrder sorts the corrections of a call that were booked at the same time: what
// happens to adjustments follows what happens to their charge.
func bookedOrder(e notify.Event) int {
	order := 2 * max(1, e.Call.Revision)
	if e.Type == notify.EventCallReversed {
		order++
	}
	if e.Type == notify.EventCallAdjusted {
		order = math.MaxInt
	}
	return order
}

// correct books the first of the missing corrections of a call. A charge that
// replaced another is booked with the reversal before it, both or none.
func (r *restorer) correct(ctx context.Context, m *MissingEntry, missing []notify.Event) error {
	event := missing[0]
	signed := ledger.Correction{Reason: event.Call.Reason, Operator: event.Call.Operator}
	var booked []ledger.Entry
	var err error
	switch {
	case event.Type == notify.EventCallAdjusted:
		booked, err = r.adjust(ctx, event.Call, signed)
	case event.Type != notify.EventCallReversed: // whoever booked it took a reversal back
		booked, err = r.reinstate(ctx, event.Call, signed)
	case len(missing) > 1 && replaces(missing[1], event):
		booked, err = r.replace(ctx, event.Call.Reverses, missing[1].Call, signed)
	default:
		booked, _, err = r.ledger.Reverse(ctx, event.Call.Reverses, signed)
	}
	switch {
	case err == nil:
		m.Booked = true
		r.notify(ctx, booked...)
	case doesNotFit(err):
		m.Problem, m.Cure, err = err.Error(), "correct the call again: aftercall ledger rerate, reverse or adjust", nil
	}
	return err
}

// doesNotFit reports whether a correction is not possible any more, as the ledger is.
func doesNotFit(err error) bool {
	for _, problem := range []error{ledger.ErrNoCharge, errCannotRebuild, ledger.ErrNotReversed, ledger.ErrNotCharged} {
		if errors.Is(err, problem) {
			return true
		}
	}
	return errors.As(err, new(*ledger.CorrectedError)) || errors.As(err, new(*ledger.NumberError)) ||
		errors.As(err, new(*ledger.AdjustmentError)) || errors.As(err, new(*ledger.BelowZeroError))
}

// adjust books an adjustment, or the reversal of one.
func (r *restorer) adjust(ctx context.Context, data *notify.CallData, signed ledger.Correction) ([]ledger.Entry, error) {
	signed.Force = true // whoever booked it had to, if it brings the sum below zero
	if data.Reverses != "" {
		booked, _, err := r.ledger.Reverse(ctx, data.Reverses, signed)
		return booked, err
	}
	amount, err := currency.NewAmount(data.Amount, data.Currency)
	if err != nil {
		return nil, errors.Join(errCannotRebuild, err)
	}
	stored, _, err := r.ledger.Adjust(ctx, data.SDKAppID, data.CallID, ledger.Adjustment{Amount: amount, Number: data.Adjustment, Correction: signed})
	return []ledger.Entry{stored}, err
}

// replaces reports whether a charge was booked together with a reversal. One that
// was booked later has a signature of its own.
func replaces(charge, reversal notify.Event) bool {
	return charge.Call.Revision > 1 && charge.Type != notify.EventCallReversed && charge.Call.Operator == reversal.Call.Operator && charge.Call.Reason == reversal.Call.Reason
}

// reinstate books a charge again whose reversal was taken back.
func (r *restorer) reinstate(ctx context.Context, data *notify.CallData, signed ledger.Correction) ([]ledger.Entry, error) {
	entries, err := r.ledger.Get(ctx, data.SDKAppID, data.CallID)
	if err != nil {
		return nil, err
	}
	before := ledger.Key(ledger.KindCharge, data.Revision-1, data.SDKAppID, data.CallID)
	i := slices.IndexFunc(entries, func(e ledger.Entry) bool { return e.Key == before })
	if i < 0 {
		return nil, ledger.ErrNoCharge
	}
	if err := sameAsCharged(entries[i].Charge, data); err != nil {
		return nil, errors.Join(errCannotRebuild, err)
	}
	booked, _, err := r.ledger.Reinstate(ctx, data.SDKAppID, data.CallID, signed)
	return booked, err
}

// errCannotRebuild is why a charge that replaced another cannot be booked as it was.
var errCannotRebuild = errors.New("it cannot be booked as it was")

// replace books a reversal and the charge that replaced what it reverses.
func (r *restorer) replace(ctx context.Context, key string, data *notify.CallData, signed ledger.Correction) ([]ledger.Entry, error) {
	entries, err := r.ledger.Get(ctx, data.SDKAppID, data.CallID)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(entries, func(e ledger.Entry) bool { return e.Key == key })
	if i < 0 {
		return nil, ledger.ErrNoCharge
	}
	rater, err := r.rater(data.Tariff)
	if err != nil {
		return nil, errors.Join(errCannotRebuild, err)
	}
	charge, err := entries[i].Recompute(rater)
	if err == nil {
		err = sameAsCharged(charge, data)
	}
	if err != nil {
		return nil, errors.Join(errCannotRebuild, err)
	}
	replaced, _, err := r.ledger.Replace(ctx, key, charge, signed)
	return []ledger.Entry{replaced.Reversal, replaced.Charge}, err
}
