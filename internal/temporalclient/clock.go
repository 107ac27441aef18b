package temporalclient

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/google/uuid"
	enumspb "go.temporal.io/api/enums/v1"
	taskqueuepb "go.temporal.io/api/taskqueue/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
)

const (
	// clockQueue is a task queue on which there is never a task.
	clockQueue = "aftercall-clock"
	// clockLook is between two looks whether Temporal has noted a poll.
	clockLook = 20 * time.Millisecond
	// clockTimeout bounds the poll: Temporal asks for that, and for two seconds at least.
	clockTimeout = 5 * time.Second
)

// Now is the time by Temporal's clock at some moment during the call. No request
// returns it, but Temporal notes when someone polls a task queue: so this polls one
// that is always empty, and reads the note. It costs no event and no action.
func Now(ctx context.Context, c client.Client, namespace string) (time.Time, error) {
	identity, queue := uuid.NewString(), &taskqueuepb.TaskQueue{Name: clockQueue}
	ctx, cancel := context.WithTimeout(ctx, clockTimeout)
	defer cancel()
	polling, stop := context.WithCancel(ctx)
	var poll sync.WaitGroup
	defer poll.Wait()
	defer stop()
	ended := make(chan error, 1)
	poll.Go(func() {
		_, err := c.WorkflowService().PollActivityTaskQueue(polling, &workflowservice.PollActivityTaskQueueRequest{
			Namespace: namespace, TaskQueue: queue, Identity: identity,
		})
		ended <- err
	})
	for {
		described, err := c.WorkflowService().DescribeTaskQueue(ctx, &workflowservice.DescribeTaskQueueRequest{
			Namespace: namespace, TaskQueue: queue, TaskQueueType: enumspb.TASK_QUEUE_TYPE_ACTIVITY,
		})
		if err != nil {
			return time.Time{}, fmt.Errorf("read Temporal's clock: %w", err)
		}
		for _, poller := range described.GetPollers() {
			if poller.GetIdentity() == identity {
				return poller.GetLastAccessTime().AsTime(), nil
			}
		}
		select {
		case err := <-ended:
			if err == nil {
				err = errors.New("it ended before Temporal had noted it")
			}
			return time.Time{}, fmt.Errorf("read Temporal's clock: poll the task queue %s: %w", clockQueue, err)
		case <-ctx.Done():
			return time.Time{}, fmt.Errorf("read Temporal's clock: %w", ctx.Err())
		case <-time.After(clockLook):
		}
	}
}
