package temporalclient

import (
	"errors"
	"strings"

	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/converter"
)

// Refused reports whether an error says that Temporal would refuse the same
// request every time, because of what is in it: an invalid argument, a message
// that is too large, text that cannot be sent. Other errors say something about
// Temporal, the connection or the namespace, so that another attempt may succeed.
func Refused(err error) bool {
	if err == nil {
		return false
	}
	text := err.Error()
	switch {
	case errors.As(err, new(*serviceerror.InvalidArgument)):
		// An attribute that is not registered fails every start alike.
		return !strings.Contains(strings.ToLower(text), "search attribute")
	case errors.As(err, new(*serviceerror.ResourceExhausted)):
		return strings.Contains(text, "larger than max") // otherwise a rate limit
	case errors.As(err, new(*serviceerror.Internal)):
		// The gRPC client has refused to send it.
		return strings.Contains(text, "non-printable ASCII") || strings.Contains(text, "error while marshaling")
	}
	return errors.Is(err, converter.ErrUnableToEncode)
}
