package callback

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/require"

	"aftercall/activities"
	"aftercall/internal/dedupe"
	"aftercall/internal/redisguard"
	"aftercall/internal/tencent"
	"aftercall/workflows"
)

// fakeTemporal knows workflow IDs and can be down.
type fakeTemporal struct {
	mu      sync.Mutex
	down    error
	started map[string]string // workflow ID → fingerprint
	stage   workflows.Stage   // of all of them
	params  []workflows.AfterCallParams
	starts  int
	onStart func(context.Context)
	// lostAnswers are for starts that succeed but whose caller gets an error.
	lostAnswers error
	describes   int
	rechecked   []string
	relays      []activities.RelayCallbackParams
	onRelay     func(context.Context) (already bool, err error)
}

func (f *fakeTemporal) StartRelay(ctx context.Context, p activities.RelayCallbackParams) (bool, error) {
	f.mu.Lock()
	f.relays = append(f.relays, p)
	f.mu.Unlock()
	if f.onRelay != nil {
		return f.onRelay(ctx)
	}
	return false, nil
}

func (f *fakeTemporal) relayed() []activities.RelayCallbackParams {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.relays
}

func (f *fakeTemporal) Start(ctx context.Context, p workflows.AfterCallParams, fingerprint string) (bool, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.starts++
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
	return false, f.lostAnswers
}

func (f *fakeTemporal) Started(_ context.Context, app tencent.SDKAppID, callID string) (workflows.StartedCall, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.describes++
	return workflows.StartedCall{Fingerprint: f.started[workflows.AfterCallID(app, callID)], Stage: f.stage}, f.down
}

func (f *fakeTemporal) Recheck(_ context.Context, app tencent.SDKAppID, callID string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.rechecked = append(f.rechecked, workflows.AfterCallID(app, callID))
	return f.down
}

// tokens is a limit of so many workflows.
type tokens struct {
	mu sync.Mutex
	n  int
}

func (l *tokens) Take(context.Context, tencent.SDKAppID) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.n--
	return l.n >= 0
}

func (f *fakeTemporal) Workers(ctx context.Context) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.onStart != nil {
		f.onStart(ctx)
	}
	f.describes++
	return 2, f.down
}

type fixture struct {
	t        *testing.T
	handler  *Handler
	temporal *fakeTemporal
	reg      *prometheus.Registry
	flush    func()
}

// testApps are an app, one with a token, and one with a relay.
var testApps = []App{
	{ID: appID, Name: "clinic", Secrets: []string{secret, oldSecret}, RecordDeadline: time.Minute},
	{ID: tokenID, Name: "school", Secrets: []string{tokenPath}, Tokens: []string{token, oldToken}, ProbeKey: probeKey},
	{ID: relayID, Name: "bank", Secrets: []string{relayPath}, ProbeKey: probeKey, Relay: map[tencent.Command]bool{
		tencent.CommandAfterEndCall: true, tencent.CommandAfterStartCall: true,
	}},
}

func newFixture(t *testing.T, redisURL string, flush func()) *fixture {
	t.Helper()
	return newFixtureWith(t, redisURL, flush, func(*Handler) {})
}

// newFixtureWith changes the handler before its first request.
func newFixtureWith(t *testing.T, redisURL string, flush func(), change func(*Handler)) *fixture {
	t.Helper()
	rdb, err := redisguard.NewClient(redisURL, redisguard.PatientTimeout)
	require.NoError(t, err)
	reg := prometheus.NewRegistry()
	logger := slog.New(slog.DiscardHandler)
	guard := redisguard.New(t.Context(), rdb, reg, logger)
	t.Cleanup(func() {
		guard.Close()
		require.NoError(t, rdb.Close())
	})
	temporal := &fakeTemporal{started: map[string]string{}}
	// A busy machine is no reason for another answer.
	h := New(testApps, dedupe.New(guard, dedupe.DefaultWindow, time.Now, reg), Limits{Answer: 20 * time.Second}, temporal, reg, logger)
	change(h)
	t.Cleanup(h.Close)
	return &fixture{t: t, temporal: temporal, reg: reg, flush: flush, handler: h}
}

// withMiniredis is a fixture with the embedded Redis.
func withMiniredis(t *testing.T) *fixture {
	t.Helper()
	m := miniredis.RunT(t)
	return newFixture(t, "redis://"+m.Addr(), m.FlushAll)
}

func (f *fixture) post(target, body string) *httptest.ResponseRecorder {
	return f.do(httptest.NewRequest(http.MethodPost, target, strings.NewReader(body)))
}

// do returns the answer, once the relay of the callback has ended, too.
func (f *fixture) do(r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	f.handler.ServeHTTP(w, r)
	f.handler.relays.Wait()
	return w
}

func (f *fixture) requireOK(w *httptest.ResponseRecorder) {
	f.t.Helper()
	require.Equal(f.t, http.StatusOK, w.Code)
	require.JSONEq(f.t, `{"ActionStatus":"OK","ErrorInfo":"","ErrorCode":0}`, w.Body.String())
}

// requireMetric compares all series of a counter with those in
// lines, which are without its name: `{app="clinic"} 1`.
func (f *fixture) requireMetric(name string, lines ...string) {
	f.t.Helper()
	families, err := f.reg.Gather()
	require.NoError(f.t, err)
	for _, family := range families {
		if family.GetName() != name {
			continue
		}
		text := "# HELP " + name + " " + family.GetHelp() + "\n# TYPE " + name + " counter\n"
		for _, line := range lines {
			text += name + line + "\n"
		}
		require.NoError(f.t, testutil.GatherAndCompare(f.reg, strings.NewReader(text), name))
		return
	}
	require.Fail(f.t, "no metric "+name)
}

func (f *fixture) requireConflicts(clinic int) {
	f.t.Helper()
	f.requireMetric("aftercall_callback_conflicts_total", `{app="bank"} 0`, fmt.Sprintf(`{app="clinic"} %d`, clinic), `{app="school"} 0`)
}

// requireCallbacks compares the callbacks that were counted with lines.
func (f *fixture) requireCallbacks(lines ...string) {
	f.t.Helper()
	for _, app := range testApps {
		for _, labels := range []string{`outcome="duplicate",status="200"`, `outcome="started",status="200"`, `outcome="refused",status="400"`, `outcome="throttled",status="429"`, `outcome="unavailable",status="503"`} {
			series := fmt.Sprintf("{app=%q,%s} ", app.Name, labels)
			if !slices.ContainsFunc(lines, func(line string) bool { return strings.HasPrefix(line, series) }) {
				lines = append(lines, series+"0") // there from the start
			}
		}
	}
	f.requireMetric("aftercall_callbacks_total", lines...)
}
