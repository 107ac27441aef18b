package tencentsim

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"

	"aftercall/internal/tencent"
)

// DefaultReorderHoldMS is how long an incomplete batch of callbacks is held, in ms.
const DefaultReorderHoldMS = 2000

// Faults are what goes wrong beyond a single call. The zero value is a
// Tencent without faults.
type Faults struct {
	// LossShare of the calls, 0 to 1, lose their callback. Which ones depends
	// on LossSeed and the order of placing alone.
	LossShare float64 `json:"loss_share,omitempty"`
	LossSeed  uint64  `json:"loss_seed,omitempty"`
	// ReorderBatch, when above 1, holds end-of-call callbacks until there are
	// so many, or ReorderHoldMS have passed since the first, and posts them
	// one after the other in shuffled order.
	ReorderBatch  int   `json:"reorder_batch,omitempty"`
	ReorderHoldMS int64 `json:"reorder_hold_ms,omitempty"`
	// APIs are faults of the REST API; the first that matches a request is played.
	APIs []APIFault `json:"apis,omitempty"`
}

// APIFault makes the REST API answer wrongly. Of Cut, HTTPStatus, NotJSON and
// Code the first that is set is played; with none of them the request is
// answered as ever, after LatencyMS.
type APIFault struct {
	// SDKAppID and API (the last segment of the path) choose the requests;
	// zero values match all.
	SDKAppID tencent.SDKAppID `json:"sdk_app_id,omitempty"`
	API      string           `json:"api,omitempty"`
	// Times is how many requests are hit; 0 means until cleared.
	Times int `json:"times,omitempty"`

	LatencyMS  int64        `json:"latency_ms,omitempty"`
	Cut        bool         `json:"cut,omitempty"`
	HTTPStatus int          `json:"http_status,omitempty"`
	NotJSON    bool         `json:"not_json,omitempty"`
	Code       tencent.Code `json:"code,omitempty"`
	// Info is the ErrorInfo that goes with Code.
	Info string `json:"info,omitempty"`
}

// Validate names the first setting that makes no sense.
func (f APIFault) Validate() error {
	switch {
	case f.API != "" && !knownAPI(f.API):
		return fmt.Errorf("api: %q is no API: use the last segment of its path, such as %s", f.API, APIRecordByCallID)
	case f.Times < 0:
		return errors.New("times: must not be negative")
	case f.LatencyMS < 0:
		return errors.New("latency_ms: must not be negative")
	case f.HTTPStatus != 0 && (f.HTTPStatus < 200 || f.HTTPStatus > 599 || http.StatusText(f.HTTPStatus) == ""):
		return errors.New("http_status: must be an HTTP status from 200 to 599")
	case f.Code < 0:
		return errors.New("code: must not be negative")
	}
	return nil
}

// Validate names the first setting that makes no sense.
func (f Faults) Validate() error {
	switch {
	case !(f.LossShare >= 0 && f.LossShare <= 1): // NaN too
		return errors.New("loss_share: must be between 0 and 1")
	case f.ReorderBatch < 0:
		return errors.New("reorder_batch: must not be negative")
	case f.ReorderHoldMS < 0:
		return errors.New("reorder_hold_ms: must not be negative")
	}
	for i, fault := range f.APIs {
		if err := fault.Validate(); err != nil {
			return fmt.Errorf("apis[%d].%w", i, err)
		}
	}
	return nil
}

func knownAPI(name string) bool {
	return slices.Contains([]string{
		APIRecordByCallID, APIRecordByFilter, APICallInfo, APIEndCall, APISetCallback, APIGetCallback, APIDeleteCallback,
	}, name)
}

// SetFaults replaces all faults. The sequence of losses starts anew, and
// callbacks held for reordering are posted when reordering ends.
func (s *Simulator) SetFaults(f Faults) error {
	if err := f.Validate(); err != nil {
		return err
	}
	f.APIs = slices.Clone(f.APIs)
	f.ReorderHoldMS = orDefault(f.ReorderHoldMS, DefaultReorderHoldMS)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = f
	s.loss = rand.New(rand.NewPCG(f.LossSeed, 2))
	if len(s.held) >= max(f.ReorderBatch, 1) {
		s.flushHeld()
	}
	return nil
}

// AddAPIFault adds a fault after those in force.
func (s *Simulator) AddAPIFault(f APIFault) error {
	if err := f.Validate(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults.APIs = append(s.faults.APIs, f)
	return nil
}

// ClearFaults ends all faults of the simulator; those of single calls stay.
func (s *Simulator) ClearFaults() error { return s.SetFaults(Faults{}) }

// Faults returns the faults in force. Times are what is left of them.
func (s *Simulator) Faults() Faults {
	s.mu.Lock()
	defer s.mu.Unlock()
	f := s.faults
	f.APIs = slices.Clone(f.APIs)
	return f
}

// takeFault finds the fault for a request and uses it up. The fault of the
// call whose record is asked for comes first.
func (s *Simulator) takeFault(app tencent.SDKAppID, name string, body []byte) (APIFault, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if name == APIRecordByCallID {
		// A body that does not decode asks for no call; its own answer comes later.
		callID, _ := decodeCallID(body)
		if c := s.calls[callKey{app, callID}]; c != nil && c.recordFault != nil {
			fault := *c.recordFault
			if spent(c.recordFault) {
				c.recordFault = nil
			}
			return fault, true
		}
	}
	for i, fault := range s.faults.APIs {
		if (fault.SDKAppID != 0 && fault.SDKAppID != app) || (fault.API != "" && fault.API != name) {
			continue
		}
		if spent(&s.faults.APIs[i]) {
			s.faults.APIs = slices.Delete(s.faults.APIs, i, i+1)
		}
		return fault, true
	}
	return APIFault{}, false
}

// spent counts one use and reports whether it was the last.
func spent(f *APIFault) bool {
	if f.Times == 0 {
		return false
	}
	f.Times--
	return f.Times == 0
}
