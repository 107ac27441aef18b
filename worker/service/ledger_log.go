package service

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"aftercall/activities"
	"aftercall/internal/config"
	"aftercall/internal/ledger"
	"aftercall/internal/ledgerlog"
	"aftercall/internal/notify"
	"aftercall/workflows"
	"aftercall/workflows/launch"
)

const (
	// integrateEvery is how often booked entries are taken into the log.
	integrateEvery = 5 * time.Second
	// batchTimeout and checkpointTimeout are far more than a batch and a checkpoint
	// take.
	batchTimeout      = time.Minute
	checkpointTimeout = 15 * time.Second
)

// ledgerLog takes entries into the ledger's log, and makes and sends its
// checkpoints.
type ledgerLog struct {
	ledger     *ledger.Ledger
	integrator *ledger.Integrator
	calls      launch.Calls
	key        ledgerlog.Key
	every      time.Duration
	// subscribed means that a target wants checkpoints.
	subscribed bool
	metrics    logMetrics
	logger     *slog.Logger
	// failing means that the last pass failed.
	failing bool
	// sent is the text of the last checkpoint that targets were notified of.
	sent string
}

type logMetrics struct {
	entries, lag, failing           prometheus.Gauge
	checkpointEntries, checkpointAt prometheus.Gauge
	checkpoint                      *prometheus.GaugeVec
}

func newLogMetrics(reg prometheus.Registerer) logMetrics {
	gauge := func(name, help string) prometheus.Gauge {
		return promauto.With(reg).NewGauge(prometheus.GaugeOpts{Name: name, Help: help})
	}
	return logMetrics{
		entries:           gauge("aftercall_ledger_log_entries", "Entries in the ledger's log, as this worker last saw it."),
		lag:               gauge("aftercall_ledger_log_lag_seconds", "Age of the oldest entry that is not in the ledger's log, 0 if all are."),
		failing:           gauge("aftercall_ledger_log_failing", "1 if the last attempt to take entries into the ledger's log, or to make or send a checkpoint, failed."),
		checkpointEntries: gauge("aftercall_ledger_checkpoint_entries", "Entries in the last checkpoint of the ledger."),
		checkpointAt:      gauge("aftercall_ledger_checkpoint_timestamp_seconds", "When the last checkpoint of the ledger was made, in Unix seconds."),
		checkpoint: promauto.With(reg).NewGaugeVec(prometheus.GaugeOpts{
			Name: "aftercall_ledger_checkpoint_info", Help: "1 for the last checkpoint of the ledger, by origin and root hash.",
		}, []string{"origin", "root"}),
	}
}

// newLedgerLog returns one that has no ledger yet.
func newLedgerLog(settings config.WorkerSettings, cfg *config.Config, calls launch.Calls, reg prometheus.Registerer, logger *slog.Logger) *ledgerLog {
	return &ledgerLog{
		calls: calls, key: settings.LedgerKey, every: settings.CheckpointEvery,
		subscribed: slices.ContainsFunc(cfg.Targets, func(t config.Target) bool {
			return slices.Contains(t.Events, notify.EventLedgerCheckpoint)
		}),
		metrics: newLogMetrics(reg), logger: logger,
	}
}

// run keeps the log until ctx ends.
func (l *ledgerLog) run(ctx context.Context, opened *ledger.Ledger) {
	l.ledger, l.integrator = opened, opened.NewIntegrator()
	ticker := time.NewTicker(integrateEvery)
	defer ticker.Stop()
	for {
		l.report(ctx, l.pass(ctx))
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// report logs the first failure of several, and their end.
func (l *ledgerLog) report(ctx context.Context, err error) {
	switch {
	case ctx.Err() != nil:
		return
	case err != nil && !l.failing:
		l.logger.Error("the ledger's log could not be kept, and is retried", "error", err)
	case err == nil && l.failing:
		l.logger.Info("the ledger's log is kept again")
	}
	l.failing = err != nil
	l.metrics.failing.Set(0)
	if l.failing {
		l.metrics.failing.Set(1)
	}
}

// pass takes in what was booked, and makes a checkpoint if it is time.
func (l *ledgerLog) pass(ctx context.Context) error {
	for more := true; more; {
		var err error
		if more, err = l.integrate(ctx); err != nil {
			return err
		}
	}
	ctx, cancel := context.WithTimeout(ctx, checkpointTimeout)
	defer cancel()
	now, err := l.ledger.Now(ctx)
	if err != nil {
		return err
	}
	state, err := l.ledger.LogState(ctx)
	if err != nil {
		return err
	}
	l.metrics.entries.Set(float64(state.Size))
	l.metrics.lag.Set(0)
	if state.Waiting > 0 {
		l.metrics.lag.Set(max(now.Sub(state.WaitingSince), 0).Seconds())
	}
	return l.checkpoint(ctx, now, state.Size)
}

func (l *ledgerLog) integrate(ctx context.Context) (more bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, batchTimeout)
	defer cancel()
	return l.integrator.Integrate(ctx)
}

// checkpoint makes a checkpoint if the last one is old, and sends the last one
// unless this process has done so. A worker that was killed in between sends it
// when it starts again; Temporal keeps it from being sent twice.
func (l *ledgerLog) checkpoint(ctx context.Context, now time.Time, size uint64) error {
	last, err := l.ledger.LastCheckpoint(ctx)
	if err != nil && !errors.Is(err, ledger.ErrNoCheckpoint) {
		return err
	}
	if now.Sub(last.Time) >= l.every && size > 0 {
		if last, err = l.ledger.MakeCheckpoint(ctx, l.key); err != nil {
			return err
		}
		l.logger.Info("checkpoint of the ledger", "origin", last.Origin, "entries", last.Size, "root", last.Root, "time", last.Time, "checkpoint", last.Text)
	}
	if last.Text == "" || last.Text == l.sent {
		return nil
	}
	l.metrics.checkpointEntries.Set(float64(last.Size))
	l.metrics.checkpointAt.Set(float64(last.Time.UnixMilli()) / 1000)
	l.metrics.checkpoint.Reset()
	l.metrics.checkpoint.WithLabelValues(last.Origin, last.Root.String()).Set(1)
	if !l.subscribed {
		l.sent = last.Text
		return nil
	}
	event, id := activities.CheckpointEvent(last)
	if _, err := l.calls.StartDeliver(ctx, "", workflows.DeliverParams{Event: event, MessageID: id}); err != nil {
		return err
	}
	l.sent = last.Text
	return nil
}
