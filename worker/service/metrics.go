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

// newRecordMetrics registers the metrics of Tencent's REST API, and returns a
// function that makes the Observe function of an app's client.
func newRecordMetrics(reg prometheus.Registerer) func(app string) func(api string, code tencent.Code, took time.Duration) {
	duration := promauto.With(reg).NewHistogramVec(prometheus.HistogramOpts{
		Name: "aftercall_record_api_duration_seconds",
		Help: "Requests to Tencent's REST API by app, error code (0 is OK, -1 no readable answer, other for undocumented ones) " +
			"and the action that the code asks for: none, retry, not_yet, slow_down, renew_sig, operator, never.",
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

// timedLedger is a ledger that measures its operations, and charges by no edited
// tariff. Its Ledger is nil until it has been opened, before the first workflow or
// activity runs.
type timedLedger struct {
	*ledger.Ledger
	edits    *editGuard
	duration *prometheus.HistogramVec
}

func newTimedLedger(edits *editGuard, reg prometheus.Registerer) *timedLedger {
	l := &timedLedger{edits: edits, duration: promauto.With(reg).NewHistogramVec(prometheus.HistogramOpts{
		Name:    "aftercall_ledger_duration_seconds",
		Help:    "Duration of ledger operations by operation (charge, known, swept_to, set_swept_to, hold_back, try_write) and outcome: ok, failed.",
		Buckets: []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10},
	}, []string{"operation", "outcome"})}
	for _, operation := range []string{"charge", "known", "swept_to", "set_swept_to", "hold_back", "try_write"} {
		l.duration.WithLabelValues(operation, "ok")
		l.duration.WithLabelValues(operation, "failed") // so that an alert sees the first one
	}
	return l
}

// observe observes one operation. A conflict is an answer of the ledger, not a
// failure.
func (l *timedLedger) observe(operation string, start time.Time, err error) {
	outcome := "ok"
	if err != nil && !errors.As(err, new(*ledger.ConflictError)) {
		outcome = "failed"
	}
	l.duration.WithLabelValues(operation, outcome).Observe(time.Since(start).Seconds())
}

// Charge implements activities.Ledger.
func (l *timedLedger) Charge(ctx context.Context, e ledger.Entry) (stored ledger.Entry, inserted bool, err error) {
	defer func(start time.Time) { l.observe("charge", start, err) }(time.Now())
	if err := l.edits.beforeCharge(ctx, l.Ledger, e.Charge.Tariff); err != nil {
		return ledger.Entry{}, false, err
	}
	return l.Ledger.Charge(ctx, e)
}

// Known implements activities.SweepLedger.
func (l *timedLedger) Known(ctx context.Context, app tencent.SDKAppID, callIDs []string) (known map[string]bool, err error) {
	defer func(start time.Time) { l.observe("known", start, err) }(time.Now())
	return l.Ledger.Known(ctx, app, callIDs)
}

// SweptTo implements activities.SweepLedger.
func (l *timedLedger) SweptTo(ctx context.Context, app tencent.SDKAppID) (to time.Time, err error) {
	defer func(start time.Time) { l.observe("swept_to", start, err) }(time.Now())
	return l.Ledger.SweptTo(ctx, app)
}

// SetSweptTo implements activities.SweepLedger.
func (l *timedLedger) SetSweptTo(ctx context.Context, app tencent.SDKAppID, to time.Time, settle time.Duration) (err error) {
	defer func(start time.Time) { l.observe("set_swept_to", start, err) }(time.Now())
	return l.Ledger.SetSweptTo(ctx, app, to, settle)
}

// HoldBack implements activities.SweepLedger.
func (l *timedLedger) HoldBack(ctx context.Context, app tencent.SDKAppID, h ledger.Held) (err error) {
	defer func(start time.Time) { l.observe("hold_back", start, err) }(time.Now())
	return l.Ledger.HoldBack(ctx, app, h)
}
