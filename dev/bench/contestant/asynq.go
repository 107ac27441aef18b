package contestant

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"time"

	"github.com/hibiken/asynq"
)

const (
	// asynqConcurrency is the value in asynq's getting-started guide.
	asynqConcurrency = 10
	asynqRetention   = time.Hour
	asynqTask        = "call"
)

// asynqEngine is asynq: a scheduled task in Redis with the ID of the call.
type asynqEngine struct {
	client *asynq.Client
	server *asynq.Server
}

func startAsynq(_ context.Context, s Settings, w *Work, _ *slog.Logger) (Engine, error) {
	redis, err := asynq.ParseRedisURI(s.RedisURL)
	if err != nil {
		return nil, err
	}
	e := &asynqEngine{client: asynq.NewClient(redis), server: asynq.NewServer(redis, asynq.Config{Concurrency: asynqConcurrency})}
	return e, e.server.Start(asynq.HandlerFunc(func(ctx context.Context, task *asynq.Task) error {
		var c Call
		if err := json.Unmarshal(task.Payload(), &c); err != nil {
			return err
		}
		return w.Process(ctx, c)
	}))
}

// Accept schedules the task of the call.
func (e *asynqEngine) Accept(ctx context.Context, c Call) error {
	payload, err := json.Marshal(c)
	if err != nil {
		return err
	}
	_, err = e.client.EnqueueContext(ctx, asynq.NewTask(asynqTask, payload),
		asynq.ProcessAt(c.ReadyAt), asynq.TaskID(c.ID()), asynq.Retention(asynqRetention))
	if errors.Is(err, asynq.ErrTaskIDConflict) {
		return nil
	}
	return err
}

// Close stops the server.
func (e *asynqEngine) Close() { e.server.Shutdown() }
