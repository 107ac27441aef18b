package webhookreceiver

import (
	"errors"
	"strings"
	"unicode"
)

// Failure is another answer than 200 at once. It applies to events with a valid
// signature; the first failure that matches an event is used.
type Failure struct {
	// Target, MessageID, CallID and Type select the events; empty fields match all.
	Target    string `json:"target,omitempty"`
	MessageID string `json:"message_id,omitempty"`
	CallID    string `json:"call_id,omitempty"`
	Type      string `json:"type,omitempty"`
	// Times is the number of events it applies to; 0 means until it is cleared.
	Times int `json:"times,omitempty"`
	// Status is the HTTP status of the answer; 0 means 200, for an answer that is
	// only slow.
	Status int `json:"status,omitempty"`
	// DelayMS is the time before the answer. The event is counted when it arrives.
	DelayMS int64 `json:"delay_ms,omitempty"`
	// RetryAfter is the value of the header Retry-After.
	RetryAfter string `json:"retry_after,omitempty"`
	// Reset closes the connection in place of an answer. The event is counted with
	// its status: with 200 it was accepted, and its sender does not know that.
	Reset bool `json:"reset,omitempty"`
}

// Validate returns an error that names the first invalid field.
func (f Failure) Validate() error {
	switch {
	case f.Times < 0:
		return errors.New("times: must not be negative")
	case f.Status != 0 && (f.Status < 200 || f.Status > 599):
		return errors.New("status: must be an HTTP status from 200 to 599")
	case f.DelayMS < 0:
		return errors.New("delay_ms: must not be negative")
	case f.RetryAfter != printable(f.RetryAfter):
		return errors.New("retry_after: must not contain control characters")
	}
	return nil
}

func (f Failure) filter() Filter {
	return Filter{Target: f.Target, MessageID: f.MessageID, CallID: f.CallID, Type: f.Type}
}

// Fail adds a failure after the current ones.
func (r *Receiver) Fail(f Failure) error {
	if err := f.Validate(); err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.failures = append(r.failures, f)
	return nil
}

// Failures returns the current failures, with the remaining Times.
func (r *Receiver) Failures() []Failure {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]Failure{}, r.failures...)
}

// ClearFailures removes all failures.
func (r *Receiver) ClearFailures() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.failures = nil
}

// printable returns s without control characters.
func printable(s string) string {
	return strings.Map(func(c rune) rune {
		if unicode.IsControl(c) {
			return -1
		}
		return c
	}, s)
}
