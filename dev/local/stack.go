package local

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/gofrs/flock"
	"github.com/prometheus/client_golang/prometheus"
	"go.temporal.io/sdk/client"

	"aftercall/dev/tencentsim"
	"aftercall/dev/webhookreceiver"
	"aftercall/internal/config"
	"aftercall/internal/serve"
	"aftercall/internal/tencent"
	"aftercall/starter/callback"
)

// Options are the settings of a Stack.
type Options struct {
	// Root is the project's folder.
	Root string
	// Dir is the folder for the state of the stack: databases and logs.
	Dir   string
	Ports Ports
	// Temporal is the path of the temporal CLI.
	Temporal string
	// StartServer, if set, starts the Temporal server in place of the stack, which
	// calls stop.
	StartServer func(ctx context.Context, server Server) (stop func() error, err error)
	// Starter and Worker run the two services.
	Starter, Worker Service
	// Isolated ignores REDIS_URL: a demo must not write to an external Redis.
	Isolated bool
	// Encrypt makes starter and worker encrypt the payloads that Temporal stores.
	Encrypt bool
	// Environ adds environment variables of starter and worker, or overrides them.
	Environ map[string]string
	Logger  *slog.Logger
}

// Stack is a running stack.
type Stack struct {
	Temporal client.Client
	Tencent  *tencentsim.Simulator
	Webhooks *webhookreceiver.Receiver
	Config   *config.Config
	// RedisKind describes the Redis in use.
	RedisKind string

	options  Options
	dir      string
	ports    Ports
	isolated bool
	redisURL string
	// encryption are the environment variables for encryption, nil without it.
	encryption map[string]string
	http       *http.Client
	logger     *slog.Logger
	arrivals   redirectableWriter
	stoppers   []stopper
	failed     chan error
}

// secrets are the secrets of the simulated apps and targets, the same on every
// machine: they protect nothing.
var secrets = map[string]string{
	"CLINIC_SECRET_KEY":        "5bd2850fff3ecb11d7c805251c51ee463a25727bddc2385f3fa8bfee1bb93b5e",
	"CLINIC_CALLBACK_SECRET":   "clinic-callback-path-secret",
	"TUTORING_SECRET_KEY":      "0c1d2e3f405162738495a6b7c8d9eafb0c1d2e3f405162738495a6b7c8d9eafb",
	"TUTORING_CALLBACK_SECRET": "tutoring-callback-path-secret",
	"TUTORING_CALLBACK_TOKEN":  "tutoring-callback-token",
	"CRM_WEBHOOK_SECRET":       "whsec_" + base64.StdEncoding.EncodeToString([]byte("the crm's webhook secret")),
	"AUDIT_WEBHOOK_SECRET":     "whsec_" + base64.StdEncoding.EncodeToString([]byte("the audit webhook secret")),
}

// Start starts everything in order. On an error, what was started is stopped.
func Start(ctx context.Context, o Options) (*Stack, error) {
	s := &Stack{
		options: o, dir: o.Dir, ports: o.Ports, isolated: o.Isolated, logger: o.Logger,
		http: &http.Client{Timeout: startTimeout}, failed: make(chan error, 1),
	}
	if err := s.start(ctx); err != nil {
		return nil, errors.Join(err, s.Stop(context.WithoutCancel(ctx)))
	}
	return s, nil
}

func (s *Stack) start(ctx context.Context) error {
	if err := os.MkdirAll(filepath.Join(s.dir, "logs"), 0o700); err != nil {
		return fmt.Errorf("state folder: %w", err)
	}
	if err := s.lock(); err != nil {
		return err
	}
	if err := s.ports.check(); err != nil {
		return err
	}
	if err := s.encrypt(); err != nil {
		return err
	}
	for _, step := range []func(context.Context) error{
		s.startRedis, s.StartTemporal, s.startSimulators, s.StartWorker, s.startStarter, s.registerCallbacks,
	} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return s.writeInfo()
}

// lock prevents two stacks from using the same state.
func (s *Stack) lock() error {
	lock := flock.New(filepath.Join(s.dir, "lock"))
	locked, err := lock.TryLock()
	if err != nil {
		return fmt.Errorf("lock the state folder: %w", err)
	}
	if !locked {
		return errors.New("a stack is already running here: use it with `make call`, or stop it with Ctrl-C in its terminal")
	}
	s.onStop("lock", func(context.Context) error { return lock.Unlock() })
	return nil
}

// Failed receives the error of the first part that ends unexpectedly.
func (s *Stack) Failed() <-chan error { return s.failed }

func (s *Stack) fail(err error) {
	select {
	case s.failed <- err:
	default: // only the first failure is reported
	}
}

// Environ returns the environment variables of starter, worker and commands.
func (s *Stack) Environ() map[string]string {
	e := map[string]string{
		"AFTERCALL_CONFIG":          filepath.Join(s.options.Root, "dev", "aftercall.yaml"),
		"AFTERCALL_TEMPORAL_UI_URL": httpURL(s.ports.TemporalUI),
		"DEV_PUBLIC_URL":            httpURL(s.ports.Starter),
		"DEV_TENCENT_URL":           httpURL(s.ports.Tencent),
		"DEV_WEBHOOK_URL":           httpURL(s.ports.WebhookApp),
		"LEDGER_URL":                "sqlite:" + s.LedgerPath(),
		"REDIS_URL":                 s.redisURL,
		"TEMPORAL_ADDRESS":          address(s.ports.Temporal),
		"TEMPORAL_NAMESPACE":        client.DefaultNamespace,
		"AFTERCALL_LISTEN":          address(s.ports.Starter),
	}
	for _, more := range []map[string]string{secrets, s.encryption, s.options.Environ} {
		maps.Copy(e, more)
	}
	return e
}

// Dir returns the folder with the state of the stack.
func (s *Stack) Dir() string { return s.dir }

// Ports returns the ports of the stack.
func (s *Stack) Ports() Ports { return s.ports }

// LedgerPath returns the path of the ledger's SQLite file.
func (s *Stack) LedgerPath() string { return filepath.Join(s.dir, "ledger.db") }

// startSimulators starts the simulated Tencent and the webhook receiver.
func (s *Stack) startSimulators(context.Context) error {
	environ := s.Environ()
	cfg, err := config.Load(environ["AFTERCALL_CONFIG"], func(name string) (string, bool) {
		v, ok := environ[name]
		return v, ok
	})
	if err != nil {
		return err
	}
	s.Config = cfg
	if err := s.openTencent(); err != nil {
		return err
	}
	if err := s.openWebhookReceiver(); err != nil {
		return err
	}
	return s.run("simulators", func(ctx context.Context, _ io.Writer) error {
		return serve.HTTP(
			ctx, s.logger, prometheus.NewRegistry(), 0,
			serve.Listener{Name: "simulated Tencent", Address: address(s.ports.Tencent), Handler: s.Tencent},
			serve.Listener{Name: "webhook receiver", Address: address(s.ports.WebhookApp), Handler: s.Webhooks},
		)
	})
}

// StartWorker starts the worker and waits until it is ready.
func (s *Stack) StartWorker(ctx context.Context) error {
	if err := s.launch("worker", s.options.Worker, s.ports.WorkerAdmin); err != nil {
		return err
	}
	return s.await(ctx, "the worker", func(ctx context.Context) error { return s.ready(ctx, s.ports.WorkerAdmin) })
}

func (s *Stack) startStarter(ctx context.Context) error {
	if err := s.LaunchStarter(); err != nil {
		return err
	}
	return s.await(ctx, "the starter", s.Ready)
}

// LaunchStarter starts the starter without waiting until it is ready.
func (s *Stack) LaunchStarter() error {
	return s.launch("starter", s.options.Starter, s.ports.StarterAdmin)
}

func (s *Stack) launch(name string, service Service, adminPort int) error {
	environ := s.Environ()
	environ["AFTERCALL_DRAIN"] = "0s" // there is no load balancer
	environ["AFTERCALL_ADMIN_LISTEN"] = address(adminPort)
	return s.run(name, func(ctx context.Context, log io.Writer) error { return service(ctx, environ, log) })
}

// Ready returns an error while the starter is not ready.
func (s *Stack) Ready(ctx context.Context) error { return s.ready(ctx, s.ports.StarterAdmin) }

func (s *Stack) ready(ctx context.Context, adminPort int) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, httpURL(adminPort)+"/readyz", nil)
	if err != nil {
		return err
	}
	resp, err := s.http.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("/readyz answers %d: %s", resp.StatusCode, answer)
	}
	return nil
}

// CallbackURL returns the URL to which Tencent posts the callbacks of an app.
func (s *Stack) CallbackURL(app config.App) string {
	return httpURL(s.ports.Starter) + callback.PathPrefix + app.Callback.Secret.Reveal()
}

// registerCallbacks registers the callback URLs at Tencent, as an operator would.
func (s *Stack) registerCallbacks(ctx context.Context) error {
	for i := range s.Config.Apps {
		app := &s.Config.Apps[i]
		c := tencent.NewClient(tencent.ClientOptions{
			SDKAppID: app.SDKAppID, BaseURL: app.APIBaseURL(), Identifier: app.Identifier,
			SecretKey: app.SecretKey.Reveal(), HTTP: tencent.NewHTTPClient(1),
		})
		if err := c.SetCallback(ctx, tencent.CallbackConfig{
			URL: s.CallbackURL(*app), Commands: app.CallbackCommands(),
		}); err != nil {
			return fmt.Errorf("register the callback URL of %s: %w", app.Name, err)
		}
	}
	return nil
}

// Info is what other processes need to use a running stack.
type Info struct {
	Ports Ports `json:"ports"`
	PID   int   `json:"pid"`
}

const infoFile = "stack.json"

func (s *Stack) writeInfo() error {
	data, err := json.MarshalIndent(Info{Ports: s.ports, PID: os.Getpid()}, "", "  ")
	if err != nil {
		return err
	}
	path := filepath.Join(s.dir, infoFile)
	if err := os.WriteFile(path, data, 0o600); err != nil {
		return fmt.Errorf("describe the stack: %w", err)
	}
	s.onStop("description", func(context.Context) error { return os.Remove(path) })
	return s.writeEnviron()
}

// environFile is sourced by shells that run commands against the stack.
const environFile = "env"

func (s *Stack) writeEnviron() error {
	environ := s.Environ()
	var lines strings.Builder
	for _, name := range slices.Sorted(maps.Keys(environ)) {
		fmt.Fprintf(&lines, "export %s='%s'\n", name, strings.ReplaceAll(environ[name], "'", `'\''`))
	}
	path := filepath.Join(s.dir, environFile)
	if err := os.WriteFile(path, []byte(lines.String()), 0o600); err != nil {
		return fmt.Errorf("write the environment of the stack: %w", err)
	}
	s.onStop("environment", func(context.Context) error { return os.Remove(path) })
	return nil
}

// ReadInfo returns the Info of the stack whose state is in dir.
func ReadInfo(dir string) (Info, error) {
	var info Info
	data, err := os.ReadFile(filepath.Join(dir, infoFile))
	if errors.Is(err, os.ErrNotExist) {
		return info, errors.New("no stack is running here: start one with `make dev` in another terminal")
	}
	if err != nil {
		return info, err
	}
	return info, json.Unmarshal(data, &info)
}
