package ops

import (
	"errors"

	"aftercall/internal/config"
	"aftercall/internal/tencent"
)

// tencentError explains a failure of the REST API.
func tencentError(app *config.App, err error) error {
	var (
		apiErr  *tencent.APIError
		httpErr *tencent.HTTPError
		busyErr *tencent.BusyError
	)
	switch {
	case errors.As(err, &apiErr):
		meaning, cure := apiErr.Code.Explain()
		return Errorf(Failed, cure, "%s: %s (Tencent answers %d, %s, RequestId %s)", app.Name, meaning, apiErr.Code, apiErr.Info, apiErr.RequestID)
	case errors.As(err, &busyErr):
		return Errorf(Failed, "try again in some seconds", "%s: %w", app.Name, busyErr)
	case errors.As(err, &httpErr):
		return Errorf(Failed, "is apps[].api right, and no proxy in between?", "%s: %s answers HTTP status %d", app.Name, app.APIBaseURL(), httpErr.Status)
	default:
		return Errorf(Failed, "can this machine reach "+app.APIBaseURL()+"?", "%s: %w", app.Name, err)
	}
}
