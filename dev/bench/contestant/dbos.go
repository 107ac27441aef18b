package contestant

import (
	"context"
	"log/slog"
	"time"

	"github.com/dbos-inc/dbos-transact-golang/dbos"

	"aftercall/internal/tencent"
)

// stepRetries is how often a failed step is retried. Without retries a DBOS
// workflow ends with the first error.
const stepRetries = 20

const shutdownTimeout = 5 * time.Second

// dbosEngine is DBOS: a durable workflow in this process, whose steps are stored
// in PostgreSQL.
type dbosEngine struct {
	context dbos.Context
	work    *Work
	logger  *slog.Logger
}

func startDBOS(ctx context.Context, s Settings, w *Work, logger *slog.Logger) (Engine, error) {
	c, err := dbos.NewContext(ctx, dbos.Config{AppName: "bench", DatabaseURL: s.EngineURL, Logger: logger})
	if err != nil {
		return nil, err
	}
	e := &dbosEngine{context: c, work: w, logger: logger}
	dbos.RegisterWorkflow(c, e.call)
	return e, dbos.Launch(c)
}

// Accept starts the workflow of the call.
func (e *dbosEngine) Accept(_ context.Context, c Call) error {
	_, err := dbos.RunWorkflow(e.context, e.call, c, dbos.WithWorkflowID(c.ID()))
	return err
}

// Close stops the executor.
func (e *dbosEngine) Close() {
	if err := dbos.Shutdown(e.context, shutdownTimeout); err != nil {
		e.logger.Error("not shut down", "error", err)
	}
}

func (e *dbosEngine) call(ctx dbos.Context, c Call) (string, error) {
	if _, err := dbos.Sleep(ctx, c.Wait()); err != nil {
		return "", err
	}
	record, err := dbos.RunAsStep(ctx, func(ctx context.Context) (tencent.CallRecord, error) {
		return e.work.Fetch(ctx, c)
	}, dbos.WithStepName("fetch"), dbos.WithStepMaxRetries(stepRetries))
	if err != nil {
		return "", err
	}
	event, err := dbos.RunAsStep(ctx, func(ctx context.Context) (Event, error) {
		return e.work.Charge(ctx, c, record)
	}, dbos.WithStepName("charge"), dbos.WithStepMaxRetries(stepRetries))
	if err != nil {
		return "", err
	}
	return dbos.RunAsStep(ctx, func(ctx context.Context) (string, error) {
		return "", e.work.Notify(ctx, c, event)
	}, dbos.WithStepName("notify"), dbos.WithStepMaxRetries(stepRetries))
}
