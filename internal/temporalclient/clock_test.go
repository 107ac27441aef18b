package temporalclient

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"google.golang.org/grpc"
)

// slow is a Temporal that does not note who polls.
type slow struct{ client.Client }

func (slow) WorkflowService() workflowservice.WorkflowServiceClient { return slowService{} }

type slowService struct {
	workflowservice.WorkflowServiceClient
}

func (slowService) PollActivityTaskQueue(context.Context, *workflowservice.PollActivityTaskQueueRequest, ...grpc.CallOption) (*workflowservice.PollActivityTaskQueueResponse, error) {
	return &workflowservice.PollActivityTaskQueueResponse{}, nil
}

func (slowService) DescribeTaskQueue(context.Context, *workflowservice.DescribeTaskQueueRequest, ...grpc.CallOption) (*workflowservice.DescribeTaskQueueResponse, error) {
	return &workflowservice.DescribeTaskQueueResponse{}, nil
}

// TestClockOfASlowTemporal: a poll that ends is no error by itself.
func TestClockOfASlowTemporal(t *testing.T) {
	_, err := Now(t.Context(), slow{}, "default")
	require.EqualError(t, err, "read Temporal's clock: poll the task queue aftercall-clock: it ended before Temporal had noted it")
}
