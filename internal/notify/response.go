package notify

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"aftercall/internal/untrusted"
)

// maxResponseSize is how much of a response body is read, so that the
// connection can be kept.
const maxResponseSize = 16 << 10

// MaxRetryAfter is the longest wait that a receiver may ask for.
const MaxRetryAfter = time.Hour

// StatusError is a response whose status is not 2xx.
type StatusError struct {
	Status int
	// RetryAfter is how long the receiver asked to wait, 0 if it did not,
	// MaxRetryAfter at most.
	RetryAfter time.Duration
	// Reason is the receiver's error code if it has one, such as no_service.
	Reason string
	// Aborted means that the receiver asked for no further attempt: it sent the
	// header webhook-delivery with abort-message or disable, which is proposed
	// for the specification (standard-webhooks pull request 291, Svix).
	Aborted bool
}

// Error gives the status and the code, but nothing else that the receiver wrote.
func (e *StatusError) Error() string {
	text := fmt.Sprintf("answered %d %s", e.Status, http.StatusText(e.Status))
	if e.Reason != "" {
		text += " (" + e.Reason + ")"
	}
	if e.Aborted {
		text += ", and asked for no further attempt"
	}
	return text
}

// DeliveryError is a failure that is not an HTTP status: an error code in the
// body of a response with status 200, or the reply of a mail server.
type DeliveryError struct {
	// Reason is the receiver's code and its meaning. It does not repeat text
	// that the receiver wrote.
	Reason string
	Class  Class
	// RetryAfter is the shortest wait before another attempt, 0 if none is known.
	RetryAfter time.Duration
}

// Error gives the reason.
func (e *DeliveryError) Error() string { return e.Reason }

// errNotUnderstood is temporary: most likely a gateway's page.
var errNotUnderstood = &DeliveryError{Reason: "answered 2xx, but not as documented"}

// response is the status, the header and the beginning of the body of a response.
type response struct {
	status int
	header http.Header
	body   []byte
}

// ok reports whether the status is 2xx.
func (r *response) ok() bool { return r.status >= 200 && r.status < 300 }

// statusError makes an error of a status that is not 2xx.
func (r *response) statusError(now time.Time) *StatusError {
	control := r.header.Get("webhook-delivery")
	return &StatusError{
		Status: r.status, RetryAfter: retryAfter(r.header.Get("Retry-After"), now),
		Aborted: control == "abort-message" || control == "disable",
	}
}

// retryAfter reads the header Retry-After: seconds or an HTTP date.
func retryAfter(header string, now time.Time) time.Duration {
	var wait time.Duration
	if seconds, err := strconv.ParseUint(header, 10, 31); err == nil {
		wait = time.Duration(seconds) * time.Second
	} else if at, err := http.ParseTime(header); err == nil {
		wait = at.Sub(now)
	}
	return min(max(wait, 0), MaxRetryAfter)
}

// post sends one body and reads the beginning of the response. Errors do not
// name the URL.
func post(ctx context.Context, client *http.Client, address string, header http.Header, body []byte) (*response, error) {
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
		// A receiver that repeats the request makes an error that quotes its line.
		return nil, untrusted.Error(withoutURL(err), secretsIn(req)...)
	}
	defer resp.Body.Close()
	r := &response{status: resp.StatusCode, header: resp.Header}
	// The status decides; a body that cannot be read changes nothing.
	r.body, _ = io.ReadAll(io.LimitReader(resp.Body, maxResponseSize))
	return r, nil
}

// postJSON posts a body in JSON.
func postJSON(ctx context.Context, client *http.Client, address string, body []byte) (*response, error) {
	return post(ctx, client, address, http.Header{"Content-Type": {"application/json; charset=utf-8"}}, body)
}

// encodeJSON leaves <, > and & as they are, which saves space in messages.
func encodeJSON(value any) ([]byte, error) {
	var body bytes.Buffer
	encoder := json.NewEncoder(&body)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		return nil, fmt.Errorf("encode message: %w", err)
	}
	return body.Bytes(), nil
}

// secretsIn are the parts of a request that may be secret: path and query of its URL,
// together and each value alone, and the key in its header.
func secretsIn(req *http.Request) []string {
	address := req.URL
	_, key, _ := strings.Cut(req.Header.Get("Authorization"), " ")
	secrets := []string{address.RequestURI(), address.EscapedPath(), key}
	for _, values := range address.Query() {
		secrets = append(secrets, values...)
	}
	return append(secrets, strings.Split(address.EscapedPath(), "/")...)
}

// withoutURL strips the URL from an error of net/http: some URLs hold a secret,
// and errors end up in logs and histories.
func withoutURL(err error) error {
	var urlErr *url.Error
	if errors.As(err, &urlErr) {
		return urlErr.Err
	}
	return err
}
