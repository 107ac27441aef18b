package tencent

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
)

// Fingerprint returns a hash of the eleven fields of the record, 32 hexadecimal
// digits. Callbacks with equal records have the same fingerprint, whatever the
// order and spacing of their JSON and its other fields.
func (r CallRecord) Fingerprint() (string, error) {
	canonical, err := json.Marshal(r)
	if err != nil {
		return "", fmt.Errorf("fingerprint of call record: %w", err)
	}
	sum := sha256.Sum256(canonical)
	return hex.EncodeToString(sum[:16]), nil
}

// Equal reports whether all fields are equal.
func (r CallRecord) Equal(other CallRecord) bool {
	members := slices.Equal(r.Members, other.Members)
	r.Members, other.Members = nil, nil
	return members && reflect.DeepEqual(r, other)
}

// Difference is a field whose value in the callback differs from the record.
// The values are JSON.
type Difference struct {
	Field    string `json:"field"`
	Callback string `json:"callback"`
	Record   string `json:"record"`
}

// Differences returns the fields in which a callback's hint differs from the call
// record. The record is charged; the differences help to explain complaints.
func Differences(callback, record CallRecord) ([]Difference, error) {
	hinted, err := fields(callback)
	if err != nil {
		return nil, err
	}
	recorded, err := fields(record)
	if err != nil {
		return nil, err
	}
	var diffs []Difference
	for _, name := range []string{
		"CallId", "Caller_Account", "MediaType", "CallType", "StartTime", "EndTime", "AcceptTime",
		"CallResult", "CalleeList_Account", "RoomId", "RoomIdType",
	} {
		if name == "CalleeList_Account" && callback.sameMembers(record) {
			continue
		}
		if string(hinted[name]) != string(recorded[name]) {
			diffs = append(diffs, Difference{Field: name, Callback: string(hinted[name]), Record: string(recorded[name])})
		}
	}
	return diffs, nil
}

// sameMembers reports whether the members are the same as far as both records
// have them.
func (r CallRecord) sameMembers(other CallRecord) bool {
	n := min(len(r.Members), len(other.Members))
	return r.MemberCount() == other.MemberCount() && slices.Equal(r.Members[:n], other.Members[:n])
}

// fields returns the JSON of each field.
func fields(r CallRecord) (map[string]json.RawMessage, error) {
	data, err := json.Marshal(r)
	if err != nil {
		return nil, fmt.Errorf("encode call record: %w", err)
	}
	var m map[string]json.RawMessage
	if err := json.Unmarshal(data, &m); err != nil {
		return nil, fmt.Errorf("decode call record: %w", err)
	}
	return m, nil
}
