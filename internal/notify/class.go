package notify

import (
	"crypto/tls"
	"errors"
	"net/http"
	"time"
)

// Class is what the failure of an attempt means for the next one.
type Class int

const (
	// Temporary failures may end by themselves.
	Temporary Class = iota
	// NeedsOperator is a failure that lasts until a person corrects the target or
	// its receiver: a secret, an address, a permission, a clock. It is retried, so
	// that what waits is delivered once that is done.
	NeedsOperator
	// Permanent failures are those that no attempt and no person can change.
	Permanent
)

// operatorDelay is between attempts that a provider's code says an operator must
// enable: short enough that what waits goes on soon afterwards.
const operatorDelay = 2 * time.Minute

// Failure describes a failed attempt.
type Failure struct {
	Class Class
	// RetryAfter is the shortest wait before another attempt, 0 if none is known.
	RetryAfter time.Duration
	// OneEvent means that the receiver responds, and that the failure may be due to
	// this event alone: others may be accepted.
	OneEvent bool
}

// FailureOf describes the error of a Sender or a Relay. ok is false for a fault
// of which no more is known, such as a lost connection: it is temporary.
func FailureOf(err error) (f Failure, ok bool) {
	var (
		statusErr   *StatusError
		deliveryErr *DeliveryError
		addressErr  *AddressError
		tlsErr      *tls.CertificateVerificationError
	)
	switch {
	case errors.As(err, &statusErr):
		return Failure{Class: statusErr.Class(), RetryAfter: statusErr.RetryAfter, OneEvent: statusErr.oneEvent()}, true
	case errors.As(err, &deliveryErr):
		return Failure{Class: deliveryErr.Class, RetryAfter: deliveryErr.RetryAfter, OneEvent: deliveryErr.Class == Permanent}, true
	case errors.As(err, &addressErr), errors.As(err, &tlsErr):
		return Failure{Class: NeedsOperator}, true
	}
	return Failure{}, false
}

// Class returns Permanent for 410 Gone and for every status if Aborted, Temporary
// for 408, 409, 425, 429 and 5xx, and NeedsOperator for all others.
func (e *StatusError) Class() Class {
	switch {
	case e.Aborted, e.Status == http.StatusGone:
		return Permanent
	case e.Status >= http.StatusInternalServerError:
		return Temporary
	}
	switch e.Status {
	case http.StatusRequestTimeout, http.StatusConflict, http.StatusTooEarly, http.StatusTooManyRequests:
		return Temporary
	}
	return NeedsOperator
}

// oneEvent reports whether the status may be due to the event alone.
func (e *StatusError) oneEvent() bool {
	if e.Aborted {
		return true
	}
	switch e.Status {
	case http.StatusBadRequest, http.StatusGone, http.StatusRequestEntityTooLarge, http.StatusUnprocessableEntity:
		return true
	}
	return false
}
