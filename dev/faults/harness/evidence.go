package main

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"

	"aftercall/dev/faults/checker"
	"aftercall/dev/local"
	"aftercall/dev/tencentsim"
	"aftercall/dev/webhookreceiver"
	"aftercall/internal/ledger"
)

var connected = []string{"NormalEnd", "Interrupt", "Offline"}

// tariffs are those of dev/aftercall.yaml, by app.
var tariffs = map[string]checker.Tariff{
	"clinic": {Currency: "USD", Digits: 2, MaxSeconds: 6 * 3600, Rules: []checker.Rule{
		{Media: []string{"Audio"}, Results: []string{"NormalEnd", "Interrupt"}, PerMinute: "0.12", First: 60, Next: 60},
		{Media: []string{"Video"}, Results: []string{"NormalEnd", "Interrupt"}, PerMinute: "0.30", First: 60, Next: 6},
		{Results: []string{"Offline"}, PerMinute: "0.12", First: 60, Next: 60, Grace: 30},
	}},
	"tutoring": {Currency: "JPY", Digits: 0, MaxSeconds: 6 * 3600, Rules: []checker.Rule{
		{Types: []string{"SingleCall"}, Results: connected, PerMinute: "45", First: 30, Next: 1},
		{Types: []string{"MultiCall"}, Results: connected, PerMinute: "45", First: 30, Next: 1, PerParticipant: true},
	}},
}

// targets are those of dev/aftercall.yaml whose messages have an ID.
var targets = []checker.Target{{Name: "crm"}, {Name: "audit", Apps: []string{"tutoring"}}}

// collect gathers everything for the checker.
func (w *world) collect(ctx context.Context) (checker.Evidence, error) {
	e := checker.Evidence{Tariffs: tariffs, Targets: targets}
	messages, events := w.received() // before the ledger is read: an event follows its entry
	booked := map[string]time.Time{}
	store, err := ledger.OpenReadOnly(ctx, w.stack.LedgerURL())
	if err != nil {
		return e, err
	}
	defer store.Close()
	for entry, err := range store.List(ctx, ledger.Filter{}) {
		if err != nil {
			return e, err
		}
		booked[entry.Key] = entry.CreatedAt
		e.Entries = append(e.Entries, checker.Entry{
			Key: entry.Key, Kind: string(entry.Kind), App: entry.App, CallID: entry.CallID(),
			Amount: entry.Charge.Amount.Number(), Currency: entry.Charge.Amount.CurrencyCode(), BilledSeconds: entry.Charge.BilledSeconds,
			Result: string(entry.Record.Result), Reverses: entry.Reverses, Operator: entry.Operator, Reason: entry.Reason,
		})
	}
	w.mu.Lock()
	placed := w.placed
	w.mu.Unlock()
	for _, call := range placed {
		e.Calls = append(e.Calls, w.known(call))
		if err := w.workflow(ctx, call, &e); err != nil {
			return e, err
		}
	}
	for _, m := range messages {
		data := events[m.MessageID].Data
		at, known := booked[data.LedgerKey]
		e.Messages = append(e.Messages, checker.Message{
			Target: m.Target, MessageID: m.MessageID, Type: m.Type, CallID: m.CallID, LedgerKey: data.LedgerKey, Amount: data.Amount,
			Accepted: m.Accepted, Early: known && m.First.Before(at), BodyChanged: m.BodyChanged,
		})
	}
	return e, nil
}

func (w *world) known(call tencentsim.Call) checker.Call {
	app, _ := w.stack.Config.App(call.SDKAppID)
	r := call.Record
	return checker.Call{
		App: app.Name, CallID: r.CallID, Caller: r.Caller, Media: string(r.MediaType), Type: string(r.CallType), Result: string(r.Result),
		Start: r.StartTime, Accept: r.AcceptTime, End: r.EndTime, Participants: len(r.Members) - 1, Recorded: true, Clean: true,
	}
}

// workflow notes what became of the workflow of a call. A callback may only be answered
// OK when it has been started.
func (w *world) workflow(ctx context.Context, call tencentsim.Call, e *checker.Evidence) error {
	id := local.WorkflowID(call)
	var started time.Time
	description, err := w.stack.Temporal.DescribeWorkflowExecution(ctx, id, "")
	switch info := description.GetWorkflowExecutionInfo(); {
	case errors.As(err, new(*serviceerror.NotFound)):
	case err != nil:
		return err
	default:
		started = info.GetStartTime().AsTime()
		switch info.GetStatus() {
		case enumspb.WORKFLOW_EXECUTION_STATUS_COMPLETED:
		case enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING:
			e.Stuck = append(e.Stuck, "workflow "+id)
		default:
			e.Problems = append(e.Problems, "workflow "+id+" is "+info.GetStatus().String())
		}
	}
	posted, _ := w.stack.Tencent.Call(call.SDKAppID, call.Record.CallID)
	for _, d := range posted.Callbacks {
		if d.Status != 200 {
			continue
		}
		answered := d.SentAt.Add(time.Duration(d.LatencyMS+1) * time.Millisecond)
		e.Answers = append(e.Answers, checker.Answer{
			CallID: call.Record.CallID, At: answered, Known: !started.IsZero() && !started.After(answered),
		})
	}
	return nil
}

// event is what the checker reads of the body of an event.
type event struct {
	Data struct {
		LedgerKey string `json:"ledger_key"`
		Amount    string `json:"amount"`
	} `json:"data"`
}

// received returns the messages at the targets, and the events in them by message ID.
func (w *world) received() (messages []webhookreceiver.Message, events map[string]event) {
	events = map[string]event{}
	for _, target := range targets {
		filter := webhookreceiver.Filter{Target: target.Name}
		messages = append(messages, w.stack.Webhooks.Messages(filter)...)
		for _, arrival := range w.stack.Webhooks.Received(filter) {
			var body event
			if arrival.Valid && json.Unmarshal(arrival.Body, &body) == nil {
				events[arrival.MessageID] = body
			}
		}
	}
	return messages, events
}
