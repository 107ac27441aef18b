package callback

import (
	"context"
	"errors"
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

	"aftercall/activities"
	"aftercall/internal/dedupe"
	"aftercall/internal/redisguard"
	"aftercall/internal/tencent"
	"aftercall/internal/testenv"
	"aftercall/workflows"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	appID     = 1400000000
	secret    = "an-unguessable-secret"
	tokenID   = 1400000001
	tokenPath = "another-unguessable-secret"
	token     = "xxxxyyyy"
	relayID   = 1400000002
	relayPath = "a-third-unguessable-secret"
	endQuery  = "SdkAppid=1400000000&CallbackCommand=Call.CallbackAfterEndCall&contenttype=json&ClientIP=127.0.0.1&OptPlatform=iOS"
	body      = `{"CallbackCommand":"Call.CallbackAfterEndCall",
 "CallRecord":{"CallId":"055662e1-bc8a-469c-a334-1126c8c17d58","Caller_Account":"10001","MediaType":"Audio",
  "CallType":"SingleCall","StartTime":1741231146,"EndTime":1741231296,"AcceptTime":0,"CallResult":"NotAnswer",
  "CalleeList_Account":["10001","user2"],"RoomId":"roomid-1434","RoomIdType":2},
 "EventTime":1703589922780}`
)

// fakeCalls is a Temporal that knows workflow IDs and can be down.
type fakeCalls struct {
	mu      sync.Mutex
	down    error
	started map[string]string // workflow ID → fingerprint
	params  []workflows.AfterCallParams
	asked   int
	onStart func(context.Context)
	relays  []activities.ForwardParams
	onRelay func(context.Context) error
}

func (f *fakeCalls) StartRelay(ctx context.Context, p activities.ForwardParams) (bool, error) {
	f.mu.Lock()
	f.relays = append(f.relays, p)
	f.mu.Unlock()
	if f.onRelay != nil {
		return false, f.onRelay(ctx)
	}
	return false, nil
}

func (f *fakeCalls) relayed() []activities.ForwardParams {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.relays
}

func (f *fakeCalls) Start(ctx context.Context, p workflows.AfterCallParams, fingerprint string) (bool, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.asked++
	if f.onStart != nil {
		f.onStart(ctx)
	}
	if f.down != nil {
		return false, f.down
	}
	id := workflows.AfterCallID(p.SDKAppID, p.CallID)
	if _, ok := f.started[id]; ok {
		return true, nil
	}
	f.started[id] = fingerprint
	f.params = append(f.params, p)
	return false, nil
}

func (f *fakeCalls) FirstFingerprint(_ context.Context, app tencent.SDKAppID, callID string) (string, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.started[workflows.AfterCallID(app, callID)], f.down
}

type fixture struct {
	t       *testing.T
	handler http.Handler
	calls   *fakeCalls
	reg     *prometheus.Registry
	flush   func()
}

func newFixture(t *testing.T, redisURL string, flush func()) *fixture {
	t.Helper()
	rdb, err := redisguard.NewClient(redisURL, redisguard.PatientTimeout)
	require.NoError(t, err)
	reg := prometheus.NewRegistry()
	logger := slog.New(slog.DiscardHandler)
	guard := redisguard.New(t.Context(), rdb, reg, logger)
	gate := dedupe.New(guard, reg)
	t.Cleanup(func() {
		guard.Close()
		require.NoError(t, rdb.Close())
	})
	calls := &fakeCalls{started: map[string]string{}}
	return &fixture{
		t: t, calls: calls, reg: reg, flush: flush,
		handler: New([]App{
			{ID: appID, Name: "clinic", Secret: secret, RecordDeadline: time.Minute},
			{ID: tokenID, Name: "school", Secret: tokenPath, Token: token},
			{ID: relayID, Name: "bank", Secret: relayPath, Relay: map[tencent.Command]bool{
				tencent.CommandAfterEndCall: true, tencent.CommandAfterStartCall: true,
			}},
		}, gate, calls, reg, logger),
	}
}

func embedded(t *testing.T) *fixture {
	t.Helper()
	m := miniredis.RunT(t)
	return newFixture(t, "redis://"+m.Addr(), m.FlushAll)
}

func (f *fixture) post(target, body string) *httptest.ResponseRecorder {
	return f.do(httptest.NewRequest(http.MethodPost, target, strings.NewReader(body)))
}

func (f *fixture) do(r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	f.handler.ServeHTTP(w, r)
	return w
}

func (f *fixture) requireOK(w *httptest.ResponseRecorder) {
	f.t.Helper()
	require.Equal(f.t, http.StatusOK, w.Code)
	require.JSONEq(f.t, `{"ActionStatus":"OK","ErrorInfo":"","ErrorCode":0}`, w.Body.String())
}

func (f *fixture) conflicts() float64 { return f.counted("aftercall_callback_conflicts_total", "") }

// counted sums a counter up over all its series, or those of an outcome.
func (f *fixture) counted(name, outcome string) float64 {
	f.t.Helper()
	families, err := f.reg.Gather()
	require.NoError(f.t, err)
	sum := 0.0
	for _, family := range families {
		for _, m := range family.GetMetric() {
			for _, l := range m.GetLabel() {
				if family.GetName() == name && (outcome == "" || l.GetName() == "outcome" && l.GetValue() == outcome) {
					sum += m.GetCounter().GetValue()
					break
				}
			}
		}
	}
	return sum
}

const good = PathPrefix + secret + "?" + endQuery

func TestBadInput(t *testing.T) {
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
		"v1":                 {"POST", PathPrefix + secret + "?sdkappid=1400000000&command=x", `{"StartCallTs":1}`, 400, "v1"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			f := embedded(t)
			w := f.do(httptest.NewRequest(tt.method, tt.target, strings.NewReader(tt.body)))
			require.Equal(t, tt.status, w.Code)
			require.Equal(t, "application/json", w.Header().Get("Content-Type"))
			require.Contains(t, w.Body.String(), `"ActionStatus":"FAIL"`)
			require.Contains(t, w.Body.String(), tt.info)
			require.Zero(t, f.calls.asked, "nothing is asked of Temporal")
		})
	}
}

func TestWrongSecretLooksLikeUnknownPath(t *testing.T) {
	f := embedded(t)
	unknown, wrong := f.post("/elsewhere", body), f.post(PathPrefix+"guess?"+endQuery, body)
	require.Equal(t, unknown.Code, wrong.Code)
	require.Equal(t, unknown.Header(), wrong.Header())
	require.Equal(t, unknown.Body.String(), wrong.Body.String())
}

func TestSignedCallbackIsAccepted(t *testing.T) {
	f := embedded(t)
	now := strconv.FormatInt(time.Now().Unix(), 10)
	q := url.Values{
		"SDKAppID": {"1400000001"}, "CallbackCommand": {"Call.CallbackAfterEndCall"},
		"RequestTime": {now}, "Sign": {tencent.CallbackSign(token, now)},
	}
	f.requireOK(f.post(PathPrefix+tokenPath+"?"+q.Encode(), body))
	require.Len(t, f.calls.started, 1)
}

func TestOtherCommandsAreIgnored(t *testing.T) {
	f := embedded(t)
	f.requireOK(f.post(PathPrefix+secret+"?SdkAppid=1400000000&CallbackCommand=Call.CallbackAfterStartCall", `{"CallInfo":{}}`))
	require.Zero(t, f.calls.asked)
	require.InDelta(t, 1, f.counted("aftercall_callbacks_total", "ignored"), 0)
	require.InDelta(t, 1, f.counted("aftercall_callbacks_total", ""), 0)
}

func TestAcceptedOnce(t *testing.T) {
	f := embedded(t)
	f.requireOK(f.post(good, body))
	f.requireOK(f.post(good, body))
	require.Equal(t, 1, f.calls.asked, "a known duplicate costs Temporal nothing")
	require.Len(t, f.calls.params, 1)
	p := f.calls.params[0]
	require.Equal(t, workflows.SourceCallback, p.Source)
	require.Equal(t, "clinic", p.App)
	require.Equal(t, time.Minute, p.RecordDeadline)
	require.Equal(t, int64(1741231296), p.Callback.EndTime)
	require.Equal(t, time.Unix(1741231296, 0).UTC(), p.EndedAt)
}

func TestTemporalDown(t *testing.T) {
	f := embedded(t)
	f.calls.down = errors.New("connection refused")
	w := f.post(good, body)
	require.Equal(t, http.StatusServiceUnavailable, w.Code)
	require.Contains(t, w.Body.String(), `"ActionStatus":"FAIL"`)
	require.NotContains(t, w.Body.String(), "refused", "inner errors are not for the sender")
	f.calls.down = nil
	f.requireOK(f.post(good, body))
	require.Len(t, f.calls.params, 1, "the claim was released, and the next delivery started the call")
}

func TestConflicts(t *testing.T) {
	other := strings.Replace(body, `"AcceptTime":0`, `"AcceptTime":1741231200`, 1)
	tests := map[string]func(*fixture){
		"Redis knows":         func(*fixture) {},
		"Redis was flushed":   func(f *fixture) { f.flush() },
		"flushed, then again": func(f *fixture) { f.flush(); f.requireOK(f.post(good, body)) },
	}
	for name, between := range tests {
		t.Run(name, func(t *testing.T) {
			f := embedded(t)
			f.requireOK(f.post(good, body))
			between(f)
			require.Zero(t, f.conflicts())
			f.requireOK(f.post(good, other))
			require.InDelta(t, 1, f.conflicts(), 0)
			require.Len(t, f.calls.params, 1, "a conflict starts nothing")
			f.requireOK(f.post(good, body))
			require.InDelta(t, 1, f.conflicts(), 0, "the first delivery stays the measure")
		})
	}
}

// TestHeldClaimIsNoReasonToRefuse plays a process that died between its claim and its start.
func TestHeldClaimIsNoReasonToRefuse(t *testing.T) {
	m := miniredis.RunT(t)
	f := newFixture(t, "redis://"+m.Addr(), m.FlushAll)
	require.NoError(t, m.Set(dedupe.Key(appID, "055662e1-bc8a-469c-a334-1126c8c17d58"), "claim fp token"))
	f.requireOK(f.post(good, body))
	require.Len(t, f.calls.params, 1)
}

func TestRedisDown(t *testing.T) {
	m := miniredis.RunT(t)
	f := newFixture(t, "redis://"+m.Addr(), m.FlushAll)
	m.Close()
	f.requireOK(f.post(good, body))
	f.requireOK(f.post(good, body))
	require.Len(t, f.calls.params, 1, "Temporal decides alone")
}

// TestBudgets adds up what an answer may take at the most.
func TestBudgets(t *testing.T) {
	require.LessOrEqual(t, readBudget+handleBudget, 1500*time.Millisecond)
	require.LessOrEqual(t, startBudget+2*redisguard.ServiceTimeout, handleBudget, "claim, start, release")
}

func TestHangingUpDoesNotCancelTheStart(t *testing.T) {
	f := embedded(t)
	ctx, hangUp := context.WithCancel(context.Background())
	f.calls.onStart = func(ctx context.Context) {
		hangUp()
		require.NoError(t, ctx.Err())
		_, bounded := ctx.Deadline()
		require.True(t, bounded, "and yet the answer has a deadline")
	}
	f.do(httptest.NewRequest(http.MethodPost, good, strings.NewReader(body)).WithContext(ctx))
	require.Len(t, f.calls.params, 1)
}

func TestManyDeliveriesAtOnceStartOneWorkflow(t *testing.T) {
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
		require.Len(t, f.calls.params, 1)
		require.Zero(t, f.conflicts())
	}
	t.Run("miniredis", func(t *testing.T) { run(t, embedded(t)) })
	t.Run("redis-server", func(t *testing.T) {
		if r, ok := testenv.StartRedis(t); ok {
			run(t, newFixture(t, r.URL(), nil))
		}
	})
}
