package contestant

import (
	"context"
	"log/slog"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivermigrate"
)

// riverWorkers is the value in River's getting-started guide.
const riverWorkers = 100

// riverEngine is River: a scheduled job in PostgreSQL, unique by its call.
type riverEngine struct {
	pool   *pgxpool.Pool
	client *river.Client[pgx.Tx]
	logger *slog.Logger
}

type callJob struct {
	ID   string `json:"id" river:"unique"`
	Call Call   `json:"call"`
}

// Kind implements river.JobArgs.
func (callJob) Kind() string { return "call" }

type callWorker struct {
	river.WorkerDefaults[callJob]
	work *Work
}

// Work implements river.Worker.
func (w *callWorker) Work(ctx context.Context, job *river.Job[callJob]) error {
	return w.work.Process(ctx, job.Args.Call)
}

func startRiver(ctx context.Context, s Settings, w *Work, logger *slog.Logger) (Engine, error) {
	pool, err := pgxpool.New(ctx, s.EngineURL)
	if err != nil {
		return nil, err
	}
	e := &riverEngine{pool: pool, logger: logger}
	if err := e.start(ctx, w); err != nil {
		pool.Close()
		return nil, err
	}
	return e, nil
}

func (e *riverEngine) start(ctx context.Context, w *Work) error {
	driver := riverpgxv5.New(e.pool)
	migrator, err := rivermigrate.New(driver, nil)
	if err != nil {
		return err
	}
	if _, err := migrator.Migrate(ctx, rivermigrate.DirectionUp, nil); err != nil {
		return err
	}
	workers := river.NewWorkers()
	river.AddWorker(workers, &callWorker{work: w})
	e.client, err = river.NewClient(driver, &river.Config{
		Queues: map[string]river.QueueConfig{river.QueueDefault: {MaxWorkers: riverWorkers}}, Workers: workers, Logger: e.logger,
	})
	if err != nil {
		return err
	}
	return e.client.Start(ctx)
}

// Accept schedules the job of the call.
func (e *riverEngine) Accept(ctx context.Context, c Call) error {
	_, err := e.client.Insert(ctx, callJob{ID: c.ID(), Call: c}, &river.InsertOpts{
		ScheduledAt: c.ReadyAt, UniqueOpts: river.UniqueOpts{ByArgs: true},
	})
	return err
}

// Close stops the workers.
func (e *riverEngine) Close() {
	if err := e.client.Stop(context.Background()); err != nil {
		e.logger.Error("not stopped", "error", err)
	}
	e.pool.Close()
}
