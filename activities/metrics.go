package activities

import (
	"errors"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
	"go.temporal.io/sdk/temporal"
)

type metrics struct {
	charges    *prometheus.CounterVec
	reviews    *prometheus.CounterVec
	deliveries *prometheus.CounterVec
}

func newMetrics(reg prometheus.Registerer) *metrics {
	factory := promauto.With(reg)
	return &metrics{
		charges: factory.NewCounterVec(prometheus.CounterOpts{
			Name: "aftercall_charges_total",
			Help: "Calls booked into the ledger by app and outcome: charged, free, already_handled, conflict.",
		}, []string{"app", "outcome"}),
		reviews: factory.NewCounterVec(prometheus.CounterOpts{
			Name: "aftercall_reviews_total",
			Help: "Reviews by app and outcome: opened, or the verdict that ended them: charge, waive, charge-as.",
		}, []string{"app", "outcome"}),
		deliveries: factory.NewCounterVec(prometheus.CounterOpts{
			Name: "aftercall_deliveries_total",
			Help: "Delivery attempts by target and outcome: delivered, failed (tried again), refused (final).",
		}, []string{"target", "outcome"}),
	}
}

func (m *metrics) delivered(target string, err error) {
	outcome := "delivered"
	if err != nil {
		outcome = "failed"
		var appErr *temporal.ApplicationError
		if errors.As(err, &appErr) && appErr.NonRetryable() {
			outcome = "refused"
		}
	}
	m.deliveries.WithLabelValues(target, outcome).Inc()
}
