package harness

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
	"github.com/stretchr/testify/require"
	vegeta "github.com/tsenart/vegeta/v12/lib"

	"aftercall/internal/tencent"
)

func TestVerifyFindsLostAndDuplicatedCalls(t *testing.T) {
	once := &callWebhooks{messages: map[string]int{"m": 1}}
	tests := map[string]struct {
		charged       map[string]int
		came          map[string]*callWebhooks
		badSignatures int
		want          Verification
		clean         bool
	}{
		"no deviation":   {map[string]int{"a": 1}, map[string]*callWebhooks{"a": once}, 0, Verification{Calls: 1}, true},
		"not charged":    {nil, map[string]*callWebhooks{"a": once}, 0, Verification{Calls: 1, Uncharged: 1}, false},
		"not notified":   {map[string]int{"a": 1}, nil, 0, Verification{Calls: 1, Unnotified: 1}, false},
		"charged twice":  {map[string]int{"a": 2}, map[string]*callWebhooks{"a": once}, 0, Verification{Calls: 1, ChargedTwice: 1}, false},
		"notified twice": {map[string]int{"a": 1}, map[string]*callWebhooks{"a": {messages: map[string]int{"m": 1, "n": 1}}}, 0, Verification{Calls: 1, NotifiedTwice: 1}, false},
		"repeated":       {map[string]int{"a": 1}, map[string]*callWebhooks{"a": {messages: map[string]int{"m": 3}}}, 0, Verification{Calls: 1, Repeated: 2}, true},
		"bad signature":  {map[string]int{"a": 1}, map[string]*callWebhooks{"a": once}, 1, Verification{Calls: 1, BadSignatures: 1}, false},
		"another call":   {map[string]int{"a": 1, "b": 1}, map[string]*callWebhooks{"a": once, "b": once}, 0, Verification{Calls: 1}, true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got := verify([]string{"a"}, tt.charged, tt.came, tt.badSignatures)
			require.Equal(t, tt.want, got)
			require.Equal(t, tt.clean, got.Clean())
		})
	}
}

func TestWebhooksAreCountedByCallAndMessage(t *testing.T) {
	s, err := newWebhookCounter(webhookSecret)
	require.NoError(t, err)
	signer, err := standardwebhooks.NewWebhook(webhookSecret)
	require.NoError(t, err)
	post := func(id, call, signed string) int {
		body := `{"data":{"call_id":"` + call + `"}}`
		now := time.Now()
		signature, err := signer.Sign(id, now, []byte(signed+body))
		require.NoError(t, err)
		r := httptest.NewRequest(http.MethodPost, hookPath, strings.NewReader(body))
		r.Header.Set(standardwebhooks.HeaderWebhookID, id)
		r.Header.Set(standardwebhooks.HeaderWebhookTimestamp, strconv.FormatInt(now.Unix(), 10))
		r.Header.Set(standardwebhooks.HeaderWebhookSignature, signature)
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		return w.Code
	}
	require.Equal(t, http.StatusOK, post("m1", "a", ""))
	require.Equal(t, http.StatusOK, post("m1", "a", ""))
	require.Equal(t, http.StatusOK, post("m2", "b", ""))
	require.Equal(t, http.StatusUnauthorized, post("m3", "c", "something else"))
	n, last := s.count()
	require.Equal(t, 2, n)
	require.False(t, last.IsZero())
	require.Equal(t, Verification{Calls: 3, Unnotified: 1, Repeated: 1, BadSignatures: 1},
		verify([]string{"a", "b", "c"}, map[string]int{"a": 1, "b": 1, "c": 1}, s.calls, s.badSignatures))
	late := s.delays(map[string]time.Time{"a": s.calls["a"].first.Add(-time.Second)})
	require.Equal(t, []time.Duration{time.Second}, late)
	s.reset()
	n, _ = s.count()
	require.Zero(t, n)
}

func TestASignalEndsALoad(t *testing.T) {
	w, err := startSimulators(context.Background(), 1)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, w.stop()) })
	ctx, interrupt := context.WithCancel(context.Background())
	defer interrupt()
	receiver := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { interrupt() }))
	t.Cleanup(receiver.Close)
	s := &sender{simulators: w, port: receiver.Listener.Addr().(*net.TCPAddr).Port, load: Load{Calls: 3000, Rate: 50, Copies: 1}}
	require.ErrorIs(t, s.send(ctx), context.Canceled)
	require.NotEmpty(t, s.calls)
	require.Less(t, len(s.calls), s.load.Calls)
}

func TestSenderRepeatsEveryCallback(t *testing.T) {
	w, err := startSimulators(context.Background(), 2)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, w.stop()) })
	s := &sender{simulators: w, port: 1, load: Load{Calls: 2, Rate: 50, Copies: 3}}
	var urls, bodies []string
	for {
		var target vegeta.Target
		if err := s.next(&target); err != nil {
			require.ErrorIs(t, err, vegeta.ErrNoTargets)
			break
		}
		urls, bodies = append(urls, target.URL), append(bodies, string(target.Body))
	}
	require.Len(t, bodies, 6)
	require.Equal(t, bodies[0], bodies[2])
	require.NotEqual(t, bodies[2], bodies[3])
	require.Contains(t, urls[0], "SdkAppid=1400000000")
	require.Contains(t, urls[3], "SdkAppid=1400000001")
	require.Len(t, w.tencent.Calls(), 2)

	s.answered(&vegeta.Result{URL: urls[3], Code: http.StatusOK}, time.Millisecond)
	s.answered(&vegeta.Result{URL: urls[0], Code: http.StatusServiceUnavailable}, time.Millisecond)
	require.Equal(t, []string{s.calls[1].id}, s.acceptedIDs())
	require.Equal(t, 1, s.refused)
	cb, err := tencent.DecodeCallback(tencent.ParseQuery("CallbackCommand="+string(tencent.CommandAfterEndCall)), s.calls[0].body)
	require.NoError(t, err)
	require.Equal(t, s.calls[0].id, cb.CallID)
}

// TestSteadyCallsAreReadyAtDifferentTimes makes sure that the record of a steady
// call is ready five seconds after its callback, to the millisecond.
func TestSteadyCallsAreReadyAtDifferentTimes(t *testing.T) {
	w, err := startSimulators(context.Background(), 1)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, w.stop()) })
	before := time.Now()
	steady, err := (&sender{simulators: w, load: Load{Rate: 50}}).place(0)
	require.NoError(t, err)
	after := time.Now()
	require.False(t, steady.readyAt.Before(before.Add(recordDelay).Truncate(time.Millisecond)))
	require.False(t, steady.readyAt.After(after.Add(recordDelay)))
	burst, err := (&sender{simulators: w}).place(0)
	require.NoError(t, err)
	require.False(t, burst.readyAt.After(time.Now().Add(recordDelay-burstEndedAgo*time.Second)))
}

func TestPercentile(t *testing.T) {
	var all []time.Duration
	for i := range 200 {
		all = append(all, time.Duration(200-i)*time.Millisecond)
	}
	require.Equal(t, Percentiles{P50: 100 * time.Millisecond, P99: 198 * time.Millisecond, Max: 200 * time.Millisecond}, percentiles(all))
	require.Equal(t, Percentiles{P50: 1, P99: 1, Max: 1}, percentiles([]time.Duration{1}))
	require.Zero(t, percentiles(nil))
}
