package tencent

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
)

// Fingerprint is a short hash over the eleven fields of the record. Two
// deliveries of the same callback have the same fingerprint whatever the order
// or spacing of their JSON; fields that are not of the record do not count.
func (r CallRecord) Fingerprint() (string, error) {
	canonical, err := json.Marshal(r)
	if err != nil {
		return "", fmt.Errorf("fingerprint of call record: %w", err)
	}
	sum := sha256.Sum256(canonical)
	return hex.EncodeToString(sum[:16]), nil
}

// Difference is one field in which two records of the same call disagree.
type Difference struct {
	Field    string `json:"field"`
	Callback string `json:"callback"`
	Record   string `json:"record"`
}

// Differences lists the fields in which the callback's data differs from the
// record. The record wins; the difference is kept because it explains a
// complaint. Values are JSON text.
func Differences(callback, record CallRecord) ([]Difference, error) {
	hint, err := fields(callback)
	if err != nil {
		return nil, err
	}
	truth, err := fields(record)
	if err != nil {
		return nil, err
	}
	var diffs []Difference
	for _, name := range []string{
		"CallId", "Caller_Account", "MediaType", "CallType", "StartTime", "EndTime", "AcceptTime",
		"CallResult", "CalleeList_Account", "RoomId", "RoomIdType",
	} {
		if string(hint[name]) != string(truth[name]) {
			diffs = append(diffs, Difference{Field: name, Callback: string(hint[name]), Record: string(truth[name])})
		}
	}
	return diffs, nil
}

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
