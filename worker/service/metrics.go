package service

import (
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"aftercall/internal/ledger"
	"aftercall/internal/tencent"
)

// newRecordMetrics registers the figures of Tencent's REST API and returns
// what a client of an app reports to.
func newRecordMetrics(reg prometheus.Registerer) func(app string) func(api string, code tencent.Code, took time.Duration) {
	duration := promauto.With(reg).NewHistogramVec(prometheus.HistogramOpts{
		Name: "aftercall_record_api_duration_seconds",
		Help: "Requests to Tencent's REST API by app, error code (0 is OK, -1 no answer that could be read, other for undocumented ones) " +
			"and what the code asks for: none, retry, not_yet, slow_down, renew_sig, operator, never.",
		Buckets: []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5},
	}, []string{"app", "code", "action"})
	return func(app string) func(string, tencent.Code, time.Duration) {
		return func(_ string, code tencent.Code, took time.Duration) {
			action := code.Action().String()
			label := "other"
			switch {
			case code == tencent.CodeOK:
				label, action = "0", "none"
			case code.Known():
				label = strconv.Itoa(int(code))
			}
			duration.WithLabelValues(app, label, action).Observe(took.Seconds())
		}
	}
}

// timedLedger is a ledger whose use is measured.
type timedLedger struct {
	*ledger.Ledger
	duration *prometheus.HistogramVec
}

func newTimedLedger(book *ledger.Ledger, reg prometheus.Registerer) *timedLedger {
	l := &timedLedger{Ledger: book, duration: promauto.With(reg).NewHistogramVec(prometheus.HistogramOpts{
		Name:    "aftercall_ledger_duration_seconds",
		Help:    "Time that the ledger took, by operation (charge, known, swept_to, set_swept_to) and outcome: ok, failed.",
		Buckets: []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10},
	}, []string{"operation", "outcome"})}
	for _, operation := range []string{"charge", "known", "swept_to", "set_swept_to"} {
		l.duration.WithLabelValues(operation, "ok")
		l.duration.WithLabelValues(operation, "failed") // an alert sees the first of each
	}
	return l
}

// took observes one operation. That a call is charged another sum is an
// answer, not a failure of the ledger.
func (l *timedLedger) took(operation string, start time.Time, err error) {
	outcome := "ok"
	if err != nil && !errors.As(err, new(*ledger.ConflictError)) {
		outcome = "failed"
	}
	l.duration.WithLabelValues(operation, outcome).Observe(time.Since(start).Seconds())
}

// Charge implements activities.Ledger.
func (l *timedLedger) Charge(ctx context.Context, e ledger.Entry) (stored ledger.Entry, inserted bool, err error) {
	defer func(start time.Time) { l.took("charge", start, err) }(time.Now())
	return l.Ledger.Charge(ctx, e)
}

// Known implements activities.SweepLedger.
func (l *timedLedger) Known(ctx context.Context, app tencent.SDKAppID, callIDs []string) (known map[string]bool, err error) {
	defer func(start time.Time) { l.took("known", start, err) }(time.Now())
	return l.Ledger.Known(ctx, app, callIDs)
}

// SweptTo implements activities.SweepLedger.
func (l *timedLedger) SweptTo(ctx context.Context, app tencent.SDKAppID) (to time.Time, err error) {
	defer func(start time.Time) { l.took("swept_to", start, err) }(time.Now())
	return l.Ledger.SweptTo(ctx, app)
}

// SetSweptTo implements activities.SweepLedger.
func (l *timedLedger) SetSweptTo(ctx context.Context, app tencent.SDKAppID, to time.Time) (err error) {
	defer func(start time.Time) { l.took("set_swept_to", start, err) }(time.Now())
	return l.Ledger.SetSweptTo(ctx, app, to)
}
