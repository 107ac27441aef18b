package tencentsim

import (
	"encoding/json"
	"net/url"
	"slices"
	"time"

	"aftercall/internal/tencent"
)

// codeNotExisting is the answer of get_call_info and end_call for ended calls. D:68932, D:74506
const codeNotExisting tencent.Code = 101004

// call is a simulated call. Guarded by Simulator.mu.
type call struct {
	app    tencent.SDKAppID
	record tencent.CallRecord
	// endedAt decides when the record appears and expires, even when the
	// record's own EndTime is invalid on purpose.
	endedAt     time.Time
	placedAt    time.Time
	recordAfter time.Duration
	recordFault *APIFault
	recordReads int
	lost        bool
	spec        CallSpec
	callbacks   []PostedCallback
	roomPosts   []PostedCallback
}

// hasRecord reports whether the record API returns the call.
func (c *call) hasRecord(now time.Time) bool {
	age := now.Sub(c.endedAt)
	return age >= c.recordAfter && age <= Retention
}

// answer is the record as the record APIs return it.
func (c *call) answer() (json.RawMessage, error) {
	record, err := json.Marshal(c.record)
	if err != nil {
		return nil, err
	}
	return applyAll(record, c.spec.OddRecord)
}

// callIDRequest is the request of the APIs about one call.
type callIDRequest struct {
	CallID string `json:"CallId"`
}

func decodeCallID(body []byte) (string, *failure) {
	var request callIDRequest
	if err := json.Unmarshal(body, &request); err != nil || request.CallID == "" {
		return "", &failure{tencent.CodeInvalidParam, "CallId must be a string that is not empty"}
	}
	return request.CallID, nil
}

// recordByCallID answers get_record_by_callid. D:68930
func (s *Simulator) recordByCallID(app App, body []byte) (any, *failure) {
	callID, failed := decodeCallID(body)
	if failed != nil {
		return nil, failed
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.calls[callKey{app.SDKAppID, callID}]
	if c == nil || !c.hasRecord(s.now()) {
		return nil, &failure{tencent.CodeRecordNotFound, "call record does not exist"}
	}
	c.recordReads++
	record, err := c.answer()
	if err != nil {
		return nil, &failure{tencent.CodeInternal, err.Error()}
	}
	return struct{ CallRecord json.RawMessage }{record}, nil
}

// noLiveCall answers get_call_info and end_call: every simulated call has ended.
func (s *Simulator) noLiveCall(_ App, body []byte) (any, *failure) {
	if _, failed := decodeCallID(body); failed != nil {
		return nil, failed
	}
	return nil, &failure{codeNotExisting, "the call does not exist or has ended"}
}

// setCallback answers set_callback, which overwrites without an error. D:68938
func (s *Simulator) setCallback(app App, body []byte) (any, *failure) {
	var cfg tencent.CallbackConfig
	if err := json.Unmarshal(body, &cfg); err != nil {
		return nil, &failure{tencent.CodeConfigInvalid, "Url must be a string, CallbackCommandList a list of strings"}
	}
	u, err := url.Parse(cfg.URL)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" {
		return nil, &failure{tencent.CodeConfigInvalid, "Url must be an http or https URL"}
	}
	if len(cfg.Commands) == 0 {
		return nil, &failure{tencent.CodeConfigInvalid, "CallbackCommandList must not be empty"}
	}
	for _, command := range cfg.Commands {
		switch command {
		case tencent.CommandAfterStartCall, tencent.CommandAfterMemberChanged, tencent.CommandAfterEndCall:
		default:
			return nil, &failure{tencent.CodeConfigInvalid, "CallbackCommandList holds an unknown command"}
		}
	}
	return nil, s.configure(app.SDKAppID, &cfg)
}

// getCallback answers get_callback. D:68937
func (s *Simulator) getCallback(app App, _ []byte) (any, *failure) {
	cfg, ok := s.Callback(app.SDKAppID)
	if !ok {
		return nil, &failure{tencent.CodeNoCallback, "no callback is configured"}
	}
	return cfg, nil
}

// deleteCallback answers delete_callback, which succeeds even with nothing to delete. D:68939
func (s *Simulator) deleteCallback(app App, _ []byte) (any, *failure) {
	return nil, s.configure(app.SDKAppID, nil)
}

// configure stores a callback configuration, or deletes it when cfg is nil.
func (s *Simulator) configure(app tencent.SDKAppID, cfg *tencent.CallbackConfig) *failure {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.journal.append(entry{Kind: entryCallback, SDKAppID: app, Callback: cfg}); err != nil {
		s.log.Error("callback configuration not kept", "error", err)
		return &failure{tencent.CodeConfigInternal, "internal error, please retry"}
	}
	if cfg == nil {
		delete(s.callbacks, app)
	} else {
		s.callbacks[app] = *cfg
	}
	return nil
}

// Callback returns the callback configuration of an app; ok is false when there
// is none.
func (s *Simulator) Callback(app tencent.SDKAppID) (cfg tencent.CallbackConfig, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	cfg, ok = s.callbacks[app]
	cfg.Commands = slices.Clone(cfg.Commands)
	return cfg, ok
}
