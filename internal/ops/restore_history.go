package ops

import (
	"context"
	"errors"
	"fmt"
	"time"

	commonpb "go.temporal.io/api/common/v1"
	enumspb "go.temporal.io/api/enums/v1"
	failurepb "go.temporal.io/api/failure/v1"
	historypb "go.temporal.io/api/history/v1"

	"aftercall/activities"
	"aftercall/internal/attendance"
	"aftercall/internal/billing"
	"aftercall/internal/config"
	"aftercall/internal/evidence"
	"aftercall/internal/ledger"
	"aftercall/internal/notify"
	"aftercall/internal/tencent"
	"aftercall/workflows"
)

// chargedRun is what the history of an AfterCall says about its charge.
type chargedRun struct {
	firstRunID string
	// record is nil if Tencent had none, or none that could be read.
	record     *tencent.CallRecord
	unreadable bool
	// charge is nil if the run charged nothing. It was made at chargedAt.
	charge    *activities.ChargeResult
	chargedAt time.Time
	decided   *workflows.DecideParams
}

// chargedRun reads the history of a run.
func (d *Deps) chargedRun(ctx context.Context, workflowID, runID string) (chargedRun, error) {
	c, _, err := d.Temporal()
	if err != nil {
		return chargedRun{}, err
	}
	reader := historyReader{Deps: d, scheduled: map[int64]string{}, decisions: map[int64]*workflows.DecideParams{}}
	events := c.GetWorkflowHistory(ctx, workflowID, runID, false, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	for events.HasNext() {
		event, err := ask(ctx, func(context.Context) (*historypb.HistoryEvent, error) { return events.Next() })
		if err != nil {
			return chargedRun{}, d.temporalError(err)
		}
		if err := reader.read(event); err != nil {
			return chargedRun{}, fmt.Errorf("history of %s, event %d: %w", workflowID, event.GetEventId(), err)
		}
	}
	return reader.run, nil
}

// historyReader collects a chargedRun from events.
type historyReader struct {
	*Deps
	// scheduled are the types of regular activities.
	scheduled map[int64]string
	// decisions are those of people by the event of their request. Which one was carried
	// out is in the result of a run that has ended.
	decisions map[int64]*workflows.DecideParams
	run       chargedRun
}

func (h *historyReader) read(e *historypb.HistoryEvent) error {
	switch e.GetEventType() {
	case enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_STARTED:
		h.run.firstRunID = e.GetWorkflowExecutionStartedEventAttributes().GetFirstExecutionRunId()
	case enumspb.EVENT_TYPE_MARKER_RECORDED:
		return h.localActivity(e)
	case enumspb.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED:
		h.scheduled[e.GetEventId()] = e.GetActivityTaskScheduledEventAttributes().GetActivityType().GetName()
	case enumspb.EVENT_TYPE_ACTIVITY_TASK_COMPLETED:
		a := e.GetActivityTaskCompletedEventAttributes()
		return h.result(e, h.scheduled[a.GetScheduledEventId()], a.GetResult())
	case enumspb.EVENT_TYPE_ACTIVITY_TASK_FAILED:
		h.failure(e.GetActivityTaskFailedEventAttributes().GetFailure())
	case enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_ACCEPTED:
		return h.decision(e)
	case enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_COMPLETED:
		a := e.GetWorkflowExecutionUpdateCompletedEventAttributes()
		if a.GetOutcome().GetSuccess() != nil {
			h.run.decided = h.decisions[a.GetAcceptedEventId()]
		}
	case enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED:
		var result workflows.AfterCallResult
		err := h.decode(e.GetWorkflowExecutionCompletedEventAttributes().GetResult(), &result)
		h.run.decided = result.Decided
		return err
	default:
	}
	return nil
}

// decision reads the request of a decision.
func (h *historyReader) decision(e *historypb.HistoryEvent) error {
	input := e.GetWorkflowExecutionUpdateAcceptedEventAttributes().GetAcceptedRequest().GetInput()
	if input.GetName() != workflows.UpdateDecide {
		return nil
	}
	d := &workflows.DecideParams{}
	h.decisions[e.GetEventId()] = d
	return h.decode(input.GetArgs(), d)
}

// localActivity reads a marker of the SDK, which has the type of the activity as JSON.
func (h *historyReader) localActivity(e *historypb.HistoryEvent) error {
	a := e.GetMarkerRecordedEventAttributes()
	if a.GetMarkerName() != "LocalActivity" {
		return nil
	}
	var marker struct{ ActivityType string }
	if err := h.decode(a.GetDetails()["data"], &marker); err != nil {
		return err
	}
	if a.GetFailure() != nil {
		h.failure(a.GetFailure())
		return nil
	}
	return h.result(e, marker.ActivityType, a.GetDetails()["result"])
}

// result takes the result of an activity.
func (h *historyReader) result(e *historypb.HistoryEvent, activity string, result *commonpb.Payloads) error {
	switch activity {
	case "FetchRecord":
		var fetched activities.FetchRecordResult
		err := h.decode(result, &fetched)
		h.run.record = &fetched.Record
		return err
	case "Charge":
		var charge activities.ChargeResult
		if err := h.decode(result, &charge); err != nil || charge.EvidenceWait > 0 {
			return err
		}
		h.run.charge, h.run.chargedAt = &charge, e.GetEventTime().AsTime()
	}
	return nil
}

func (h *historyReader) failure(f *failurepb.Failure) {
	if f.GetApplicationFailureInfo().GetType() == activities.RecordUnreadable {
		h.run.unreadable = true
	}
}

func (h *historyReader) decode(payloads *commonpb.Payloads, into any) error {
	parts, err := h.openTemporal()
	if err != nil {
		return err
	}
	return parts.data.FromPayloads(payloads, into)
}

// rebuild makes the entry that a run booked. An error says why that is impossible.
func (r *restorer) rebuild(ctx context.Context, app *config.App, workflowID string, run chargedRun) (ledger.Entry, error) {
	data := run.charge.Event.Call
	rater, err := r.rater(data.Tariff)
	if err != nil {
		return ledger.Entry{}, err
	}
	if rater, err = rater.PaidAs(run.charge.Payer); err != nil {
		return ledger.Entry{}, err
	}
	p := activities.ChargeParams{Record: run.chargedRecord(), ReadAt: run.chargedAt}
	if d := run.decided; d != nil {
		decision := d.BillingDecision(run.record == nil && !run.unreadable)
		if payer := run.charge.Payer; payer != nil && payer.Is == billing.PayerNamed {
			decision.Payer = payer.Account
		}
		p.Decided = &activities.Decided{Decision: decision, By: d.By, Reason: d.Reason}
	}
	p.Unrecorded = run.charge.Unrecorded
	seen, err := r.seen(ctx, app, run.charge, p.Record)
	if err != nil {
		return ledger.Entry{}, err
	}
	var charge billing.Charge
	p.Record, charge, err = p.Rate(rater, seen...)
	if err != nil {
		return ledger.Entry{}, err
	}
	if err := sameAsCharged(charge, data); err != nil {
		return ledger.Entry{}, err
	}
	if payer, before := charge.Payer(), run.charge.Payer; (payer == nil) != (before == nil) || payer != nil && *payer != *before {
		return ledger.Entry{}, errors.New("it was paid by another account than its record gives now")
	}
	e := ledger.Entry{
		SDKAppID: app.SDKAppID, App: data.App, Record: p.Record, Charge: charge, Differences: run.charge.Differences,
		WorkflowID: workflowID, FirstRunID: run.firstRunID,
	}
	if p.Decided != nil {
		e.Operator, e.Reason = p.Decided.By, p.Decided.Reason
	}
	return e, nil
}

// seen is what the charge was made from, if it was made from what was seen of the call.
func (r *restorer) seen(ctx context.Context, app *config.App, charge *activities.ChargeResult, record tencent.CallRecord) ([]attendance.Event, error) {
	if !charge.EvidenceLeftOut {
		return charge.Evidence, nil
	}
	store, err := r.evidenceStore(ctx)
	if err != nil {
		return nil, fmt.Errorf("there is too much evidence for its history, and no store of it: %w", err)
	}
	events, err := ask(ctx, func(ctx context.Context) ([]evidence.Event, error) {
		return store.OfCall(ctx, evidence.CallOf(app.SDKAppID, record))
	})
	return activities.Seen(events), err
}

// chargedRecord is the record by which a run charged: with the payer that a person
// named, and all from the event where there was no record.
func (run chargedRun) chargedRecord() tencent.CallRecord {
	data := run.charge.Event.Call
	if run.record == nil {
		return tencent.CallRecord{
			CallID: data.CallID, Caller: data.Caller, MediaType: data.MediaType, CallType: data.CallType, Result: data.Result,
			StartTime: data.StartTime, AcceptTime: data.AcceptTime, EndTime: data.EndTime, Members: data.Members, RoomID: data.RoomID,
		}
	}
	record := *run.record
	record.Caller = data.Caller
	return record
}

// sameAsCharged compares a charge with the one that the targets were notified of.
func sameAsCharged(c billing.Charge, data *notify.CallData) error {
	if c.Amount.Number() == data.Amount && c.Amount.CurrencyCode() == data.Currency && c.BilledSeconds == data.BilledSeconds {
		return nil
	}
	return fmt.Errorf("it was charged %s %s for %d s, but by the tariff as it is now it costs %s for %d s",
		data.Amount, data.Currency, data.BilledSeconds, c.Amount, c.BilledSeconds)
}

// rater returns the rater of a configured tariff.
func (r *restorer) rater(name string) (*billing.Rater, error) {
	if r.raters[name] != nil {
		return r.raters[name], nil
	}
	cfg, err := r.Config()
	if err != nil {
		return nil, err
	}
	tariff, ok := cfg.Tariffs[name]
	if !ok {
		return nil, errors.New("its tariff " + name + " is not in the configuration")
	}
	rater, err := billing.NewRater(name, tariff)
	r.raters[name] = rater
	return rater, err
}
