package activities

import (
	"errors"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
	"go.temporal.io/sdk/temporal"

	"aftercall/internal/ledger"
	"aftercall/internal/tencent"
)

type metrics struct {
	charges    *prometheus.CounterVec
	amount     *prometheus.CounterVec
	reviews    *prometheus.CounterVec
	deliveries *prometheus.CounterVec
	recordLag  *prometheus.HistogramVec
	latency    *prometheus.HistogramVec
	// undelivered are events and callbacks that are not retried any more.
	undelivered *prometheus.CounterVec
}

// sinceEnd are the buckets of times since the end of a call. None can be below
// the five seconds after which Tencent has the record, so they are fine just
// above these, and coarse up to the seven days for which a record is kept.
var sinceEnd = []float64{5, 5.05, 5.1, 5.25, 5.5, 6, 7, 8, 10, 15, 30, 60, 300, 1800, 3600, 21600, 86400, 604800}

func newMetrics(reg prometheus.Registerer) *metrics {
	factory := promauto.With(reg)
	return &metrics{
		charges: factory.NewCounterVec(prometheus.CounterOpts{
			Name: "aftercall_charges_total",
			Help: "Calls charged by app and outcome: charged, free, already_handled, conflict.",
		}, []string{"app", "outcome"}),
		amount: factory.NewCounterVec(prometheus.CounterOpts{
			Name: "aftercall_charged_amount_total",
			Help: "Money charged, by app and currency, in major units. A float, so for display only: the ledger has the exact amounts.",
		}, []string{"app", "currency"}),
		recordLag: factory.NewHistogramVec(prometheus.HistogramOpts{
			Name: "aftercall_record_lag_seconds", Buckets: sinceEnd,
			Help: "Time from the end of a call to its record, which is queried after five seconds at the earliest; without calls whose callback was lost.",
		}, []string{"app"}),
		latency: factory.NewHistogramVec(prometheus.HistogramOpts{
			Name: "aftercall_call_latency_seconds", Buckets: sinceEnd,
			Help: "Time from the end of a call to the step: charged, notified (each target); without calls that were reviewed or waited for late evidence, and those whose callback was lost.",
		}, []string{"app", "step"}),
		reviews: factory.NewCounterVec(prometheus.CounterOpts{
			Name: "aftercall_reviews_total",
			Help: "Reviews by app and outcome: opened, or the verdict that ended them: charge, waive, charge-as.",
		}, []string{"app", "outcome"}),
		deliveries: factory.NewCounterVec(prometheus.CounterOpts{
			Name: "aftercall_deliveries_total",
			Help: "Delivery attempts by target and outcome: delivered, failed (retried), misconfigured (retried; an operator must correct the target), refused (permanent).",
		}, []string{"target", "outcome"}),
		undelivered: factory.NewCounterVec(prometheus.CounterOpts{
			Name: "aftercall_undelivered_total",
			Help: "Events and callbacks that are not retried any more, by target and reason: refused, horizon (the retry window is over).",
		}, []string{"target", "reason"}),
	}
}

// initApp exports the metrics of an app with 0 from the start, so that an alert
// sees the first increase and a graph begins at zero.
func (m *metrics) initApp(app string) {
	for _, outcome := range []string{"charged", "free", "already_handled", "conflict"} {
		m.charges.WithLabelValues(app, outcome)
	}
	for _, outcome := range []string{"opened", "charge", "waive", "charge-as"} {
		m.reviews.WithLabelValues(app, outcome)
	}
	m.recordLag.WithLabelValues(app)
	for _, step := range []string{"charged", "notified"} {
		m.latency.WithLabelValues(app, step)
	}
}

// initTarget does the same for a target.
func (m *metrics) initTarget(target string) {
	for _, outcome := range []string{"delivered", "failed", "misconfigured", "refused"} {
		m.deliveries.WithLabelValues(target, outcome)
	}
	for _, reason := range []string{"refused", "horizon"} {
		m.undelivered.WithLabelValues(target, reason)
	}
}

// countConflict counts err if it is a conflict; other errors are retried or reviewed.
func (m *metrics) countConflict(app string, err error) {
	if errors.As(err, new(*ledger.ConflictError)) {
		m.charges.WithLabelValues(app, "conflict").Inc()
	}
}

// countCharge counts an entry when it is inserted, not when a later attempt finds it.
func (m *metrics) countCharge(app string, e ledger.Entry, inserted, already bool) {
	switch {
	case already:
		m.charges.WithLabelValues(app, "already_handled").Inc()
	case !inserted:
	case e.Charge.Free():
		m.charges.WithLabelValues(app, "free").Inc()
	default:
		m.charges.WithLabelValues(app, "charged").Inc()
		// An amount beyond the range of a float is left out; the ledger has it.
		if amount, err := strconv.ParseFloat(e.Charge.Amount.Number(), 64); err == nil {
			m.amount.WithLabelValues(app, e.Charge.Amount.CurrencyCode()).Add(amount)
		}
	}
}

// observeSinceEnd observes the time from the end of a call until now. It
// compares the local clock with Tencent's, so nothing else may depend on it.
func observeSinceEnd(o prometheus.Observer, now time.Time, call tencent.CallRecord) {
	o.Observe(max(0, now.Sub(call.EndedAt()).Seconds()))
}

// countAttempt counts a delivery attempt that was made.
func (m *metrics) countAttempt(target string, err error) {
	outcome := "delivered"
	if err != nil {
		outcome = "failed"
		var appErr *temporal.ApplicationError
		switch {
		case !errors.As(err, &appErr):
		case appErr.NonRetryable():
			outcome = "refused"
		case appErr.Type() == TargetMisconfigured:
			outcome = "misconfigured"
		}
	}
	m.deliveries.WithLabelValues(target, outcome).Inc()
}
