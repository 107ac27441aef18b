package tencent

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
)

// FuzzDecodeCallback: an error names a field, and what is accepted is within all limits
// and reads the same once it is written as documented.
func FuzzDecodeCallback(f *testing.F) {
	f.Add(endCallQuery, sampleBody)
	f.Fuzz(func(t *testing.T, query, body string) {
		cb, err := DecodeCallback(ParseQuery(query), []byte(body))
		if err != nil {
			var fieldErr *FieldError
			require.True(t, errors.As(err, &fieldErr), "every error names a field: %v", err)
			require.NotEmpty(t, fieldErr.Field)
			require.NotEmpty(t, fieldErr.Problem)
			requireShowable(t, err, "")
			return
		}
		if cb.Command != CommandAfterEndCall {
			require.Empty(t, cb.Record)
			require.True(t, cb.CallID == "" || ValidateCallID("CallId", cb.CallID) == nil)
			return
		}
		require.NoError(t, ValidateCallID("CallId", cb.CallID))
		require.Equal(t, cb.CallID, cb.Record.CallID)
		require.Zero(t, cb.Record.MembersTotal)
		_, err = cb.EndedAt().MarshalJSON()
		require.NoError(t, err)

		written, err := json.Marshal(map[string]any{"CallbackCommand": cb.Command, "CallRecord": cb.Record, "EventTime": cb.EventTime})
		require.NoError(t, err)
		again, err := DecodeCallback(ParseQuery("SdkAppid=1"), written)
		require.NoError(t, err)
		require.Empty(t, again.Dropped)
		again.Dropped = cb.Dropped
		require.Equal(t, cb, again)
		first, err := cb.Record.Fingerprint()
		require.NoError(t, err)
		second, err := again.Record.Fingerprint()
		require.NoError(t, err)
		require.Equal(t, first, second)
	})
}

// FuzzDecodeUserSig: what is decoded is the same when it is encoded and decoded again.
func FuzzDecodeUserSig(f *testing.F) {
	text, err := NewUserSig(testApp, testKey, "administrator", signedAt, time.Hour)
	require.NoError(f, err)
	f.Add(text)
	f.Fuzz(func(t *testing.T, text string) {
		sig, err := DecodeUserSig(text)
		if err != nil {
			require.ErrorIs(t, err, ErrUserSigInvalid)
			return
		}
		again, err := sig.encode()
		require.NoError(t, err)
		decoded, err := DecodeUserSig(again)
		require.NoError(t, err)
		require.Equal(t, sig, decoded)
	})
}

// FuzzDecodeRecord: what is read is within all limits, and reads the same again.
func FuzzDecodeRecord(f *testing.F) {
	f.Add(sampleRecordJSON)
	f.Fuzz(func(t *testing.T, data string) {
		if !json.Valid([]byte(data)) {
			return
		}
		record, problems := DecodeRecord([]byte(data))
		requireProblems(t, problems)
		requireReadsTheSame(t, record)
	})
}

// FuzzDecodeEvents: an error of a callback about the start or the members of a call, or of
// a room's webhook, names a field without its value. What is accepted, also beside a user
// who cannot be read, is within all limits and reads the same once it is written as
// documented.
func FuzzDecodeEvents(f *testing.F) {
	for _, body := range []string{callStarted, memberChanged, entered, left} {
		f.Add(body)
	}
	f.Fuzz(func(t *testing.T, body string) {
		requireEvent(t, DecodeCallStart, body, func(s CallStart) bool { return len(s.Users) > 0 }, func(s CallStart) any {
			require.NoError(t, ValidateCallID("CallId", s.CallID))
			require.Equal(t, s.RoomID == "", s.RoomIDType == 0)
			require.LessOrEqual(t, len(s.Users), maxListed)
			users := []any{}
			for _, user := range s.Users {
				require.NotEmpty(t, user)
				users = append(users, map[string]any{"User_Account": user})
			}
			requireEventTime(t, s.EventTime)
			info := map[string]any{"CallId": s.CallID, "RoomId": string(s.RoomID), "RoomIdType": s.RoomIDType}
			return map[string]any{"CallInfo": info, "UserList": users, "EventTime": s.EventTime}
		})
		requireEvent(t, DecodeMemberChange, body, func(c MemberChange) bool { return len(c.Changed) > 0 }, func(c MemberChange) any {
			require.NoError(t, ValidateCallID("CallId", c.CallID))
			require.LessOrEqual(t, len(c.Changed), maxListed)
			users := []any{}
			for _, user := range c.Changed {
				require.NotEmpty(t, user.Account)
				users = append(users, map[string]any{"User_Account": user.Account, "ActionType": user.Action})
			}
			requireEventTime(t, c.EventTime)
			return map[string]any{"CallId": c.CallID, "ChangedUserList": users, "EventTime": c.EventTime}
		})
		requireEvent(t, DecodeRoomEvent, body, func(RoomEvent) bool { return false }, func(e RoomEvent) any {
			require.Positive(t, e.Type)
			if !e.Type.aboutMembers() {
				require.Equal(t, RoomEvent{Type: e.Type}, e)
				return map[string]any{"EventType": e.Type}
			}
			require.NotEmpty(t, e.RoomID)
			require.Contains(t, []int{1, 2}, e.RoomIDType)
			requireEventTime(t, e.EventTime)
			var room any = string(e.RoomID)
			if e.RoomIDType == 1 {
				room = json.Number(e.RoomID)
			}
			info := map[string]any{"RoomId": room, "EventMsTs": e.EventTime, "UserId": e.UserID, "Reason": e.Reason}
			return map[string]any{"EventType": e.Type, "EventInfo": info}
		})
	})
}

// requireEvent requires that an error of decode can be shown, and that what it accepts
// reads the same once written has written it. partly reports whether something is accepted
// beside an error.
func requireEvent[E any](t *testing.T, decode func([]byte) (E, error), body string, partly func(E) bool, written func(E) any) {
	t.Helper()
	event, err := decode([]byte(body))
	if err != nil {
		require.ErrorAs(t, err, new(*FieldError))
		requireShowable(t, err, "")
		if !partly(event) {
			return
		}
	}
	text, err := json.Marshal(written(event))
	require.NoError(t, err)
	again, err := decode(text)
	require.NoError(t, err)
	require.Equal(t, event, again)
}

func requireEventTime(t *testing.T, ms int64) {
	t.Helper()
	require.Positive(t, ms)
	require.LessOrEqual(t, ms/1000, int64(MaxTime))
}

// FuzzRecordAnswer: an answer of the record API gives the record of the call that was
// asked for, or an error that names neither the UserSig nor anything that a terminal
// would obey. {usersig} in an answer is that of the request.
func FuzzRecordAnswer(f *testing.F) {
	client := newFuzzClient()
	f.Add(http.StatusOK, strings.ReplaceAll(recordAnswer, "04c9a0ac-8e38-4a19-be45-349c5ce7911b", sampleRecord().CallID))
	f.Fuzz(func(t *testing.T, status int, text string) {
		answer := &fuzzAnswer{status: status, text: text}
		record, err := client.Record(answer.context(t), sampleRecord().CallID)
		var unreadable *UnreadableRecordError
		switch {
		case err == nil:
			require.Equal(t, http.StatusOK, status)
			require.Equal(t, sampleRecord().CallID, record.CallID)
			requireReadsTheSame(t, record)
			return
		case errors.As(err, &unreadable):
			require.Equal(t, sampleRecord().CallID, unreadable.Record.CallID)
			require.NotEmpty(t, unreadable.Problems)
			requireProblems(t, unreadable.Problems)
			requireReadsTheSame(t, unreadable.Record)
			requireRaw(t, unreadable.Raw, answer.sig)
		}
		require.Zero(t, record)
		requireShowable(t, err, answer.sig)
	})
}

// FuzzRecordList: each row of a list is read on its own, and one that cannot be read
// completely has a hash and its JSON for a person.
func FuzzRecordList(f *testing.F) {
	client := newFuzzClient()
	f.Add(`{"ErrorCode":0,"ActionStatus":"OK","Response":{"TotalNum":2,"Page":1,"CallRecordList":[` + sampleRecordJSON + `,{}]}}`)
	f.Fuzz(func(t *testing.T, text string) {
		answer := &fuzzAnswer{status: http.StatusOK, text: text}
		page, err := client.Records(answer.context(t), RecordFilter{Page: 7, NumberPerPage: 100})
		if err != nil {
			require.Zero(t, page)
			requireShowable(t, err, answer.sig)
			return
		}
		require.Equal(t, 7, page.Page)
		require.GreaterOrEqual(t, page.TotalNum, 0)
		for _, row := range page.Rows {
			requireReadsTheSame(t, row.Record)
			if len(row.Problems) == 0 {
				require.False(t, row.Unreadable())
				require.Empty(t, row.Hash+row.Raw)
				continue
			}
			requireProblems(t, row.Problems)
			require.Regexp(t, "^[0-9a-f]{32}$", row.Hash)
			requireRaw(t, row.Raw, answer.sig)
		}
	})
}

// fuzzAnswer is the transport of one request, which its context carries.
type fuzzAnswer struct {
	status int
	text   string
	// sig is the UserSig of the last request.
	sig string
}

type fuzzAnswerKey struct{}

func (a *fuzzAnswer) context(t *testing.T) context.Context {
	return context.WithValue(t.Context(), fuzzAnswerKey{}, a)
}

type fuzzTransport struct{}

func (fuzzTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	a := req.Context().Value(fuzzAnswerKey{}).(*fuzzAnswer)
	a.sig = req.URL.Query().Get("usersig")
	text := strings.ReplaceAll(a.text, "{usersig}", a.sig)
	return &http.Response{StatusCode: a.status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(text)), Request: req}, nil
}

func newFuzzClient() *Client {
	return NewClient(ClientOptions{
		SDKAppID: testApp, BaseURL: "https://tencent.example.com", Identifier: "administrator", SecretKey: testKey,
		HTTP: &http.Client{Transport: fuzzTransport{}},
	})
}

// requireReadsTheSame requires a record that is within the limits: written as
// documented, it is read without problems and without a change.
func requireReadsTheSame(t *testing.T, record CallRecord) {
	t.Helper()
	require.Zero(t, record.MembersTotal)
	written, err := json.Marshal(record)
	require.NoError(t, err)
	again, problems := DecodeRecord(written)
	require.Empty(t, problems)
	require.Equal(t, record, again)
	_, err = record.EndedAt().MarshalJSON()
	require.NoError(t, err)
}

func requireProblems(t *testing.T, problems []FieldError) {
	t.Helper()
	for _, p := range problems {
		require.NotEmpty(t, p.Field)
		require.NotEmpty(t, p.Problem)
	}
}

func requireRaw(t *testing.T, raw, sig string) {
	t.Helper()
	require.LessOrEqual(t, len(raw), MaxRawLength)
	require.True(t, utf8.ValidString(raw))
	require.NotContains(t, raw, sig[10:30])
}

// requireShowable requires an error for logs and terminals: short, one line, without
// control characters and without the UserSig.
func requireShowable(t *testing.T, err error, sig string) {
	t.Helper()
	text := err.Error()
	require.LessOrEqual(t, len(text), 4<<10)
	require.True(t, utf8.ValidString(text), "%q", text)
	require.Equal(t, -1, strings.IndexFunc(text, unicode.IsControl), "%q", text)
	if sig != "" {
		require.NotContains(t, text, sig[10:30])
	}
}
