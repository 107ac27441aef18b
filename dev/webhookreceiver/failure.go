package webhookreceiver

import (
	"errors"
	"strings"
	"unicode"
)

// Failure makes the receiver answer otherwise than 200. It concerns events
// with a good signature only; the first that matches is used.
type Failure struct {
	// Target, MessageID, CallID and Type choose the events; empty fields match all.
	Target    string `json:"target,omitempty"`
	MessageID string `json:"message_id,omitempty"`
	CallID    string `json:"call_id,omitempty"`
	Type      string `json:"type,omitempty"`
	// Times is how many events are hit; 0 means until cleared.
	Times int `json:"times,omitempty"`
	// Status is the answer; 0 means 200, for a failure that is only slow.
	Status int `json:"status,omitempty"`
	// DelayMS passes before the answer. The event counts when it arrives.
	DelayMS int64 `json:"delay_ms,omitempty"`
	// RetryAfter is the header Retry-After as it is sent.
	RetryAfter string `json:"retry_after,omitempty"`
}

// Validate names the first setting that makes no sense.
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

// Fail adds a failure after those in force.
func (r *Receiver) Fail(f Failure) error {
	if err := f.Validate(); err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.failures = append(r.failures, f)
	return nil
}

// Failures returns the failures in force. Times are what is left of them.
func (r *Receiver) Failures() []Failure {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]Failure{}, r.failures...)
}

// ClearFailures ends all failures.
func (r *Receiver) ClearFailures() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.failures = nil
}

// printable drops control characters.
func printable(s string) string {
	return strings.Map(func(c rune) rune {
		if unicode.IsControl(c) {
			return -1
		}
		return c
	}, s)
}
