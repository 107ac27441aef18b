package webhookreceiver

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

// Arrival is a request to a target, with a valid signature or not.
type Arrival struct {
	Target string    `json:"target"`
	At     time.Time `json:"at"`
	// MessageID is the header webhook-id.
	MessageID string `json:"message_id"`
	// Valid reports that the signature is valid and not older than five minutes.
	Valid bool `json:"valid"`
	// Attempt counts the arrivals of this message at this target from 1; it is 0
	// when the signature is invalid.
	Attempt int `json:"attempt"`
	// Status is the HTTP status of the answer.
	Status int `json:"status"`
	// Type and CallID are type and data.call_id of the body, empty when missing.
	Type   string `json:"type"`
	CallID string `json:"call_id"`
	Body   []byte `json:"-"`
	// Event is the body if it is JSON.
	Event json.RawMessage `json:"event,omitempty"`

	app, ledgerKey, amount, currency, payer string
	billedSeconds                           int64
}

// Message summarizes the arrivals of a message ID at a target that had a valid
// signature.
type Message struct {
	Target    string    `json:"target"`
	MessageID string    `json:"message_id"`
	Type      string    `json:"type"`
	CallID    string    `json:"call_id"`
	First     time.Time `json:"first"`
	Last      time.Time `json:"last"`
	// Attempts counts all arrivals, Accepted those answered 2xx.
	Attempts int `json:"attempts"`
	Accepted int `json:"accepted"`
	// BodyChanged reports that the body of a later arrival differed from the first.
	BodyChanged bool `json:"body_changed"`
	// App, LedgerKey, Amount, Currency and BilledSeconds are those of data of the first
	// arrival, empty when missing. Payer is who pays: the caller, unless data names another
	// one.
	App           string `json:"app,omitempty"`
	LedgerKey     string `json:"ledger_key,omitempty"`
	Amount        string `json:"amount,omitempty"`
	Currency      string `json:"currency,omitempty"`
	BilledSeconds int64  `json:"billed_seconds,omitempty"`
	Payer         string `json:"payer,omitempty"`

	sum string
}

// Counts are the totals of a target.
type Counts struct {
	// Attempts counts all arrivals with a valid signature.
	Attempts int `json:"attempts"`
	// Distinct is the number of message IDs, Accepted the number of those that were
	// answered 2xx at least once.
	Distinct int `json:"distinct"`
	Accepted int `json:"accepted"`
	// Duplicates counts arrivals of messages that had been accepted before.
	Duplicates    int `json:"duplicates"`
	BadSignatures int `json:"bad_signatures"`
}

// Filter selects arrivals and messages; empty fields match all.
type Filter struct {
	Target    string
	MessageID string
	CallID    string
	Type      string
}

func (f Filter) match(target, messageID, callID, kind string) bool {
	return (f.Target == "" || f.Target == target) && (f.MessageID == "" || f.MessageID == messageID) &&
		(f.CallID == "" || f.CallID == callID) && (f.Type == "" || f.Type == kind)
}

func newArrival(target, messageID string, body []byte, valid bool, at time.Time) Arrival {
	a := Arrival{Target: target, At: at, MessageID: messageID, Valid: valid, Body: body}
	if json.Valid(body) {
		a.Event = body
	}
	var event struct {
		Type string `json:"type"`
		Data struct {
			App           string `json:"app"`
			CallID        string `json:"call_id"`
			LedgerKey     string `json:"ledger_key"`
			Amount        string `json:"amount"`
			Currency      string `json:"currency"`
			BilledSeconds int64  `json:"billed_seconds"`
			Caller        string `json:"caller"`
			Payer         string `json:"payer"`
		} `json:"data"`
	}
	// A body of another form is counted too.
	if err := json.Unmarshal(body, &event); err == nil {
		a.Type, a.CallID = event.Type, event.Data.CallID
		a.ledgerKey, a.amount, a.currency = event.Data.LedgerKey, event.Data.Amount, event.Data.Currency
		a.app, a.billedSeconds, a.payer = event.Data.App, event.Data.BilledSeconds, cmp.Or(event.Data.Payer, event.Data.Caller)
	}
	return a
}

// TypeChat is the type of an arrival at a chat target, which has no event type.
const TypeChat = "chat"

// TypeUnsigned is the type of an arrival at a target that accepts any body.
const TypeUnsigned = "unsigned"

// newUnsigned returns the arrival of a body that may be anything.
func newUnsigned(target string, body []byte, at time.Time) Arrival {
	arrival := newChat(target, body, at)
	arrival.Valid, arrival.Type = len(body) > 0, TypeUnsigned
	if arrival.MessageID = strings.Replace(arrival.MessageID, "chat_", "body_", 1); !json.Valid(body) {
		arrival.Event = nil
	}
	return arrival
}

// newChat returns the arrival of a chat message. Its ID is a hash of the body,
// because chat messages have none; its last line may contain a CallId.
func newChat(target string, body []byte, at time.Time) Arrival {
	digest := sha256.Sum256(body)
	var message struct {
		Text string `json:"text"`
	}
	valid := json.Unmarshal(body, &message) == nil && message.Text != ""
	_, callID, _ := strings.Cut(message.Text, "\nCallId ")
	return Arrival{
		Target: target, At: at, MessageID: "chat_" + hex.EncodeToString(digest[:8]), Valid: valid, Type: TypeChat, CallID: callID,
		Body: body, Event: json.RawMessage(body),
	}
}

// arrive counts an arrival and returns the answer to it.
func (r *Receiver) arrive(a Arrival) Failure {
	r.mu.Lock()
	defer r.mu.Unlock()
	answer := Failure{Status: http.StatusUnauthorized}
	if a.Valid {
		answer = r.takeFailure(a)
		if answer.Status == 0 {
			answer.Status = http.StatusOK
		}
	}
	a.Status = answer.Status
	r.count(&a)
	r.arrivals = append(r.arrivals, a)
	if len(r.arrivals) > r.keep {
		r.arrivals = r.arrivals[1:]
	}
	// An error of the output is no reason to refuse events.
	_, _ = fmt.Fprintln(r.lines, a.line())
	return answer
}

// count adds an arrival to messages and counts. r.mu is held.
func (r *Receiver) count(a *Arrival) {
	counts := r.counts[a.Target]
	if counts == nil {
		counts = &Counts{}
		r.counts[a.Target] = counts
	}
	if !a.Valid {
		counts.BadSignatures++
		return
	}
	digest := sha256.Sum256(a.Body)
	sum := hex.EncodeToString(digest[:])
	key := messageKey{a.Target, a.MessageID}
	m := r.messages[key]
	if m == nil {
		m = &Message{
			Target: a.Target, MessageID: a.MessageID, Type: a.Type, CallID: a.CallID, First: a.At,
			App: a.app, LedgerKey: a.ledgerKey, Amount: a.amount, Currency: a.currency, BilledSeconds: a.billedSeconds, Payer: a.payer, sum: sum,
		}
		r.messages[key] = m
		r.order = append(r.order, m)
		counts.Distinct++
	}
	counts.Attempts++
	if m.Accepted > 0 {
		counts.Duplicates++
	}
	m.Attempts++
	m.Last = a.At
	m.BodyChanged = m.BodyChanged || m.sum != sum
	a.Attempt = m.Attempts
	if a.Status >= 200 && a.Status < 300 {
		m.Accepted++
		if m.Accepted == 1 {
			counts.Accepted++
		}
	}
}

// line returns a readable line about the arrival.
func (a Arrival) line() string {
	signature, kind := "valid signature", a.Type
	switch {
	case a.Type == TypeUnsigned:
		signature, kind = "without a signature", ""
	case !a.Valid:
		signature = "INVALID SIGNATURE"
	}
	sum := ""
	if a.amount != "" {
		sum = a.amount + " " + a.currency
	}
	text := fmt.Sprintf("%s webhook %s: %s", a.At.Format(time.TimeOnly), a.Target, signature)
	for _, part := range []struct{ name, value string }{
		{"", kind}, {"call ", a.CallID}, {"amount ", sum}, {"message ", a.MessageID},
	} {
		// Without control characters a value cannot add a line.
		if part.value != "" {
			text += ", " + part.name + printable(part.value)
		}
	}
	if a.Attempt > 1 {
		text += fmt.Sprintf(", attempt %d", a.Attempt)
	}
	return text + fmt.Sprintf(" → %d", a.Status)
}

// Received returns the stored arrivals that match, oldest first, without waiting.
func (r *Receiver) Received(f Filter) []Arrival {
	r.mu.Lock()
	defer r.mu.Unlock()
	found := []Arrival{}
	for _, a := range r.arrivals {
		if f.match(a.Target, a.MessageID, a.CallID, a.Type) {
			found = append(found, a)
		}
	}
	return found
}

// Messages returns the messages that match, in the order of their first arrival.
func (r *Receiver) Messages(f Filter) []Message {
	r.mu.Lock()
	defer r.mu.Unlock()
	found := []Message{}
	for _, m := range r.order {
		if f.match(m.Target, m.MessageID, m.CallID, m.Type) {
			found = append(found, *m)
		}
	}
	return found
}

// Counts returns the totals of a target, or of all when target is empty.
func (r *Receiver) Counts(target string) Counts {
	r.mu.Lock()
	defer r.mu.Unlock()
	var sum Counts
	for name, c := range r.counts {
		if target == "" || target == name {
			sum.Attempts += c.Attempts
			sum.Distinct += c.Distinct
			sum.Accepted += c.Accepted
			sum.Duplicates += c.Duplicates
			sum.BadSignatures += c.BadSignatures
		}
	}
	return sum
}

// Reset deletes arrivals, messages and counts. Failures stay.
func (r *Receiver) Reset() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.arrivals, r.order = nil, nil
	r.messages, r.counts = map[messageKey]*Message{}, map[string]*Counts{}
}

// takeFailure returns the failure for an arrival and counts its use. r.mu is held.
func (r *Receiver) takeFailure(a Arrival) Failure {
	for i, f := range r.failures {
		if !f.filter().match(a.Target, a.MessageID, a.CallID, a.Type) {
			continue
		}
		if f.Times > 0 {
			r.failures[i].Times--
			if r.failures[i].Times == 0 {
				r.failures = slices.Delete(r.failures, i, i+1)
			}
		}
		return f
	}
	return Failure{}
}
