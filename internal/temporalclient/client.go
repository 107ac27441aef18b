// Package engine is how both processes reach Temporal: connection settings
// from the environment, encryption, logging, metrics, and the search attributes
// that must exist before a workflow can start. With internal/codec it is the
// internal package that knows Temporal.
package temporalclient

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/contrib/envconfig"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/interceptor"
	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/temporal"

	"aftercall/internal/codec"
	"aftercall/internal/keyring"
)

// Environment are variables as name and value.
type Environment map[string]string

// LookupEnv implements envconfig.EnvLookup.
func (e Environment) LookupEnv(key string) (string, bool) {
	v, ok := e[key]
	return v, ok
}

// Environ implements envconfig.EnvLookup.
func (e Environment) Environ() []string {
	all := make([]string, 0, len(e))
	for k, v := range e {
		all = append(all, k+"="+v)
	}
	return all
}

// NewClient returns a client that connects when it is first used, so that a
// process can come up before Temporal does. Address, namespace, TLS and API
// key come from the TEMPORAL_* variables and profiles that the temporal CLI
// knows too. With AFTERCALL_PAYLOAD_KEYS it encrypts what Temporal stores. The
// namespace in use is returned with it. Interceptors that are for workers too
// go to every worker of the client.
func NewClient(env Environment, metrics client.MetricsHandler, logger *slog.Logger, interceptors ...interceptor.ClientInterceptor) (client.Client, string, error) {
	options, err := envconfig.LoadClientOptions(envconfig.LoadClientOptionsRequest{EnvLookup: env})
	if err != nil {
		return nil, "", fmt.Errorf("TEMPORAL_* settings: %w", err)
	}
	if options.Namespace == "" {
		options.Namespace = client.DefaultNamespace
	}
	if options.DataConverter, options.FailureConverter, err = Converters(env); err != nil {
		return nil, "", err
	}
	options.Logger = log.NewStructuredLogger(logger)
	options.MetricsHandler = metrics
	options.Interceptors = interceptors
	// A call's messages are small: packing them costs both ends more than sending them.
	options.ConnectionOptions.GrpcCompression = &client.GrpcCompressionNone{}
	c, err := client.NewLazyClient(options)
	if err != nil {
		return nil, "", fmt.Errorf("TEMPORAL_* settings: %w", err)
	}
	return c, options.Namespace, nil
}

// Converters are those of NewClient's client, for what it hands out undecoded.
func Converters(env Environment) (converter.DataConverter, converter.FailureConverter, error) {
	keys, err := keyring.Parse(env[codec.Variable])
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", codec.Variable, err)
	}
	data := codec.NewDataConverter(keys)
	return data, codec.NewFailureConverter(keys, data), nil
}

// Ping asks the frontend for the namespace, which needs the server and its
// database to be up. An error says what is missing.
func Ping(ctx context.Context, c client.Client, namespace string) error {
	_, err := c.WorkflowService().DescribeNamespace(ctx, &workflowservice.DescribeNamespaceRequest{Namespace: namespace})
	if err != nil {
		return fmt.Errorf("namespace %s: %w", namespace, err)
	}
	return nil
}

// Retention is how long the namespace keeps closed workflows, and with them
// their IDs.
func Retention(ctx context.Context, c client.Client, namespace string) (time.Duration, error) {
	found, err := c.WorkflowService().DescribeNamespace(ctx, &workflowservice.DescribeNamespaceRequest{Namespace: namespace})
	if err != nil {
		return 0, fmt.Errorf("namespace %s: %w", namespace, err)
	}
	return found.GetConfig().GetWorkflowExecutionRetentionTtl().AsDuration(), nil
}

const (
	pingTimeout = 2 * time.Second
	firstPause  = 200 * time.Millisecond
	maxPause    = 5 * time.Second
)

// Prepare waits until Temporal answers and the search attributes are usable,
// and registers those that are missing. It gives up only when ctx ends, and
// then returns false. An outage is logged once, and its end.
func Prepare(ctx context.Context, c client.Client, namespace string, logger *slog.Logger, attributes []temporal.SearchAttributeKeyKeyword) bool {
	logged := false
	for pause := firstPause; ; pause = min(2*pause, maxPause) {
		err := prepareOnce(ctx, c, namespace, logger, attributes)
		if err == nil {
			if logged {
				logger.Info("Temporal is ready")
			}
			return true
		}
		if !logged && ctx.Err() == nil {
			logger.Warn("Temporal is not ready, trying until it is", "error", err)
			logged = true
		}
		select {
		case <-ctx.Done():
			return false
		case <-time.After(pause):
		}
	}
}

func prepareOnce(ctx context.Context, c client.Client, namespace string, logger *slog.Logger, attributes []temporal.SearchAttributeKeyKeyword) error {
	ctx, cancel := context.WithTimeout(ctx, pingTimeout)
	defer cancel()
	if err := Ping(ctx, c, namespace); err != nil {
		return err
	}
	return ensureAttributes(ctx, c, namespace, logger, attributes)
}
