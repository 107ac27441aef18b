package service

import (
	"context"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"aftercall/internal/evidence"
	"aftercall/internal/ledger"
)

const (
	// deleteEvery is how often events whose retention is over are deleted.
	deleteEvery = time.Hour
	// deletePause is between two batches, in which others write.
	deletePause = 50 * time.Millisecond
	// deleteTimeout bounds one batch, and openEvidenceTimeout opening the store.
	deleteTimeout       = 10 * time.Second
	openEvidenceTimeout = time.Minute
)

// retention deletes events that are older than they are kept. Several workers may do
// so at once: each deletes what is left.
type retention struct {
	url     string
	keep    time.Duration
	now     func() time.Time
	deleted prometheus.Counter
	failing prometheus.Gauge
	logger  *slog.Logger
	// failed means that the last pass failed.
	failed bool
}

func newRetention(url string, keep time.Duration, now func() time.Time, reg prometheus.Registerer, logger *slog.Logger) *retention {
	factory := promauto.With(reg)
	return &retention{
		url: url, keep: keep, now: now, logger: logger,
		deleted: factory.NewCounter(prometheus.CounterOpts{
			Name: "aftercall_evidence_deleted_total", Help: "Events that say who was in a call, deleted after their retention.",
		}),
		failing: factory.NewGauge(prometheus.GaugeOpts{
			Name: "aftercall_evidence_deletion_failing", Help: "1 if the last attempt to delete events after their retention failed.",
		}),
	}
}

// run deletes periodically until ctx ends.
func (r *retention) run(ctx context.Context) {
	ticker := time.NewTicker(deleteEvery)
	defer ticker.Stop()
	for {
		r.report(ctx, r.pass(ctx))
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// report logs the first failure of several, and their end.
func (r *retention) report(ctx context.Context, err error) {
	switch {
	case ctx.Err() != nil:
		return
	case err != nil && !r.failed:
		r.logger.Error("evidence whose retention is over could not be deleted, and is retried", "error", err)
	case err == nil && r.failed:
		r.logger.Info("evidence whose retention is over is deleted again")
	}
	r.failed = err != nil
	r.failing.Set(0)
	if r.failed {
		r.failing.Set(1)
	}
}

// pass deletes all that is too old, in batches.
func (r *retention) pass(ctx context.Context) (err error) {
	openCtx, cancel := context.WithTimeout(ctx, openEvidenceTimeout)
	defer cancel()
	store, err := evidence.Open(openCtx, r.url, ledger.Options{Logger: r.logger})
	if err != nil {
		return err
	}
	defer store.Close() // whose errors change nothing that was deleted
	cutoff := r.now().Add(-r.keep)
	for {
		batchCtx, cancel := context.WithTimeout(ctx, deleteTimeout)
		n, err := store.DeleteBefore(batchCtx, cutoff)
		cancel()
		if err != nil || n == 0 {
			return err
		}
		r.deleted.Add(float64(n))
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(deletePause):
		}
	}
}
