// Package checker knows the truth about a run with faults: what became of every call,
// compared with what should have. It works on plain data, whatever has collected them:
// the simulation, or a harness with real processes. It imports nothing of the product.
package checker

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
)

// The kinds of findings.
const (
	Lost          = "lost"            // the call is not in the ledger
	Doubled       = "doubled"         // it is there more than once
	WrongSum      = "wrong sum"       // the own rater says something else
	WrongPayer    = "wrong payer"     // somebody else pays for the call
	WrongEnd      = "wrong end"       // it is charged at another time
	WrongRecord   = "wrong record"    // it is charged with another result
	Blind         = "charged blindly" // a person should have decided
	NeedlessWait  = "decided"         // a person had to decide about a clean call
	Extra         = "extra"           // an entry about no call, or a correction that nobody made
	NotNotified   = "not notified"
	NotSubscribed = "not subscribed" // a target was told what it does not subscribe to
	WrongType     = "wrong type"     // an event says that another thing has happened
	SeveralIDs    = "several message IDs"
	ChangedBody   = "changed body"
	Early         = "notified before charged"
	NotInLedger   = "notified of no entry"
	NotRelayed    = "not relayed"
	AcceptedEmpty = "accepted but nowhere"
	Impossible    = "impossible" // no order of what was done about the call explains it
	Leaked        = "leaked"     // memory, goroutines, files or connections
	Stuck         = "stuck"
	Problem       = "problem"
	Invented      = "invented"   // charged by an event that Tencent has not posted
	Overlooked    = "overlooked" // charged without one that was kept in time
)

// Finding is something that must not be.
type Finding struct {
	Kind string
	// App and CallID are the call, empty if it is about none.
	App, CallID string
	Text        string
}

// String is the finding in one line.
func (f Finding) String() string {
	if f.CallID == "" {
		return f.Kind + ": " + f.Text
	}
	return f.Kind + ": call " + f.CallID + " of " + f.App + ": " + f.Text
}

// Check returns everything that is wrong, in a stable order.
func Check(e Evidence) []Finding {
	r := &report{Evidence: e, entries: map[ID][]Entry{}, messages: map[ID][]Message{}, unrecorded: map[ID]bool{}}
	known := map[ID]bool{}
	for _, c := range e.Calls {
		known[c.ID()], r.unrecorded[c.ID()] = true, !c.Recorded
	}
	for _, entry := range e.Entries {
		of := entry.ID()
		r.entries[of] = append(r.entries[of], entry)
		if !known[of] {
			r.add(Extra, of, "%s is about a call that never was", entry.Key)
		}
	}
	for _, m := range e.Messages {
		r.messages[m.ID()] = append(r.messages[m.ID()], m)
	}
	for _, c := range e.Calls {
		r.call(c)
	}
	for of := range r.messages {
		if of.CallID != "" && !known[of] {
			r.notified(Call{App: of.App, CallID: of.CallID}, r.entries[of])
		}
	}
	for _, a := range e.Answers {
		if !a.Known {
			r.add(AcceptedEmpty, a.ID(), "OK was answered at %s, and the call had no workflow and no entry", a.At.Format(time.DateTime))
		}
	}
	r.histories()
	r.usages()
	r.relays()
	for _, text := range e.Stuck {
		r.add(Stuck, ID{}, "%s", text)
	}
	for _, text := range e.Problems {
		r.add(Problem, ID{}, "%s", text)
	}
	slices.SortStableFunc(r.findings, func(a, b Finding) int { return strings.Compare(a.String(), b.String()) })
	return r.findings
}

// report collects findings.
type report struct {
	Evidence
	entries    map[ID][]Entry
	messages   map[ID][]Message
	unrecorded map[ID]bool
	findings   []Finding
}

func (r *report) add(kind string, of ID, format string, args ...any) {
	r.findings = append(r.findings, Finding{kind, of.App, of.CallID, fmt.Sprintf(format, args...)})
}

// call checks everything about one call. Its first charge is that of its workflow;
// everything later must be a correction.
func (r *report) call(c Call) {
	entries := r.entries[c.ID()]
	first := slices.IndexFunc(entries, func(e Entry) bool { return e.Kind == kindCharge })
	switch {
	case first >= 0:
		r.charge(c, entries[first])
		r.corrections(c, entries[first], slices.Delete(slices.Clone(entries), first, first+1))
	case c.Recorded:
		r.add(Lost, c.ID(), "it ended at %s and is not in the ledger", clockOf(c.End))
	case slices.ContainsFunc(r.Answers, func(a Answer) bool { return a.ID() == c.ID() }):
		r.add(Lost, c.ID(), "its callback was answered OK, and it is not in the ledger")
	}
	r.notified(c, entries)
}

// charge compares the sum with that of the own rater, or of the decision.
func (r *report) charge(c Call, entry Entry) {
	tariff := r.Tariffs[c.App]
	c.Seen = r.Kept[entry.Key]
	r.seen(c, entry)
	if entry.Operator == "" && !c.Recorded {
		r.withoutRecord(c, entry)
		return
	}
	want, review := tariff.Rate(c)
	payer, ended := tariff.Payer(c), c.End
	if c.Clean && entry.Result != c.Result {
		r.add(WrongRecord, c.ID(), "a call that ended by %q is charged as one that ended by %q", c.Result, entry.Result)
	}
	if entry.Operator == "" && (review || c.Unreadable) {
		r.add(Blind, c.ID(), "%s %s was charged without a decision", entry.Amount, entry.Currency)
		return
	}
	if entry.Operator != "" {
		if c.Clean && !review {
			r.add(NeedlessWait, c.ID(), "%s has decided about a call with a complete record (%s)", entry.Operator, entry.Reason)
		}
		if !c.Recorded && r.chargeable(c) {
			r.add(NeedlessWait, c.ID(), "%s has decided about a call without a record that the app charges by itself (%s)", entry.Operator, entry.Reason)
		}
		i := slices.IndexFunc(r.Decisions, func(d Decision) bool { return d.ID() == c.ID() && d.Reason == entry.Reason })
		if i < 0 {
			r.add(Extra, c.ID(), "nobody has decided %q", entry.Reason)
			return
		}
		made := r.Decisions[i]
		decided, ok := tariff.Decide(c, made)
		if !ok {
			r.add(WrongSum, c.ID(), "the decision %s cannot be charged, and %s %s was", made.Verdict, entry.Amount, entry.Currency)
			return
		}
		want, payer, ended = decided, cmp.Or(made.Payer, payer), cmp.Or(made.EndedAt, ended)
		if made.Verdict == "waive" { // nobody pays, whatever the record says
			payer, ended = entry.Payer, entry.EndedAt
		}
		r.reviewed(c, entry)
	}
	r.compare(c, entry, want, payer, ended)
}

// compare compares an entry with what the call costs, who pays for it, and when it ended.
func (r *report) compare(c Call, entry Entry, want Sum, payer string, ended int64) {
	if entry.Payer != payer {
		r.add(WrongPayer, c.ID(), "%q is charged, and %q has to pay", entry.Payer, payer)
	}
	if entry.EndedAt != ended {
		r.add(WrongEnd, c.ID(), "it is charged as of %s, and ended at %s", clockOf(entry.EndedAt), clockOf(ended))
	}
	if got := (Sum{entry.Amount, entry.Currency, entry.BilledSeconds}); got != want {
		r.add(WrongSum, c.ID(), "charged %s, and it costs %s", got, want)
	}
}

func clockOf(unix int64) string { return time.Unix(unix, 0).UTC().Format(time.DateTime) }

// reviewed checks that the targets that subscribe to reviews have accepted the one of this
// call. Calls without record that come soon after one another share a message: the
// first has its own, and all others one that comes later, perhaps after the run.
func (r *report) reviewed(c Call, decided Entry) {
	told := func(m Message) bool {
		shared := !c.Recorded && m.App == c.App && (m.Type == "review.burst" || m.Type == "call.review" && r.unrecorded[m.ID()])
		return m.Accepted > 0 && (m.Type == "call.review" && m.ID() == c.ID() || shared)
	}
	for _, target := range r.Targets {
		if target.Reviews && matches(target.Apps, decided.App) &&
			!slices.ContainsFunc(r.Messages, func(m Message) bool { return m.Target == target.Name && told(m) }) {
			r.add(NotNotified, c.ID(), "%s has not accepted an event that it needs a decision", target.Name)
		}
	}
}

// notified checks the messages about a call: each entry at each target under one
// message ID, and none about something else.
func (r *report) notified(c Call, entries []Entry) {
	ids := map[string]string{} // by target and subject
	for _, m := range r.messages[c.ID()] {
		subject := m.Target + " " + m.Type + " " + m.LedgerKey
		if first, seen := ids[subject]; seen && first != m.MessageID {
			r.add(SeveralIDs, c.ID(), "%s got %s under %s and %s", m.Target, m.Type, first, m.MessageID)
		}
		ids[subject] = m.MessageID
		entry, found := find(entries, m.LedgerKey)
		switch {
		case m.LedgerKey == "": // a review, which may begin again at another time
		case m.BodyChanged:
			r.add(ChangedBody, c.ID(), "%s got %s with different bodies under %s", m.Target, m.Type, m.MessageID)
		case !found:
			r.add(NotInLedger, c.ID(), "%s got %s of %s, which is not in the ledger", m.Target, m.Type, m.LedgerKey)
		case m.Early:
			r.add(Early, c.ID(), "%s got %s before %s was in the ledger", m.Target, m.Type, m.LedgerKey)
		default:
			r.told(m, entry, entries)
		}
	}
	for _, entry := range entries {
		for _, target := range r.Targets {
			if target.wants(entry) && !r.delivered(c.ID(), target.Name, entry.Key) {
				r.add(NotNotified, c.ID(), "%s has not accepted an event of %s", target.Name, entry.Key)
			}
		}
	}
}

// told checks what a message says about its entry, which is one of several of the call.
func (r *report) told(m Message, entry Entry, entries []Entry) {
	if said, is := (Sum{m.Amount, m.Currency, m.BilledSeconds}), (Sum{entry.Amount, entry.Currency, entry.BilledSeconds}); said != is {
		r.add(WrongSum, m.ID(), "%s was told %s, and %s is %s", m.Target, said, m.LedgerKey, is)
	}
	if m.Payer != entry.Payer {
		r.add(WrongPayer, m.ID(), "%s was told that %q pays, and %s is of %q", m.Target, m.Payer, m.LedgerKey, entry.Payer)
	}
	if want := entry.event(entries); m.Type != want {
		r.add(WrongType, m.ID(), "%s got %s of %s, which is a %s", m.Target, m.Type, m.LedgerKey, want)
	}
	i := slices.IndexFunc(r.Targets, func(t Target) bool { return t.Name == m.Target })
	if i >= 0 && !r.Targets[i].wants(entry) {
		r.add(NotSubscribed, m.ID(), "%s got %s of %s", m.Target, m.Type, m.LedgerKey)
	}
}

// event is the type of the event about an entry, one of several of a call.
func (e Entry) event(entries []Entry) string {
	of, _ := find(entries, e.Reverses)
	switch {
	case e.Kind == kindAdjustment, of.Kind == kindAdjustment:
		return "call.adjusted"
	case e.Kind == kindReversal:
		return "call.reversed"
	case rational(e.Amount).Sign() == 0:
		return "call.free"
	}
	return "call.charged"
}

func (t Target) wants(e Entry) bool {
	return matches(t.Apps, e.App) && (e.Result == "" || matches(t.Results, e.Result))
}

func find(entries []Entry, key string) (Entry, bool) {
	i := slices.IndexFunc(entries, func(e Entry) bool { return e.Key == key })
	if i < 0 {
		return Entry{}, false
	}
	return entries[i], true
}

func (r *report) delivered(of ID, target, entry string) bool {
	return slices.ContainsFunc(r.messages[of], func(m Message) bool {
		return m.Target == target && m.LedgerKey == entry && m.Accepted > 0
	})
}
