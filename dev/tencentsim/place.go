package tencentsim

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"aftercall/internal/tencent"
)

// Call is a simulated call with its callbacks.
type Call struct {
	SDKAppID tencent.SDKAppID   `json:"sdk_app_id"`
	Record   tencent.CallRecord `json:"record"`
	PlacedAt time.Time          `json:"placed_at"`
	// Lost reports that the callback was dropped on purpose.
	Lost bool `json:"lost"`
	// RecordReads counts successful answers of get_record_by_callid.
	RecordReads int              `json:"record_reads"`
	Callbacks   []PostedCallback `json:"callbacks"`
	// RoomWebhooks are the POSTs of the room's webhooks, without a command.
	RoomWebhooks []PostedCallback `json:"room_webhooks,omitempty"`
}

// PlaceCall simulates a call that has ended: it keeps its record and schedules
// its callbacks, without waiting for them. An error names the field of the spec.
func (s *Simulator) PlaceCall(spec CallSpec) (Call, error) {
	if _, ok := s.apps[spec.SDKAppID]; !ok {
		return Call{}, fmt.Errorf("sdk_app_id: %s is not one of the simulator's apps", spec.SDKAppID)
	}
	if err := spec.Validate(); err != nil {
		return Call{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return Call{}, ErrClosed
	}
	c, err := s.newCall(spec)
	if err != nil {
		return Call{}, err
	}
	// Drawn after every check, so that invalid specs do not change which calls are lost.
	c.lost = s.loss.Float64() < s.faults.LossShare || spec.Lose
	if err := s.journal.append(entry{Kind: entryCall, SDKAppID: c.app, Call: &journalCall{
		Record: c.record, EndedAt: c.endedAt, PlacedAt: c.placedAt, RecordAfter: c.recordAfter, Lost: c.lost,
	}}); err != nil {
		return Call{}, err
	}
	s.remember(c)
	s.sent.Placed++
	if err := s.announceRoom(c); err != nil { // which no callback depends on
		return Call{}, err
	}
	if c.lost {
		s.sent.Lost++
	} else if err := s.announce(c); err != nil {
		return Call{}, err
	}
	return c.snapshot(), nil
}

// newCall makes a call from its spec. s.mu is held.
func (s *Simulator) newCall(spec CallSpec) (*call, error) {
	now := s.now()
	// The times of a record are whole seconds.
	endedAt := time.Unix(now.Unix()-spec.EndedAgoSeconds, 0).UTC()
	record, err := spec.build(endedAt.Unix(), len(s.order))
	if err != nil {
		return nil, err
	}
	if s.calls[callKey{spec.SDKAppID, record.CallID}] != nil {
		return nil, fmt.Errorf("call_id: app %s already has a call with this CallId", spec.SDKAppID)
	}
	after := RecordDelay
	if spec.RecordAfterSeconds != 0 {
		after = time.Duration(max(spec.RecordAfterSeconds, 0)) * time.Second
	}
	if spec.NoRecord {
		after = 2 * Retention // it is deleted before
	}
	c := &call{
		app: spec.SDKAppID, record: record, endedAt: endedAt, placedAt: now.UTC(), recordAfter: after, spec: spec,
	}
	if spec.RecordFault != nil {
		fault := *spec.RecordFault
		c.recordFault = &fault
	}
	return c, nil
}

// RepeatCallback posts the end-of-call callback of a call again, even if the first
// was lost. callback is a partial CallRecord that overrides fields of the
// record, nil for none.
func (s *Simulator) RepeatCallback(app tencent.SDKAppID, callID string, callback json.RawMessage) error {
	if callback != nil && !isObject(callback) {
		return fmt.Errorf("callback: must be a JSON object with fields of CallRecord")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.calls[callKey{app, callID}]
	switch {
	case s.closed:
		return ErrClosed
	case c == nil:
		return fmt.Errorf("call_id: app %s has no such call", app)
	}
	s.schedule(&job{call: c, command: tencent.CommandAfterEndCall, copies: 1, override: callback})
	return nil
}

// Call returns a call with its callbacks so far.
func (s *Simulator) Call(app tencent.SDKAppID, callID string) (Call, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.calls[callKey{app, callID}]
	if c == nil {
		return Call{}, false
	}
	return c.snapshot(), true
}

// Calls returns the calls in the order in which they were placed.
func (s *Simulator) Calls() []Call {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make([]Call, len(s.order))
	for i, c := range s.order {
		all[i] = c.snapshot()
	}
	return all
}

// snapshot returns a copy for callers. Simulator.mu is held.
func (c *call) snapshot() Call {
	record := c.record
	record.Members = slices.Clone(record.Members)
	return Call{
		SDKAppID: c.app, Record: record, PlacedAt: c.placedAt, Lost: c.lost, RecordReads: c.recordReads,
		Callbacks: append([]PostedCallback{}, c.callbacks...), RoomWebhooks: slices.Clone(c.roomPosts),
	}
}
