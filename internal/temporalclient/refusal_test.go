package temporalclient

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/converter"
)

func TestRefused(t *testing.T) {
	for _, err := range []error{
		serviceerror.NewInvalidArgument("WorkflowId length exceeds limit."),
		fmt.Errorf("start workflow: %w", serviceerror.NewInvalidArgument("Blob data size exceeds limit.")),
		serviceerror.NewResourceExhausted(enumspb.RESOURCE_EXHAUSTED_CAUSE_UNSPECIFIED, "grpc: received message larger than max (5000000 vs. 4194304)"),
		serviceerror.NewInternal(`header key "temporal-resource-id" contains value with non-printable ASCII characters`),
		serviceerror.NewInternal("grpc: error while marshaling: string field contains invalid UTF-8"),
		fmt.Errorf("%w: time", converter.ErrUnableToEncode),
	} {
		require.True(t, Refused(err), err)
	}
	for _, err := range []error{
		nil, context.DeadlineExceeded, errors.New("connection refused"),
		serviceerror.NewUnavailable("connection refused"), serviceerror.NewInternal("internal"),
		serviceerror.NewResourceExhausted(enumspb.RESOURCE_EXHAUSTED_CAUSE_RPS_LIMIT, "namespace rate limit exceeded"),
		serviceerror.NewNamespaceNotFound("x"), serviceerror.NewPermissionDenied("no", ""),
		serviceerror.NewInvalidArgument("Namespace default has no mapping defined for search attribute CallApp"),
	} {
		require.False(t, Refused(err), err)
	}
}
