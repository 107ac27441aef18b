package ops

import (
	"errors"

	"go.temporal.io/api/serviceerror"
)

// temporalError explains a failure of Temporal.
func (d *Deps) temporalError(err error) error {
	switch {
	case errors.As(err, new(*Error)):
		return err
	case errors.As(err, new(*serviceerror.NamespaceNotFound)):
		_, namespace, _ := d.Temporal()
		return Errorf(Failed, "set TEMPORAL_NAMESPACE, or create it with: temporal operator namespace create", "Temporal: there is no namespace %s", namespace)
	case errors.As(err, new(*serviceerror.PermissionDenied)):
		return Errorf(Failed, "check TEMPORAL_API_KEY or the TEMPORAL_TLS_… settings", "Temporal: %w", err)
	default:
		return Errorf(Failed, "is Temporal up, and TEMPORAL_ADDRESS right?", "Temporal does not answer: %w", err)
	}
}
