package activities

import (
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	dto "github.com/prometheus/client_model/go"
	"github.com/stretchr/testify/require"

	"aftercall/internal/notify"
	"aftercall/internal/tencent"
)

// sum and count are those of a histogram.
func sum(t *testing.T, o prometheus.Observer) (count uint64, seconds float64) {
	t.Helper()
	var m dto.Metric
	require.NoError(t, o.(prometheus.Metric).Write(&m))
	return m.GetHistogram().GetSampleCount(), m.GetHistogram().GetSampleSum()
}

// TestLatencies runs a call ten seconds after its end, with and without
// ObserveLatency.
func TestLatencies(t *testing.T) {
	for name, observe := range map[string]bool{"by its callback": true, "found by a sweep": false} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			_, err := f.acts.FetchRecord(t.Context(), FetchRecordParams{SDKAppID: clinic, CallID: "call-1", ObserveLatency: observe})
			require.NoError(t, err)
			p := params("run-1")
			p.ObserveLatency = observe
			charged, err := f.charge(p)
			require.NoError(t, err)
			_, err = f.charge(p) // a later attempt, which is not measured again
			require.NoError(t, err)
			require.NoError(t, f.acts.Notify(t.Context(), NotifyParams{Target: "crm", Event: charged.Event, ObserveLatency: observe}))

			for _, o := range []prometheus.Observer{
				f.acts.metrics.recordLag.WithLabelValues("clinic"),
				f.acts.metrics.latency.WithLabelValues("clinic", "charged"),
				f.acts.metrics.latency.WithLabelValues("clinic", "notified"),
			} {
				count, seconds := sum(t, o)
				if observe {
					require.Equal(t, uint64(1), count)
					require.InDelta(t, 10, seconds, 0)
				} else {
					require.Zero(t, count)
				}
			}
			require.InDelta(t, 0.24, testutil.ToFloat64(f.acts.metrics.amount.WithLabelValues("clinic", "USD")), 1e-9)
		})
	}
}

// TestFailedDeliveriesAreNotMeasured, and neither are events of no call.
func TestFailedDeliveriesAreNotMeasured(t *testing.T) {
	f := newFixture(t)
	require.NoError(t, f.acts.Notify(t.Context(), NotifyParams{Target: "crm", Event: notify.Event{Sweep: &notify.SweepData{}}, ObserveLatency: true}))
	f.fake.err = &notify.StatusError{Status: 503}
	require.Error(t, f.acts.Notify(t.Context(), NotifyParams{
		Target: "crm", Event: notify.Event{Call: &notify.CallData{App: "clinic", EndTime: endedAt.Unix()}}, ObserveLatency: true,
	}))
	count, _ := sum(t, f.acts.metrics.latency.WithLabelValues("clinic", "notified"))
	require.Zero(t, count)
}

// TestOutcomesOfCharges charges a call that costs nothing, and then finds
// another sum for it.
func TestOutcomesOfCharges(t *testing.T) {
	f := newFixture(t)
	free := params("run-1")
	free.Record.Result, free.Record.AcceptTime = tencent.ResultNotAnswer, 0
	_, err := f.charge(free)
	require.NoError(t, err)
	_, err = f.charge(params("run-2"))
	require.Equal(t, ChargeConflict, errorType(err))
	for outcome, want := range map[string]float64{"free": 1, "conflict": 1, "charged": 0, "already_handled": 0} {
		require.InDelta(t, want, testutil.ToFloat64(f.acts.metrics.charges.WithLabelValues("clinic", outcome)), 0, outcome)
	}
	require.Zero(t, testutil.ToFloat64(f.acts.metrics.amount.WithLabelValues("clinic", "USD")))
}
