// Package temporalclient connects to Temporal: settings from the environment,
// encryption, logging, metrics, and the search attributes that must exist before
// a workflow can start.
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

// Environment are environment variables by name.
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

// NewClient returns a client and its namespace. It connects at the first use, so
// that a process can start before Temporal does. Address, namespace, TLS and API
// key come from the TEMPORAL_* variables and profiles of the temporal CLI. With
// AFTERCALL_PAYLOAD_KEYS the client encrypts what Temporal stores. Interceptors
// that also implement the worker's interface apply to every worker of the client.
// A connection over which nothing comes any more is replaced within some seconds.
func NewClient(env Environment, metrics client.MetricsHandler, logger *slog.Logger, interceptors ...interceptor.ClientInterceptor) (client.Client, string, error) {
	return newClient(env, metrics, logger, usualWatch, interceptors)
}

func newClient(env Environment, metrics client.MetricsHandler, logger *slog.Logger, watch watchTimes, interceptors []interceptor.ClientInterceptor) (client.Client, string, error) {
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
	if env[codec.Variable] != "" {
		logger = slog.New(messageHider{logger.Handler()})
	}
	options.Logger = log.NewStructuredLogger(logger)
	options.MetricsHandler = metrics
	options.Interceptors = interceptors
	// The messages are small: compressing them costs both ends more than sending them.
	options.ConnectionOptions.GrpcCompression = &client.GrpcCompressionNone{}
	connections := newConnections(watch, logger)
	connections.apply(&options)
	c, err := client.NewLazyClient(options)
	if err != nil {
		return nil, "", fmt.Errorf("TEMPORAL_* settings: %w", err)
	}
	connections.probe = func(ctx context.Context) error {
		_, err := c.CheckHealth(ctx, &client.CheckHealthRequest{})
		return err
	}
	return c, options.Namespace, nil
}

// Converters are those of NewClient's client, for payloads that it returns undecoded.
func Converters(env Environment) (converter.DataConverter, converter.FailureConverter, error) {
	keys, err := keyring.Parse(env[codec.Variable])
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", codec.Variable, err)
	}
	data := codec.NewDataConverter(keys)
	return data, codec.NewFailureConverter(keys, data), nil
}

// Ping reads the namespace, which requires the server and its database.
func Ping(ctx context.Context, c client.Client, namespace string) error {
	_, err := c.WorkflowService().DescribeNamespace(ctx, &workflowservice.DescribeNamespaceRequest{Namespace: namespace})
	if err != nil {
		return fmt.Errorf("namespace %s: %w", namespace, err)
	}
	return nil
}

// Retention is how long the namespace keeps closed workflows and their IDs.
func Retention(ctx context.Context, c client.Client, namespace string) (time.Duration, error) {
	found, err := c.WorkflowService().DescribeNamespace(ctx, &workflowservice.DescribeNamespaceRequest{Namespace: namespace})
	if err != nil {
		return 0, fmt.Errorf("namespace %s: %w", namespace, err)
	}
	return found.GetConfig().GetWorkflowExecutionRetentionTtl().AsDuration(), nil
}

const (
	pingTimeout   = 2 * time.Second
	minRetryDelay = 200 * time.Millisecond
	maxRetryDelay = 5 * time.Second
)

// Prepare waits until Temporal answers and the search attributes are
// registered; it registers those that are missing. It returns false if ctx ends
// before that. An outage is logged once, and its end.
func Prepare(ctx context.Context, c client.Client, namespace string, logger *slog.Logger, attributes []temporal.SearchAttributeKeyKeyword) bool {
	logged := false
	for delay := minRetryDelay; ; delay = min(2*delay, maxRetryDelay) {
		err := prepareOnce(ctx, c, namespace, logger, attributes)
		if err == nil {
			if logged {
				logger.Info("Temporal is ready")
			}
			return true
		}
		if !logged && ctx.Err() == nil {
			logger.Warn("Temporal is not ready and is retried until it is", "error", err)
			logged = true
		}
		select {
		case <-ctx.Done():
			return false
		case <-time.After(delay):
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
