package webhookreceiver

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

const (
	billingSecret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	auditSecret   = "whsec_c2VjcmV0IG9mIHRoZSBhdWRpdCB0YXJnZXQ="
	charged       = `{"type":"call.charged","data":{"call_id":"c1","caller":"patient-1001","ledger_key":"charge:1:c1","amount":"2.50","currency":"EUR"}}`
)

type fixture struct {
	t     *testing.T
	recv  *Receiver
	lines *bytes.Buffer
}

func newFixture(t *testing.T, change ...func(*Options)) *fixture {
	t.Helper()
	lines := &bytes.Buffer{}
	o := Options{
		Targets: []Target{{Name: "billing", Secret: billingSecret}, {Name: "audit", Secret: auditSecret}}, Lines: lines,
		Now: func() time.Time { return time.Date(2026, 5, 4, 12, 30, 5, 0, time.UTC) },
	}
	for _, f := range change {
		f(&o)
	}
	recv, err := New(o)
	require.NoError(t, err)
	return &fixture{t: t, recv: recv, lines: lines}
}

// sign makes a signature as specified, independently of the library.
func sign(secret, id string, at time.Time, body string) string {
	key, _ := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_"))
	mac := hmac.New(sha256.New, key)
	fmt.Fprintf(mac, "%s.%d.%s", id, at.Unix(), body)
	return "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// event returns a valid request.
func event(target, secret, id, body string) *http.Request {
	now := time.Now()
	req := httptest.NewRequest(http.MethodPost, "/hooks/"+target, strings.NewReader(body))
	req.Header.Set("webhook-id", id)
	req.Header.Set("webhook-timestamp", strconv.FormatInt(now.Unix(), 10))
	req.Header.Set("webhook-signature", sign(secret, id, now, body))
	return req
}

func (r *fixture) serve(req *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	r.recv.ServeHTTP(w, req)
	return w
}

// bill posts an event to the target "billing" and returns the status.
func (r *fixture) bill(id, body string) int {
	return r.serve(event("billing", billingSecret, id, body)).Code
}

func TestChecks(t *testing.T) {
	header := func(name, value string) func(*http.Request) {
		return func(req *http.Request) {
			if req.Header.Del(name); value != "" {
				req.Header.Set(name, value)
			}
		}
	}
	signature := func(change func(good string) string) func(*http.Request) {
		return func(r *http.Request) {
			r.Header.Set("webhook-signature", change(r.Header.Get("webhook-signature")))
		}
	}
	old := time.Now().Add(-6 * time.Minute)
	tests := map[string]struct {
		req    *http.Request
		change func(*http.Request)
		status int
		bad    int // bad signatures counted
	}{
		"valid":               {status: 200},
		"signed twice":        {change: signature(func(good string) string { return "v1,AAAA " + good }), status: 200},
		"GET":                 {req: httptest.NewRequest(http.MethodGet, "/hooks/billing", nil), status: 405},
		"unknown target":      {req: event("crm", billingSecret, "msg_1", charged), status: 404},
		"no target":           {req: event("", billingSecret, "msg_1", charged), status: 404},
		"unknown path":        {req: httptest.NewRequest(http.MethodPost, "/", nil), status: 404},
		"another's secret":    {req: event("billing", auditSecret, "msg_1", charged), status: 401, bad: 1},
		"no id":               {change: header("webhook-id", ""), status: 401, bad: 1},
		"another id":          {change: header("webhook-id", "msg_2"), status: 401, bad: 1},
		"no timestamp":        {change: header("webhook-timestamp", ""), status: 401, bad: 1},
		"timestamp a word":    {change: header("webhook-timestamp", "now"), status: 401, bad: 1},
		"no signature":        {change: header("webhook-signature", ""), status: 401, bad: 1},
		"another version":     {change: signature(func(good string) string { return strings.Replace(good, "v1,", "v2,", 1) }), status: 401, bad: 1},
		"body altered":        {change: func(r *http.Request) { r.Body = event("billing", "", "", "{}").Body }, status: 401, bad: 1},
		"exactly 1 MiB":       {req: event("billing", billingSecret, "msg_1", strings.Repeat("x", 1<<20)), status: 200},
		"larger than 1 MiB":   {req: event("billing", billingSecret, "msg_1", strings.Repeat("x", 1<<20+1)), status: 413},
		"not JSON but signed": {req: event("billing", billingSecret, "msg_1", "hello"), status: 200},
		"older than 5 minutes": {change: func(r *http.Request) {
			r.Header.Set("webhook-timestamp", strconv.FormatInt(old.Unix(), 10))
			r.Header.Set("webhook-signature", sign(billingSecret, "msg_1", old, charged))
		}, status: 401, bad: 1},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			r := newFixture(t)
			req := tt.req
			if req == nil {
				req = event("billing", billingSecret, "msg_1", charged)
			}
			if tt.change != nil {
				tt.change(req)
			}
			require.Equal(t, tt.status, r.serve(req).Code)
			want := Counts{BadSignatures: tt.bad}
			if tt.status == 200 {
				want = Counts{Attempts: 1, Distinct: 1, Accepted: 1}
			}
			require.Equal(t, want, r.recv.Counts(""))
		})
	}
}

func TestCountsByMessage(t *testing.T) {
	r := newFixture(t)
	free := `{"type":"call.free","data":{"call_id":"c2"}}`
	require.Equal(t, 200, r.bill("msg_1", charged))
	require.Equal(t, 200, r.bill("msg_1", charged))
	require.Equal(t, 200, r.bill("msg_2", free))
	require.Equal(t, 200, r.serve(event("audit", auditSecret, "msg_1", charged)).Code)
	require.Equal(t, 401, r.serve(event("audit", billingSecret, "msg_1", charged)).Code)

	require.Equal(t, Counts{Attempts: 3, Distinct: 2, Accepted: 2, Duplicates: 1}, r.recv.Counts("billing"))
	require.Equal(t, Counts{Attempts: 1, Distinct: 1, Accepted: 1, BadSignatures: 1}, r.recv.Counts("audit"))
	require.Equal(t, Counts{Attempts: 4, Distinct: 3, Accepted: 3, Duplicates: 1, BadSignatures: 1}, r.recv.Counts(""))
	require.Zero(t, r.recv.Counts("crm"))

	for name, tt := range map[string]struct {
		filter             Filter
		messages, arrivals int
	}{
		"all":               {Filter{}, 3, 5},
		"by target":         {Filter{Target: "billing"}, 2, 3},
		"by message":        {Filter{MessageID: "msg_1"}, 2, 4},
		"by call":           {Filter{CallID: "c2"}, 1, 1},
		"by type":           {Filter{Type: "call.charged"}, 2, 4},
		"by call and other": {Filter{CallID: "c2", Target: "audit"}, 0, 0},
	} {
		require.Len(t, r.recv.Messages(tt.filter), tt.messages, name)
		require.Len(t, r.recv.Received(tt.filter), tt.arrivals, name)
	}
	m := r.recv.Messages(Filter{Target: "billing", CallID: "c1"})[0]
	require.Equal(t, "msg_1", m.MessageID)
	require.Equal(t, []int{2, 2}, []int{m.Attempts, m.Accepted})
	require.False(t, m.BodyChanged)
	arrivals := r.recv.Received(Filter{Target: "billing", CallID: "c1"})
	require.Equal(t, charged, string(arrivals[1].Body))
	require.Equal(t, 2, arrivals[1].Attempt)
	require.True(t, arrivals[1].Valid)
	require.False(t, r.recv.Received(Filter{Target: "audit"})[1].Valid)

	r.recv.Reset()
	require.Zero(t, r.recv.Counts(""))
	require.Empty(t, r.recv.Messages(Filter{}))
	require.Empty(t, r.recv.Received(Filter{}))
}

func TestBodyChanged(t *testing.T) {
	r := newFixture(t)
	r.bill("msg_1", charged)
	r.bill("msg_1", strings.Replace(charged, "2.50", "2.51", 1))
	r.bill("msg_1", charged)
	m := r.recv.Messages(Filter{})[0]
	require.True(t, m.BodyChanged)
	require.Equal(t, []string{"charge:1:c1", "2.50"}, []string{m.LedgerKey, m.Amount}, "as they arrived first")
}

func TestKeepsTheLast(t *testing.T) {
	r := newFixture(t, func(o *Options) { o.Keep = 3 })
	for i := range 10 {
		r.bill(fmt.Sprintf("msg_%d", i), charged)
	}
	require.Len(t, r.recv.Messages(Filter{}), 10, "sums cover all")
	kept := r.recv.Received(Filter{})
	require.Len(t, kept, 3)
	require.Equal(t, "msg_7", kept[0].MessageID)
}

func TestLines(t *testing.T) {
	r := newFixture(t)
	require.NoError(t, r.recv.Fail(Failure{Status: 503, Times: 1}))
	r.bill("msg_1", charged)
	r.bill("msg_1", charged)
	r.serve(event("audit", billingSecret, "msg_\t1", `"no object"`))
	require.Equal(t, ""+
		"12:30:05 webhook billing: valid signature, call.charged, call c1, amount 2.50 EUR, message msg_1 → 503\n"+
		"12:30:05 webhook billing: valid signature, call.charged, call c1, amount 2.50 EUR, message msg_1, attempt 2 → 200\n"+
		"12:30:05 webhook audit: INVALID SIGNATURE, message msg_1 → 401\n", r.lines.String())
}

func TestChat(t *testing.T) {
	r := newFixture(t, func(o *Options) { o.Targets = append(o.Targets, Target{Name: "desk", Chat: true}) })
	post := func(body string) int {
		return r.serve(httptest.NewRequest(http.MethodPost, "/hooks/desk", strings.NewReader(body))).Code
	}
	const text = `{"text":"clinic: 0.24 USD charged\nCallId call-1"}`
	require.Equal(t, http.StatusOK, post(text))
	require.Equal(t, http.StatusOK, post(text))
	require.Equal(t, http.StatusUnauthorized, post(`{"txet":"x"}`))
	messages := r.recv.Messages(Filter{Target: "desk", CallID: "call-1"})
	require.Len(t, messages, 1, "equal messages are one")
	require.Equal(t, 2, messages[0].Accepted)
}

// TestUnsigned: bodies of meters, robots and relayed callbacks, with the answer that
// their senders want.
func TestUnsigned(t *testing.T) {
	r := newFixture(t, func(o *Options) { o.Targets = append(o.Targets, Target{Name: "clinic.relay", Unsigned: true}) })
	post := func(path, body string) *httptest.ResponseRecorder {
		return r.serve(httptest.NewRequest(http.MethodPost, path, strings.NewReader(body)))
	}
	for _, body := range []string{`{"CallbackCommand":"x"}`, "event_name=call_seconds"} {
		answer := post("/hooks/clinic.relay/v1/billing/meter_events?SdkAppid=1", body)
		require.Equal(t, http.StatusOK, answer.Code)
		require.JSONEq(t, `{"errcode":0,"code":0}`, answer.Body.String())
	}
	require.Equal(t, http.StatusUnauthorized, post("/hooks/clinic.relay", "").Code)
	require.Equal(t, 2, r.recv.Counts("clinic.relay").Accepted)
	require.Contains(t, r.lines.String(), "clinic.relay: without a signature, message body_")
	require.Equal(t, http.StatusOK, r.serve(httptest.NewRequest(http.MethodGet, "/control/messages", nil)).Code, "what is no JSON is left out")
}

func TestOptionsAreChecked(t *testing.T) {
	for want, targets := range map[string][]Target{
		"needs a name":                      {{Name: "", Secret: billingSecret}},
		"billing is listed twice":           {{Name: "billing", Secret: billingSecret}, {Name: "billing", Secret: auditSecret}},
		"the secret of billing must be whs": {{Name: "billing", Secret: "whsec_%%%"}},
		"the secret of audit must be whsec": {{Name: "audit", Secret: ""}},
	} {
		_, err := New(Options{Targets: targets})
		require.ErrorContains(t, err, want)
	}
}

// TestManyAtOnce is for the race detector, and makes sure that nothing is lost.
func TestManyAtOnce(t *testing.T) {
	r := newFixture(t)
	var all sync.WaitGroup
	for g := range 8 {
		all.Go(func() {
			for i := range 50 {
				r.bill(fmt.Sprintf("msg_%d_%d", g, i/2), charged)
				r.recv.Messages(Filter{CallID: "c1"})
				r.recv.Received(Filter{Target: "billing"})
			}
		})
	}
	all.Wait()
	require.Equal(t, Counts{Attempts: 400, Distinct: 200, Accepted: 200, Duplicates: 200}, r.recv.Counts(""))
	require.Equal(t, 400, strings.Count(r.lines.String(), "\n"))
}

func decode[T any](t *testing.T, w *httptest.ResponseRecorder) (value T) {
	t.Helper()
	require.NoError(t, json.Unmarshal(w.Body.Bytes(), &value), w.Body.String())
	return value
}
