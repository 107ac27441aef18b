package testenv

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
)

func TestPatientConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		// request is answered after the time.
		request := func(ctx context.Context, answered time.Duration) error {
			return patient(ctx, "", nil, nil, nil, func(ctx context.Context, _ string, _, _ any, _ *grpc.ClientConn, _ ...grpc.CallOption) error {
				select {
				case <-ctx.Done():
					return ctx.Err()
				case <-time.After(answered):
					return nil
				}
			})
		}
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		require.NoError(t, request(ctx, time.Minute))
		require.ErrorIs(t, request(ctx, time.Hour), context.DeadlineExceeded)
		cancelled, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		require.ErrorIs(t, request(cancelled, time.Minute), context.Canceled)
	})
}
