package service

import (
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"aftercall/internal/tencent"
)

// newRecordMetrics registers the figures of Tencent's REST API and returns
// what a client of an app reports to.
func newRecordMetrics(reg prometheus.Registerer) func(app string) func(api string, code tencent.Code, took time.Duration) {
	duration := promauto.With(reg).NewHistogramVec(prometheus.HistogramOpts{
		Name:    "aftercall_record_api_duration_seconds",
		Help:    "Requests to Tencent's REST API by app and error code: 0 is OK, -1 no answer that could be read.",
		Buckets: []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5},
	}, []string{"app", "code"})
	return func(app string) func(string, tencent.Code, time.Duration) {
		return func(_ string, code tencent.Code, took time.Duration) {
			duration.WithLabelValues(app, strconv.Itoa(int(code))).Observe(took.Seconds())
		}
	}
}
