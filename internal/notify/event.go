// Package notify tells other systems what became of a call: JSON events,
// signed by the Standard Webhooks specification (www.standardwebhooks.com).
package notify

import (
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"time"

	"aftercall/internal/tencent"
)

// EventType names what happened.
type EventType string

// The events of a call.
const (
	// EventCallCharged: the call is in the ledger with an amount.
	EventCallCharged EventType = "call.charged"
	// EventCallFree: the call is in the ledger, and there was nothing to charge.
	EventCallFree EventType = "call.free"
	// EventCallReview: the call was not charged; a person must look at it.
	EventCallReview EventType = "call.review"
)

// EventVersion is the version of the event's shape. It grows when a field
// changes its meaning or goes, not when one is added.
const EventVersion = 1

// Event is the body of a notification. It is made once for a call, from its
// ledger entry, and is the same, byte for byte, in every attempt.
type Event struct {
	Type    EventType `json:"type"`
	Version int       `json:"version"`
	// Timestamp is when the ledger entry was made, in UTC.
	Timestamp time.Time `json:"timestamp"`
	Data      CallData  `json:"data"`
}

// CallData is a call and its charge. Times are Unix seconds, as Tencent gives them.
type CallData struct {
	App              string             `json:"app"`
	SDKAppID         tencent.SDKAppID   `json:"sdk_app_id"`
	CallID           string             `json:"call_id"`
	Caller           string             `json:"caller"`
	Members          []string           `json:"members"`
	RoomID           tencent.RoomID     `json:"room_id"`
	MediaType        tencent.MediaType  `json:"media_type"`
	CallType         tencent.CallType   `json:"call_type"`
	Result           tencent.CallResult `json:"result"`
	StartTime        int64              `json:"start_time"`
	AcceptTime       int64              `json:"accept_time"`
	EndTime          int64              `json:"end_time"`
	ConnectedSeconds int64              `json:"connected_seconds"`
	BilledSeconds    int64              `json:"billed_seconds"`
	// Amount is a decimal number as text; it has the digits of the currency.
	Amount   string `json:"amount"`
	Currency string `json:"currency"`
	Tariff   string `json:"tariff"`
	// Explanation is how the amount came about, one step a line.
	Explanation []string `json:"explanation"`
	// LedgerKey names the entry that the event is made from.
	LedgerKey string `json:"ledger_key"`
}

// MessageID identifies the notification of one event of one call. It is the
// same in every attempt, so that a receiver can drop repetitions, and holds
// nothing that a user controls: a hash, in which the lengths keep the parts apart.
func MessageID(app tencent.SDKAppID, callID string, event EventType) string {
	h := sha256.New()
	for _, part := range []string{app.String(), callID, string(event)} {
		h.Write([]byte(strconv.Itoa(len(part)) + ":" + part))
	}
	return "msg_" + hex.EncodeToString(h.Sum(nil)[:16])
}
