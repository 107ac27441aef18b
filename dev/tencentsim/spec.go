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
	// defaultPlatform is the OptPlatform of callbacks.
	defaultPlatform = "iOS"
	// maxGroupSize and maxSeconds keep typing errors from becoming records.
	maxGroupSize = 500
	maxSeconds   = 366 * 24 * 3600
	maxRepeats   = 1000
)

// CallSpec describes a call that has ended and what goes wrong with it. Only
// SDKAppID is needed. Every duration carries its unit in its name.
type CallSpec struct {
	SDKAppID tencent.SDKAppID `json:"sdk_app_id"`
	// CallID is a new UUID when empty.
	CallID string `json:"call_id,omitempty"`
	// Media is Audio when empty.
	Media tencent.MediaType `json:"media,omitempty"`
	// Type is SingleCall for up to two members and MultiCall for more, when empty.
	Type tencent.CallType `json:"type,omitempty"`
	// Result is NormalEnd when the call was connected, else NotAnswer.
	Result tencent.CallResult `json:"result,omitempty"`
	// Caller and Members are made up when empty. Members include the caller;
	// GroupSize (2 when 0) says how many there are.
	Caller    string   `json:"caller,omitempty"`
	Members   []string `json:"members,omitempty"`
	GroupSize int      `json:"group_size,omitempty"`
	RoomID    string   `json:"room_id,omitempty"`
	// Seconds is the connected time; 0 is a call that was never accepted.
	Seconds int64 `json:"seconds,omitempty"`
	// RingSeconds pass between StartTime and AcceptTime, or EndTime when the
	// call was never accepted; 8 when 0.
	RingSeconds int64 `json:"ring_seconds,omitempty"`
	// EndedAgoSeconds places the end in the past; the callback is posted now all the same.
	EndedAgoSeconds int64 `json:"ended_ago_seconds,omitempty"`
	// Platform is the OptPlatform of the callbacks.
	Platform string `json:"platform,omitempty"`

	// Record is a partial CallRecord in Tencent's field names, laid over the
	// record that the other fields make, for records that should not be.
	Record json.RawMessage `json:"record,omitempty"`
	// RecordAfterSeconds is how long after the end the record appears, when
	// not after the simulator's usual time; negative means at once.
	RecordAfterSeconds int64 `json:"record_after_seconds,omitempty"`
	// RecordFault is played when this call's record is asked for.
	RecordFault *APIFault `json:"record_fault,omitempty"`

	// Lose drops the callback, duplicates included.
	Lose bool `json:"lose,omitempty"`
	// CallbackDelayMS passes before the first delivery.
	CallbackDelayMS int64 `json:"callback_delay_ms,omitempty"`
	// Duplicates is how many deliveries come on top of the first: one after
	// the other with DuplicateSpacingMS between an answer and the next, or all at once.
	Duplicates         int   `json:"duplicates,omitempty"`
	DuplicateSpacingMS int64 `json:"duplicate_spacing_ms,omitempty"`
	Concurrent         bool  `json:"concurrent,omitempty"`
	// Callback is a partial CallRecord, of any JSON types, laid over the
	// record in the callback's body; LaterCallback is laid over that in the
	// second and later deliveries.
	Callback      json.RawMessage `json:"callback,omitempty"`
	LaterCallback json.RawMessage `json:"later_callback,omitempty"`
	// MutateCallback changes the record of the delivery with the given number
	// (from 1) before Callback and LaterCallback are laid over it.
	MutateCallback func(delivery int, record *tencent.CallRecord) `json:"-"`
}

// Validate names the first field that makes no sense.
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
		{"callback_delay_ms", c.CallbackDelayMS, maxSeconds},
		{"duplicates", int64(c.Duplicates), maxRepeats},
		{"duplicate_spacing_ms", c.DuplicateSpacingMS, maxSeconds},
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
	if c.GroupSize > 0 && len(c.Members) > 0 {
		return errors.New("group_size: leave it out when members are given")
	}
	return nil
}

// build makes the record of a call that ended at endTime (Unix seconds);
// number tells calls apart in names that are made up.
func (c CallSpec) build(endTime int64, number int) (tencent.CallRecord, error) {
	members := c.members(number)
	r := tencent.CallRecord{
		CallID:     orDefault(c.CallID, uuid.NewString()),
		Caller:     orDefault(c.Caller, members[0]),
		MediaType:  orDefault(c.Media, tencent.MediaAudio),
		CallType:   c.Type,
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
	if r.CallType == "" {
		r.CallType = tencent.CallTypeSingle
		if len(members) > 2 {
			r.CallType = tencent.CallTypeMulti
		}
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

// members makes up plausible accounts, the caller first.
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
