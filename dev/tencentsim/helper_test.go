package tencentsim

import (
	"bytes"
	"compress/zlib"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

const (
	testApp   = 1400000001
	otherApp  = 1400000002
	testKey   = "5bd2850fff3ecb11d7c805251c51ee463a25727bddc2385f3fa8bfee1bb93b5e"
	otherKey  = "0000000000000000000000000000000000000000000000000000000000000002"
	testToken = "xxxxyyyy"
	testEpoch = 1800000000

	pathByID     = "/v4/call_record_http_srv/get_record_by_callid"
	pathByFilter = "/v4/call_record_http_srv/get_record_by_filter"
	pathInfo     = "/v4/call_engine_http_srv/get_call_info"
	pathEnd      = "/v4/call_engine_http_srv/end_call"
	pathSet      = "/v4/call_config/set_callback"
	pathGet      = "/v4/call_config/get_callback"
	pathDelete   = "/v4/call_config/delete_callback"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// clock is a clock that stands still until a test moves it.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func newClock() *clock { return &clock{at: time.Unix(testEpoch, 0)} }

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) move(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

// fixture is a simulator behind a real listener, with its clocks.
type fixture struct {
	t         *testing.T
	sim       *Simulator
	url       string
	now, wall *clock
	client    *http.Client
}

func newFixture(t *testing.T, change ...func(*Options)) *fixture {
	t.Helper()
	r := &fixture{t: t, now: newClock(), wall: newClock(), client: &http.Client{Transport: &http.Transport{}}}
	o := Options{
		Apps: []App{{SDKAppID: testApp, SecretKey: testKey}, {SDKAppID: otherApp, SecretKey: otherKey, CallbackToken: testToken}},
	}
	for _, f := range change {
		f(&o)
	}
	sim, err := New(t.Context(), o)
	require.NoError(t, err)
	sim.now, sim.wall = r.now.now, r.wall.now
	sim.timeout = waitFor // a busy machine may be slow to answer
	srv := httptest.NewServer(sim)
	r.sim, r.url = sim, srv.URL
	t.Cleanup(func() {
		r.client.CloseIdleConnections()
		srv.Close()
		require.NoError(t, sim.Close())
	})
	return r
}

// handSig makes a UserSig as documented, independently of internal/tencent.
func handSig(app int, key, identifier string, at int64, expire int) string {
	mac := hmac.New(sha256.New, []byte(key))
	fmt.Fprintf(mac, "TLS.identifier:%s\nTLS.sdkappid:%d\nTLS.time:%d\nTLS.expire:%d\n", identifier, app, at, expire)
	plain := fmt.Sprintf(`{"TLS.ver":"2.0","TLS.identifier":%q,"TLS.sdkappid":%d,"TLS.expire":%d,"TLS.time":%d,"TLS.sig":%q}`,
		identifier, app, expire, at, base64.StdEncoding.EncodeToString(mac.Sum(nil)))
	var packed bytes.Buffer
	w := zlib.NewWriter(&packed)
	_, _ = io.WriteString(w, plain)
	_ = w.Close()
	return strings.NewReplacer("+", "*", "/", "-", "=", "_").Replace(base64.StdEncoding.EncodeToString(packed.Bytes()))
}

// query returns the query of a valid request.
func query(app int, key string) url.Values {
	return url.Values{
		"sdkappid": {fmt.Sprint(app)}, "identifier": {"administrator"},
		"usersig": {handSig(app, key, "administrator", testEpoch, 86400)}, "random": {"4294967295"}, "contenttype": {"json"},
	}
}

// answer is the envelope of the REST API, decoded by hand.
type answer struct {
	ErrorCode    int
	ErrorInfo    string
	ActionStatus string
	RequestId    string
	Response     json.RawMessage
}

// post makes a request as testApp's administrator.
func (r *fixture) post(path, body string) answer {
	r.t.Helper()
	return r.do(http.MethodPost, path, query(testApp, testKey), body)
}

// do makes a request and checks what all answers have in common.
func (r *fixture) do(method, path string, q url.Values, body string) answer {
	r.t.Helper()
	status, data, err := r.raw(method, path+"?"+q.Encode(), body)
	require.NoError(r.t, err)
	require.Equal(r.t, http.StatusOK, status, "the outcome is in the body, not in the status")
	var a answer
	require.NoError(r.t, json.Unmarshal(data, &a), "%s", data)
	require.Regexp(r.t, `^Id-[0-9a-f]{32}-O-Seq-\d+$`, a.RequestId)
	if a.ErrorCode == 0 {
		require.Equal(r.t, "OK", a.ActionStatus)
		require.Empty(r.t, a.ErrorInfo)
	} else {
		require.Equal(r.t, "FAIL", a.ActionStatus)
		require.NotEmpty(r.t, a.ErrorInfo)
		require.Nil(r.t, a.Response)
	}
	return a
}

func (r *fixture) raw(method, pathAndQuery, body string) (int, []byte, error) {
	req, err := http.NewRequestWithContext(r.t.Context(), method, r.url+pathAndQuery, strings.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	resp, err := r.client.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	return resp.StatusCode, data, err
}

// control makes a request to the control API and decodes its answer.
func (r *fixture) control(method, path, body string, wantStatus int, into any) {
	r.t.Helper()
	status, data, err := r.raw(method, path, body)
	require.NoError(r.t, err)
	require.Equal(r.t, wantStatus, status, "%s", data)
	if into != nil {
		require.NoError(r.t, json.Unmarshal(data, into), "%s", data)
	}
}

func (r *fixture) place(spec CallSpec) Call {
	r.t.Helper()
	if spec.SDKAppID == 0 {
		spec.SDKAppID = testApp
	}
	c, err := r.sim.PlaceCall(spec)
	require.NoError(r.t, err)
	return c
}

// wait waits for all callbacks.
func (r *fixture) wait() {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(r.t.Context(), waitFor)
	defer cancel()
	require.NoError(r.t, r.sim.Wait(ctx))
}

// callback is one callback as a receiver saw it.
type callback struct {
	method, path, contentType string
	query                     url.Values
	body                      string
}

// backend is a receiver of callbacks.
type backend struct {
	mu     sync.Mutex
	got    []callback
	answer func(n int, w http.ResponseWriter, r *http.Request)
}

// receive starts a receiver and configures it for both apps by the REST API.
func (r *fixture) receive(commands string, answer func(n int, w http.ResponseWriter, r *http.Request)) *backend {
	r.t.Helper()
	b := &backend{answer: answer}
	srv := httptest.NewServer(b)
	r.t.Cleanup(srv.Close)
	set := fmt.Sprintf(`{"Url":"%s/tencent/call/s3cret","CallbackCommandList":[%s]}`, srv.URL, commands)
	require.Zero(r.t, r.post(pathSet, set).ErrorCode)
	require.Zero(r.t, r.do(http.MethodPost, pathSet, query(otherApp, otherKey), set).ErrorCode)
	return b
}

const endCall = `"Call.CallbackAfterEndCall"`

func (b *backend) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	b.mu.Lock()
	b.got = append(b.got, callback{r.Method, r.URL.Path, r.Header.Get("Content-Type"), r.URL.Query(), string(body)})
	n := len(b.got)
	b.mu.Unlock()
	if b.answer != nil {
		b.answer(n, w, r)
		return
	}
	_, _ = io.WriteString(w, `{"ActionStatus":"OK","ErrorInfo":"","ErrorCode":0}`)
}

func (b *backend) all() []callback {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]callback{}, b.got...)
}
