package main

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"aftercall/dev/faults/checker"
	"aftercall/dev/faults/members"
	"aftercall/dev/local"
	"aftercall/dev/tencentsim"
	"aftercall/dev/webhookreceiver"
	"aftercall/internal/ledger"
)

// history notes what clients do about calls, for checker.Evidence.Operations.
type history struct {
	mu         sync.Mutex
	operations []checker.Operation
	// latest is the latest read of each call. Only reads that find something else than
	// the ones around them say something.
	latest map[checker.ID]checker.Operation
}

func newHistory() *history { return &history{latest: map[checker.ID]checker.Operation{}} }

// begin adds an operation that begins now. While it is under way its outcome is unknown,
// and others may see what it has done.
func (h *history) begin(o checker.Operation) (end func(checker.Outcome)) {
	o.Called, o.Outcome = time.Now(), checker.Unknown
	h.mu.Lock()
	defer h.mu.Unlock()
	i := len(h.operations)
	h.operations = append(h.operations, o)
	return func(outcome checker.Outcome) {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.operations[i].Returned, h.operations[i].Outcome = time.Now(), outcome
	}
}

// read adds a read of the ledger.
func (h *history) read(o checker.Operation) {
	h.mu.Lock()
	defer h.mu.Unlock()
	last, known := h.latest[o.ID()]
	if !known || !slices.Equal(last.Entries, o.Entries) {
		if known {
			h.operations = append(h.operations, last)
		}
		h.operations = append(h.operations, o)
	}
	h.latest[o.ID()] = o
}

// all are the operations so far.
func (h *history) all() []checker.Operation {
	h.mu.Lock()
	defer h.mu.Unlock()
	operations := slices.Clone(h.operations)
	for _, o := range h.latest {
		operations = append(operations, o)
	}
	return operations
}

// until are the operations so far without reads of the ledger that may have seen what was
// not there yet when a read of all of it was called.
func (h *history) until(called time.Time) []checker.Operation {
	return slices.DeleteFunc(h.all(), func(o checker.Operation) bool {
		return o.Kind == checker.OpRead && !o.Called.Equal(called) && o.Returned.After(called)
	})
}

// watch reads the ledger all the time, until ctx ends.
func (w *world) watch(ctx context.Context) {
	for {
		w.inPlace.RLock()
		if entries, called, err := w.readLedger(ctx); err == nil {
			w.read(entries, called)
		}
		w.inPlace.RUnlock()
		if wait(ctx, 200*time.Millisecond) != nil {
			return
		}
	}
}

// readLedger returns all entries, and when it began to read them.
func (w *world) readLedger(ctx context.Context) (entries []ledger.Entry, called time.Time, err error) {
	store, err := ledger.OpenReadOnly(ctx, w.stack.LedgerURL())
	if err != nil {
		return nil, called, err
	}
	defer store.Close()
	called = time.Now()
	for entry, err := range store.List(ctx, ledger.Filter{}) {
		if err != nil {
			return nil, called, err
		}
		entries = append(entries, entry)
	}
	return entries, called, nil
}

// read notes what each call that has ended has in the ledger.
func (w *world) read(entries []ledger.Entry, called time.Time) {
	of := map[checker.ID][]checker.Entry{}
	for _, e := range entries {
		entry := newEntry(e)
		of[entry.ID()] = append(of[entry.ID()], entry)
	}
	returned := time.Now()
	w.mu.Lock()
	placed := w.placed
	w.mu.Unlock()
	for _, c := range placed {
		read := checker.Operation{App: nameOf(c.spec.SDKAppID), CallID: c.spec.CallID, Kind: checker.OpRead, Outcome: checker.Done, Called: called, Returned: returned}
		read.Entries = of[read.ID()]
		w.history.read(read)
	}
}

// operations are what is known of a call from its callbacks and its workflow, which has
// started at a time, or not.
func operations(about checker.ID, posted []tencentsim.PostedCallback, started time.Time) (all []checker.Operation) {
	for _, p := range posted {
		o := checker.Operation{App: about.App, CallID: about.CallID, Kind: checker.OpCallback, Called: p.SentAt, Returned: members.Answered(p), Outcome: checker.Refused}
		if p.Status == http.StatusOK {
			o.Outcome = checker.Done
		}
		all = append(all, o)
	}
	if !started.IsZero() {
		all = append(all, happened(checker.OpStart, about, started))
	}
	return all
}

// happened is an operation of the product itself, known from what it has left: it
// happened at some time since.
func happened(kind checker.OperationKind, about checker.ID, since time.Time, entries ...checker.Entry) checker.Operation {
	return checker.Operation{App: about.App, CallID: about.CallID, Kind: kind, Outcome: checker.Done, Called: since, Returned: time.Now(), Entries: entries}
}

// charged are the first charges of all calls, and sightings are the events about entries
// that have arrived.
func (w *world) charged(entries []checker.Entry) (all []checker.Operation) {
	for _, e := range entries {
		if strings.HasPrefix(e.Key, "charge:") {
			all = append(all, happened(checker.OpCharge, e.ID(), w.started, e))
		}
	}
	return all
}

func sightings(entries []checker.Entry, messages []webhookreceiver.Message) (all []checker.Operation) {
	for _, m := range messages {
		i := slices.IndexFunc(entries, func(e checker.Entry) bool { return e.Key == m.LedgerKey })
		if i < 0 {
			continue // which is a finding of its own
		}
		seen := entries[i]
		seen.Amount = m.Amount
		all = append(all, checker.Operation{
			App: m.App, CallID: m.CallID, Kind: checker.OpFind, Outcome: checker.Done, Called: m.First, Returned: m.First, Entries: []checker.Entry{seen},
		})
	}
	return all
}

// correction is a command that corrects a charge, which may have to be repeated.
func (w *world) correction(made checker.Correction, command func() local.CommandResult) local.CommandResult {
	kinds := map[string]checker.OperationKind{checker.Reverse: checker.OpReverse, checker.Undo: checker.OpUndo, checker.Adjust: checker.OpAdjust}
	o := checker.Operation{App: made.App, CallID: made.CallID, Kind: kinds[made.Kind]}
	if made.Amount != "" {
		o.Entries = []checker.Entry{{Amount: made.Amount}}
	}
	end := w.history.begin(o)
	result := command()
	if result.Err() == nil {
		end(checker.Succeeded)
	} else {
		end(checker.Unknown)
	}
	return result
}
