package tencent

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// limiterLog is a Limiter that counts its calls and returns refuse from Wait.
type limiterLog struct {
	waits  int
	refuse error
	pauses []time.Duration
}

func (l *limiterLog) Wait(context.Context, SDKAppID) error {
	l.waits++
	return l.refuse
}

func (l *limiterLog) Pause(_ context.Context, _ SDKAppID, retryAfter time.Duration) {
	l.pauses = append(l.pauses, retryAfter)
}

func TestLimiter(t *testing.T) {
	answer := func(body string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(body)) }
	}
	gateway := func(status int, retryAfter string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", retryAfter)
			w.WriteHeader(status)
		}
	}
	tests := map[string]struct {
		handler http.HandlerFunc
		waits   int
		pauses  []time.Duration
	}{
		"success":           {answer(recordAnswer), 1, nil},
		"over frequency":    {answer(`{"ErrorCode":60018,"ActionStatus":"FAIL"}`), 1, []time.Duration{0}},
		"UserSig expired":   {answer(`{"ErrorCode":70001,"ActionStatus":"FAIL"}`), 2, nil},
		"gateway says when": {gateway(429, "7"), 1, []time.Duration{7 * time.Second}},
		"gateway is vague":  {gateway(429, "soon"), 1, []time.Duration{0}},
		"gateway is down":   {gateway(503, ""), 1, nil},
		"gateway is back":   {gateway(503, "2"), 1, []time.Duration{2 * time.Second}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			c := newTestClient(t, tt.handler)
			l := &limiterLog{}
			c.limiter = l
			_, _ = c.Record(t.Context(), "04c9a0ac-8e38-4a19-be45-349c5ce7911b") // only the limiter matters here
			require.Equal(t, tt.waits, l.waits)
			require.Equal(t, tt.pauses, l.pauses)
		})
	}
}

func TestNoRequestWhenTheLimiterIsBusy(t *testing.T) {
	asked := false
	c := newTestClient(t, func(http.ResponseWriter, *http.Request) { asked = true })
	c.limiter = &limiterLog{refuse: &BusyError{RetryAfter: time.Second}}
	_, err := c.Record(t.Context(), "04c9a0ac-8e38-4a19-be45-349c5ce7911b")
	var busy *BusyError
	require.True(t, errors.As(err, &busy))
	require.False(t, asked)
}

func TestRetryAfter(t *testing.T) {
	tests := map[string]struct{ least, most time.Duration }{
		"":   {},
		"0":  {},
		"7":  {7 * time.Second, 7 * time.Second},
		"-7": {},
		time.Now().Add(time.Hour).UTC().Format(http.TimeFormat):  {time.Minute, time.Hour},
		time.Now().Add(-time.Hour).UTC().Format(http.TimeFormat): {},
	}
	for value, want := range tests {
		got := retryAfter(http.Header{"Retry-After": {value}})
		require.GreaterOrEqual(t, got, want.least, value)
		require.LessOrEqual(t, got, want.most, value)
	}
}
