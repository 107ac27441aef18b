package tencentsim

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestOdditiesChangeOneField(t *testing.T) {
	const body = `{"CallRecord":{"CallId":"a","EndTime":7,"CalleeList_Account":["b"]},"EventTime":8}`
	for o, want := range map[Oddity]string{
		{"EndTime", OddMissing}:          `{"CallRecord":{"CallId":"a","CalleeList_Account":["b"]},"EventTime":8}`,
		{"EndTime", OddNull}:             `{"CallRecord":{"CallId":"a","EndTime":null,"CalleeList_Account":["b"]},"EventTime":8}`,
		{"EndTime", OddAsText}:           `{"CallRecord":{"CallId":"a","EndTime":"7","CalleeList_Account":["b"]},"EventTime":8}`,
		{"EndTime", OddFloat}:            `{"CallRecord":{"CallId":"a","EndTime":7.0,"CalleeList_Account":["b"]},"EventTime":8}`,
		{"EndTime", OddExponent}:         `{"CallRecord":{"CallId":"a","EndTime":7e0,"CalleeList_Account":["b"]},"EventTime":8}`,
		{"CallId", OddNumber}:            `{"CallRecord":{"CallId":144115212830834855,"EndTime":7,"CalleeList_Account":["b"]},"EventTime":8}`,
		{"CallId", OddNotUTF8}:           "{\"CallRecord\":{\"CallId\":\"\xff\",\"EndTime\":7,\"CalleeList_Account\":[\"b\"]},\"EventTime\":8}",
		{"CalleeList_Account", OddArray}: `{"CallRecord":{"CallId":"a","EndTime":7,"CalleeList_Account":[["b"]]},"EventTime":8}`,
		{"EventTime", OddDuplicate}:      `{"CallRecord":{"CallId":"a","EndTime":7,"CalleeList_Account":["b"]},"EventTime":"another","EventTime":8}`,
		{"CallRecord", OddObject}:        `{"CallRecord":{"value":{"CallId":"a","EndTime":7,"CalleeList_Account":["b"]}},"EventTime":8}`,
		{"SomethingElse", OddObject}:     body,
	} {
		got, err := o.Apply([]byte(body))
		require.NoError(t, err)
		require.Equal(t, want, string(got), o.String())
	}
	got, err := Oddity{"a", OddMissing}.Apply([]byte(`{"a":1}`))
	require.NoError(t, err)
	require.Equal(t, `{}`, string(got))
	require.Len(t, RecordOddities(), len(recordFields)*len(OddKinds))
	for _, o := range RecordOddities() {
		require.NoError(t, o.Validate())
		got, err := o.Apply([]byte(`{"CallRecord":{"CallId":"a","Caller_Account":"b","MediaType":"c","CallType":"d","StartTime":1,"EndTime":2,"AcceptTime":3,"CallResult":"e","CalleeList_Account":["f"],"RoomId":"g","RoomIdType":2}}`))
		require.NoError(t, err)
		require.True(t, json.Valid(got), "%s: %s", o, got)
	}
	require.ErrorContains(t, Oddity{}.Validate(), "field")
	require.ErrorContains(t, CallSpec{OddRecord: []Oddity{{"EndTime", "strange"}}}.Validate(), "odd_record[0].kind")
}
