package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"aftercall/dev/faults/checker"
	"aftercall/dev/local"
	"aftercall/dev/tencentsim"
	"aftercall/dev/webhookreceiver"
	"aftercall/internal/ledger"
	"aftercall/internal/tencent"
)

const (
	// limit is how long anything may take until it is right.
	limit = 30 * time.Minute
	// atOnce is how many callbacks wait for their answers, at most, unless all do.
	atOnce = 64
)

// run is a stack under load.
type run struct {
	stack    *local.Stack
	topology local.Topology
	calls    int
	out      io.Writer
	figures  []string
	placed   []tencentsim.Call
}

// place lets calls end, half of them of each app. Their callbacks follow one another as
// fast as they are answered, or are lost.
func (r *run) place(ctx context.Context, n int, lose bool) error {
	for i := range n {
		app := []tencent.SDKAppID{1400000000, 1400000001}[i%2]
		call, err := r.stack.Tencent.PlaceCall(tencentsim.CallSpec{SDKAppID: app, Seconds: 61, Lose: lose})
		if err != nil {
			return err
		}
		r.placed = append(r.placed, call)
		for ; r.stack.Tencent.Stats().Callbacks.Pending > atOnce; <-time.After(time.Millisecond) {
			if ctx.Err() != nil {
				return ctx.Err()
			}
		}
	}
	return nil
}

// await asks until it is done, and prints how far it is.
func (r *run) await(ctx context.Context, ask func() (progress string, done bool, err error)) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	shown := time.Now()
	for {
		progress, done, err := ask()
		if err != nil || done {
			return err
		}
		if time.Since(shown) > 10*time.Second {
			shown = time.Now()
			fmt.Fprintln(r.out, progress)
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s: %w", progress, ctx.Err())
		case <-time.After(time.Second):
		}
	}
}

// awaitCharged waits until so many calls are in the ledger, and their targets know it.
func (r *run) awaitCharged(ctx context.Context, calls int) error {
	return r.await(ctx, func() (string, bool, error) {
		n, err := r.charged(ctx)
		if err != nil {
			return err.Error(), false, nil //nolint:nilerr // it may just have been started again
		}
		messages := len(r.stack.Webhooks.Messages(webhookreceiver.Filter{Target: "crm"}))
		return fmt.Sprintf("%d calls are charged, the crm knows of %d", n, messages), n >= calls && messages >= calls, nil
	})
}

// charged counts the entries of the ledger.
func (r *run) charged(ctx context.Context) (n int, err error) {
	store, err := ledger.OpenReadOnly(ctx, r.stack.LedgerURL())
	if err != nil {
		return 0, err
	}
	defer store.Close()
	totals, err := store.Report(ctx, ledger.Filter{}, []ledger.Dimension{ledger.ByApp}, time.UTC)
	for _, total := range totals {
		n += int(total.Charges)
	}
	return n, err
}

// tariffs are what the calls of place cost by dev/aftercall.yaml.
var tariffs = map[string]checker.Tariff{
	"clinic":   {Currency: "USD", Digits: 2, MaxSeconds: 6 * 3600, Rules: []checker.Rule{{PerMinute: "0.12", First: 60, Next: 60}}},
	"tutoring": {Currency: "JPY", Digits: 0, MaxSeconds: 6 * 3600, Rules: []checker.Rule{{PerMinute: "45", First: 30, Next: 1}}},
}

// check compares the ledger and what the targets got with the calls.
func (r *run) check(ctx context.Context) ([]checker.Finding, error) {
	e := checker.Evidence{Tariffs: tariffs, Targets: []checker.Target{{Name: "crm"}, {Name: "audit", Apps: []string{"tutoring"}}}}
	for _, call := range r.placed {
		app, _ := r.stack.Config.App(call.SDKAppID)
		c := call.Record
		e.Calls = append(e.Calls, checker.Call{
			App: app.Name, CallID: c.CallID, Caller: c.Caller, Media: string(c.MediaType), Type: string(c.CallType), Result: string(c.Result),
			Start: c.StartTime, Accept: c.AcceptTime, End: c.EndTime, Participants: len(c.Members) - 1, Recorded: true, Clean: true,
		})
	}
	store, err := ledger.OpenReadOnly(ctx, r.stack.LedgerURL())
	if err != nil {
		return nil, err
	}
	defer store.Close()
	for entry, err := range store.List(ctx, ledger.Filter{}) {
		if err != nil {
			return nil, err
		}
		e.Entries = append(e.Entries, checker.Entry{
			Key: entry.Key, Kind: string(entry.Kind), App: entry.App, CallID: entry.CallID(),
			Amount: entry.Charge.Amount.Number(), Currency: entry.Charge.Amount.CurrencyCode(), BilledSeconds: entry.Charge.BilledSeconds,
			Result: string(entry.Record.Result), Reverses: entry.Reverses, Operator: entry.Operator, Reason: entry.Reason,
			Payer: entry.Record.Caller, EndedAt: entry.Record.EndTime,
		})
	}
	for _, target := range e.Targets {
		if err := r.messages(target.Name, &e); err != nil {
			return nil, err
		}
	}
	return checker.Check(e), nil
}

// messages adds what a target got. The receiver keeps only the last bodies: a message
// whose body is gone is taken to be about the charge of its call.
func (r *run) messages(target string, e *checker.Evidence) error {
	filter := webhookreceiver.Filter{Target: target}
	type event struct {
		Data struct {
			LedgerKey string `json:"ledger_key"`
			Amount    string `json:"amount"`
		} `json:"data"`
	}
	events := map[string]event{}
	for _, arrival := range r.stack.Webhooks.Received(filter) {
		var body event
		if err := json.Unmarshal(arrival.Body, &body); err != nil {
			return err
		}
		events[arrival.MessageID] = body
	}
	charges := map[string]checker.Entry{}
	for _, entry := range e.Entries {
		charges[entry.CallID] = entry
	}
	for _, m := range r.stack.Webhooks.Messages(filter) {
		kept, ok := events[m.MessageID]
		data := kept.Data
		if !ok {
			data.LedgerKey, data.Amount = charges[m.CallID].Key, charges[m.CallID].Amount
		}
		e.Messages = append(e.Messages, checker.Message{
			Target: m.Target, MessageID: m.MessageID, Type: m.Type, CallID: m.CallID, LedgerKey: data.LedgerKey, Amount: data.Amount,
			Accepted: m.Accepted, BodyChanged: m.BodyChanged,
		})
	}
	return nil
}
