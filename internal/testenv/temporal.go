package testenv

import (
	"context"
	"errors"
	"time"

	"go.temporal.io/sdk/client"
	"google.golang.org/grpc"
)

// PatientConnection lets requests of a Temporal client take longer than the ten
// seconds that the SDK gives them, which a busy machine can need.
func PatientConnection() client.ConnectionOptions {
	return client.ConnectionOptions{DialOptions: []grpc.DialOption{grpc.WithChainUnaryInterceptor(patient)}}
}

// patient replaces the deadline of a request. That it is cancelled still counts.
func patient(ctx context.Context, method string, req, reply any, conn *grpc.ClientConn, invoke grpc.UnaryInvoker, opts ...grpc.CallOption) error {
	longer, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Minute)
	defer cancel()
	stop := context.AfterFunc(ctx, func() {
		if errors.Is(ctx.Err(), context.Canceled) {
			cancel()
		}
	})
	defer stop()
	return invoke(longer, method, req, reply, conn, opts...)
}
