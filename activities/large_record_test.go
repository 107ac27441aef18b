package activities

import (
	"encoding/json"
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/temporal"

	"aftercall/internal/billing"
	"aftercall/internal/tencent"
)

// largeRecord has 45,000 members of the greatest length.
func largeRecord() tencent.CallRecord {
	r := record()
	r.CallType = tencent.CallTypeMulti
	for i := range 45_000 {
		r.Members = append(r.Members, fmt.Sprintf("%032d", i))
	}
	return r
}

func requireSmall(t *testing.T, value any) {
	t.Helper()
	text, err := json.Marshal(value)
	require.NoError(t, err)
	require.Less(t, len(text), 64<<10)
}

func TestALargeRecord(t *testing.T) {
	f := newFixture(t)
	f.fake.record = largeRecord()
	f.env.RegisterActivityWithOptions(f.acts.FetchRecord, activity.RegisterOptions{Name: "FetchRecord"})
	value, err := f.env.ExecuteActivity("FetchRecord", FetchRecordParams{SDKAppID: clinic, CallID: "call-1"})
	require.NoError(t, err)
	var fetched FetchRecordResult
	require.NoError(t, value.Get(&fetched))
	requireSmall(t, fetched)
	require.Equal(t, 45_002, fetched.Record.MembersTotal)

	p := params("run-1")
	p.Record, p.Callback = fetched.Record, ShortenHint(&f.fake.record)
	requireSmall(t, p)
	require.Equal(t, 45_002, p.Callback.MembersTotal)
	require.NotEmpty(t, p.Callback.Members)
	require.Nil(t, ShortenHint(nil))
	result, err := f.charge(p)
	require.NoError(t, err)
	require.Empty(t, result.Differences, "of the hint")
	require.True(t, result.MembersLeftOut, "they are in the record")
	require.Empty(t, result.Event.Call.Members)
	require.Equal(t, 45_002, result.Event.Call.MembersTotal)

	entries, err := f.ledger.Get(t.Context(), clinic, "call-1")
	require.NoError(t, err)
	require.Equal(t, f.fake.record, entries[0].Record, "the ledger has them all")
	event, _ := EventOf(entries[0])
	require.Equal(t, fetched.Record.Members, event.Call.Members)
	requireSmall(t, event)

	other := largeRecord()
	other.Members = other.Members[2:]
	p.Callback = &other
	result, err = f.charge(p)
	require.NoError(t, err)
	requireSmall(t, result)
}

func TestMembersThatCannotBeReadAgain(t *testing.T) {
	carried := largeRecord().FirstMembers(maxMembers)
	for name, tt := range map[string]struct {
		err     error
		want    string // of the error
		members int    // in the ledger
	}{
		"Tencent has deleted the record": {&tencent.APIError{Code: tencent.CodeRecordNotFound}, "", len(carried.Members)},
		"an outage":                      {errors.New("connection refused"), RecordAPIUnavailable, 0},
		"a field of no use":              {&tencent.UnreadableRecordError{Record: largeRecord(), Problems: []tencent.FieldError{{Field: "RoomId"}}}, "", 45_002},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			f.fake.err = tt.err
			p := params("run-1")
			p.Record = carried
			result, err := f.charge(p)
			require.Equal(t, tt.want, errorType(err))
			if tt.want != "" {
				return
			}
			require.Equal(t, 45_002, result.Event.Call.MembersTotal)
			entries, err := f.ledger.Get(t.Context(), clinic, "call-1")
			require.NoError(t, err)
			require.Len(t, entries[0].Record.Members, tt.members)
			require.Equal(t, 45_002, entries[0].Record.MemberCount())
			require.Equal(t, 45_001, entries[0].Charge.Participants, "those are counted that are left out")
		})
	}
}

// TestAnotherRecordHasOtherMembers: those of a record that was charged already stay.
func TestAnotherRecordHasOtherMembers(t *testing.T) {
	f := newFixture(t)
	p := params("run-1")
	p.Record = largeRecord().FirstMembers(maxMembers)
	f.fake.record = record()
	_, err := f.charge(p)
	require.NoError(t, err)
	entries, err := f.ledger.Get(t.Context(), clinic, "call-1")
	require.NoError(t, err)
	require.Equal(t, p.Record, entries[0].Record)
}

func TestALargeUnreadableRecordIsCarriedInPart(t *testing.T) {
	err := classify(&tencent.UnreadableRecordError{Record: largeRecord(), Problems: []tencent.FieldError{{Field: "EndTime"}}})
	var appErr *temporal.ApplicationError
	require.ErrorAs(t, err, &appErr)
	var unreadable UnreadableRecord
	require.NoError(t, appErr.Details(&unreadable))
	requireSmall(t, unreadable)
	require.Equal(t, 45_002, unreadable.Record.MembersTotal)
}

// TestALargeReview has a decision about a record with many members.
func TestALargeReview(t *testing.T) {
	f := newFixture(t)
	carried := largeRecord().FirstMembers(maxMembers)
	opened, err := f.acts.OpenReview(t.Context(), OpenReviewParams{SDKAppID: clinic, Record: carried, Error: NeedsReview, Reason: "too long", At: endedAt})
	require.NoError(t, err)
	require.Equal(t, 45_002, opened.Event.Call.MembersTotal)
	requireSmall(t, opened)
	f.fake.record = largeRecord()
	p := params("run-1")
	p.Record, p.Decided = carried, &Decided{Decision: billing.Decision{Verdict: billing.VerdictWaive}, By: "alice", Reason: "test"}
	_, err = f.charge(p)
	require.NoError(t, err)
	entries, err := f.ledger.Get(t.Context(), clinic, "call-1")
	require.NoError(t, err)
	require.Len(t, entries[0].Record.Members, 45_002)
}
