package ops

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"aftercall/internal/admin"
)

// healthOf asks a process whose admin listener is handler.
func healthOf(t *testing.T, handler http.Handler, live bool) (*Health, error) {
	t.Helper()
	server := httptest.NewServer(handler)
	defer server.Close()
	d := New(t.Context(), map[string]string{
		"AFTERCALL_ADMIN_LISTEN": strings.TrimPrefix(server.URL, "http://"),
		// Neither is needed, and none of it is asked.
		"AFTERCALL_CONFIG": "/nowhere", "HTTP_PROXY": "http://127.0.0.1:1",
	}, io.Discard)
	return d.Health(t.Context(), HealthParams{Process: "worker", Live: live})
}

func TestHealth(t *testing.T) {
	t.Parallel()
	problem := error(nil)
	handler := admin.Handler(
		prometheus.NewRegistry(), slog.New(slog.DiscardHandler),
		admin.Check{Name: "temporal", Run: func(context.Context) error { return problem }},
		admin.Check{Name: "ledger", Run: func(context.Context) error { return nil }},
	)
	health, err := healthOf(t, handler, false)
	require.NoError(t, err)
	require.True(t, health.Healthy)
	require.Equal(t, map[string]string{"temporal": "ok", "ledger": "ok"}, health.Checks)

	problem = admin.PublicError("no connection")
	health, err = healthOf(t, handler, false)
	requireKind(t, err, Refused, "the worker is not ready: temporal: missing: no connection")
	require.False(t, health.Healthy)

	health, err = healthOf(t, handler, true)
	require.NoError(t, err, "it answers, and that was all the question")
	require.True(t, health.Healthy)
}

func TestHealthOfWhatIsNotThere(t *testing.T) {
	t.Parallel()
	for name, handler := range map[string]http.Handler{
		"not found":    http.NotFoundHandler(),
		"a page":       http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "<html>welcome</html>") }),
		"a redirect":   http.RedirectHandler("/login", http.StatusFound),
		"endless text": http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, `"`+strings.Repeat("a", 2<<20)) }),
	} {
		health, err := healthOf(t, handler, false)
		require.Nil(t, health, name)
		requireKind(t, err, Failed, "another program answers there")
	}

	d := New(t.Context(), map[string]string{"AFTERCALL_ADMIN_LISTEN": "127.0.0.1:1"}, io.Discard)
	_, err := d.Health(t.Context(), HealthParams{Process: "starter"})
	requireKind(t, err, Failed, "the starter does not answer at http://127.0.0.1:1/readyz")
	d = New(t.Context(), map[string]string{"AFTERCALL_ADMIN_LISTEN": "9090"}, io.Discard)
	_, err = d.Health(t.Context(), HealthParams{Process: "starter"})
	requireKind(t, err, Usage, "AFTERCALL_ADMIN_LISTEN")
}

func requireKind(t *testing.T, err error, kind Kind, text string) {
	t.Helper()
	var classified *Error
	require.True(t, errors.As(err, &classified), "%v", err)
	require.Equal(t, kind, classified.Kind, "%v", err)
	require.ErrorContains(t, err, text)
}
