package activities

import (
	"context"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

// sweepMetrics are the metrics of all sweeps.
type sweepMetrics struct {
	calls     *prometheus.CounterVec
	swept     *prometheus.GaugeVec
	lagLimit  *prometheus.GaugeVec
	held      *prometheus.GaugeVec
	unlisted  *prometheus.CounterVec
	corrected *prometheus.CounterVec
}

// sweepOutcomes are the values of the label outcome.
var sweepOutcomes = []string{"known", "recovered", "backfilled", "recharged", "held_back", "conflict", "failed", "before_go_live"}

func newSweepMetrics(reg prometheus.Registerer) *sweepMetrics {
	factory := promauto.With(reg)
	app := []string{"app"}
	return &sweepMetrics{
		calls: factory.NewCounterVec(prometheus.CounterOpts{
			Name: "aftercall_sweep_calls_total",
			Help: "Calls listed by sweeps and backfills, by app and outcome: known, recovered (by a sweep: their callback was lost), backfilled, recharged (their workflow had ended, but the ledger had no entry), held_back, conflict, failed, before_go_live.",
		}, []string{"app", "outcome"}),
		swept: factory.NewGaugeVec(prometheus.GaugeOpts{
			Name: "aftercall_swept_to_timestamp_seconds",
			Help: "Time up to which the sweep has listed all calls of an app, in Unix seconds; until the first window was listed, when the worker started.",
		}, app),
		lagLimit: factory.NewGaugeVec(prometheus.GaugeOpts{
			Name: "aftercall_sweep_lag_limit_seconds",
			Help: "How far aftercall_swept_to_timestamp_seconds may be behind before the sweep of an app counts as behind, by its period and settle delay.",
		}, app),
		held: factory.NewGaugeVec(prometheus.GaugeOpts{
			Name: "aftercall_sweep_held_back",
			Help: "Calls, rows and seconds of Tencent's list that the sweeps of an app could not handle and try again, as stored in the ledger.",
		}, app),
		unlisted: factory.NewCounterVec(prometheus.CounterOpts{
			Name: "aftercall_sweep_unlisted_records_total",
			Help: "Records that Tencent counted in a window and did not list, however often it was asked. Each listing of the window counts them again.",
		}, app),
		corrected: factory.NewCounterVec(prometheus.CounterOpts{
			Name: "aftercall_sweep_progress_corrected_total",
			Help: "How often the progress of an app's sweep was in the future and was discarded.",
		}, app),
	}
}

// initApp exports the metrics of an app from the start, so that an alert sees
// the first increase, and a sweep that never gets anywhere.
func (m *sweepMetrics) initApp(app SweepApp) {
	for _, outcome := range sweepOutcomes {
		m.calls.WithLabelValues(app.Name, outcome)
	}
	m.unlisted.WithLabelValues(app.Name)
	m.corrected.WithLabelValues(app.Name)
	m.held.WithLabelValues(app.Name)
	if app.Every > 0 {
		m.swept.WithLabelValues(app.Name).Set(float64(time.Now().Unix()))
		m.lagLimit.WithLabelValues(app.Name).Set(app.Settings.LagLimit(app.Every).Seconds())
	}
}

// exportInterval is how often ExportProgress reads the ledger.
const exportInterval = time.Minute

// ExportProgress exports until ctx ends what the ledger knows of the sweeps, so
// that every worker has the same, also one that has not swept itself.
func (s *Sweeps) ExportProgress(ctx context.Context, logger *slog.Logger) {
	ticker := time.NewTicker(exportInterval)
	defer ticker.Stop()
	failed := false
	for {
		err := s.exportProgress(ctx)
		if err != nil && !failed && ctx.Err() == nil {
			logger.WarnContext(ctx, "the progress of the sweeps cannot be exported", "error", err)
		}
		failed = err != nil
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

func (s *Sweeps) exportProgress(ctx context.Context) error {
	for _, app := range s.apps {
		// Long before the first sweep, so that it misses no call from here on.
		if _, err := s.ledger.EnsureFirstStart(ctx, app.ID); err != nil {
			return err
		}
		if err := s.exportApp(ctx, app); err != nil {
			return err
		}
	}
	return nil
}

func (s *Sweeps) exportApp(ctx context.Context, app SweepApp) error {
	held, err := s.ledger.CountHeldBack(ctx, app.ID)
	if err != nil {
		return err
	}
	s.metrics.held.WithLabelValues(app.Name).Set(float64(held))
	if app.Every == 0 {
		return nil
	}
	sweptTo, err := s.ledger.SweptTo(ctx, app.ID)
	if err != nil {
		return err
	}
	if sweptTo.IsZero() {
		if s.baselines[app.ID] {
			return nil
		}
		// Until now it was the start by the clock of this process.
		if sweptTo, err = s.ledger.Now(ctx); err != nil {
			return err
		}
	}
	s.baselines[app.ID] = true
	s.metrics.swept.WithLabelValues(app.Name).Set(float64(sweptTo.Unix()))
	return nil
}
