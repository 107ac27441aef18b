package tencentsim

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"

	"aftercall/internal/tencent"
)

// Faults are faults that affect more than one call. The zero value means none.
type Faults struct {
	// LossShare is the share of calls, 0 to 1, whose callback is lost. Which
	// ones depends only on LossSeed and on the order in which calls are placed.
	LossShare float64 `json:"loss_share,omitempty"`
	LossSeed  uint64  `json:"loss_seed,omitempty"`
	// APIs are faults of the REST API; the first one is used until it is used up.
	APIs []APIFault `json:"apis,omitempty"`
}

// APIFault makes the REST API answer requests with an error, with something that is
// not its documented answer, or late.
type APIFault struct {
	// Times is the number of requests it affects; 0 means until it is cleared.
	Times int `json:"times,omitempty"`
	// Code and Info are the ErrorCode and ErrorInfo of the answer.
	Code tencent.Code `json:"code,omitempty"`
	Info string       `json:"info,omitempty"`
	// Status answers with a page of HTML and this HTTP status, as a gateway before the
	// API does. 200 is such a page that pretends success.
	Status int `json:"status,omitempty"`
	// Cut sends the first half of the right answer.
	Cut bool `json:"cut,omitempty"`
	// DelayMS is the time before the answer.
	DelayMS int64 `json:"delay_ms,omitempty"`
}

// Validate returns an error that names the first invalid field.
func (f APIFault) Validate() error {
	switch {
	case f.Times < 0:
		return errors.New("times: must not be negative")
	case f.DelayMS < 0:
		return errors.New("delay_ms: must not be negative")
	case f.Status != 0 && (f.Status < 200 || f.Status > 599):
		return errors.New("status: must be an HTTP status from 200 to 599")
	case f.Code < 0 || (f.Code == 0 && f.Status == 0 && !f.Cut && f.DelayMS == 0):
		return errors.New("code: must be above 0, unless status, cut or delay_ms says what goes wrong")
	case f.Code != 0 && (f.Status != 0 || f.Cut), f.Status != 0 && f.Cut:
		return errors.New("code: only one of code, status and cut can be the answer")
	}
	return nil
}

// Validate returns an error that names the first invalid field.
func (f Faults) Validate() error {
	if !(f.LossShare >= 0 && f.LossShare <= 1) { // NaN too
		return errors.New("loss_share: must be between 0 and 1")
	}
	for i, fault := range f.APIs {
		if err := fault.Validate(); err != nil {
			return fmt.Errorf("apis[%d].%w", i, err)
		}
	}
	return nil
}

// SetFaults replaces all faults and restarts the sequence of losses.
func (s *Simulator) SetFaults(f Faults) error {
	if err := f.Validate(); err != nil {
		return err
	}
	f.APIs = slices.Clone(f.APIs)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = f
	s.loss = rand.New(rand.NewPCG(f.LossSeed, 2))
	return nil
}

// AddAPIFault adds a fault after the existing ones.
func (s *Simulator) AddAPIFault(f APIFault) error {
	if err := f.Validate(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults.APIs = append(s.faults.APIs, f)
	return nil
}

// ClearFaults removes all faults of the simulator; those of single calls stay.
func (s *Simulator) ClearFaults() error { return s.SetFaults(Faults{}) }

// Faults returns the current faults, with the remaining Times.
func (s *Simulator) Faults() Faults {
	s.mu.Lock()
	defer s.mu.Unlock()
	f := s.faults
	f.APIs = slices.Clone(f.APIs)
	return f
}

// takeFault returns the fault for a request and counts its use. The fault of
// the call whose record is queried comes first.
func (s *Simulator) takeFault(app tencent.SDKAppID, name string, body []byte) (APIFault, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if name == APIRecordByCallID {
		// A body that cannot be decoded names no call, and is refused later.
		callID, _ := decodeCallID(body)
		if c := s.calls[callKey{app, callID}]; c != nil && c.recordFault != nil {
			fault := *c.recordFault
			if spent(c.recordFault) {
				c.recordFault = nil
			}
			return fault, true
		}
	}
	if len(s.faults.APIs) == 0 {
		return APIFault{}, false
	}
	fault := s.faults.APIs[0]
	if spent(&s.faults.APIs[0]) {
		s.faults.APIs = slices.Delete(s.faults.APIs, 0, 1)
	}
	return fault, true
}

// spent counts one use and reports whether it was the last.
func spent(f *APIFault) bool {
	if f.Times == 0 {
		return false
	}
	f.Times--
	return f.Times == 0
}
