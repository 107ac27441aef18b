package notify

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"
)

// DeliveryError is a failure of which is known whether to try again, although no
// HTTP status tells: a code in the body of an answer whose status is 200, the
// reply of a mail server.
type DeliveryError struct {
	// Reason is the receiver's code and what it means, in our words: what the
	// receiver wrote is not repeated.
	Reason string
	// Final means that another attempt would fail the same.
	Final bool
	// RetryAfter is how long the receiver wants to be left alone, 0 if it does not say.
	RetryAfter time.Duration
}

// Error gives the reason.
func (e *DeliveryError) Error() string { return e.Reason }

// errNotUnderstood is tried again: a gateway's page, most likely.
var errNotUnderstood = &DeliveryError{Reason: "answered 200, but not as documented"}

// answer is the beginning of what a receiver answered.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// ok reports whether the status is 2xx.
func (a *answer) ok() bool { return a.status >= 200 && a.status < 300 }

// statusError is the failure that the status alone tells.
func (a *answer) statusError(now time.Time) *StatusError {
	control := a.header.Get("webhook-delivery")
	return &StatusError{
		Status: a.status, RetryAfter: retryAfter(a.header.Get("Retry-After"), now),
		Aborted: control == "abort-message" || control == "disable",
	}
}

// post sends one body and reads the beginning of the answer. Errors do not name the URL.
func post(ctx context.Context, client *http.Client, address string, header http.Header, body []byte) (*answer, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(body))
	if err != nil {
		return nil, withoutURL(err)
	}
	for name, values := range header {
		req.Header[name] = values
	}
	req.Header.Set("User-Agent", "aftercall")
	resp, err := client.Do(req)
	if err != nil {
		return nil, withoutURL(err)
	}
	defer resp.Body.Close()
	a := &answer{status: resp.StatusCode, header: resp.Header}
	// A receiver that has answered its status has answered: the body is an extra.
	a.body, _ = io.ReadAll(io.LimitReader(resp.Body, maxAnswerSize))
	return a, nil
}

// postJSON is post of a value.
func postJSON(ctx context.Context, client *http.Client, address string, value any) (*answer, error) {
	var body bytes.Buffer
	encoder := json.NewEncoder(&body)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		return nil, fmt.Errorf("encode message: %w", err)
	}
	return post(ctx, client, address, http.Header{"Content-Type": {"application/json; charset=utf-8"}}, body.Bytes())
}

// verdict is what a code means for the next attempt.
type verdict struct {
	final   bool
	pause   time.Duration
	meaning string
}

// judge makes an error of a code in a body; a code that nobody told us about is
// tried again. 0 is success.
func judge(name string, code int, known map[int]verdict) error {
	if code == 0 {
		return nil
	}
	v := known[code]
	reason := fmt.Sprintf("answered %s %d", name, code)
	if v.meaning != "" {
		reason += ": " + v.meaning
	}
	return &DeliveryError{Reason: reason, Final: v.final, RetryAfter: v.pause}
}
