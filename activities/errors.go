package activities

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"go.temporal.io/sdk/temporal"

	"aftercall/internal/billing"
	"aftercall/internal/circuit"
	"aftercall/internal/ledger"
	"aftercall/internal/notify"
	"aftercall/internal/tencent"
)

// The types of the errors that activities return, as the Web UI shows them and
// workflows may ask for them.
const (
	// RecordNotYet: Tencent has no such record yet. Retried; benign.
	RecordNotYet = "RecordNotYet"
	// RecordNeverAppeared: no record until the deadline. Final.
	RecordNeverAppeared = "RecordNeverAppeared"
	// RecordAPIThrottled: over the frequency limit, Tencent's or our own below
	// it. Retried more slowly.
	RecordAPIThrottled = "RecordAPIThrottled"
	// RecordAPIRefused: an operator must mend account, key, region or arrears.
	// The call waits until then.
	RecordAPIRefused = "RecordAPIRefused"
	// RecordAPIInvalid: the request can never succeed. Final.
	RecordAPIInvalid = "RecordAPIInvalid"
	// RecordAPIUnavailable: network or internal error. Retried.
	RecordAPIUnavailable = "RecordAPIUnavailable"
	// AppNotConfigured: the app is missing from the worker's configuration.
	// The call waits until it is there.
	AppNotConfigured = "AppNotConfigured"
	// NeedsReview: the record must not be charged blindly. Final.
	NeedsReview = "NeedsReview"
	// ChargeConflict: the ledger holds another sum for this call. Final.
	ChargeConflict = "ChargeConflict"
	// LedgerUnavailable: the ledger did not answer. Retried.
	LedgerUnavailable = "LedgerUnavailable"
	// TargetUnavailable: the target did not take the event. Retried.
	TargetUnavailable = "TargetUnavailable"
	// TargetHeld: no request was made, because the target is paused after
	// failures, or has enough under way. Retried; benign.
	TargetHeld = "TargetHeld"
	// TargetRefused: the target will never take the event. Final.
	TargetRefused = "TargetRefused"
	// TargetNotConfigured: the target is missing from the worker's
	// configuration. Retried until the delivery horizon.
	TargetNotConfigured = "TargetNotConfigured"
	// Undelivered: the target did not take the event within its horizon. Final.
	Undelivered = "Undelivered"
)

const (
	// operatorPause is between attempts that only a person can make succeed:
	// short enough that a mended key heals the backlog while that person still looks.
	operatorPause = 2 * time.Minute
	// throttlePause is the shortest pause after a throttled request.
	throttlePause = 5 * time.Second
)

// classify is the one place that decides what an error means for Temporal: its
// type, whether it is final, how long to wait, and whether anybody need be alarmed.
func classify(err error) error {
	var (
		apiErr      *tencent.APIError
		reviewErr   *billing.ReviewError
		conflictErr *ledger.ConflictError
		statusErr   *notify.StatusError
		deliveryErr *notify.DeliveryError
		busyErr     *tencent.BusyError
		heldErr     *circuit.HeldError
		gatewayErr  *tencent.HTTPError
	)
	switch {
	case err == nil:
		return nil
	case errors.As(err, &apiErr):
		return classifyCode(apiErr)
	case errors.As(err, &busyErr):
		return retry(RecordAPIThrottled, err, jitter(busyErr.RetryAfter))
	case errors.As(err, &gatewayErr) && gatewayErr.RetryAfter > 0:
		return retry(RecordAPIThrottled, err, gatewayErr.RetryAfter)
	case errors.As(err, &reviewErr):
		return final(NeedsReview, err)
	case errors.As(err, &conflictErr):
		return final(ChargeConflict, err)
	case errors.As(err, &heldErr):
		return temporal.NewApplicationErrorWithOptions(err.Error(), TargetHeld, temporal.ApplicationErrorOptions{
			Category: temporal.ApplicationErrorCategoryBenign, NextRetryDelay: heldErr.For,
		})
	case errors.As(err, &statusErr):
		if statusErr.Permanent() {
			return final(TargetRefused, err)
		}
		return retry(TargetUnavailable, err, statusErr.RetryAfter)
	case errors.As(err, &deliveryErr):
		if deliveryErr.Permanent {
			return final(TargetRefused, err)
		}
		return retry(TargetUnavailable, err, deliveryErr.RetryAfter)
	}
	return err
}

func classifyCode(err *tencent.APIError) error {
	switch err.Code.Action() {
	case tencent.ActionNotYet:
		return temporal.NewApplicationErrorWithOptions("Tencent has no record of this call yet: "+err.Error(), RecordNotYet,
			temporal.ApplicationErrorOptions{Category: temporal.ApplicationErrorCategoryBenign})
	case tencent.ActionSlowDown:
		return retry(RecordAPIThrottled, err, jitter(throttlePause))
	case tencent.ActionOperator:
		return retry(RecordAPIRefused, err, jitter(operatorPause))
	case tencent.ActionNever:
		return final(RecordAPIInvalid, err)
	default:
		return retry(RecordAPIUnavailable, err, 0)
	}
}

// neverAppeared ends the wait for a record.
func neverAppeared(err error) error {
	return temporal.NewApplicationErrorWithOptions(
		"no record of this call until the deadline: it is older than seven days, of another region, or never existed: "+err.Error(),
		RecordNeverAppeared, temporal.ApplicationErrorOptions{NonRetryable: true})
}

// final ends the retries. The cause is left out, here and below: its text is
// the message already, and would be shown, logged and stored twice.
func final(errType string, err error) error {
	return temporal.NewApplicationErrorWithOptions(err.Error(), errType, temporal.ApplicationErrorOptions{NonRetryable: true})
}

// retry asks for another attempt, after pause if that is not 0.
func retry(errType string, err error, pause time.Duration) error {
	return temporal.NewApplicationErrorWithOptions(err.Error(), errType, temporal.ApplicationErrorOptions{NextRetryDelay: pause})
}

// orElse gives an unclassified error the type of the step it happened in. A
// cancelled or timed-out context stays itself: Temporal knows what to make of it.
func orElse(err error, errType string) error {
	var appErr *temporal.ApplicationError
	if err == nil || errors.As(err, &appErr) || errors.Is(err, context.Canceled) {
		return err
	}
	return retry(errType, err, 0)
}

// retryable reports whether a classified error asks for another attempt.
func retryable(err error) bool {
	var appErr *temporal.ApplicationError
	return errors.As(err, &appErr) && !appErr.NonRetryable()
}

// jitter spreads calls that wait for the same thing: pause to twice pause.
func jitter(pause time.Duration) time.Duration {
	return pause + rand.N(pause)
}
