package tencentsim

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/google/uuid"

	"aftercall/internal/tencent"
)

// maxRequestSize is the largest accepted body of a REST request, in bytes.
const maxRequestSize = 1 << 20

// The APIs by the last segment of their path, as in Stats.
const (
	APIRecordByCallID = "get_record_by_callid"
	APIRecordByFilter = "get_record_by_filter"
	APICallInfo       = "get_call_info"
	APIEndCall        = "end_call"
	APISetCallback    = "set_callback"
	APIGetCallback    = "get_callback"
	APIDeleteCallback = "delete_callback"
	// apiUnknown counts the requests for paths that do not exist.
	apiUnknown = "unknown"
)

// api is one API: its answer to a body that is a JSON object.
type api struct {
	name   string
	answer func(s *Simulator, app App, body []byte) (any, *failure)
}

// lookup finds the API of a path.
func lookup(path string) (api, bool) {
	switch strings.TrimPrefix(path, "/") {
	case "v4/call_record_http_srv/get_record_by_callid":
		return api{APIRecordByCallID, (*Simulator).recordByCallID}, true
	case "v4/call_record_http_srv/get_record_by_filter":
		return api{APIRecordByFilter, (*Simulator).recordByFilter}, true
	case "v4/call_engine_http_srv/get_call_info":
		return api{APICallInfo, (*Simulator).noLiveCall}, true
	case "v4/call_engine_http_srv/end_call":
		return api{APIEndCall, (*Simulator).noLiveCall}, true
	case "v4/call_config/set_callback":
		return api{APISetCallback, (*Simulator).setCallback}, true
	case "v4/call_config/get_callback":
		return api{APIGetCallback, (*Simulator).getCallback}, true
	case "v4/call_config/delete_callback":
		return api{APIDeleteCallback, (*Simulator).deleteCallback}, true
	}
	return api{name: apiUnknown}, false
}

func (s *Simulator) serveREST(w http.ResponseWriter, r *http.Request) {
	target, known := lookup(r.URL.Path)
	if !known {
		s.refuse(w, 0, target.name, &failure{codeBadResource, "the requested resource does not exist"})
		return
	}
	if r.Method != http.MethodPost {
		s.refuse(w, 0, target.name, &failure{codeBadURL, "the method must be POST"})
		return
	}
	app, query, failed := s.identify(r)
	if failed != nil {
		s.refuse(w, 0, target.name, failed)
		return
	}
	s.arrived(app.SDKAppID, target.name)
	if failed := s.authorize(app, query); failed != nil {
		s.answer(w, app.SDKAppID, target.name, nil, failed)
		return
	}
	if !s.admit(app.SDKAppID, target.name) {
		s.answer(w, app.SDKAppID, target.name, nil, &failure{codeOverFrequency, "too many requests, slow down"})
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxRequestSize))
	if err != nil {
		s.answer(w, app.SDKAppID, target.name, nil, &failure{codeBadJSON, "the body is too large or was cut off"})
		return
	}
	fault, _ := s.takeFault(app.SDKAppID, target.name, body)
	if s.misbehave(w, r, app.SDKAppID, target.name, fault) {
		return
	}
	if !isObject(body) {
		s.answer(w, app.SDKAppID, target.name, nil, &failure{codeBadJSON, "the body must be a JSON object"})
		return
	}
	response, failed := target.answer(s, app, body)
	if fault.Cut {
		w = &halfWriter{ResponseWriter: w}
	}
	s.answer(w, app.SDKAppID, target.name, response, failed)
}

// misbehave does what a fault says before the right answer, and reports whether it has
// answered in its place.
func (s *Simulator) misbehave(w http.ResponseWriter, r *http.Request, app tencent.SDKAppID, name string, fault APIFault) bool {
	if fault.DelayMS > 0 {
		timer := time.NewTimer(time.Duration(fault.DelayMS) * time.Millisecond)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-r.Context().Done(): // the client has given up
		case <-s.ctx.Done(): // closed
		}
	}
	switch {
	case fault.Status != 0:
		s.countCode(app, name, tencent.CodeTransport)
		w.Header().Set("Content-Type", "text/html")
		w.WriteHeader(fault.Status)
		if _, err := io.WriteString(w, "<html><body>The service is being maintained.</body></html>\n"); err != nil {
			s.log.Debug("answer not written", "api", name, "error", err)
		}
	case fault.Code != 0:
		s.answer(w, app, name, nil, &failure{fault.Code, orDefault(fault.Info, "injected fault")})
	default:
		return false
	}
	return true
}

// halfWriter writes the first half of an answer, which is written at once.
type halfWriter struct{ http.ResponseWriter }

// Write implements io.Writer.
func (w *halfWriter) Write(p []byte) (int, error) {
	if _, err := w.ResponseWriter.Write(p[:len(p)/2]); err != nil {
		return 0, err
	}
	return len(p), nil
}

// refuse answers a request that cannot be assigned to an app.
func (s *Simulator) refuse(w http.ResponseWriter, app tencent.SDKAppID, name string, failed *failure) {
	s.arrived(app, name)
	s.answer(w, app, name, nil, failed)
}

// answer writes Tencent's envelope. The HTTP status is always 200.
func (s *Simulator) answer(w http.ResponseWriter, app tencent.SDKAppID, name string, response any, failed *failure) {
	envelope := struct {
		ErrorCode    tencent.Code `json:"ErrorCode"`
		ErrorInfo    string       `json:"ErrorInfo"`
		ActionStatus string       `json:"ActionStatus"`
		RequestID    string       `json:"RequestId"`
		Response     any          `json:"Response,omitempty"`
	}{ActionStatus: "OK", RequestID: s.requestID(), Response: response}
	if failed != nil {
		envelope.ErrorCode, envelope.ErrorInfo, envelope.ActionStatus = failed.code, failed.info, "FAIL"
	}
	s.countCode(app, name, envelope.ErrorCode)
	w.Header().Set("Content-Type", "application/json")
	if err := json.NewEncoder(w).Encode(envelope); err != nil {
		s.log.Debug("answer not written", "api", name, "error", err)
	}
}

func (s *Simulator) requestID() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests++
	return fmt.Sprintf("Id-%s-O-Seq-%d", strings.ReplaceAll(uuid.NewString(), "-", ""), s.requests)
}

// isObject reports whether body is exactly one JSON object.
func isObject(body []byte) bool {
	trimmed := bytes.TrimLeft(body, " \t\r\n")
	return len(trimmed) > 0 && trimmed[0] == '{' && json.Valid(trimmed)
}
