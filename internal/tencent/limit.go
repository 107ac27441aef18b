package tencent

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"
)

// MaxRequestsPerSecond is how many requests Tencent takes of one app. D:68926
const MaxRequestsPerSecond = 200

// Limiter keeps the requests of an app, over all processes and uses, below
// MaxRequestsPerSecond.
type Limiter interface {
	// Wait returns when a request may be made, or a *BusyError when that would
	// be too late.
	Wait(ctx context.Context, app SDKAppID) error
	// Pause holds the app's requests back after Tencent refused one for its
	// frequency: for as long as Tencent said, or for the limiter's own idea of
	// a pause when told is 0.
	Pause(ctx context.Context, app SDKAppID, told time.Duration)
}

// BusyError says that a request was not made: others were before it, and its
// turn would have come too late.
type BusyError struct {
	// RetryAfter is the earliest time at which to try again.
	RetryAfter time.Duration
}

// Error says what is busy.
func (e *BusyError) Error() string {
	return fmt.Sprintf("the app's %d requests a second are taken: this one was not made", MaxRequestsPerSecond)
}

// HTTPError is an answer without the API's JSON: a gateway's, not the API's.
type HTTPError struct {
	API    string
	Status int
	// RetryAfter is how long the gateway asks to wait, 0 if it does not say.
	RetryAfter time.Duration
}

// Error gives the status.
func (e *HTTPError) Error() string { return fmt.Sprintf("%s: HTTP status %d", e.API, e.Status) }

func (c *Client) admitted(ctx context.Context) error {
	if c.limiter == nil {
		return nil
	}
	return c.limiter.Wait(ctx, c.app)
}

// slowDown tells the limiter when Tencent complained of too many requests.
func (c *Client) slowDown(ctx context.Context, err error) {
	if c.limiter == nil {
		return
	}
	var gateway *HTTPError
	switch {
	case errors.As(err, &gateway) && (gateway.Status == http.StatusTooManyRequests || gateway.RetryAfter > 0):
		c.limiter.Pause(ctx, c.app, gateway.RetryAfter)
	case codeOf(err).Action() == ActionSlowDown:
		c.limiter.Pause(ctx, c.app, 0)
	}
}

// retryAfter reads Retry-After in either form; 0 if there is none to be understood.
func retryAfter(h http.Header) time.Duration {
	value := h.Get("Retry-After")
	if seconds, err := strconv.ParseUint(value, 10, 31); err == nil {
		return time.Duration(seconds) * time.Second
	}
	if at, err := http.ParseTime(value); err == nil {
		return max(0, time.Until(at))
	}
	return 0
}
