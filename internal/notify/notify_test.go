package notify

import (
	"context"
	"errors"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
	"github.com/stretchr/testify/require"

	"aftercall/internal/testenv"
)

const (
	secretOne = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	secretTwo = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"
)

func newTarget(t *testing.T, handler http.HandlerFunc, secrets ...string) *Webhook {
	t.Helper()
	srv := httptest.NewServer(handler)
	t.Cleanup(srv.Close)
	w, err := NewWebhook(srv.URL, secrets, NewHTTPClient(Network{AllowPrivate: true}))
	require.NoError(t, err)
	return w
}

func TestSignatureVectorOfTheSpecification(t *testing.T) {
	w, err := NewWebhook("http://unused", []string{secretOne}, nil)
	require.NoError(t, err)
	w.now = func() time.Time { return time.Unix(1614265330, 0) }
	h := http.Header{}
	require.NoError(t, w.sign(h, "msg_p5jXN8AQM9LWM0D4loKWxJek", []byte(`{"test": 2432232314}`)))
	require.Equal(t, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=", h.Get("webhook-signature"))
	require.Equal(t, "1614265330", h.Get("webhook-timestamp"))
}

func TestAllocations(t *testing.T) {
	w, err := NewWebhook("http://unused", []string{secretOne}, nil)
	require.NoError(t, err)
	body := []byte(`{"test": 2432232314}`)
	testenv.RequireAllocations(t, map[string]func(){
		"signature of a webhook": func() {
			if err := w.sign(http.Header{}, "msg_p5jXN8AQM9LWM0D4loKWxJek", body); err != nil {
				t.Fatal(err)
			}
		},
	})
}

func TestEverySecretVerifies(t *testing.T) {
	var header http.Header
	var body []byte
	w := newTarget(t, func(_ http.ResponseWriter, r *http.Request) {
		header = r.Header
		body, _ = io.ReadAll(r.Body)
	}, secretOne, secretTwo)
	event := Event{Type: EventCallCharged, Version: EventVersion, Call: &CallData{CallID: "c1", Amount: "0.20", Currency: "USD"}}
	require.NoError(t, w.Send(context.Background(), "msg_1", event))
	require.Contains(t, string(body), `"amount":"0.20"`)
	for _, secret := range []string{secretOne, secretTwo} {
		verifier, err := standardwebhooks.NewWebhook(secret)
		require.NoError(t, err)
		require.NoError(t, verifier.Verify(body, header))
	}
}

func TestAnswers(t *testing.T) {
	type want struct {
		ok    bool
		class Class
	}
	delivered, operator, final, temporary := want{ok: true}, want{class: NeedsOperator}, want{class: Permanent}, want{}
	tests := map[int]want{
		200: delivered, 204: delivered, 299: delivered,
		300: operator, 302: operator, 400: operator, 401: operator, 403: operator, 404: operator, 405: operator, 413: operator, 422: operator,
		410: final,
		408: temporary, 409: temporary, 425: temporary, 429: temporary, 500: temporary, 501: temporary, 502: temporary, 503: temporary,
	}
	for status, tt := range tests {
		t.Run(http.StatusText(status), func(t *testing.T) {
			w := newTarget(t, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Location", "/elsewhere")
				w.WriteHeader(status)
			}, secretOne)
			err := w.Send(context.Background(), "msg_1", Event{Call: &CallData{}})
			if tt.ok {
				require.NoError(t, err)
				return
			}
			var statusErr *StatusError
			require.ErrorAs(t, err, &statusErr)
			require.Equal(t, status, statusErr.Status)
			require.Equal(t, tt.class, statusErr.Class())
		})
	}
}

// TestDeliveryControl has receivers that want no further attempt.
func TestDeliveryControl(t *testing.T) {
	for control, aborted := range map[string]bool{"abort-message": true, "disable": true, "": false, "later": false} {
		w := newTarget(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("webhook-delivery", control)
			w.WriteHeader(http.StatusServiceUnavailable)
		}, secretOne)
		var statusErr *StatusError
		require.ErrorAs(t, w.Send(t.Context(), "msg_1", Event{Call: &CallData{}}), &statusErr)
		require.Equal(t, aborted, statusErr.Class() == Permanent, control)
	}
}

// TestTLSFailure: a receiver whose certificate cannot be verified gets nothing,
// and the delivery is retried.
func TestTLSFailure(t *testing.T) {
	var hits atomic.Int32
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { hits.Add(1) }))
	srv.Config.ErrorLog = log.New(io.Discard, "", 0)
	srv.StartTLS()
	defer srv.Close()
	w, err := NewWebhook(srv.URL+"/path-with-a-secret", []string{secretOne}, NewHTTPClient(Network{AllowPrivate: true}))
	require.NoError(t, err)
	err = w.Send(context.Background(), "msg_1", Event{})
	require.ErrorContains(t, err, "certificate")
	require.NotContains(t, err.Error(), "path-with-a-secret")
	var statusErr *StatusError
	require.NotErrorAs(t, err, &statusErr, "retryable: the certificate may be replaced")
	require.Zero(t, hits.Load())
}

func TestHugeAnswers(t *testing.T) {
	const megabyte = 1 << 20
	var written atomic.Int64
	done := make(chan struct{}, 2)
	flood := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() { done <- struct{}{} }()
		if r.URL.Path == "/header" {
			w.Header().Set("X-Flood", strings.Repeat("x", megabyte))
		}
		for range 1024 {
			n, err := w.Write(make([]byte, megabyte))
			written.Add(int64(n))
			if err != nil {
				return
			}
		}
	})
	srv := httptest.NewServer(flood)
	defer srv.Close()
	for path, want := range map[string]string{"/body": "", "/header": "exceeded"} {
		w, err := NewWebhook(srv.URL+path, []string{secretOne}, NewHTTPClient(Network{AllowPrivate: true}))
		require.NoError(t, err)
		err = w.Send(context.Background(), "msg_1", Event{})
		if want == "" {
			require.NoError(t, err, "the status is all that counts")
		} else {
			require.ErrorContains(t, err, want)
		}
		<-done
	}
	require.Less(t, written.Load(), int64(100*megabyte), "nobody reads on")
}

func TestSlowReceivers(t *testing.T) {
	release := make(chan struct{})
	w := newTarget(t, func(http.ResponseWriter, *http.Request) { <-release }, secretOne)
	defer close(release)
	w.http.Timeout = 50 * time.Millisecond
	err := w.Send(context.Background(), "msg_1", Event{})
	require.ErrorContains(t, err, "Timeout")
	var statusErr *StatusError
	require.NotErrorAs(t, err, &statusErr, "retryable")
}

func TestRetryAfter(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	tests := map[string]time.Duration{
		"": 0, "7": 7 * time.Second, "-7": 0, "soon": 0, "86400": MaxRetryAfter,
		now.Add(30 * time.Second).Format(http.TimeFormat): 30 * time.Second,
		now.Add(-time.Minute).Format(http.TimeFormat):     0,
		now.Add(2 * time.Hour).Format(http.TimeFormat):    MaxRetryAfter,
		"3600": MaxRetryAfter, "99999999999": 0,
	}
	for header, want := range tests {
		require.Equal(t, want, retryAfter(header, now), "Retry-After: %s", header)
	}
}

func TestTransportErrorsHideTheURL(t *testing.T) {
	w, err := NewWebhook("http://127.0.0.1:1/path-with-a-secret", []string{secretOne}, NewHTTPClient(Network{AllowPrivate: true}))
	require.NoError(t, err)
	err = w.Send(context.Background(), "msg_1", Event{Call: &CallData{}})
	require.Error(t, err)
	require.NotContains(t, err.Error(), "path-with-a-secret")
	var statusErr *StatusError
	require.False(t, errors.As(err, &statusErr))
}

func TestBadSecretsAreRefusedWithoutBeingShown(t *testing.T) {
	for _, secrets := range [][]string{nil, {"whsec_%%%"}} {
		_, err := NewWebhook("http://unused", secrets, nil)
		require.Error(t, err)
		require.NotContains(t, err.Error(), "%%%")
	}
}

func TestMessageID(t *testing.T) {
	id := MessageID(1400000000, "call.with.dots", EventCallCharged)
	require.Regexp(t, regexp.MustCompile(`^msg_[0-9a-f]{32}$`), id)
	require.Equal(t, id, MessageID(1400000000, "call.with.dots", EventCallCharged), "stable over retries")
	require.NotEqual(t, id, MessageID(1400000000, "call.with.dots", EventCallFree))
	require.NotEqual(t, MessageID(1, "23", "x"), MessageID(12, "3", "x"))
	require.NotEqual(t, MessageID(1, "a", "bc"), MessageID(1, "ab", "c"))
}
