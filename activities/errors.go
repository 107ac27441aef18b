package activities

import (
	"context"
	"errors"
	"slices"
	"time"

	"go.temporal.io/sdk/temporal"

	"aftercall/internal/billing"
	"aftercall/internal/circuit"
	"aftercall/internal/ledger"
	"aftercall/internal/notify"
	"aftercall/internal/tencent"
	"aftercall/internal/untrusted"
)

// The types of the errors that activities return, as the Web UI shows them and
// workflows test them. A permanent error is not retried. When a retryable error
// is retried is in retry.go.
const (
	// RecordNotYet: Tencent has no record of the call yet. Retryable, benign.
	RecordNotYet = "RecordNotYet"
	// RecordNeverAppeared: no record until the record deadline. Permanent. The details are
	// a NoRecord where the call is charged without one.
	RecordNeverAppeared = "RecordNeverAppeared"
	// RecordAPIThrottled: over the frequency limit, Tencent's or our own below
	// it. Retryable, with a longer delay.
	RecordAPIThrottled = "RecordAPIThrottled"
	// RecordAPIRefused: an operator must correct account, key, region or
	// arrears. Retryable.
	RecordAPIRefused = "RecordAPIRefused"
	// RecordAPIInvalid: the request can never succeed. Permanent.
	RecordAPIInvalid = "RecordAPIInvalid"
	// RecordUnreadable: Tencent has the record, but it cannot be read completely.
	// Permanent: a person must decide. The details are an UnreadableRecord.
	RecordUnreadable = "RecordUnreadable"
	// RecordAPIUnavailable: network or internal error. Retryable.
	RecordAPIUnavailable = "RecordAPIUnavailable"
	// AppNotConfigured: the worker's configuration lacks the app. Retryable.
	AppNotConfigured = "AppNotConfigured"
	// NeedsReview: the record must not be charged blindly. Permanent. The details are a
	// ReviewDetails.
	NeedsReview = "NeedsReview"
	// ChargeConflict: the ledger holds another amount for this call. Permanent.
	ChargeConflict = "ChargeConflict"
	// LedgerUnavailable: the ledger did not answer. Retryable.
	LedgerUnavailable = "LedgerUnavailable"
	// EvidenceUnavailable: what was seen of calls, by which one is charged or rooms are
	// audited, could not be read. Retryable.
	EvidenceUnavailable = "EvidenceUnavailable"
	// AuditTooLate: what was to be audited is kept no longer. Permanent.
	AuditTooLate = "AuditTooLate"
	// TariffEdited: calls were charged by other prices of the tariff version than those
	// of this worker. Retryable: another worker may have the right ones.
	TariffEdited = "TariffEdited"
	// TemporalUnavailable: Temporal did not say what it has of a call. Retryable.
	TemporalUnavailable = "TemporalUnavailable"
	// TargetUnavailable: the target did not accept the event. Retryable.
	TargetUnavailable = "TargetUnavailable"
	// TargetMisconfigured: the target accepts nothing until an operator corrects its
	// configuration or the receiver. Retryable within the retry window.
	TargetMisconfigured = "TargetMisconfigured"
	// TargetHeld: no request was made, because the target's circuit breaker is
	// open or its share of concurrent requests is used up. Retryable, benign.
	TargetHeld = "TargetHeld"
	// TargetSlow: no request was made, because a local activity does not wait for
	// a slow target. A regular activity follows at once. Retryable, benign.
	TargetSlow = "TargetSlow"
	// TargetRefused: the target will never accept the event. Permanent.
	TargetRefused = "TargetRefused"
	// TargetNotConfigured: the worker's configuration lacks the target.
	// Retryable within the retry window.
	TargetNotConfigured = "TargetNotConfigured"
	// Undelivered: the target did not accept the event within its retry window.
	// Permanent.
	Undelivered = "Undelivered"
)

// classify is the one place that decides what an error means for Temporal: its
// type, whether it is permanent, the delay that it asks for, and whether it is
// benign. It returns other errors unchanged; see defaultType.
func classify(err error) error {
	var (
		apiErr      *tencent.APIError
		reviewErr   *billing.ReviewError
		conflictErr *ledger.ConflictError
		busyErr     *tencent.BusyError
		heldErr     *circuit.HeldError
		editedErr   *ledger.EditedError
		gatewayErr  *tencent.HTTPError
		recordErr   *tencent.UnreadableRecordError
		answerErr   *tencent.UnreadableAnswerError
	)
	switch {
	case err == nil:
		return nil
	case errors.As(err, &apiErr):
		return classifyCode(apiErr)
	case errors.As(err, &recordErr):
		return temporal.NewApplicationErrorWithOptions(untrusted.Text(err.Error()), RecordUnreadable, temporal.ApplicationErrorOptions{
			NonRetryable: true,
			Details:      []any{UnreadableRecord{Record: recordErr.Record.FirstMembers(maxMembers), Problems: recordErr.Problems, Raw: recordErr.Raw}},
		})
	case errors.As(err, &answerErr):
		return permanent(RecordUnreadable, err)
	case errors.As(err, &busyErr):
		return retryAfter(jitter(busyErr.RetryAfter), RecordAPIThrottled, err)
	case errors.As(err, &gatewayErr) && gatewayErr.RetryAfter > 0:
		return retryAfter(gatewayErr.RetryAfter, RecordAPIThrottled, err)
	case errors.As(err, &reviewErr):
		return needsReview(reviewErr, err)
	case errors.As(err, &conflictErr):
		return permanent(ChargeConflict, err)
	case errors.As(err, &editedErr):
		return retryAfter(0, TariffEdited, err)
	case errors.As(err, &heldErr):
		return temporal.NewApplicationErrorWithOptions(err.Error(), TargetHeld, temporal.ApplicationErrorOptions{
			Category: temporal.ApplicationErrorCategoryBenign, NextRetryDelay: heldErr.For,
		})
	}
	if failure, ok := notify.FailureOf(err); ok {
		return classifyDelivery(failure, err)
	}
	return err
}

func classifyDelivery(failure notify.Failure, err error) error {
	switch failure.Class {
	case notify.Permanent:
		return permanent(TargetRefused, err)
	case notify.NeedsOperator:
		return retryAfter(failure.RetryAfter, TargetMisconfigured, err)
	default:
		return retryAfter(failure.RetryAfter, TargetUnavailable, err)
	}
}

func classifyCode(err *tencent.APIError) error {
	switch err.Code.Action() {
	case tencent.ActionNotYet:
		return temporal.NewApplicationErrorWithOptions("Tencent has no record of this call yet: "+err.Error(), RecordNotYet,
			temporal.ApplicationErrorOptions{Category: temporal.ApplicationErrorCategoryBenign})
	case tencent.ActionSlowDown:
		return retryAfter(jitter(throttleDelay), RecordAPIThrottled, err)
	case tencent.ActionOperator:
		return retryAfter(jitter(operatorDelay), RecordAPIRefused, err)
	case tencent.ActionNever:
		return permanent(RecordAPIInvalid, err)
	default:
		return retryAfter(0, RecordAPIUnavailable, err)
	}
}

// ReviewDetails are why a call must be reviewed, for programs.
type ReviewDetails struct {
	Reasons []billing.ReasonCode `json:"reasons"`
}

func needsReview(review *billing.ReviewError, err error) error {
	var details ReviewDetails
	for _, reason := range review.Reasons {
		details.Reasons = append(details.Reasons, reason.Code)
	}
	return temporal.NewApplicationErrorWithOptions(untrusted.Text(err.Error()), NeedsReview, temporal.ApplicationErrorOptions{
		NonRetryable: true, Details: []any{details},
	})
}

// LacksPayer reports whether a call must be reviewed because nobody is known who pays.
func LacksPayer(err error) bool {
	var appErr *temporal.ApplicationError
	if !errors.As(err, &appErr) || appErr.Type() != NeedsReview || !appErr.HasDetails() {
		return false
	}
	var details ReviewDetails
	return appErr.Details(&details) == nil && slices.Contains(details.Reasons, billing.ReasonNoPayer)
}

// permanent returns an error that is not retried. The cause is left out, here
// and in retryAfter: the message is its text already, and the cause would be
// shown, logged and stored as a second copy.
func permanent(errType string, err error) error {
	return temporal.NewApplicationErrorWithOptions(untrusted.Text(err.Error()), errType, temporal.ApplicationErrorOptions{NonRetryable: true})
}

// retryAfter returns an error that is retried after a delay, or for 0 after
// that of the step's retry policy.
func retryAfter(delay time.Duration, errType string, err error) error {
	return temporal.NewApplicationErrorWithOptions(untrusted.Text(err.Error()), errType, temporal.ApplicationErrorOptions{NextRetryDelay: delay})
}

// defaultType makes an error that classify has left unchanged a retryable one
// of the step's default type. context.Canceled stays unchanged, because Temporal
// handles it itself.
func defaultType(err error, errType string) error {
	var appErr *temporal.ApplicationError
	if err == nil || errors.As(err, &appErr) || errors.Is(err, context.Canceled) {
		return err
	}
	return retryAfter(0, errType, err)
}

// LeftToRegularActivity reports whether a local activity has made no request,
// and asks for a regular activity without delay.
func LeftToRegularActivity(err error) bool {
	var appErr *temporal.ApplicationError
	return errors.As(err, &appErr) && appErr.Type() == TargetSlow
}

// IsNoRecord reports whether Tencent has answered that there is no record.
func IsNoRecord(err error) bool {
	var appErr *temporal.ApplicationError
	return errors.As(err, &appErr) && (appErr.Type() == RecordNotYet || appErr.Type() == RecordNeverAppeared)
}

// IsWithoutEvidence reports whether what was seen of a call could not be read.
func IsWithoutEvidence(err error) bool {
	var appErr *temporal.ApplicationError
	return errors.As(err, &appErr) && appErr.Type() == EvidenceUnavailable
}

// Retryable reports whether the error of an activity asks for another attempt.
func Retryable(err error) bool {
	var appErr *temporal.ApplicationError
	if errors.As(err, &appErr) {
		return !appErr.NonRetryable()
	}
	return err != nil && !temporal.IsCanceledError(err) && !errors.Is(err, context.Canceled)
}
