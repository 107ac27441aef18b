package local

import (
	"context"
	"errors"

	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/converter"
)

// Query asks a workflow. A query waits for the workflow task under way, which on
// a busy machine can take longer than Temporal lets a query wait, so it is asked
// again until ctx ends.
func (s *Stack) Query(ctx context.Context, workflowID, runID, query string) (converter.EncodedValue, error) {
	for {
		value, err := s.Temporal.QueryWorkflow(ctx, workflowID, runID, query)
		timedOut := errors.Is(err, context.DeadlineExceeded) || errors.As(err, new(*serviceerror.DeadlineExceeded))
		if !timedOut || ctx.Err() != nil {
			return value, err
		}
	}
}
