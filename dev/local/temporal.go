package local

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"go.temporal.io/api/namespace/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"google.golang.org/protobuf/types/known/durationpb"

	"aftercall/internal/dedupe"
	"aftercall/internal/temporalclient"
	"aftercall/workflows"
)

const (
	// minServer is the oldest server whose Web UI shows user metadata, and local
	// activities in the timeline.
	minServer = "1.29.0"
	// cliVersion is what dev/temporal builds.
	cliVersion = "1.5.1"
	// Retention is how long the namespace keeps closed workflows: longer than Redis
	// remembers a call, so that the workflow ID still rejects duplicates then.
	Retention = dedupe.Retention + 2*24*time.Hour
)

// TemporalPath returns the path of the temporal CLI: TEMPORAL_BIN, one on PATH that
// is new enough, or the one in dev/bin. root is the project's folder.
func TemporalPath(ctx context.Context, root string) (string, error) {
	if bin := os.Getenv("TEMPORAL_BIN"); bin != "" {
		if _, err := serverVersion(ctx, bin); err != nil {
			return "", fmt.Errorf("TEMPORAL_BIN=%s is not a temporal CLI: %w", bin, err)
		}
		return bin, nil
	}
	if bin, err := exec.LookPath("temporal"); err == nil {
		if v, err := serverVersion(ctx, bin); err == nil && !older(v, minServer) {
			return bin, nil
		}
	}
	bin := builtPath(root)
	if _, err := serverVersion(ctx, bin); err != nil {
		return "", fmt.Errorf("there is no temporal CLI yet: run `make temporal`, which builds it once (%w)", err)
	}
	return bin, nil
}

// EnsureTemporal returns TemporalPath, and builds the CLI from source if needed.
func EnsureTemporal(ctx context.Context, root string, out io.Writer) (string, error) {
	if bin, err := TemporalPath(ctx, root); err == nil || os.Getenv("TEMPORAL_BIN") != "" {
		return bin, err
	}
	fmt.Fprintf(out, "Building the temporal CLI %s with server and Web UI from source. This takes some minutes, once.\n", cliVersion)
	build := exec.CommandContext(ctx, "go", "build", "-o", builtPath(root),
		"-ldflags", "-X github.com/temporalio/cli/temporalcli.Version="+cliVersion, "github.com/temporalio/cli/cmd/temporal")
	build.Dir = filepath.Join(root, "dev", "temporal")
	build.Stdout, build.Stderr = out, out
	if err := build.Run(); err != nil {
		return "", fmt.Errorf("build the temporal CLI: %w", err)
	}
	return TemporalPath(ctx, root)
}

func builtPath(root string) string {
	bin, err := filepath.Abs(filepath.Join(root, "dev", "bin", "temporal"))
	if err != nil {
		return filepath.Join(root, "dev", "bin", "temporal")
	}
	return bin
}

var serverVersionPattern = regexp.MustCompile(`Server (\d+\.\d+\.\d+)`)

// serverVersion returns the version of the server in a CLI.
func serverVersion(ctx context.Context, bin string) (string, error) {
	out, err := exec.CommandContext(ctx, bin, "--version").Output()
	if err != nil {
		return "", err
	}
	m := serverVersionPattern.FindSubmatch(out)
	if m == nil {
		return "", errors.New("--version prints no server version")
	}
	return string(m[1]), nil
}

// older reports whether version a is older than b.
func older(a, b string) bool {
	as, bs := strings.Split(a, "."), strings.Split(b, ".")
	for i := range min(len(as), len(bs)) {
		x, errX := strconv.Atoi(as[i])
		y, errY := strconv.Atoi(bs[i])
		if errX != nil || errY != nil {
			return errX != nil
		}
		if x != y {
			return x < y
		}
	}
	return len(as) < len(bs)
}

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

// Server describes a development server to start.
type Server struct {
	// Path is the temporal CLI, Address the host:port of the frontend.
	Path, Address string
	UIPort        string
	Database      string
	Arguments     []string
}

// spawnServer starts the server as a part of the stack.
func (s *Stack) spawnServer(_ context.Context, server Server) (stop func() error, err error) {
	return nil, s.spawn("temporal", server.Path, append([]string{
		"server", "start-dev", "--ip", host, "--port", strconv.Itoa(s.ports.Temporal), "--ui-port", server.UIPort,
		"--db-filename", server.Database, "--log-level", "warn",
	}, server.Arguments...), nil)
}

// StartTemporal starts the server on its database file and waits until it is
// reachable, has the retention, and has all search attributes, also those that
// an existing file lacks.
func (s *Stack) StartTemporal(ctx context.Context) error {
	server := Server{
		Path: s.options.Temporal, Address: s.ports.TemporalAddress(), UIPort: s.ports.TemporalUIPort(),
		Database: filepath.Join(s.dir, "temporal.db"), Arguments: ServerArguments(),
	}
	if endpoint := s.CodecURL(); endpoint != "" {
		server.Arguments = append(server.Arguments, "--ui-codec-endpoint", endpoint)
	}
	start := s.options.StartServer
	if start == nil {
		start = s.spawnServer
	}
	stop, err := start(ctx, server)
	if err != nil {
		return fmt.Errorf("start the Temporal server: %w", err)
	}
	if stop != nil {
		s.onStop("temporal", func(context.Context) error { return stop() })
	}
	c, name, err := temporalclient.NewClient(s.Environ(), nil, s.logger)
	if err != nil {
		return err
	}
	s.Temporal = c
	s.onStop("client of temporal", func(context.Context) error { c.Close(); return nil })
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	// It is expected that the server is not reachable at first.
	quiet := slog.New(slog.DiscardHandler)
	if !temporalclient.Prepare(ctx, c, name, quiet, workflows.SearchAttributes) {
		return fmt.Errorf("the Temporal server did not start within %s: see %s", startTimeout, s.logPath("temporal"))
	}
	return setRetention(ctx, c, name)
}

func setRetention(ctx context.Context, c client.Client, name string) error {
	if _, err := c.WorkflowService().UpdateNamespace(ctx, &workflowservice.UpdateNamespaceRequest{
		Namespace: name,
		Config:    &namespace.NamespaceConfig{WorkflowExecutionRetentionTtl: durationpb.New(Retention)},
	}); err != nil {
		return fmt.Errorf("set the retention of namespace %s: %w", name, err)
	}
	return nil
}
