package local

import (
	"context"
	"errors"

	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"
)

// Query asks a workflow. A query waits for the workflow task under way, which on
// a busy machine can take longer than Temporal lets a query wait.
func (s *Stack) Query(ctx context.Context, workflowID, runID, query string) (converter.EncodedValue, error) {
	return untilAnswered(ctx, func() (converter.EncodedValue, error) {
		return s.Temporal.QueryWorkflow(ctx, workflowID, runID, query)
	})
}

// Describe describes the latest run of a workflow.
func Describe(ctx context.Context, c client.Client, workflowID string) (*workflowservice.DescribeWorkflowExecutionResponse, error) {
	return untilAnswered(ctx, func() (*workflowservice.DescribeWorkflowExecutionResponse, error) {
		return c.DescribeWorkflowExecution(ctx, workflowID, "")
	})
}

// untilAnswered asks again when a request has timed out, until ctx ends: the time
// that the SDK gives a request can be too short on a busy machine.
func untilAnswered[T any](ctx context.Context, ask func() (T, error)) (T, error) {
	for {
		answer, err := ask()
		timedOut := errors.Is(err, context.DeadlineExceeded) || errors.As(err, new(*serviceerror.DeadlineExceeded))
		if !timedOut || ctx.Err() != nil {
			return answer, err
		}
	}
}
