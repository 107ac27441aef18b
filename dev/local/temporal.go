package local

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strconv"
	"time"

	"go.temporal.io/api/namespace/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"google.golang.org/protobuf/types/known/durationpb"

	"aftercall/internal/dedupe"
	"aftercall/internal/temporalclient"
	"aftercall/internal/testenv/programs"
	"aftercall/workflows"
)

// Retention is how long the namespace keeps closed workflows: longer than Redis
// remembers a call, whatever the dedupe_window, so that the workflow ID still rejects
// duplicates then; and longer than Tencent lists its record.
const Retention = dedupe.MaxWindow + 2*24*time.Hour

// ServerArguments returns the arguments of the development server besides ports
// and file: SQLite with a write-ahead log, and limits above any test load.
func ServerArguments() []string {
	args := []string{
		"--sqlite-pragma", "journal_mode=WAL",
		"--sqlite-pragma", "synchronous=NORMAL",
		// A call writes to a page of each index of the list of workflows, and the
		// next call mostly to the same pages. Copying them into the file every
		// 32 MiB instead of every 4 MiB writes each page less often.
		"--sqlite-pragma", "wal_autocheckpoint=8000",
		// The stack drops indexes while the server runs: it waits for that.
		"--sqlite-pragma", "busy_timeout=10000",
	}
	for _, setting := range []string{
		"matching.rps=100000", "frontend.rps=100000", "frontend.namespaceRPS=100000", "history.rps=100000",
		"history.timerProcessorMaxPollRPS=1000", "history.transferProcessorMaxPollRPS=1000",
		"matching.numTaskqueueReadPartitions=1", "matching.numTaskqueueWritePartitions=1",
		"system.forceSearchAttributesCacheRefreshOnRead=false",
	} {
		args = append(args, "--dynamic-config-value", setting)
	}
	for _, a := range workflows.SearchAttributes {
		args = append(args, "--search-attribute", a.GetName()+"=Keyword")
	}
	return args
}

// ServerEnviron returns the environment variables of the development server besides
// those of this process, as NAME=value. Go collects its garbage when the heap is five
// times what is in use instead of twice, below a gibibyte, which saves processor time.
func ServerEnviron() []string {
	return []string{"GOGC=" + cmp.Or(os.Getenv("GOGC"), "400"), "GOMEMLIMIT=" + cmp.Or(os.Getenv("GOMEMLIMIT"), "1GiB")}
}

// Server describes a development server to start.
type Server struct {
	// Path is the temporal CLI, Address the host:port of the frontend.
	Path, Address string
	UIPort        string
	Database      string
	Arguments     []string
}

// startDevServer starts the development server on its database file.
func (s *Stack) startDevServer(ctx context.Context) error {
	server := Server{
		Path: s.options.Temporal, Address: s.ports.TemporalAddress(), UIPort: s.ports.TemporalUIPort(),
		Database: s.serverFile(), Arguments: ServerArguments(),
	}
	s.noteServerFile()
	if endpoint := s.CodecURL(); endpoint != "" {
		server.Arguments = append(server.Arguments, "--ui-codec-endpoint", endpoint)
	}
	if s.options.StartServer == nil {
		return s.spawn("temporal", programs.Server{Path: server.Path, Environ: ServerEnviron(), Args: append([]string{
			"server", "start-dev", "--ip", host, "--port", strconv.Itoa(s.ports.Temporal), "--ui-port", server.UIPort,
			"--db-filename", server.Database, "--log-level", "warn",
		}, server.Arguments...)})
	}
	stop, err := s.options.StartServer(ctx, server)
	if err != nil {
		return fmt.Errorf("start the Temporal server: %w", err)
	}
	s.onStop("temporal", func(context.Context) error { return stop() })
	return nil
}

// StartTemporal starts the server and waits until it can be used.
func (s *Stack) StartTemporal(ctx context.Context) error {
	for _, part := range s.temporalParts() {
		if err := part.start(ctx); err != nil {
			return err
		}
	}
	return s.connect(ctx)
}

// connect waits until Temporal is reachable, and has the namespace with its
// retention and all search attributes, also those that an existing database lacks, and a
// slim list of workflows.
func (s *Stack) connect(ctx context.Context) error {
	c, name, err := temporalclient.NewClient(s.Environ(), nil, s.logger)
	if err != nil {
		return err
	}
	s.Temporal = c
	s.onStop("client of temporal", func(context.Context) error { c.Close(); return nil })
	if err := s.await(ctx, "the Temporal server", func(ctx context.Context) error { return RegisterNamespace(ctx, c, name) }); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	if quiet := slog.New(slog.DiscardHandler); !temporalclient.Prepare(ctx, c, name, quiet, workflows.SearchAttributes) {
		return fmt.Errorf("the Temporal server did not start within %s: see %s", startTimeout, s.logPath("temporal"))
	}
	return s.makeListSlim(ctx, c, name)
}

// RegisterNamespace makes the namespace, or gives an existing one the retention.
func RegisterNamespace(ctx context.Context, c client.Client, name string) error {
	_, err := c.WorkflowService().RegisterNamespace(ctx, &workflowservice.RegisterNamespaceRequest{
		Namespace: name, WorkflowExecutionRetentionPeriod: durationpb.New(Retention),
	})
	if !errors.As(err, new(*serviceerror.NamespaceAlreadyExists)) {
		return err
	}
	_, err = c.WorkflowService().UpdateNamespace(ctx, &workflowservice.UpdateNamespaceRequest{
		Namespace: name,
		Config:    &namespace.NamespaceConfig{WorkflowExecutionRetentionTtl: durationpb.New(Retention)},
	})
	return err
}
