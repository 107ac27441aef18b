package callback

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"aftercall/internal/tencent"
)

const probeKey = "the-secret-key-of-the-app"

// probe sends a probe, and returns the answer.
func (f *fixture) probe(p Probe, path, token string) *httptest.ResponseRecorder {
	f.t.Helper()
	req, err := p.Request(f.t.Context(), "http://calls.example.com"+PathPrefix+path, token)
	require.NoError(f.t, err)
	return f.do(req)
}

// TestProbe goes the way of a callback, and is no call.
func TestProbe(t *testing.T) {
	f := withMiniredis(t)
	p := NewProbe(tokenID, probeKey, time.Now())
	w := f.probe(p, tokenPath, token)
	require.Equal(t, http.StatusOK, w.Code, w.Body)
	require.Contains(t, w.Body.String(), `"ActionStatus":"OK","ErrorInfo":"","ErrorCode":0`)
	r, err := p.Result(w.Body.Bytes())
	require.NoError(t, err)
	require.Equal(t, ProbeResult{Workers: 2}, r)
	require.Zero(t, f.temporal.starts)
	f.requireMetric("aftercall_dedupe_total", `{outcome="claimed"} 0`, `{outcome="held"} 0`, `{outcome="known"} 0`, `{outcome="unavailable"} 0`)

	_, err = NewProbe(tokenID, probeKey, time.Now()).Result(w.Body.Bytes())
	require.ErrorIs(t, err, ErrNotAnswered, "an answer is for one probe")
	_, err = p.Result(okBody)
	require.ErrorIs(t, err, ErrNotAnswered, "a release without probes, or a proxy")

	relayed := NewProbe(relayID, probeKey, time.Now())
	w = f.probe(relayed, relayPath, "")
	_, err = relayed.Result(w.Body.Bytes())
	require.NoError(t, err)
	require.Empty(t, f.temporal.relayed(), "it is not passed on")
}

// TestProbeOfAStarterThatReachesNothing says what the starter lacks.
func TestProbeOfAStarterThatReachesNothing(t *testing.T) {
	f := newFixture(t, "redis://127.0.0.1:1", func() {})
	f.temporal.down = errors.New("no connection")
	p := NewProbe(tokenID, probeKey, time.Now())
	w := f.probe(p, tokenPath, token)
	require.Equal(t, http.StatusOK, w.Code, w.Body)
	r, err := p.Result(w.Body.Bytes())
	require.NoError(t, err)
	require.Contains(t, r.Redis, "refused")
	require.Equal(t, "no connection", r.Temporal)
}

// TestForgedProbes: who knows the URL and even the token, but not the secret_key,
// reaches nothing by a probe.
func TestForgedProbes(t *testing.T) {
	f := withMiniredis(t)
	for name, tt := range map[string]struct {
		probe       Probe
		path, token string
		status      int
	}{
		"path":          {NewProbe(tokenID, probeKey, time.Now()), "wrong", token, http.StatusNotFound},
		"token":         {NewProbe(tokenID, probeKey, time.Now()), tokenPath, "wrong", http.StatusUnauthorized},
		"key":           {NewProbe(tokenID, "wrong", time.Now()), tokenPath, token, http.StatusForbidden},
		"app":           {NewProbe(relayID, probeKey, time.Now()), tokenPath, token, http.StatusForbidden},
		"empty key":     {NewProbe(appID, "", time.Now()), secret, "", http.StatusForbidden},
		"replayed late": {NewProbe(relayID, probeKey, time.Now().Add(-2*tencent.MaxSignAge)), relayPath, "", http.StatusForbidden},
	} {
		w := f.probe(tt.probe, tt.path, tt.token)
		require.Equal(t, tt.status, w.Code, "%s: %s", name, w.Body)
		_, err := tt.probe.Result(w.Body.Bytes())
		require.ErrorIs(t, err, ErrNotAnswered, name)
	}
	require.Zero(t, f.temporal.describes)
	require.Zero(t, f.temporal.starts)
}
