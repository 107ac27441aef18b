// Package notify sends events about calls and sweeps to targets: signed webhooks
// (www.standardwebhooks.com), chats, mail and billing systems, each a channel.
package notify

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"strconv"
	"time"

	"aftercall/internal/tencent"
)

// EventType names what happened.
type EventType string

// The events.
const (
	// EventCallCharged: the call is in the ledger with an amount.
	EventCallCharged EventType = "call.charged"
	// EventCallFree: the call is in the ledger, and there was nothing to charge.
	EventCallFree EventType = "call.free"
	// EventCallReview: the call was not charged; a person must decide.
	EventCallReview EventType = "call.review"
	// EventCallReversed: a charge was reversed.
	EventCallReversed EventType = "call.reversed"
	// EventCallAdjusted: a credit or surcharge was added to what a call costs, or taken
	// back.
	EventCallAdjusted EventType = "call.adjusted"
	// EventReviewBurst: more calls went to review after the one that EventCallReview
	// reported, because Tencent has no record of them.
	EventReviewBurst EventType = "review.burst"
	// EventSweepRecovered: a sweep found calls whose callback was lost.
	EventSweepRecovered EventType = "sweep.recovered"
	// EventLedgerCheckpoint: a checkpoint of the ledger's log was made.
	EventLedgerCheckpoint EventType = "ledger.checkpoint"
)

// EventTypes are all events that targets can subscribe to.
var EventTypes = []EventType{EventCallCharged, EventCallFree, EventCallReview, EventCallReversed, EventCallAdjusted, EventReviewBurst, EventSweepRecovered, EventLedgerCheckpoint}

// namedOnly are the events that only targets get which name them: every one is of
// use to those who keep it, and a nuisance to others.
var namedOnly = []EventType{EventLedgerCheckpoint}

// EventVersion is the version of the event's schema. It grows when the meaning of
// a field changes or a field is removed, not when one is added.
const EventVersion = 1

// Event is the body of a notification. It is made once, from what is in the
// ledger, and is the same, byte for byte, in every attempt. In JSON the one of
// Call, Burst, Sweep, Checkpoint and Test that is set is called data.
type Event struct {
	Type    EventType
	Version int
	// Timestamp is when it happened, in UTC: for a charge, when the ledger
	// entry was made.
	Timestamp time.Time
	// Call is set in events of calls.
	Call *CallData
	// Burst is set in EventReviewBurst.
	Burst *BurstData
	// Sweep is set in EventSweepRecovered.
	Sweep *SweepData
	// Checkpoint is set in EventLedgerCheckpoint.
	Checkpoint *CheckpointData
	// Test is set in EventTargetTest.
	Test *TestData
}

// envelope is what all events have in common in JSON.
type envelope struct {
	Type      EventType `json:"type"`
	Version   int       `json:"version"`
	Timestamp time.Time `json:"timestamp"`
}

// MarshalJSON writes Call, Burst, Sweep, Checkpoint or Test as data.
func (e Event) MarshalJSON() ([]byte, error) {
	out := struct {
		envelope
		Data any `json:"data"`
	}{envelope{e.Type, e.Version, e.Timestamp}, e.Call}
	switch {
	case e.Burst != nil:
		out.Data = e.Burst
	case e.Sweep != nil:
		out.Data = e.Sweep
	case e.Checkpoint != nil:
		out.Data = e.Checkpoint
	case e.Test != nil:
		out.Data = e.Test
	}
	return json.Marshal(out)
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (e *Event) UnmarshalJSON(text []byte) error {
	var in struct {
		envelope
		Data json.RawMessage `json:"data"`
	}
	if err := json.Unmarshal(text, &in); err != nil {
		return err
	}
	*e = Event{Type: in.Type, Version: in.Version, Timestamp: in.Timestamp}
	switch in.Type {
	case EventReviewBurst:
		return json.Unmarshal(in.Data, &e.Burst)
	case EventSweepRecovered:
		return json.Unmarshal(in.Data, &e.Sweep)
	case EventLedgerCheckpoint:
		return json.Unmarshal(in.Data, &e.Checkpoint)
	case EventTargetTest:
		return json.Unmarshal(in.Data, &e.Test)
	default:
		return json.Unmarshal(in.Data, &e.Call)
	}
}

// withLists returns the event with empty lists instead of nil ones, because
// receivers expect a list, not null.
func (e Event) withLists() Event {
	if e.Call != nil {
		call := *e.Call
		call.Members, call.Explanation = list(call.Members), list(call.Explanation)
		e.Call = &call
	}
	if e.Burst != nil {
		burst := *e.Burst
		burst.Examples = list(burst.Examples)
		e.Burst = &burst
	}
	if e.Sweep != nil {
		sweep := *e.Sweep
		sweep.Examples = list(sweep.Examples)
		e.Sweep = &sweep
	}
	return e
}

func list(values []string) []string {
	if values == nil {
		return []string{}
	}
	return values
}

// CallData is a call and its charge. Times are Unix seconds, as Tencent gives them.
type CallData struct {
	App      string           `json:"app"`
	SDKAppID tencent.SDKAppID `json:"sdk_app_id"`
	CallID   string           `json:"call_id"`
	Caller   string           `json:"caller"`
	// Payer is set if another account than the caller pays.
	Payer   string   `json:"payer,omitempty"`
	Members []string `json:"members"`
	// MembersTotal is set if the call had so many members that Members are only the
	// first ones: the number of all.
	MembersTotal int `json:"members_total,omitempty"`
	// MemberSeconds are the connected seconds of each member, by account, if the charge
	// was made from them. They are left out where MembersTotal is set.
	MemberSeconds    map[string]int64   `json:"member_seconds,omitempty"`
	RoomID           tencent.RoomID     `json:"room_id"`
	MediaType        tencent.MediaType  `json:"media_type"`
	CallType         tencent.CallType   `json:"call_type"`
	Result           tencent.CallResult `json:"result"`
	StartTime        int64              `json:"start_time"`
	AcceptTime       int64              `json:"accept_time"`
	EndTime          int64              `json:"end_time"`
	ConnectedSeconds int64              `json:"connected_seconds"`
	BilledSeconds    int64              `json:"billed_seconds"`
	// Amount is a decimal number as text; it has the digits of the currency,
	// and is negative in EventCallReversed. In EventCallAdjusted it is the change, of
	// either sign.
	Amount   string `json:"amount"`
	Currency string `json:"currency"`
	Tariff   string `json:"tariff"`
	// Explanation is how the amount was calculated, one step a line.
	Explanation []string `json:"explanation"`
	// LedgerKey names the entry that the event is made from.
	LedgerKey string `json:"ledger_key"`
	// Revision counts the corrections of a call's charge. It is left out of the
	// first charge, which is revision 1.
	Revision int `json:"revision,omitempty"`
	// Adjustment is the number of the adjustment. Only in EventCallAdjusted.
	Adjustment int `json:"adjustment,omitempty"`
	// Reverses names the entry that a reversal reverses.
	Reverses string `json:"reverses,omitempty"`
	// Unconfirmed is set if all that is known about the call was claimed by a
	// callback, and not confirmed by Tencent. Only in EventCallReview.
	Unconfirmed bool `json:"unconfirmed,omitempty"`
	// Reason and Operator are why the charge was corrected, and by whom.
	Reason   string `json:"reason,omitempty"`
	Operator string `json:"operator,omitempty"`
}

// BurstData are the reviews that were opened between From and To, and not reported one
// by one.
type BurstData struct {
	App      string           `json:"app"`
	SDKAppID tencent.SDKAppID `json:"sdk_app_id"`
	// Reviews counts them, and Examples are the CallIds of the first ones.
	Reviews  int       `json:"reviews"`
	Examples []string  `json:"examples"`
	From     time.Time `json:"from"`
	To       time.Time `json:"to"`
	// Command lists them and then decides about all of them.
	Command string `json:"command"`
}

// SweepData is what a sweep found between From and To.
type SweepData struct {
	App      string           `json:"app"`
	SDKAppID tencent.SDKAppID `json:"sdk_app_id"`
	// Listed is how many calls Tencent listed. Of them Known had been handled
	// before, Recovered were started by the sweep, and Failed could not be started.
	Listed    int `json:"listed"`
	Known     int `json:"known"`
	Recovered int `json:"recovered"`
	Failed    int `json:"failed"`
	// Examples are some of the recovered CallIds.
	Examples []string  `json:"examples"`
	From     time.Time `json:"from"`
	To       time.Time `json:"to"`
}

// CheckpointData is a checkpoint of the ledger's log: with a copy of it can be shown
// that the ledger was altered since.
type CheckpointData struct {
	// Origin names the ledger.
	Origin string `json:"origin"`
	// Entries is how many entries the log held, and Root the base64 of the root hash
	// of their Merkle tree.
	Entries uint64    `json:"entries"`
	Root    string    `json:"root"`
	Time    time.Time `json:"time"`
	// Text is the checkpoint, a signed note if a key is configured.
	Text string `json:"text"`
}

// MessageID identifies the notification of one event about one subject: the
// CallId, or the run of a sweep or of a burst of reviews. It is the same in every attempt, so that a
// receiver can drop repetitions, and holds nothing that a user controls: it is a
// hash of the parts and their lengths. Further parts distinguish what can happen
// to a subject more than once, such as the revisions of a charge.
func MessageID(app tencent.SDKAppID, subject string, event EventType, further ...string) string {
	h := sha256.New()
	for _, part := range append([]string{app.String(), subject, string(event)}, further...) {
		h.Write([]byte(strconv.Itoa(len(part)) + ":" + part))
	}
	return "msg_" + hex.EncodeToString(h.Sum(nil)[:16])
}
