package tencent

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"
)

// MaxRequestsPerSecond is the number of requests per second that Tencent accepts
// for one app and API. D:68926
const MaxRequestsPerSecond = 200

// Limiter keeps the requests of an app, from all processes together, below
// MaxRequestsPerSecond.
type Limiter interface {
	// Wait returns when a request may be sent, or a *BusyError immediately if the
	// wait would be too long.
	Wait(ctx context.Context, app SDKAppID) error
	// Pause stops the requests of the app after Tencent refused one because there
	// were too many, for retryAfter, or for a default of the limiter if that is 0.
	Pause(ctx context.Context, app SDKAppID, retryAfter time.Duration)
}

// BusyError reports that a request was not sent because the app's request limit
// is reached and the wait would have been too long.
type BusyError struct {
	// RetryAfter is how long to wait at least before the next attempt.
	RetryAfter time.Duration
}

// Error names the limit.
func (e *BusyError) Error() string {
	return fmt.Sprintf("the app's limit of %d requests per second is reached: the request was not sent", MaxRequestsPerSecond)
}

// HTTPError is an answer with an HTTP status other than 200. The API always
// answers 200, so it comes from a gateway or proxy.
type HTTPError struct {
	API    string
	Status int
	// RetryAfter is the wait that the Retry-After header asks for, 0 without one.
	RetryAfter time.Duration
}

// Error returns the API and the status.
func (e *HTTPError) Error() string { return fmt.Sprintf("%s: HTTP status %d", e.API, e.Status) }

func (c *Client) waitForLimiter(ctx context.Context) error {
	if c.limiter == nil {
		return nil
	}
	return c.limiter.Wait(ctx, c.app)
}

// reportThrottling pauses the limiter if err says that there were too many requests.
func (c *Client) reportThrottling(ctx context.Context, err error) {
	if c.limiter == nil {
		return
	}
	var gateway *HTTPError
	switch {
	case errors.As(err, &gateway) && (gateway.Status == http.StatusTooManyRequests || gateway.RetryAfter > 0):
		c.limiter.Pause(ctx, c.app, gateway.RetryAfter)
	case errorCode(err).Action() == ActionSlowDown:
		c.limiter.Pause(ctx, c.app, 0)
	}
}

// retryAfter returns the wait in a Retry-After header, which is a number of seconds
// or a date. It is 0 if the header is missing or invalid.
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
