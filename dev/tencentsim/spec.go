package tencentsim

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/google/uuid"

	"aftercall/internal/tencent"
)

const (
	// defaultRingSeconds is how long a call rings when the spec does not say.
	defaultRingSeconds = 8
	// maxGroupSize, maxSeconds and maxRepeats catch typing errors.
	maxGroupSize = 500
	maxSeconds   = 366 * 24 * 3600
	maxRepeats   = 1000
)

// CallSpec describes a call that has ended and what goes wrong with it. Only
// SDKAppID is required. The name of every duration ends with its unit.
type CallSpec struct {
	SDKAppID tencent.SDKAppID `json:"sdk_app_id"`
	// CallID is a new UUID when empty.
	CallID string `json:"call_id,omitempty"`
	// Media is Audio when empty.
	Media tencent.MediaType `json:"media,omitempty"`
	// Result, when empty, is NormalEnd for a call that was connected, else NotAnswer.
	Result tencent.CallResult `json:"result,omitempty"`
	// Caller and Members are generated when empty. Members include the caller;
	// GroupSize (2 when 0) is their number.
	Caller    string   `json:"caller,omitempty"`
	Members   []string `json:"members,omitempty"`
	GroupSize int      `json:"group_size,omitempty"`
	RoomID    string   `json:"room_id,omitempty"`
	// Seconds is the connected time; 0 is a call that was never accepted.
	Seconds int64 `json:"seconds,omitempty"`
	// RingSeconds is the time from StartTime to AcceptTime, or to EndTime when
	// the call was never accepted; 8 when 0.
	RingSeconds int64 `json:"ring_seconds,omitempty"`
	// EndedAgoSeconds sets the end in the past; the callback is posted now anyway.
	EndedAgoSeconds int64 `json:"ended_ago_seconds,omitempty"`

	// Record is a partial CallRecord with Tencent's field names that overrides
	// fields of the record, for invalid records.
	Record json.RawMessage `json:"record,omitempty"`
	// RecordAfterSeconds is how long after its end the call has a record;
	// RecordDelay when 0, and at once when negative.
	RecordAfterSeconds int64 `json:"record_after_seconds,omitempty"`
	// RecordFault is the answer to queries for this call's record.
	RecordFault *APIFault `json:"record_fault,omitempty"`
	// OddRecord makes fields of the record odd wherever the REST API returns it.
	OddRecord []Oddity `json:"odd_record,omitempty"`

	// Lose drops the callback and its duplicates.
	Lose bool `json:"lose,omitempty"`
	// Duplicates is how many more times the callback is posted: one after the
	// other, or all at once if Concurrent is set.
	Duplicates int  `json:"duplicates,omitempty"`
	Concurrent bool `json:"concurrent,omitempty"`
	// Callback is a partial CallRecord, of any JSON types, that overrides fields
	// of the record in the callback's body. LaterCallback overrides those in
	// duplicates.
	Callback      json.RawMessage `json:"callback,omitempty"`
	LaterCallback json.RawMessage `json:"later_callback,omitempty"`
	// OddCallback makes fields of the callback's body odd, of the CallRecord in it
	// or next to that.
	OddCallback []Oddity `json:"odd_callback,omitempty"`

	// Attendance says who was in a connected call, and when; when empty, all members were
	// from AcceptTime to EndTime.
	Attendance []Presence `json:"attendance,omitempty"`
	// Robot means that a robot placed the call: the caller is never in the room. D:74505
	Robot bool `json:"robot,omitempty"`
	// NoRecord means that the call never has a record, as if its client had asked for none.
	NoRecord bool `json:"no_record,omitempty"`
	// MemberEvents and RoomEvents are the faults of Call.CallbackAfterMemberChanged and of
	// the room's webhooks.
	MemberEvents EventFaults `json:"member_events,omitzero"`
	RoomEvents   EventFaults `json:"room_events,omitzero"`
}

// Validate returns an error that names the first invalid field.
func (c CallSpec) Validate() error {
	if c.CallID != "" {
		if err := tencent.ValidateCallID("call_id", c.CallID); err != nil {
			return err
		}
	}
	for _, n := range []struct {
		name       string
		value, max int64
	}{
		{"group_size", int64(c.GroupSize), maxGroupSize},
		{"seconds", c.Seconds, maxSeconds},
		{"ring_seconds", c.RingSeconds, maxSeconds},
		{"ended_ago_seconds", c.EndedAgoSeconds, maxSeconds},
		{"duplicates", int64(c.Duplicates), maxRepeats},
	} {
		if n.value < 0 || n.value > n.max {
			return fmt.Errorf("%s: must be between 0 and %d", n.name, n.max)
		}
	}
	for name, partial := range map[string]json.RawMessage{
		"record": c.Record, "callback": c.Callback, "later_callback": c.LaterCallback,
	} {
		if partial != nil && !isObject(partial) {
			return fmt.Errorf("%s: must be a JSON object with fields of CallRecord", name)
		}
	}
	if c.RecordFault != nil {
		if err := c.RecordFault.Validate(); err != nil {
			return fmt.Errorf("record_fault.%w", err)
		}
	}
	for name, oddities := range map[string][]Oddity{"odd_record": c.OddRecord, "odd_callback": c.OddCallback} {
		for i, o := range oddities {
			if err := o.Validate(); err != nil {
				return fmt.Errorf("%s[%d].%w", name, i, err)
			}
		}
	}
	if c.GroupSize > 0 && len(c.Members) > 0 {
		return errors.New("group_size: leave it out when members are given")
	}
	if c.NoRecord && c.RecordAfterSeconds != 0 {
		return errors.New("record_after_seconds: leave it out when there is no record")
	}
	return c.validateEvents()
}

// build returns the record of a call that ended at endTime (Unix seconds);
// number makes generated names differ between calls.
func (c CallSpec) build(endTime int64, number int) (tencent.CallRecord, error) {
	members := c.members(number)
	r := tencent.CallRecord{
		CallID:     orDefault(c.CallID, uuid.NewString()),
		Caller:     orDefault(c.Caller, members[0]),
		MediaType:  orDefault(c.Media, tencent.MediaAudio),
		CallType:   tencent.CallTypeSingle,
		EndTime:    endTime,
		StartTime:  endTime - c.Seconds - orDefault(c.RingSeconds, defaultRingSeconds),
		Result:     c.Result,
		Members:    members,
		RoomID:     tencent.RoomID(orDefault(c.RoomID, fmt.Sprintf("consultation-%d", 1000+number))),
		RoomIDType: 2,
	}
	if c.Seconds > 0 {
		r.AcceptTime = endTime - c.Seconds
	}
	if len(members) > 2 {
		r.CallType = tencent.CallTypeMulti
	}
	if r.Result == "" {
		r.Result = tencent.ResultNotAnswer
		if c.Seconds > 0 {
			r.Result = tencent.ResultNormalEnd
		}
	}
	if c.Record != nil {
		if err := json.Unmarshal(c.Record, &r); err != nil {
			return r, fmt.Errorf("record: %w", err)
		}
	}
	if err := tencent.ValidateCallID("record.CallId", r.CallID); err != nil {
		return r, err
	}
	return r, nil
}

// members returns the accounts, the caller first.
func (c CallSpec) members(number int) []string {
	if len(c.Members) > 0 {
		return c.Members
	}
	caller := orDefault(c.Caller, fmt.Sprintf("patient-%d", 1001+number%8999))
	members := []string{caller, fmt.Sprintf("doctor-%d", 11+number%60)}
	for i := 2; i < c.GroupSize; i++ {
		members = append(members, fmt.Sprintf("nurse-%d", 19+i))
	}
	if c.GroupSize == 1 {
		return members[:1]
	}
	return members
}
