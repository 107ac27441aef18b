package checker

import "time"

// ID names a call. A CallId is unique in its app only: calls of two apps may have the same
// one.
type ID struct{ App, CallID string }

// ID is that of the call.
func (c Call) ID() ID { return ID{c.App, c.CallID} }

// ID is that of the call.
func (e Entry) ID() ID { return ID{e.App, e.CallID} }

// ID is that of the call.
func (d Decision) ID() ID { return ID{d.App, d.CallID} }

// ID is that of the call.
func (c Correction) ID() ID { return ID{c.App, c.CallID} }

// ID is that of the call.
func (a Answer) ID() ID { return ID{a.App, a.CallID} }

// ID is that of the call.
func (m Message) ID() ID { return ID{m.App, m.CallID} }

// ID is that of the call.
func (o Operation) ID() ID { return ID{o.App, o.CallID} }

// Call is a call as Tencent knows it in the end.
type Call struct {
	App, CallID string
	Caller      string
	// FirstCallee is the first member who is not the caller.
	FirstCallee         string
	Media, Type, Result string
	Start, Accept, End  int64 // Unix seconds
	// Participants are the members other than the caller.
	Participants int
	// Members are all, with the caller. Sent is what Tencent has posted of them, and Seen
	// what was kept with the charge. What was answered OK before SeenBefore must be.
	Members    []string
	Sent       []Sent
	Seen       []Seen
	SeenBefore time.Time
	// Recorded says that Tencent has a record that can be read, and that there was a
	// time, within its seven days, at which everything worked: the call must be charged.
	Recorded bool
	// Claims are what the callbacks about the end of a call without a record say.
	Claims []Claim
	// Unreadable says that a field of the record cannot be read, so that a person must
	// have decided.
	Unreadable bool
	// Clean says that the record was right, complete and in time: no person may have had
	// to decide.
	Clean bool
}

// Entry is an entry of the ledger.
type Entry struct {
	Key, Kind, App, CallID string
	Amount, Currency       string
	BilledSeconds          int64
	// Result is the CallResult that was charged, by which targets choose: another one
	// than the call's if the record could not be read.
	Result string
	// Reverses is the key of the charge that the entry takes back.
	Reverses string
	// Operator and Reason are those of a decision or a correction.
	Operator, Reason string
	// Payer is who is charged, and EndedAt, in Unix seconds, decides in which month.
	Payer   string
	EndedAt int64
}

// Decision is one that a person has sent, carried out or not. Reason names it.
type Decision struct {
	App, CallID, Reason string
	// Verdict is charge, waive or charge-as. Media and Type replace those of the record.
	Verdict     string
	Seconds     int64
	Media, Type string
	// Payer and EndedAt are empty where the person has left them to the record.
	Payer   string
	EndedAt int64
}

// Answer is the answer OK to a callback.
type Answer struct {
	App, CallID string
	At          time.Time
	// Known says that the call was durable at that moment: it had a workflow, or was in
	// the ledger.
	Known bool
}

// Message is one event at one target, by its message ID.
type Message struct {
	Target, MessageID, Type, App, CallID string
	// LedgerKey is the entry that the event names. The others are what the event says of
	// it; Payer is the caller.
	LedgerKey, Amount, Currency string
	BilledSeconds               int64
	Payer                       string
	// Accepted counts the arrivals that were answered 2xx.
	Accepted int
	// Early says that the entry was not in the ledger when the message first arrived.
	Early bool
	// BodyChanged says that a later arrival had another body.
	BodyChanged bool
}

// Target is a receiver and what it subscribes to; empty lists are all.
type Target struct {
	Name          string
	Apps, Results []string
	// Reviews says that it subscribes to what needs a decision.
	Reviews bool
}

// Evidence is what a run leaves behind.
type Evidence struct {
	// Tariffs by app.
	Tariffs map[string]Tariff
	Targets []Target
	Calls   []Call
	Entries []Entry
	// Kept is what charges were made from, by their keys.
	Kept      map[string][]Seen
	Decisions []Decision
	// Corrections are in the order in which they were made.
	Corrections []Correction
	Answers     []Answer
	Messages    []Message
	Relays      []Relay
	// Operations are the histories of the calls.
	Operations []Operation
	// Usages are those of processes.
	Usages []Usage
	// Stuck are what still waits, and Problems other things that must not happen.
	Stuck, Problems []string
}
