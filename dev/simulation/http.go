package simulation

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"time"
)

// roundTripper calls a handler in place of a connection.
type roundTripper func(*http.Request) (*http.Response, error)

// RoundTrip implements http.RoundTripper.
func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// withBody is a request whose body has been read, with it.
func withBody(r *http.Request, body []byte) *http.Request {
	again := r.Clone(r.Context())
	again.Body = io.NopCloser(bytes.NewReader(body))
	return again
}

// serve answers a request of a client with a handler.
func serve(h http.Handler, r *http.Request) *http.Response {
	recorder := httptest.NewRecorder()
	incoming := r.Clone(r.Context())
	incoming.RequestURI, incoming.RemoteAddr = r.URL.RequestURI(), "203.0.113.1:1"
	if incoming.Body == nil {
		incoming.Body = http.NoBody
	}
	h.ServeHTTP(recorder, incoming)
	response := recorder.Result()
	response.Request = r
	return response
}

// hang answers just before the caller has lost its patience: which of its timers it is
// that ends first would be a matter of goroutines.
func hang(ctx context.Context) (*http.Response, error) {
	deadline, ok := ctx.Deadline()
	if !ok {
		deadline = time.Now().Add(time.Minute)
	}
	select {
	case <-time.After(time.Until(deadline) - time.Millisecond):
		return nil, errTimeout
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

var errTimeout = &net.OpError{Op: "read", Net: "tcp", Err: timeoutError{}}

type timeoutError struct{}

// Error implements error.
func (timeoutError) Error() string { return "simulated: i/o timeout" }

// Timeout implements net.Error.
func (timeoutError) Timeout() bool { return true }

// Temporary implements net.Error.
func (timeoutError) Temporary() bool { return true }
