package tencent

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// recordAnswer is the answer of Tencent's documentation. D:68930
const recordAnswer = `{"ErrorCode":0,"ErrorInfo":"","ActionStatus":"OK","RequestId":"Id-da9b3ee8bece466d951a9d93965c3d2c-O-Seq-324151555",
 "Response":{"CallRecord":{"CallId":"04c9a0ac-8e38-4a19-be45-349c5ce7911b","Caller_Account":"user1","MediaType":"Audio",
  "CallType":"MultiCall","StartTime":1739868165,"EndTime":1740064224,"AcceptTime":1739872743,"CallResult":"NormalEnd",
  "CalleeList_Account":["user1","user5","user2"],"RoomId":"roomid-1434","RoomIdType":2}}}`

func newTestClient(t *testing.T, handler http.HandlerFunc) *Client {
	t.Helper()
	srv := httptest.NewServer(handler)
	t.Cleanup(srv.Close)
	return NewClient(ClientOptions{
		SDKAppID: testApp, BaseURL: srv.URL + "/", Identifier: "administrator", SecretKey: testKey, HTTP: NewHTTPClient(4),
	})
}

func TestClientRequest(t *testing.T) {
	var got *http.Request
	var body []byte
	c := newTestClient(t, func(w http.ResponseWriter, r *http.Request) {
		got = r
		body, _ = io.ReadAll(r.Body)
		_, _ = io.WriteString(w, recordAnswer)
	})
	record, err := c.Record(context.Background(), "04c9a0ac-8e38-4a19-be45-349c5ce7911b")
	require.NoError(t, err)
	require.Equal(t, "/v4/call_record_http_srv/get_record_by_callid", got.URL.Path)
	require.Equal(t, http.MethodPost, got.Method)
	require.JSONEq(t, `{"CallId":"04c9a0ac-8e38-4a19-be45-349c5ce7911b"}`, string(body))
	q := got.URL.Query()
	require.Equal(t, "1400000000", q.Get("sdkappid"))
	require.Equal(t, "administrator", q.Get("identifier"))
	require.Equal(t, "json", q.Get("contenttype"))
	_, err = strconv.ParseUint(q.Get("random"), 10, 32)
	require.NoError(t, err)
	_, err = VerifyUserSig(q.Get("usersig"), testApp, testKey, time.Now())
	require.NoError(t, err)

	require.Equal(t, int64(1740064224-1739872743), record.ConnectedSeconds())
	require.Equal(t, []string{"user1", "user5", "user2"}, record.Members)
}

func TestClientErrors(t *testing.T) {
	tests := map[string]struct {
		status int
		answer string
		code   Code
	}{
		"not found":          {200, `{"ErrorCode":101050,"ErrorInfo":"no record","ActionStatus":"FAIL","RequestId":"r1"}`, CodeRecordNotFound},
		"fail without code":  {200, `{"ErrorCode":0,"ErrorInfo":"odd","ActionStatus":"FAIL","RequestId":"r1"}`, CodeOK},
		"not JSON":           {200, `<html>`, CodeTransport},
		"server error":       {502, ``, CodeTransport},
		"redirect":           {302, ``, CodeTransport},
		"no code, no status": {200, `{"message":"forbidden"}`, CodeTransport},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			c := newTestClient(t, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Location", "/elsewhere")
				w.WriteHeader(tt.status)
				_, _ = io.WriteString(w, tt.answer)
			})
			_, err := c.Record(context.Background(), "some-call")
			require.Error(t, err)
			require.Equal(t, tt.code, errorCode(err))
			var apiErr *APIError
			if errors.As(err, &apiErr) {
				require.Equal(t, "r1", apiErr.RequestID)
				require.Contains(t, err.Error(), "r1")
			}
		})
	}
}

func TestClientRenewsExpiredUserSigOnce(t *testing.T) {
	for _, accepted := range []bool{true, false} {
		var requests atomic.Int32
		var sigs [2]string
		c := newTestClient(t, func(w http.ResponseWriter, r *http.Request) {
			n := requests.Add(1)
			sigs[min(n, 2)-1] = r.URL.Query().Get("usersig")
			if n == 1 || !accepted {
				_, _ = io.WriteString(w, `{"ErrorCode":70001,"ErrorInfo":"expired","ActionStatus":"FAIL","RequestId":"r"}`)
				return
			}
			_, _ = io.WriteString(w, recordAnswer)
		})
		signed := time.Now()
		c.signer.now = func() time.Time {
			signed = signed.Add(time.Second)
			return signed
		}
		_, err := c.Record(context.Background(), "04c9a0ac-8e38-4a19-be45-349c5ce7911b")
		require.Equal(t, accepted, err == nil)
		require.EqualValues(t, 2, requests.Load(), "one renewal")
		require.NotEqual(t, sigs[0], sigs[1], "the second request has a new UserSig")
	}
}

func TestClientNeverShowsTheUserSig(t *testing.T) {
	c := newTestClient(t, nil)
	c.base = "http://127.0.0.1:1"
	_, err := c.Record(context.Background(), "x")
	require.Error(t, err)
	require.NotContains(t, err.Error(), "usersig")
	c.base = "http://\x00"
	_, err = c.Record(context.Background(), "x")
	require.Error(t, err)
	require.NotContains(t, err.Error(), "usersig")
}

func TestCallbackConfiguration(t *testing.T) {
	want := CallbackConfig{URL: "https://example.com/cb", Commands: []Command{CommandAfterEndCall}}
	c := newTestClient(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/" + pathSetCallback:
			var got CallbackConfig
			if err := json.NewDecoder(r.Body).Decode(&got); err != nil || got.URL != want.URL {
				w.WriteHeader(http.StatusTeapot)
			}
			_, _ = io.WriteString(w, `{"ErrorCode":0,"ActionStatus":"OK"}`)
		case "/" + pathGetCallback:
			_, _ = io.WriteString(w, `{"ErrorCode":0,"ActionStatus":"OK","Response":{"Url":"https://example.com/cb","CallbackCommandList":["Call.CallbackAfterEndCall"]}}`)
		}
	})
	require.NoError(t, c.SetCallback(context.Background(), want))
	got, err := c.Callback(context.Background())
	require.NoError(t, err)
	require.Equal(t, want, got)
}

func TestCodeActions(t *testing.T) {
	tests := map[Action][]Code{
		ActionRetry:    {101001, 100001, 60008, 60013, 60014, 70169, 70500, 424242, CodeTransport},
		ActionNotYet:   {101050},
		ActionNever:    {101002, 100002, 60002, 60003, 60009, 60012, 60015},
		ActionSlowDown: {60007, 60011, 60018, 60019},
		ActionRenewSig: {70001},
		ActionOperator: {
			60004, 60005, 60006, 60010, 60016, 60017, 60020, 60021, 60025, 60026, 60027, 60028,
			70003, 70009, 70013, 70014, 70016, 70020, 70050,
		},
	}
	for want, codes := range tests {
		for _, code := range codes {
			require.Equal(t, want, code.Action(), "code %d", code)
		}
	}
}

func TestDeleteCallback(t *testing.T) {
	c := newTestClient(t, func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil || r.URL.Path != "/v4/call_config/delete_callback" || string(body) != "{}" {
			_, _ = io.WriteString(w, `{"ErrorCode":60003,"ActionStatus":"FAIL"}`)
			return
		}
		_, _ = io.WriteString(w, `{"ErrorCode":0,"ActionStatus":"OK","RequestId":"r1"}`)
	})
	require.NoError(t, c.DeleteCallback(context.Background()))
}

func TestRecords(t *testing.T) {
	filter := RecordFilter{StartTime: 1739868165, EndTime: 1740064224, Page: 2, NumberPerPage: 100}
	tests := map[string]struct {
		answer string
		want   RecordPage
		code   Code
	}{
		"a page": {
			`{"ErrorCode":0,"ActionStatus":"OK","Response":{"TotalNum":141,"Page":2,"CallRecordList":[{"CallId":"call-1"},{"CallId":"call-2"}]}}`,
			RecordPage{TotalNum: 141, Page: 2, Rows: NewRecordRows(CallRecord{CallID: "call-1"}, CallRecord{CallID: "call-2"})},
			CodeOK,
		},
		"an empty list":  {`{"ErrorCode":0,"ActionStatus":"OK","Response":{"TotalNum":0,"Page":2}}`, RecordPage{Page: 2}, CodeOK},
		"no such record": {`{"ErrorCode":101050,"ActionStatus":"FAIL"}`, RecordPage{Page: 2}, CodeOK},
		"internal error": {`{"ErrorCode":101001,"ActionStatus":"FAIL"}`, RecordPage{}, CodeInternal},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			var path, body string
			c := newTestClient(t, func(w http.ResponseWriter, r *http.Request) {
				data, _ := io.ReadAll(r.Body)
				path, body = r.URL.Path, string(data)
				_, _ = io.WriteString(w, tt.answer)
			})
			page, err := c.Records(t.Context(), filter)
			require.Equal(t, tt.code, errorCode(err))
			require.Equal(t, tt.want, page)
			require.Equal(t, "/v4/call_record_http_srv/get_record_by_filter", path)
			require.JSONEq(t, `{"StartTime":1739868165,"EndTime":1740064224,"Page":2,"NumberPerPage":100}`, body)
		})
	}
}

func TestObserveIsCalledAfterEveryRequest(t *testing.T) {
	var requests atomic.Int32
	c := newTestClient(t, func(w http.ResponseWriter, _ *http.Request) {
		if requests.Add(1) == 1 {
			_, _ = io.WriteString(w, `{"ErrorCode":70001,"ActionStatus":"FAIL"}`)
			return
		}
		_, _ = io.WriteString(w, recordAnswer)
	})
	var codes []Code
	c.observe = func(api string, code Code, duration time.Duration) {
		require.Equal(t, pathRecordByCallID, api)
		require.Positive(t, duration)
		codes = append(codes, code)
	}
	_, err := c.Record(t.Context(), "04c9a0ac-8e38-4a19-be45-349c5ce7911b")
	require.NoError(t, err)
	require.Equal(t, []Code{CodeUserSigExpired, CodeOK}, codes)
}

func TestKnownCodes(t *testing.T) {
	for _, code := range []Code{CodeOK, CodeTransport, CodeInternal, CodeConfigInternal, CodeNoCallback, CodeRecordNotFound, 60002, 60007, 60021, 70001, 70003} {
		require.True(t, code.Known(), "code %d", code)
	}
	for _, code := range []Code{4711, -2, 1} {
		require.False(t, code.Known(), "code %d", code)
	}
}

func TestActionNames(t *testing.T) {
	for action, name := range map[Action]string{
		ActionRetry: "retry", ActionNotYet: "not_yet", ActionSlowDown: "slow_down", ActionRenewSig: "renew_sig",
		ActionOperator: "operator", ActionNever: "never",
	} {
		require.Equal(t, name, action.String())
	}
}
