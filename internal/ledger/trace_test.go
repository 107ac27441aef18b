package ledger_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"aftercall/internal/ledger"
)

// testTraces books a call with traces: the engine takes the same values, and
// the spans hold none of them.
func testTraces(t *testing.T, url string) {
	recorder := tracetest.NewSpanRecorder()
	provider := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(recorder))
	l, err := ledger.Open(t.Context(), url, ledger.Options{Traces: provider})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, l.Close()) })
	before := len(recorder.Ended())
	stored := charge(t, l, entry(t, "traced", "run", "0.12"))
	read, err := l.Get(t.Context(), testApp, "traced")
	require.NoError(t, err)
	require.Equal(t, stored, read[0])

	names := map[string]int{}
	for _, s := range recorder.Ended()[before:] {
		names[s.Name()]++
		for _, a := range s.Attributes() {
			require.NotContains(t, a.Value.String(), "user2")
		}
	}
	require.Equal(t, 2, names["ledger INSERT"], "tariff and entry: %v", names)
	require.Positive(t, names["ledger SELECT"])
}
