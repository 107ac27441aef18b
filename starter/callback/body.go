package callback

import (
	"errors"
	"io"
	"net/http"
	"os"
	"time"
)

const (
	// maxBodySize is many times what Tencent sends for the largest group call.
	maxBodySize = 64 << 10
	// maxQuerySize and maxContentTypeSize are many times what Tencent sends. Both
	// enter the histories of relays.
	maxQuerySize       = 4 << 10
	maxContentTypeSize = 256
)

// readBody reads the body until deadline. A body that is announced to be too large
// is not read at all.
func readBody(w http.ResponseWriter, r *http.Request, deadline time.Time) ([]byte, error) {
	if r.ContentLength > maxBodySize {
		return nil, &http.MaxBytesError{Limit: maxBodySize}
	}
	rc := http.NewResponseController(w)
	// Recorders in tests have no connection whose deadline could be set.
	if err := rc.SetReadDeadline(deadline); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return nil, err
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBodySize))
	if err != nil {
		return nil, err
	}
	if err := rc.SetReadDeadline(time.Time{}); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return nil, err
	}
	return body, nil
}

// refuseBody answers a callback whose body could not be read.
func refuseBody(err error) reply {
	switch {
	case errors.As(err, new(*http.MaxBytesError)):
		return refuse(http.StatusRequestEntityTooLarge, "body: larger than 64 KiB")
	case errors.Is(err, os.ErrDeadlineExceeded):
		return refuse(http.StatusRequestTimeout, "body: did not arrive in time: send the callback again")
	}
	return refuse(http.StatusBadRequest, "body: could not be read")
}
