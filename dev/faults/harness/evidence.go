package main

import (
	"context"
	"errors"
	"slices"
	"time"

	"aftercall/dev/faults/checker"
	"aftercall/dev/faults/members"
	"aftercall/dev/webhookreceiver"
	"aftercall/internal/ledger"
)

var regular = []string{"NormalEnd", "Offline"}

// tariffs are those of aftercall.yaml, by app.
var tariffs = map[string]checker.Tariff{
	"clinic": {Currency: "USD", Digits: 2, MaxSeconds: 3600, Rules: []checker.Rule{
		{Media: []string{"Audio"}, Results: []string{"NormalEnd", "Interrupt"}, PerMinute: "0.12", First: 60, Next: 60},
		{Media: []string{"Video"}, Results: []string{"NormalEnd", "Interrupt"}, PerMinute: "0.30", First: 60, Next: 6},
		{Results: []string{"Offline"}, PerMinute: "0.12", First: 60, Next: 60, Grace: 30},
	}},
	"tutoring": {Currency: "JPY", Digits: 0, MaxSeconds: 3600, Rules: []checker.Rule{
		{Results: []string{"Interrupt"}, Review: true},
		{Types: []string{"SingleCall"}, Results: regular, PerMinute: "45", First: 30, Next: 1},
		{Types: []string{"MultiCall"}, Results: regular, PerMinute: "45", First: 30, Next: 1, PerParticipant: true},
	}, Robots: robots, WithoutRecord: checker.UnrecordedFree},
	"seminar": {
		Currency: "USD", Digits: 2, MaxSeconds: 3600, Rules: []checker.Rule{{PerMinute: "0.06", First: 30, Next: 6, Members: true}},
		Robots: members.Host, WithoutRecord: checker.UnrecordedSeen,
	},
}

// targets are those of aftercall.yaml.
var targets = []checker.Target{{Name: "crm", Reviews: true}, {Name: "audit", Apps: []string{"tutoring"}, Reviews: true}}

// collect implements evidences.
func (w *world) collect(ctx context.Context, last bool) (checker.Evidence, error) {
	e := checker.Evidence{Tariffs: tariffs, Targets: targets, Kept: map[string][]checker.Seen{}}
	messages := w.received() // before the ledger is read: an event follows its entry
	booked := map[string]time.Time{}
	entries, called, err := w.readLedger(ctx)
	if err != nil {
		return e, err
	}
	for _, entry := range entries {
		booked[entry.Key] = entry.CreatedAt
		if first, restored := w.booked[entry.Key]; restored {
			booked[entry.Key] = first
		}
		e.Entries = append(e.Entries, newEntry(entry))
		e.Kept[entry.Key] = members.Seen(entry.Charge.Evidence)
	}
	w.read(entries, called)
	e.Operations = slices.Concat(w.history.until(called), w.charged(e.Entries), sightings(e.Entries, messages))
	e.Relays = w.relays()
	if err := errors.Join(w.calls(ctx, &e), w.unfinished(ctx, &e)); err != nil {
		return e, err
	}
	if last {
		if err := w.failedTasks(ctx, &e); err != nil {
			return e, err
		}
		w.verified(ctx, &e)
	}
	e.Decisions, e.Corrections = w.people.made() // after the ledger is read: they are noted before they are made
	for _, m := range messages {
		at, known := booked[m.LedgerKey]
		e.Messages = append(e.Messages, checker.Message{
			Target: m.Target, MessageID: m.MessageID, Type: m.Type, App: m.App, CallID: m.CallID, LedgerKey: m.LedgerKey, Amount: m.Amount, Currency: m.Currency,
			BilledSeconds: m.BilledSeconds, Payer: m.Payer, Accepted: m.Accepted, Early: known && m.First.Before(at), BodyChanged: m.BodyChanged,
		})
	}
	return e, nil
}

func newEntry(e ledger.Entry) checker.Entry {
	return checker.Entry{
		Key: e.Key, Kind: string(e.Kind), App: e.App, CallID: e.CallID(), Amount: e.Charge.Amount.Number(), Currency: e.Charge.Amount.CurrencyCode(),
		BilledSeconds: e.Charge.BilledSeconds, Result: string(e.Record.Result), Reverses: e.Reverses, Operator: e.Operator, Reason: e.Reason,
		Payer: e.Payer(), EndedAt: e.Record.EndTime,
	}
}

// received returns the messages at the targets.
func (w *world) received() (messages []webhookreceiver.Message) {
	for _, target := range targets {
		messages = append(messages, w.stack.Webhooks.Messages(webhookreceiver.Filter{Target: target.Name})...)
	}
	return messages
}
