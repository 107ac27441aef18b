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

// riverWorkers is what River's documentation starts with.
const riverWorkers = 100

// jobs is River: a scheduled job in PostgreSQL that is unique by its call.
type jobs struct {
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
	return w.work.All(ctx, job.Args.Call)
}

func startRiver(ctx context.Context, s Settings, w *Work, logger *slog.Logger) (Engine, error) {
	pool, err := pgxpool.New(ctx, s.EngineURL)
	if err != nil {
		return nil, err
	}
	j := &jobs{pool: pool, logger: logger}
	if err := j.start(ctx, w); err != nil {
		pool.Close()
		return nil, err
	}
	return j, nil
}

func (j *jobs) start(ctx context.Context, w *Work) error {
	driver := riverpgxv5.New(j.pool)
	migrator, err := rivermigrate.New(driver, nil)
	if err != nil {
		return err
	}
	if _, err := migrator.Migrate(ctx, rivermigrate.DirectionUp, nil); err != nil {
		return err
	}
	workers := river.NewWorkers()
	river.AddWorker(workers, &callWorker{work: w})
	j.client, err = river.NewClient(driver, &river.Config{
		Queues: map[string]river.QueueConfig{river.QueueDefault: {MaxWorkers: riverWorkers}}, Workers: workers, Logger: j.logger,
	})
	if err != nil {
		return err
	}
	return j.client.Start(ctx)
}

// Accept schedules the job of the call.
func (j *jobs) Accept(ctx context.Context, c Call) error {
	_, err := j.client.Insert(ctx, callJob{ID: c.ID(), Call: c}, &river.InsertOpts{
		ScheduledAt: c.ReadyAt, UniqueOpts: river.UniqueOpts{ByArgs: true},
	})
	return err
}

// Close stops the workers.
func (j *jobs) Close() {
	if err := j.client.Stop(context.Background()); err != nil {
		j.logger.Error("not stopped", "error", err)
	}
	j.pool.Close()
}
