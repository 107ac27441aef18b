package temporalclient

import (
	"context"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"
)

// LiveFor is how long ago a worker that runs has polled its task queue, at most: a
// poll lasts a minute, and the next one follows.
const LiveFor = 2 * time.Minute

// Workers returns how many workers have polled a task queue for workflow tasks
// within liveFor before now, which is the time by Temporal's clock. Temporal remembers a worker that has ended for five minutes.
func Workers(ctx context.Context, c client.Client, taskQueue string, liveFor time.Duration, now time.Time) (int, error) {
	queue, err := c.DescribeTaskQueue(ctx, taskQueue, enumspb.TASK_QUEUE_TYPE_WORKFLOW)
	if err != nil {
		return 0, err
	}
	workers := map[string]bool{}
	for _, poller := range queue.GetPollers() {
		if now.Sub(poller.GetLastAccessTime().AsTime()) < liveFor {
			workers[poller.GetIdentity()] = true
		}
	}
	return len(workers), nil
}
