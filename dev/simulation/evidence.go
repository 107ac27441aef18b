package simulation

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"time"

	commonpb "go.temporal.io/api/common/v1"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/converter"

	"aftercall/dev/faults/checker"
	"aftercall/dev/faults/members"
	"aftercall/dev/simulation/servermodel"
	"aftercall/dev/webhookreceiver"
	"aftercall/internal/ledger"
	"aftercall/internal/tencent"
	"aftercall/workflows"
)

// notes are what is noted while the world runs.
type notes struct {
	calls       []*call
	changed     []changedRecord
	answers     []checker.Answer
	decisions   []checker.Decision
	corrections []checker.Correction
	// corrected are the steps of corrections, by call and reason.
	corrected map[string]bool
	messages  map[string]*message
	relays    map[string]*checker.Relay
	problems  []string
	// operations are the histories of the calls.
	operations []checker.Operation
}

// message is what an event says, and whether it came too early.
type message struct {
	key, amount string
	early       bool
}

// changedRecord is a record that Tencent changes.
type changedRecord struct {
	app              tencent.SDKAppID
	callID, old, new string
	at               time.Time
}

func newNotes() notes {
	return notes{corrected: map[string]bool{}, messages: map[string]*message{}, relays: map[string]*checker.Relay{}}
}

func (w *World) accept(about checker.ID, known bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.answers = append(w.answers, checker.Answer{App: about.App, CallID: about.CallID, At: time.Now(), Known: known})
}

func (w *World) problem(text string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.problems = append(w.problems, text)
}

// event is what the checker reads of the body of an event.
type event struct {
	Type string
	Data struct {
		SDKAppID  tencent.SDKAppID `json:"sdk_app_id"`
		CallID    string           `json:"call_id"`
		LedgerKey string           `json:"ledger_key"`
		Amount    string
	}
}

func readEvent(body []byte) (e event) {
	if json.Unmarshal(body, &e) != nil {
		return event{}
	}
	return e
}

func callOf(body []byte) string {
	e := readEvent(body)
	return e.Type + " " + e.Data.CallID
}

// arrived notes an event that has reached its target. Its entry must be in the ledger.
func (w *World) arrived(target, id string, body []byte) {
	e := readEvent(body)
	early := e.Data.LedgerKey != "" && !w.hasEntry(e.Data.SDKAppID, e.Data.CallID, e.Data.LedgerKey)
	w.mu.Lock()
	defer w.mu.Unlock()
	name := target + " " + id
	if w.messages[name] == nil {
		w.messages[name] = &message{key: e.Data.LedgerKey, amount: e.Data.Amount, early: early}
	}
}

func (w *World) hasEntry(app tencent.SDKAppID, callID, key string) bool {
	entries, err := w.ledger.Get(context.Background(), app, callID)
	return err == nil && slices.ContainsFunc(entries, func(e ledger.Entry) bool { return e.Key == key })
}

// completed notes the deliveries that a workflow has given up: every target is up again
// within its retry window.
func (w *World) completed(workflowID string, result *commonpb.Payloads) {
	var ended workflows.DeliverResult // the result of a call has the same deliveries
	if err := converter.GetDefaultDataConverter().FromPayloads(result, &ended); err != nil {
		w.problem("the result of " + workflowID + " cannot be read: " + err.Error())
	}
	for _, d := range ended.Deliveries {
		if !d.Delivered {
			w.problem(workflowID + " has given up " + string(d.Event) + " to " + d.Target + ": " + d.Error)
		}
	}
}

// collect gathers everything for the checker.
func (w *World) collect(ctx context.Context) (checker.Evidence, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	e := checker.Evidence{
		Tariffs: tariffs, Targets: targets, Decisions: w.decisions, Corrections: w.corrections, Answers: w.answers,
		Operations: w.operations, Problems: append(w.problems, w.temporal.Problems...), Kept: map[string][]checker.Seen{},
	}
	for _, c := range w.calls {
		e.Calls = append(e.Calls, w.known(c))
		entries, err := w.ledger.Get(ctx, c.app, c.id)
		if err != nil {
			return e, err
		}
		last := checker.Operation{App: c.name, CallID: c.id, Kind: checker.OpRead, Outcome: checker.Done, Called: time.Now(), Returned: time.Now(), Entries: newEntries(entries)}
		e.Operations = append(e.Operations, last)
	}
	for entry, err := range w.ledger.List(ctx, ledger.Filter{}) { // also those of calls that never were
		if err != nil {
			return e, err
		}
		e.Entries = append(e.Entries, newEntry(entry))
		e.Kept[entry.Key] = members.Seen(entry.Charge.Evidence)
	}
	for _, m := range w.targets.Messages(webhookreceiver.Filter{}) {
		noted := w.messages[m.Target+" "+m.MessageID]
		if noted == nil {
			noted = &message{}
		}
		e.Messages = append(e.Messages, checker.Message{
			Target: m.Target, MessageID: m.MessageID, Type: m.Type, App: m.App, CallID: m.CallID, LedgerKey: noted.key, Amount: noted.amount,
			Currency: m.Currency, BilledSeconds: m.BilledSeconds, Payer: m.Payer, Accepted: m.Accepted, Early: noted.early, BodyChanged: m.BodyChanged,
		})
	}
	for _, relay := range w.relays {
		e.Relays = append(e.Relays, *relay)
	}
	for _, wf := range w.temporal.Workflows() {
		if wf.Status == enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING {
			e.Stuck = append(e.Stuck, wf.Type+" "+wf.ID+" "+stageOf(wf))
		}
	}
	for _, wf := range w.temporal.Failed() {
		if wf.Status == enumspb.WORKFLOW_EXECUTION_STATUS_CANCELED || !w.mayFail(wf) {
			e.Problems = append(e.Problems, "workflow "+wf.ID+" is "+wf.Status.String()+": "+wf.Failure)
		}
	}
	slices.Sort(e.Stuck)
	found, err := w.verify(ctx)
	e.Problems = append(e.Problems, found...)
	return e, err
}

// known is a call for the checker.
func (w *World) known(c *call) checker.Call {
	known := c.known()
	if posted, found := w.tencent.Call(c.app, c.id); found {
		known.Claims = members.Claims(c.id, posted.Callbacks)
		if c.name == seminar {
			known.Sent = members.Sent(posted)
		}
	}
	return known
}

// verify lets the ledger check itself, with its log.
func (w *World) verify(ctx context.Context) (found []string, err error) {
	integrator := w.ledger.NewIntegrator()
	for more := true; more && err == nil; {
		more, err = integrator.Integrate(ctx)
	}
	if err == nil {
		_, err = w.ledger.Verify(ctx, ledger.Evidence{}, func(f ledger.Finding) { found = append(found, f.Key+": "+f.Problem) }, nil)
	}
	return found, err
}

// mayFail reports whether a failed workflow is a sweep, which fails in an outage, or one
// that has found another sum in the ledger, rightly: the record has changed, or a person
// has decided again in another way after the call was charged.
func (w *World) mayFail(wf servermodel.Workflow) bool {
	if wf.Type == workflows.SweepName {
		return true
	}
	if !strings.Contains(wf.Failure, "the ledger holds another sum for this call") {
		return false
	}
	app, callID, _ := workflows.ParseAfterCallID(wf.ID)
	about := checker.ID{App: w.appName(app), CallID: callID}
	return slices.ContainsFunc(w.decisions, func(d checker.Decision) bool { return d.ID() == about }) ||
		slices.ContainsFunc(w.changed, func(c changedRecord) bool { return c.app == app && c.callID == callID })
}

func newEntry(e ledger.Entry) checker.Entry {
	return checker.Entry{
		Key: e.Key, Kind: string(e.Kind), App: e.App, CallID: e.CallID(), Amount: e.Charge.Amount.Number(), Currency: e.Charge.Amount.CurrencyCode(),
		BilledSeconds: e.Charge.BilledSeconds, Result: string(e.Record.Result), Reverses: e.Reverses, Operator: e.Operator, Reason: e.Reason,
		Payer: e.Payer(), EndedAt: e.Record.EndTime,
	}
}

// stageOf is the stage of a call in the list of workflows.
func stageOf(wf servermodel.Workflow) string {
	payload := wf.Attributes[workflows.AttributeStage.GetName()]
	return strings.Trim(string(payload.GetData()), `"`)
}
