package tencentsim

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"

	"aftercall/internal/tencent"
)

// defaultListed is how many calls GET /control/calls returns without a limit.
const defaultListed = 50

// controlAPI returns the handler of the control API, which the package comment describes.
func (s *Simulator) controlAPI() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /control/calls", s.controlPlace)
	mux.HandleFunc("GET /control/calls", s.controlCalls)
	mux.HandleFunc("GET /control/calls/{id}", s.controlCall)
	mux.HandleFunc("POST /control/calls/{id}/repeat", s.controlRepeat)
	mux.HandleFunc("PUT /control/rooms", s.controlSetRoom)
	mux.HandleFunc("GET /control/faults", func(w http.ResponseWriter, _ *http.Request) {
		s.reply(w, http.StatusOK, s.Faults())
	})
	mux.HandleFunc("PUT /control/faults", s.controlSetFaults)
	mux.HandleFunc("DELETE /control/faults", func(w http.ResponseWriter, _ *http.Request) {
		if err := s.ClearFaults(); err != nil {
			s.reject(w, http.StatusInternalServerError, err)
			return
		}
		w.WriteHeader(http.StatusNoContent)
	})
	return mux
}

func (s *Simulator) controlSetFaults(w http.ResponseWriter, r *http.Request) {
	var f Faults
	err := decodeStrictly(w, r, &f)
	if err == nil {
		err = s.SetFaults(f)
	}
	if err != nil {
		s.reject(w, http.StatusBadRequest, err)
		return
	}
	s.reply(w, http.StatusOK, s.Faults())
}

func (s *Simulator) controlPlace(w http.ResponseWriter, r *http.Request) {
	var spec CallSpec
	if err := decodeStrictly(w, r, &spec); err != nil {
		s.reject(w, http.StatusBadRequest, err)
		return
	}
	placed, err := s.PlaceCall(spec)
	switch {
	case errors.Is(err, ErrClosed):
		s.reject(w, http.StatusServiceUnavailable, err)
	case err != nil:
		s.reject(w, http.StatusBadRequest, err)
	default:
		s.reply(w, http.StatusCreated, placed)
	}
}

func (s *Simulator) controlCalls(w http.ResponseWriter, r *http.Request) {
	limit := defaultListed
	if text := r.URL.Query().Get("limit"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 {
			s.reject(w, http.StatusBadRequest, errors.New("limit: must be a number above 0"))
			return
		}
		limit = n
	}
	calls := s.Calls()
	calls = calls[max(len(calls)-limit, 0):]
	slices.Reverse(calls)
	s.reply(w, http.StatusOK, calls)
}

func (s *Simulator) controlCall(w http.ResponseWriter, r *http.Request) {
	app, err := s.ownerOf(r)
	if err != nil {
		s.reject(w, http.StatusNotFound, err)
		return
	}
	found, _ := s.Call(app, r.PathValue("id"))
	s.reply(w, http.StatusOK, found)
}

func (s *Simulator) controlRepeat(w http.ResponseWriter, r *http.Request) {
	var request struct {
		Callback json.RawMessage `json:"callback"`
	}
	if err := decodeStrictly(w, r, &request); err != nil {
		s.reject(w, http.StatusBadRequest, err)
		return
	}
	app, err := s.ownerOf(r)
	if err != nil {
		s.reject(w, http.StatusNotFound, err)
		return
	}
	if err := s.RepeatCallback(app, r.PathValue("id"), request.Callback); err != nil {
		s.reject(w, http.StatusBadRequest, err)
		return
	}
	w.WriteHeader(http.StatusAccepted)
}

// ownerOf returns the app of the call in the path: sdk_app_id, or the only app that has it.
func (s *Simulator) ownerOf(r *http.Request) (tencent.SDKAppID, error) {
	callID, wanted := r.PathValue("id"), r.URL.Query().Get("sdk_app_id")
	var owners []tencent.SDKAppID
	for id := range s.apps {
		if _, ok := s.Call(id, callID); ok && (wanted == "" || wanted == id.String()) {
			owners = append(owners, id)
		}
	}
	switch len(owners) {
	case 1:
		return owners[0], nil
	case 0:
		return 0, errors.New("there is no such call")
	default:
		return 0, errors.New("several apps have such a call: say which with ?sdk_app_id=")
	}
}

// decodeStrictly decodes one JSON value without unknown fields.
func decodeStrictly(w http.ResponseWriter, r *http.Request, into any) error {
	decoder := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxRequestSize))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(into); err != nil {
		return fmt.Errorf("body: %w", err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return errors.New("body: there is something after the JSON value")
	}
	return nil
}

func (s *Simulator) reply(w http.ResponseWriter, status int, value any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	if err := json.NewEncoder(w).Encode(value); err != nil {
		s.log.Debug("answer of the control API not written", "error", err)
	}
}

func (s *Simulator) reject(w http.ResponseWriter, status int, err error) {
	s.reply(w, status, map[string]string{"error": err.Error()})
}
