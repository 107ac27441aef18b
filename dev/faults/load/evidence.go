package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflowservice/v1"
	"golang.org/x/sync/errgroup"

	"aftercall/dev/faults/checker"
	"aftercall/dev/local"
	"aftercall/dev/tencentsim"
	"aftercall/dev/webhookreceiver"
	"aftercall/internal/ledger"
	"aftercall/workflows"
)

// tariffs are what the calls of place cost by dev/aftercall.yaml.
var tariffs = map[string]checker.Tariff{
	"clinic":   {Currency: "USD", Digits: 2, MaxSeconds: 6 * 3600, Rules: []checker.Rule{{PerMinute: "0.12", First: 60, Next: 60}}},
	"tutoring": {Currency: "JPY", Digits: 0, MaxSeconds: 6 * 3600, Rules: []checker.Rule{{PerMinute: "45", First: 30, Next: 1}}},
}

// check waits until the sweeps have passed over everything that has happened, and
// compares what is left with the calls.
func (r *run) check(ctx context.Context) ([]checker.Finding, error) {
	ended := time.Now()
	if err := r.awaitSwept(ctx, ended); err != nil {
		return nil, err
	}
	e := checker.Evidence{Tariffs: tariffs, Targets: []checker.Target{{Name: "crm"}, {Name: "audit", Apps: []string{"tutoring"}}}}
	var err error
	if e.Stuck, err = r.open(ctx, ended); err != nil {
		return nil, err
	}
	operations, err := r.collect(ctx, &e)
	if err != nil {
		return nil, err
	}
	if err := r.otherWorkflows(ctx, &e); err != nil {
		return nil, err
	}
	findings := checker.Check(e)
	for _, call := range r.placed { // one by one, because there are so many
		findings = append(findings, checker.Check(checker.Evidence{Operations: operations[r.idOf(call)]})...)
	}
	return findings, nil
}

// awaitSwept waits until a sweep of each app that began after a time is over.
func (r *run) awaitSwept(ctx context.Context, after time.Time) error {
	store, err := ledger.OpenReadOnly(ctx, r.stack.LedgerURL())
	if err != nil {
		return err
	}
	defer store.Close()
	return r.await(ctx, time.Second, func() (string, bool, error) {
		for _, app := range r.stack.Config.Apps {
			to, err := store.SweptTo(ctx, app.SDKAppID)
			if err != nil || !to.After(after) {
				return fmt.Sprintf("%s is swept up to %s", app.Name, to.Format(time.TimeOnly)), false, err
			}
		}
		return "", true, nil
	})
}

// openLimit is how long workflows may go on after all calls are charged. Each of them
// has little left to do.
const openLimit = 2 * time.Minute

// open are the workflows of every kind that began before a time and do not end.
func (r *run) open(ctx context.Context, began time.Time) (open []string, err error) {
	deadline := time.Now().Add(openLimit)
	query := "ExecutionStatus = 'Running' AND StartTime <= '" + began.UTC().Format(time.RFC3339Nano) + "'"
	err = r.await(ctx, time.Second, func() (string, bool, error) {
		// The first page is enough to say that something is wrong.
		list, err := r.stack.Temporal.ListWorkflow(ctx, &workflowservice.ListWorkflowExecutionsRequest{Query: query})
		if err != nil {
			return "", false, err
		}
		open = nil
		for _, info := range list.GetExecutions() {
			open = append(open, fmt.Sprintf("%s %s", info.GetType().GetName(), info.GetExecution().GetWorkflowId()))
		}
		return fmt.Sprintf("%d workflows are open", len(open)), len(open) == 0 || time.Now().After(deadline), nil
	})
	return open, err
}

// collect gathers everything about the calls, their entries, workflows and messages. It
// returns what was done about each call.
func (r *run) collect(ctx context.Context, e *checker.Evidence) (operations map[checker.ID][]checker.Operation, err error) {
	operations = map[checker.ID][]checker.Operation{}
	add := func(kind checker.OperationKind, of checker.ID, called, returned time.Time, entries ...checker.Entry) {
		operations[of] = append(operations[of], checker.Operation{
			App: of.App, CallID: of.CallID, Kind: kind, Outcome: checker.Done, Called: called, Returned: returned, Entries: entries,
		})
	}
	// Messages before entries: an event follows its entry.
	var messages []webhookreceiver.Message
	for _, target := range e.Targets {
		messages = append(messages, r.stack.Webhooks.Messages(webhookreceiver.Filter{Target: target.Name})...)
	}
	called := time.Now()
	booked, err := r.booked(ctx)
	if err != nil {
		return nil, err
	}
	returned := time.Now()
	entries := map[string]ledger.Entry{} // by key
	of := map[checker.ID][]checker.Entry{}
	for _, b := range booked {
		entry := newEntry(b)
		e.Entries = append(e.Entries, entry)
		entries[entry.Key] = b
		of[entry.ID()] = append(of[entry.ID()], entry)
		if b.Kind == ledger.KindCharge && b.Revision == 1 {
			add(checker.OpCharge, entry.ID(), r.began, returned, entry)
		}
	}
	for _, m := range messages {
		booked, found := entries[m.LedgerKey]
		e.Messages = append(e.Messages, checker.Message{
			Target: m.Target, MessageID: m.MessageID, Type: m.Type, App: m.App, CallID: m.CallID, LedgerKey: m.LedgerKey, Amount: m.Amount, Currency: m.Currency,
			BilledSeconds: m.BilledSeconds, Payer: m.Payer, Accepted: m.Accepted, Early: found && m.First.Before(booked.CreatedAt), BodyChanged: m.BodyChanged,
		})
		if found { // else it is a finding of its own
			seen := newEntry(booked)
			seen.Amount = m.Amount
			add(checker.OpFind, checker.ID{App: m.App, CallID: m.CallID}, m.First, m.First, seen)
		}
	}
	histories, err := r.histories(ctx)
	if err != nil {
		return nil, err
	}
	for i, call := range r.placed {
		id, h := r.idOf(call), histories[i]
		add(checker.OpRead, id, called, returned, of[id]...)
		if !h.started.IsZero() {
			add(checker.OpStart, id, h.started, returned)
		}
		for _, p := range r.call(call, h, e) {
			add(checker.OpCallback, id, p.SentAt, answered(p))
		}
	}
	return operations, nil
}

// booked are the entries of the ledger.
func (r *run) booked(ctx context.Context) (entries []ledger.Entry, err error) {
	store, err := ledger.OpenReadOnly(ctx, r.stack.LedgerURL())
	if err != nil {
		return nil, err
	}
	defer store.Close()
	for entry, err := range store.List(ctx, ledger.Filter{}) {
		if err != nil {
			return nil, err
		}
		entries = append(entries, entry)
	}
	return entries, nil
}

func newEntry(e ledger.Entry) checker.Entry {
	return checker.Entry{
		Key: e.Key, Kind: string(e.Kind), App: e.App, CallID: e.CallID(), Amount: e.Charge.Amount.Number(), Currency: e.Charge.Amount.CurrencyCode(),
		BilledSeconds: e.Charge.BilledSeconds, Result: string(e.Record.Result), Reverses: e.Reverses, Operator: e.Operator, Reason: e.Reason,
		Payer: e.Payer(), EndedAt: e.Record.EndTime,
	}
}

// call adds what is known of a call and of its workflow, and returns its callbacks that
// were answered OK.
func (r *run) call(call tencentsim.Call, h history, e *checker.Evidence) (accepted []tencentsim.PostedCallback) {
	app, c, id := r.idOf(call).App, call.Record, local.WorkflowID(call)
	e.Calls = append(e.Calls, checker.Call{
		App: app, CallID: c.CallID, Caller: c.Caller, Media: string(c.MediaType), Type: string(c.CallType), Result: string(c.Result),
		Start: c.StartTime, Accept: c.AcceptTime, End: c.EndTime, Participants: len(c.Members) - 1, Recorded: true, Clean: true,
	})
	posted, _ := r.stack.Tencent.Call(call.SDKAppID, c.CallID)
	for _, p := range posted.Callbacks {
		if at := answered(p); p.Status == http.StatusOK {
			accepted = append(accepted, p)
			e.Answers = append(e.Answers, checker.Answer{App: app, CallID: c.CallID, At: at, Known: !h.started.IsZero() && !h.started.After(at)})
		}
	}
	switch {
	case h.started.IsZero(), h.last == enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED:
	case slices.Contains(closing, h.last):
		e.Problems = append(e.Problems, fmt.Sprintf("workflow %s has ended by %s", id, h.last))
	default:
		e.Stuck = append(e.Stuck, "workflow "+id)
	}
	h.report(id, e)
	return accepted
}

// idOf names a call for the checker.
func (r *run) idOf(call tencentsim.Call) checker.ID {
	app, _ := r.stack.Config.App(call.SDKAppID)
	return checker.ID{App: app.Name, CallID: call.Record.CallID}
}

// answered is when a callback had certainly been answered.
func answered(p tencentsim.PostedCallback) time.Time {
	return p.SentAt.Add(time.Duration(p.LatencyMS+1) * time.Millisecond)
}

// closing are the events that end a workflow in another way than as it should.
var closing = []enumspb.EventType{
	enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_FAILED, enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_TIMED_OUT, enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_CANCELED,
	enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_TERMINATED, enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_CONTINUED_AS_NEW,
}

// history is what the checker wants to know of the history of a workflow: nothing if it
// never was.
type history struct {
	started time.Time
	last    enumspb.EventType
	failed  []string
}

// histories are those of the calls, in the order in which they were placed.
func (r *run) histories(ctx context.Context) ([]history, error) {
	all := make([]history, len(r.placed))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(8)
	for i, call := range r.placed {
		group.Go(func() (err error) {
			all[i], err = r.history(ctx, local.WorkflowID(call), "")
			return err
		})
	}
	return all, group.Wait()
}

func (r *run) history(ctx context.Context, workflowID, runID string) (h history, err error) {
	events := r.stack.Temporal.GetWorkflowHistory(ctx, workflowID, runID, false, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	for events.HasNext() {
		event, err := events.Next()
		if errors.As(err, new(*serviceerror.NotFound)) {
			return h, nil
		}
		if err != nil {
			return h, fmt.Errorf("history of %s: %w", workflowID, err)
		}
		if h.started.IsZero() {
			h.started = event.GetEventTime().AsTime()
		}
		if failed := event.GetWorkflowTaskFailedEventAttributes(); failed != nil {
			h.failed = append(h.failed, failed.GetCause().String()+": "+failed.GetFailure().GetMessage())
		}
		h.last = event.GetEventType()
	}
	return h, nil
}

// otherWorkflows adds the failed workflow tasks of workflows that are not those of calls.
func (r *run) otherWorkflows(ctx context.Context, e *checker.Evidence) error {
	request := &workflowservice.ListWorkflowExecutionsRequest{Query: "WorkflowType != '" + workflows.AfterCallName + "'"}
	for {
		page, err := r.stack.Temporal.ListWorkflow(ctx, request)
		if err != nil {
			return err
		}
		for _, info := range page.GetExecutions() {
			id := info.GetExecution()
			h, err := r.history(ctx, id.GetWorkflowId(), id.GetRunId())
			if err != nil {
				return err
			}
			h.report(id.GetWorkflowId(), e)
		}
		if request.NextPageToken = page.GetNextPageToken(); len(request.NextPageToken) == 0 {
			return nil
		}
	}
}

// report adds the failed workflow tasks of a workflow.
func (h history) report(workflowID string, e *checker.Evidence) {
	for _, cause := range h.failed {
		e.Problems = append(e.Problems, fmt.Sprintf("a workflow task of %s has failed: %s", workflowID, cause))
	}
}
