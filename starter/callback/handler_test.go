package callback

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"aftercall/internal/redisguard"
	"aftercall/internal/tencent"
	"aftercall/internal/testenv"
	"aftercall/workflows"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	appID     = 1400000000
	secret    = "an-unguessable-secret"
	oldSecret = "the-secret-before-it"
	tokenID   = 1400000001
	tokenPath = "another-unguessable-secret"
	token     = "xxxxyyyy"
	oldToken  = "wwwwzzzz"
	relayID   = 1400000002
	relayPath = "a-third-unguessable-secret"
	endQuery  = "SdkAppid=1400000000&CallbackCommand=Call.CallbackAfterEndCall&contenttype=json&ClientIP=127.0.0.1&OptPlatform=iOS"
	body      = `{"CallbackCommand":"Call.CallbackAfterEndCall",
 "CallRecord":{"CallId":"055662e1-bc8a-469c-a334-1126c8c17d58","Caller_Account":"10001","MediaType":"Audio",
  "CallType":"SingleCall","StartTime":1741231146,"EndTime":1741231296,"AcceptTime":0,"CallResult":"NotAnswer",
  "CalleeList_Account":["10001","user2"],"RoomId":"roomid-1434","RoomIdType":2},
 "EventTime":1703589922780}`
)

const good = PathPrefix + secret + "?" + endQuery

func TestRejectedCallbacks(t *testing.T) {
	now := strconv.FormatInt(time.Now().Unix(), 10)
	old := strconv.FormatInt(time.Now().Add(-2*time.Minute).Unix(), 10)
	signed := PathPrefix + tokenPath + "?SdkAppid=1400000001&CallbackCommand=Call.CallbackAfterEndCall"
	tests := map[string]struct {
		method, target, body string
		status               int
		info                 string
	}{
		"unknown path":       {"POST", "/somewhere?" + endQuery, body, 404, "not found"},
		"wrong secret":       {"POST", PathPrefix + "guess?" + endQuery, body, 404, "not found"},
		"no secret":          {"POST", PathPrefix + "?" + endQuery, body, 404, "not found"},
		"deeper path":        {"POST", PathPrefix + secret + "/x?" + endQuery, body, 404, "not found"},
		"double slash":       {"POST", PathPrefix + "/" + secret + "?" + endQuery, body, 404, "not found"},
		"GET":                {"GET", good, "", 405, "POST"},
		"GET, wrong secret":  {"GET", PathPrefix + "guess", "", 405, "POST"},
		"too large":          {"POST", good, strings.Repeat(" ", maxBodySize) + body, 413, "64 KiB"},
		"SdkAppid missing":   {"POST", PathPrefix + secret + "?CallbackCommand=Call.CallbackAfterEndCall", body, 403, "SdkAppid"},
		"SdkAppid not ours":  {"POST", strings.Replace(good, "1400000000", "1400009999", 1), body, 403, "SdkAppid"},
		"SdkAppid of other":  {"POST", strings.Replace(good, "1400000000", "1400000001", 1), body, 403, "SdkAppid"},
		"SdkAppid no number": {"POST", strings.Replace(good, "1400000000", "abc", 1), body, 403, "SdkAppid"},
		"Sign missing":       {"POST", signed, body, 401, "Sign"},
		"Sign wrong":         {"POST", signed + "&RequestTime=" + now + "&Sign=00", body, 401, "Sign"},
		"RequestTime old":    {"POST", signed + "&RequestTime=" + old + "&Sign=" + tencent.CallbackSign(token, old), body, 401, "60 seconds"},
		"not JSON":           {"POST", good, "hello", 400, "body"},
		"CallId empty":       {"POST", good, strings.Replace(body, "055662e1-bc8a-469c-a334-1126c8c17d58", "", 1), 400, "CallRecord.CallId"},
		"commands differ":    {"POST", strings.Replace(good, "AfterEndCall", "AfterStartCall", 1), body, 400, "CallbackCommand"},
		"CallId too odd":     {"POST", good, strings.Replace(body, `"055662e1-bc8a-469c-a334-1126c8c17d58"`, "{}", 1), 400, "CallRecord.CallId"},
		"SdkAppid twice":     {"POST", good + "&SdkAppid=1400000001", body, 403, "SdkAppid"},
		"SdkAppid and empty": {"POST", strings.Replace(good, "SdkAppid=", "SdkAppid=&SdkAppid=", 1), body, 403, "SdkAppid"},
		"v1":                 {"POST", PathPrefix + secret + "?sdkappid=1400000000&command=x", `{"StartCallTs":1}`, 400, "v1"},
	}
	apps := map[string]string{
		"Sign missing": "school", "Sign wrong": "school", "RequestTime old": "school",
		"not JSON": "clinic", "CallId empty": "clinic", "CallId too odd": "clinic", "commands differ": "clinic", "v1": "clinic",
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			f := withMiniredis(t)
			w := f.do(httptest.NewRequest(tt.method, tt.target, strings.NewReader(tt.body)))
			require.Equal(t, tt.status, w.Code)
			require.Equal(t, "application/json", w.Header().Get("Content-Type"))
			require.Equal(t, tt.status == http.StatusMethodNotAllowed, w.Header().Get("Allow") == http.MethodPost)
			require.Contains(t, w.Body.String(), `"ActionStatus":"FAIL"`)
			require.Contains(t, w.Body.String(), tt.info)
			require.Zero(t, f.temporal.starts, "Temporal is not asked")
			f.requireCallbacks(fmt.Sprintf(`{app=%q,outcome="refused",status="%d"} 1`, apps[name], tt.status))
		})
	}
}

func TestWrongSecretLooksLikeUnknownPath(t *testing.T) {
	f := withMiniredis(t)
	unknown, wrong := f.post("/elsewhere", body), f.post(PathPrefix+"guess?"+endQuery, body)
	require.Equal(t, unknown.Code, wrong.Code)
	require.Equal(t, unknown.Header(), wrong.Header())
	require.Equal(t, unknown.Body.String(), wrong.Body.String())
}

// signed is a callback URL of the app with tokens, signed with one of them.
func signed(token string) string {
	now := strconv.FormatInt(time.Now().Unix(), 10)
	q := url.Values{
		"SDKAppID": {"1400000001"}, "CallbackCommand": {"Call.CallbackAfterEndCall"},
		"RequestTime": {now}, "Sign": {tencent.CallbackSign(token, now)},
	}
	return PathPrefix + tokenPath + "?" + q.Encode()
}

// TestSignedWhileTheClockIsWrong compares RequestTime with the corrected clock only.
func TestSignedWhileTheClockIsWrong(t *testing.T) {
	m := miniredis.RunT(t)
	corrected := time.Now()
	f := newFixtureWith(t, "redis://"+m.Addr(), m.FlushAll, func(h *Handler) {
		h.now = func() time.Time { return time.Now().Add(10 * time.Minute) }
		h.UseClock(func() time.Time { return corrected })
	})
	require.Equal(t, http.StatusOK, f.post(signed(token), body).Code)
	corrected = corrected.Add(10 * time.Minute)
	require.Equal(t, http.StatusUnauthorized, f.post(signed(token), body).Code)
}

func TestSignedCallbackIsAccepted(t *testing.T) {
	f := withMiniredis(t)
	f.requireOK(f.post(signed(token), body))
	require.Len(t, f.temporal.started, 1)
}

// TestRotation: callbacks with the new and with the old secret or token are
// accepted, and those with the old one are counted.
func TestRotation(t *testing.T) {
	f := withMiniredis(t)
	old := PathPrefix + oldSecret + "?" + endQuery
	f.requireOK(f.post(good, body))
	f.requireOK(f.post(old, body))
	f.requireOK(f.post(old, strings.Replace(body, "055662e1", "055662e2", 1)))
	f.requireOK(f.post(signed(token), body))
	f.requireOK(f.post(signed(oldToken), strings.Replace(body, "055662e1", "055662e2", 1)))
	require.Len(t, f.temporal.started, 4)
	require.Equal(t, http.StatusUnauthorized, f.post(signed("neither"), body).Code)
	require.Equal(t, http.StatusForbidden, f.post(PathPrefix+oldSecret+"?SdkAppid=1400000001&CallbackCommand=Call.CallbackAfterEndCall", body).Code)
	f.requireMetric("aftercall_callback_old_credentials_total",
		`{app="bank",credential="secret"} 0`, `{app="bank",credential="token"} 0`,
		`{app="clinic",credential="secret"} 2`, `{app="clinic",credential="token"} 0`,
		`{app="school",credential="secret"} 0`, `{app="school",credential="token"} 1`)
}

func TestAcceptedOnce(t *testing.T) {
	f := withMiniredis(t)
	f.requireOK(f.post(good, body))
	f.requireOK(f.post(good, body))
	require.Equal(t, 1, f.temporal.starts, "a known duplicate costs Temporal nothing")
	require.Zero(t, f.temporal.describes)
	require.Len(t, f.temporal.params, 1)
	p := f.temporal.params[0]
	require.Equal(t, tencent.SDKAppID(appID), p.SDKAppID)
	require.Equal(t, "clinic", p.App)
	require.Equal(t, "055662e1-bc8a-469c-a334-1126c8c17d58", p.CallID)
	require.Equal(t, workflows.SourceCallback, p.Source)
	require.Equal(t, time.Minute, p.RecordDeadline)
	require.Equal(t, int64(1741231296), p.Callback.EndTime)
	require.Equal(t, time.Unix(1741231296, 0).UTC(), p.EndedAt)
}

// TestBudgets adds up the longest time that an answer can take.
func TestBudgets(t *testing.T) {
	require.Less(t, DefaultAnswerTimeout, 1500*time.Millisecond)
	require.LessOrEqual(t, redisguard.ServiceTimeout, confirmBudget)
}

// deadlineWriter records the read deadlines that are set on its connection.
type deadlineWriter struct {
	*httptest.ResponseRecorder
	deadlines []time.Time
}

func (w *deadlineWriter) SetReadDeadline(t time.Time) error {
	w.deadlines = append(w.deadlines, t)
	return nil
}

func TestReadingTheBodyHasADeadline(t *testing.T) {
	for configured, timeout := range map[time.Duration]time.Duration{0: DefaultAnswerTimeout, 3 * time.Second: 3 * time.Second} {
		t.Run(configured.String(), func(t *testing.T) {
			f := withMiniredis(t)
			reg, logger := prometheus.NewRegistry(), slog.New(slog.DiscardHandler)
			handler := New(testApps, f.handler.claims, Limits{Answer: configured}, f.temporal, reg, logger)
			t.Cleanup(handler.Close)
			w := &deadlineWriter{ResponseRecorder: httptest.NewRecorder()}
			before := time.Now()
			handler.ServeHTTP(w, httptest.NewRequest(http.MethodPost, good, strings.NewReader(body)))
			require.Equal(t, http.StatusOK, w.Code)
			require.Len(t, w.deadlines, 2)
			require.False(t, w.deadlines[0].Before(before.Add(timeout-confirmBudget)))
			require.False(t, w.deadlines[0].After(time.Now().Add(timeout-confirmBudget)))
			require.Zero(t, w.deadlines[1], "none for the rest, nor for the connection's next request")
		})
	}
}

// TestDurationIsMeasured has a clock that a callback reads at its arrival and
// after its answer.
func TestDurationIsMeasured(t *testing.T) {
	m := miniredis.RunT(t)
	now := time.Unix(1741231300, 0)
	f := newFixtureWith(t, "redis://"+m.Addr(), m.FlushAll, func(h *Handler) {
		h.now = func() time.Time {
			now = now.Add(time.Second)
			return now
		}
	})
	f.requireOK(f.post(good, body))
	families, err := f.reg.Gather()
	require.NoError(t, err)
	for _, family := range families {
		if family.GetName() == "aftercall_callback_duration_seconds" {
			require.Len(t, family.GetMetric(), 1)
			series := family.GetMetric()[0]
			require.Equal(t, "started", series.GetLabel()[0].GetValue())
			require.InDelta(t, 1, series.GetHistogram().GetSampleSum(), 1e-9)
			return
		}
	}
	require.Fail(t, "no duration")
}

func TestHangingUpDoesNotCancelTheStart(t *testing.T) {
	f := withMiniredis(t)
	ctx, hangUp := context.WithCancel(context.Background())
	f.temporal.onStart = func(ctx context.Context) {
		hangUp()
		require.NoError(t, ctx.Err())
		_, bounded := ctx.Deadline()
		require.True(t, bounded, "but the start has a deadline")
	}
	f.do(httptest.NewRequest(http.MethodPost, good, strings.NewReader(body)).WithContext(ctx))
	require.Len(t, f.temporal.params, 1)
}

func TestManyCallbacksAtOnceStartOneWorkflow(t *testing.T) {
	run := func(t *testing.T, f *fixture) {
		srv := httptest.NewServer(f.handler)
		defer srv.Close()
		var wg sync.WaitGroup
		codes := make(chan int, 100)
		for range cap(codes) {
			wg.Go(func() {
				resp, err := srv.Client().Post(srv.URL+good, "application/json", strings.NewReader(body))
				if err != nil {
					codes <- 0
					return
				}
				resp.Body.Close()
				codes <- resp.StatusCode
			})
		}
		wg.Wait()
		close(codes)
		for code := range codes {
			require.Equal(t, http.StatusOK, code)
		}
		require.Len(t, f.temporal.params, 1)
		f.requireConflicts(0)
	}
	t.Run("miniredis", func(t *testing.T) { run(t, withMiniredis(t)) })
	t.Run("redis-server", func(t *testing.T) {
		if r, ok := testenv.StartRedis(t); ok {
			run(t, newFixture(t, r.URL(), nil))
		}
	})
}
