package webhookreceiver

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestFailures(t *testing.T) {
	tests := map[string]struct {
		failure  Failure
		statuses []int // of events about c1 to billing, one after the other
		other    int   // of an event about c2 to audit
	}{
		"until cleared":    {Failure{Status: 500}, []int{500, 500, 500}, 500},
		"the next two":     {Failure{Status: 429, Times: 2}, []int{429, 429, 200}, 200},
		"one target":       {Failure{Status: 503, Target: "audit"}, []int{200, 200}, 503},
		"one message":      {Failure{Status: 410, MessageID: "msg_1"}, []int{410, 410}, 200},
		"one call":         {Failure{Status: 400, CallID: "c1", Times: 1}, []int{400, 200}, 200},
		"one type":         {Failure{Status: 502, Type: "call.free"}, []int{200, 200}, 502},
		"another success":  {Failure{Status: 204}, []int{204, 204}, 204},
		"only slow":        {Failure{DelayMS: 1}, []int{200, 200}, 200},
		"matching nothing": {Failure{Status: 500, Target: "billing", CallID: "c2"}, []int{200, 200}, 200},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			r := newFixture(t)
			require.NoError(t, r.recv.Fail(tt.failure))
			for i, status := range tt.statuses {
				require.Equal(t, status, r.bill("msg_1", charged), i)
			}
			other := event("audit", auditSecret, "msg_2", `{"type":"call.free","data":{"call_id":"c2"}}`)
			require.Equal(t, tt.other, r.serve(other).Code)
			r.recv.ClearFailures()
			require.Empty(t, r.recv.Failures())
			require.Equal(t, 200, r.bill("msg_1", charged))
		})
	}
}

func TestFailuresInOrder(t *testing.T) {
	r := newFixture(t)
	require.NoError(t, r.recv.Fail(Failure{Status: 500, Times: 1}))
	require.NoError(t, r.recv.Fail(Failure{Status: 429, Times: 1, RetryAfter: "3"}))
	require.Equal(t, 500, r.bill("msg_1", charged))
	w := r.serve(event("billing", billingSecret, "msg_1", charged))
	require.Equal(t, 429, w.Code)
	require.Equal(t, "3", w.Header().Get("Retry-After"))
	w = r.serve(event("billing", billingSecret, "msg_1", charged))
	require.Equal(t, 200, w.Code)
	require.Empty(t, w.Header().Get("Retry-After"))

	m := r.recv.Messages(Filter{})[0]
	require.Equal(t, []int{3, 1}, []int{m.Attempts, m.Accepted})
	require.Equal(t, Counts{Attempts: 3, Distinct: 1, Accepted: 1}, r.recv.Counts(""), "retries until success are no duplicates")
	require.Equal(t, 200, r.bill("msg_1", charged))
	require.Equal(t, 1, r.recv.Counts("").Duplicates)
}

// TestBadSignaturesUseNoFailureUp answers 401 whatever was ordered.
func TestBadSignaturesUseNoFailureUp(t *testing.T) {
	r := newFixture(t)
	require.NoError(t, r.recv.Fail(Failure{Status: 500, Times: 1}))
	require.Equal(t, 401, r.serve(event("billing", auditSecret, "msg_1", charged)).Code)
	require.Equal(t, 1, r.recv.Failures()[0].Times)
}

// TestDelayEndsWithTheSender counts the event although nobody waits for the answer.
func TestDelayEndsWithTheSender(t *testing.T) {
	r := newFixture(t)
	require.NoError(t, r.recv.Fail(Failure{DelayMS: 3_600_000}))
	ctx, hangUp := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		r.serve(event("billing", billingSecret, "msg_1", charged).WithContext(ctx))
	}()
	require.Eventually(t, func() bool { return r.recv.Counts("").Attempts == 1 }, 20*time.Second, 5*time.Millisecond)
	select {
	case <-done:
		require.Fail(t, "answered before the delay was over")
	default:
	}
	hangUp()
	<-done
}

// TestResetAfterReceipt: the event was accepted, and its sender does not know that.
func TestResetAfterReceipt(t *testing.T) {
	r := newFixture(t)
	server := httptest.NewServer(r.recv)
	defer server.Close()
	require.NoError(t, r.recv.Fail(Failure{Reset: true, Times: 1}))
	send := func() (*http.Response, error) {
		request := event("billing", billingSecret, "msg_1", charged)
		out, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL+request.URL.Path, request.Body)
		require.NoError(t, err)
		out.Header = request.Header
		return server.Client().Do(out)
	}
	_, err := send()
	require.ErrorIs(t, err, io.EOF)
	response, err := send()
	require.NoError(t, err)
	require.NoError(t, response.Body.Close())
	require.Equal(t, 200, response.StatusCode)
	m := r.recv.Messages(Filter{})[0]
	require.Equal(t, []int{2, 2}, []int{m.Attempts, m.Accepted})
}

func TestFailuresAreChecked(t *testing.T) {
	r := newFixture(t)
	for want, f := range map[string]Failure{
		"times":       {Times: -1},
		"status":      {Status: 99},
		"status: ":    {Status: 600},
		"delay_ms":    {DelayMS: -1},
		"retry_after": {RetryAfter: "1\r\nX-Evil: 1"},
	} {
		require.ErrorContains(t, r.recv.Fail(f), want)
	}
	require.Empty(t, r.recv.Failures())
}

func (r *fixture) control(method, path, body string) *httptest.ResponseRecorder {
	return r.serve(httptest.NewRequest(method, path, strings.NewReader(body)))
}

func TestControl(t *testing.T) {
	r := newFixture(t)
	w := r.control("POST", "/control/failures", `{"status":503,"times":2,"retry_after":"3","target":"billing"}`)
	require.Equal(t, http.StatusOK, w.Code)
	require.Equal(t, r.recv.Failures(), decode[[]Failure](t, w))
	require.Equal(t, 503, r.bill("msg_1", charged))
	require.Equal(t, 1, decode[[]Failure](t, r.control("GET", "/control/failures", ""))[0].Times)
	require.Equal(t, http.StatusNoContent, r.control("DELETE", "/control/failures", "").Code)
	require.Equal(t, 200, r.bill("msg_1", charged))
	require.Equal(t, 200, r.bill("msg_2", "no JSON"))

	messages := decode[[]Message](t, r.control("GET", "/control/messages?call_id=c1&target=billing", ""))
	require.Len(t, messages, 1)
	require.Equal(t, []int{2, 1}, []int{messages[0].Attempts, messages[0].Accepted})
	arrivals := decode[[]Arrival](t, r.control("GET", "/control/arrivals?message_id=msg_1&type=call.charged", ""))
	require.Len(t, arrivals, 2)
	require.JSONEq(t, charged, string(arrivals[0].Event))
	require.Nil(t, decode[[]Arrival](t, r.control("GET", "/control/arrivals?message_id=msg_2", ""))[0].Event)
	require.Equal(t, r.recv.Counts("billing"), decode[Counts](t, r.control("GET", "/control/counts?target=billing", "")))
	require.Zero(t, decode[Counts](t, r.control("GET", "/control/counts?target=audit", "")))

	require.Equal(t, http.StatusNoContent, r.control("DELETE", "/control/messages", "").Code)
	require.Equal(t, "[]\n", r.control("GET", "/control/messages", "").Body.String())
}

func TestControlRefuses(t *testing.T) {
	r := newFixture(t)
	for body, says := range map[string]string{
		``:                   "body",
		`{"stat":503}`:       "unknown field",
		`{"status":503} {}`:  "something after",
		`{"status":"later"}`: "body",
		`{"status":7}`:       "status: must be",
	} {
		w := r.control("POST", "/control/failures", body)
		require.Equal(t, http.StatusBadRequest, w.Code, body)
		require.Contains(t, decode[map[string]string](t, w)["error"], says)
	}
	require.Equal(t, http.StatusMethodNotAllowed, r.control("PUT", "/control/failures", "{}").Code)
}
