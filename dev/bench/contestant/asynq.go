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
	// asynqConcurrency is what asynq's documentation starts with.
	asynqConcurrency = 10
	asynqRetention   = time.Hour
	asynqTask        = "call"
)

// tasks is asynq: a scheduled task in Redis whose ID is the call's.
type tasks struct {
	client *asynq.Client
	server *asynq.Server
}

func startAsynq(_ context.Context, s Settings, w *Work, _ *slog.Logger) (Engine, error) {
	redis, err := asynq.ParseRedisURI(s.RedisURL)
	if err != nil {
		return nil, err
	}
	t := &tasks{client: asynq.NewClient(redis), server: asynq.NewServer(redis, asynq.Config{Concurrency: asynqConcurrency})}
	return t, t.server.Start(asynq.HandlerFunc(func(ctx context.Context, task *asynq.Task) error {
		var c Call
		if err := json.Unmarshal(task.Payload(), &c); err != nil {
			return err
		}
		return w.All(ctx, c)
	}))
}

// Accept schedules the task of the call.
func (t *tasks) Accept(ctx context.Context, c Call) error {
	payload, err := json.Marshal(c)
	if err != nil {
		return err
	}
	_, err = t.client.EnqueueContext(ctx, asynq.NewTask(asynqTask, payload),
		asynq.ProcessAt(c.ReadyAt), asynq.TaskID(c.ID()), asynq.Retention(asynqRetention))
	if errors.Is(err, asynq.ErrTaskIDConflict) {
		return nil
	}
	return err
}

// Close stops the server.
func (t *tasks) Close() { t.server.Shutdown() }
