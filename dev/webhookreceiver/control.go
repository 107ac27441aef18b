package webhookreceiver

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
)

// controlRoutes adds the control API, which the package comment describes.
func (r *Receiver) controlRoutes(mux *http.ServeMux) {
	mux.HandleFunc("GET /control/messages", func(w http.ResponseWriter, req *http.Request) {
		reply(w, http.StatusOK, r.Messages(filterOf(req)))
	})
	mux.HandleFunc("GET /control/arrivals", func(w http.ResponseWriter, req *http.Request) {
		reply(w, http.StatusOK, r.Received(filterOf(req)))
	})
	mux.HandleFunc("GET /control/counts", func(w http.ResponseWriter, req *http.Request) {
		reply(w, http.StatusOK, r.Counts(req.URL.Query().Get("target")))
	})
	mux.HandleFunc("DELETE /control/messages", func(w http.ResponseWriter, _ *http.Request) {
		r.Reset()
		w.WriteHeader(http.StatusNoContent)
	})
	mux.HandleFunc("GET /control/failures", func(w http.ResponseWriter, _ *http.Request) {
		reply(w, http.StatusOK, r.Failures())
	})
	mux.HandleFunc("POST /control/failures", r.controlFail)
	mux.HandleFunc("DELETE /control/failures", func(w http.ResponseWriter, _ *http.Request) {
		r.ClearFailures()
		w.WriteHeader(http.StatusNoContent)
	})
}

func (r *Receiver) controlFail(w http.ResponseWriter, req *http.Request) {
	var f Failure
	err := decodeStrictly(w, req, &f)
	if err == nil {
		err = r.Fail(f)
	}
	if err != nil {
		reply(w, http.StatusBadRequest, map[string]string{"error": err.Error()})
		return
	}
	reply(w, http.StatusOK, r.Failures())
}

func filterOf(req *http.Request) Filter {
	q := req.URL.Query()
	return Filter{Target: q.Get("target"), MessageID: q.Get("message_id"), CallID: q.Get("call_id"), Type: q.Get("type")}
}

// decodeStrictly decodes one JSON value without unknown fields.
func decodeStrictly(w http.ResponseWriter, req *http.Request, into any) error {
	decoder := json.NewDecoder(http.MaxBytesReader(w, req.Body, maxBodySize))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(into); err != nil {
		return fmt.Errorf("body: %w", err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return errors.New("body: there is something after the JSON value")
	}
	return nil
}

func reply(w http.ResponseWriter, status int, value any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	// The error is that of a client that has disconnected.
	_ = json.NewEncoder(w).Encode(value)
}
