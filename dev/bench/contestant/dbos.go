package contestant

import (
	"context"
	"log/slog"
	"time"

	"github.com/dbos-inc/dbos-transact-golang/dbos"

	"aftercall/internal/tencent"
)

// stepRetries are for a step that fails; without them a DBOS workflow ends
// with its first error.
const stepRetries = 20

const shutdownTimeout = 5 * time.Second

// durable is DBOS: a durable workflow in this process, whose steps are kept in
// PostgreSQL.
type durable struct {
	context dbos.Context
	work    *Work
	logger  *slog.Logger
}

func startDBOS(ctx context.Context, s Settings, w *Work, logger *slog.Logger) (Engine, error) {
	c, err := dbos.NewContext(ctx, dbos.Config{AppName: "bench", DatabaseURL: s.EngineURL, Logger: logger})
	if err != nil {
		return nil, err
	}
	d := &durable{context: c, work: w, logger: logger}
	dbos.RegisterWorkflow(c, d.call)
	return d, dbos.Launch(c)
}

// Accept starts the workflow of the call.
func (d *durable) Accept(_ context.Context, c Call) error {
	_, err := dbos.RunWorkflow(d.context, d.call, c, dbos.WithWorkflowID(c.ID()))
	return err
}

// Close stops the executor.
func (d *durable) Close() {
	if err := dbos.Shutdown(d.context, shutdownTimeout); err != nil {
		d.logger.Error("not shut down", "error", err)
	}
}

func (d *durable) call(ctx dbos.Context, c Call) (string, error) {
	if _, err := dbos.Sleep(ctx, c.Wait()); err != nil {
		return "", err
	}
	record, err := dbos.RunAsStep(ctx, func(ctx context.Context) (tencent.CallRecord, error) {
		return d.work.Fetch(ctx, c)
	}, dbos.WithStepName("fetch"), dbos.WithStepMaxRetries(stepRetries))
	if err != nil {
		return "", err
	}
	event, err := dbos.RunAsStep(ctx, func(ctx context.Context) (Event, error) {
		return d.work.Charge(ctx, c, record)
	}, dbos.WithStepName("charge"), dbos.WithStepMaxRetries(stepRetries))
	if err != nil {
		return "", err
	}
	return dbos.RunAsStep(ctx, func(ctx context.Context) (string, error) {
		return "", d.work.Notify(ctx, c, event)
	}, dbos.WithStepName("notify"), dbos.WithStepMaxRetries(stepRetries))
}
