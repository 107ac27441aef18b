package local

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/gofrs/flock"
	"github.com/prometheus/client_golang/prometheus"
	"go.temporal.io/sdk/client"

	"aftercall/dev/ownconfig"
	"aftercall/dev/tencentsim"
	"aftercall/dev/webhookreceiver"
	"aftercall/internal/config"
	"aftercall/internal/serve"
	"aftercall/internal/testenv/programs"
	"aftercall/starter/callback"
)

// LenientAnswerTimeout is an AnswerTimeout for stacks that share their machine.
const LenientAnswerTimeout = 20 * time.Second

// Options are the settings of a Stack.
type Options struct {
	// Root is the project's folder.
	Root string
	// Dir is the folder for the state of the stack: databases and logs.
	Dir      string
	Topology Topology
	Ports    Ports
	// Temporal is the path of the temporal CLI or, for a cluster, of the program of
	// dev/cluster.
	Temporal string
	// StartServer, if set, starts the development server in place of the stack,
	// which calls stop.
	StartServer func(ctx context.Context, server Server) (stop func() error, err error)
	// Starter and Worker run the two services.
	Starter, Worker Service
	// Isolated ignores REDIS_URL: a demo must not write to an external Redis.
	Isolated bool
	// AnswerTimeout is how long starters may take to answer a callback, and simulated
	// Tencent waits a second more; 0 is as in production. What checks that calls come
	// out right sets it, because a busy machine is no reason for another outcome.
	AnswerTimeout time.Duration
	// Callbacks posts the callbacks of simulated Tencent; nil posts them over connections
	// that are kept.
	Callbacks http.RoundTripper
	// StockList leaves the development server all indexes of its list of workflows.
	StockList bool
	// Encrypt makes starter and worker encrypt the payloads that Temporal stores.
	Encrypt bool
	// Config is the path of a user's own configuration, which the stack serves instead
	// of dev/aftercall.yaml.
	Config string
	// Environ adds environment variables of starter and worker, or overrides them.
	Environ map[string]string
	// PartEnviron changes the environment variables of one starter or worker, by its name.
	PartEnviron map[string]map[string]string
	// StoreAddress is where the nodes of a cluster reach PostgreSQL, if that is not its
	// own address.
	StoreAddress string
	// NodesFound are the addresses at which the nodes of a cluster find each other, if those
	// are not their own. Whoever sets them passes on what comes there, on the same ports.
	NodesFound []string
	Logger     *slog.Logger
}

// Stack is a running stack.
type Stack struct {
	Temporal client.Client
	Tencent  *tencentsim.Simulator
	Webhooks *webhookreceiver.Receiver
	Config   *config.Config
	// Own is a user's own configuration, nil without one.
	Own *ownconfig.Local
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
	// newServerFile is whether the development server made its file when it started.
	newServerFile bool
	// processes are the running programs, as *os.Process by the name of their part.
	processes sync.Map
	failed    chan error
}

// secrets are the secrets of the simulated apps and targets, the same on every
// machine: they protect nothing.
var secrets = map[string]string{
	"CLINIC_SECRET_KEY":        "5bd2850fff3ecb11d7c805251c51ee463a25727bddc2385f3fa8bfee1bb93b5e",
	"CLINIC_CALLBACK_SECRET":   "clinic-callback-path-secret",
	"TUTORING_SECRET_KEY":      "0c1d2e3f405162738495a6b7c8d9eafb0c1d2e3f405162738495a6b7c8d9eafb",
	"TUTORING_CALLBACK_SECRET": "tutoring-callback-path-secret",
	"TUTORING_CALLBACK_TOKEN":  "tutoring-callback-token",
	"SEMINAR_SECRET_KEY":       "1d2e3f405162738495a6b7c8d9eafb0c1d2e3f405162738495a6b7c8d9eafb0c",
	"SEMINAR_CALLBACK_SECRET":  "seminar-callback-path-secret",
	"SEMINAR_ROOM_KEY":         "SeminarRoomKeyOfTheConsole",
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
	if err := s.makeFolders(); err != nil {
		return fmt.Errorf("state folder: %w", err)
	}
	if err := s.lock(); err != nil {
		return err
	}
	if err := s.ports.check(s.options.Topology); err != nil {
		return err
	}
	if err := errors.Join(s.readOwnConfig(), s.encrypt()); err != nil {
		return err
	}
	for _, part := range s.parts() {
		if err := part.start(ctx); err != nil {
			return err
		}
	}
	if err := s.await(ctx, "the simulated Tencent", func(ctx context.Context) error {
		publicURL := s.Environ()["DEV_PUBLIC_URL"]
		return errors.Join(RegisterCallbacks(ctx, s.Config, publicURL), RegisterRooms(s.Tencent, s.Config, publicURL))
	}); err != nil {
		return err
	}
	return s.writeInfo()
}

// makeFolders lets other users pass: PostgreSQL does not run as root.
func (s *Stack) makeFolders() error {
	if err := os.MkdirAll(s.dir, 0o711); err != nil {
		return err
	}
	if err := os.Chmod(s.dir, 0o711); err != nil {
		return err
	}
	return os.MkdirAll(filepath.Join(s.dir, "logs"), 0o700)
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

// Environ returns the environment variables of commands; starters and workers have
// some more.
func (s *Stack) Environ() map[string]string {
	e := map[string]string{
		"AFTERCALL_CONFIG":          filepath.Join(s.options.Root, "dev", "aftercall.yaml"),
		"AFTERCALL_TEMPORAL_UI_URL": httpURL(s.ports.TemporalUI),
		"DEV_EVIDENCE_URL":          s.evidenceURL(),
		"DEV_PUBLIC_URL":            httpURL(s.ports.Starter),
		"DEV_TENCENT_URL":           httpURL(s.ports.Tencent),
		"DEV_WEBHOOK_URL":           httpURL(s.ports.WebhookApp),
		"LEDGER_URL":                s.ownLedgerURL(),
		"REDIS_URL":                 s.redisURL,
		"TEMPORAL_ADDRESS":          address(s.ports.Temporal),
		"TEMPORAL_NAMESPACE":        client.DefaultNamespace,
	}
	for _, more := range []map[string]string{secrets, s.ownEnviron(), s.encryption, s.options.Environ} {
		maps.Copy(e, more)
	}
	return e
}

// Dir returns the folder with the state of the stack.
func (s *Stack) Dir() string { return s.dir }

// Ports returns the ports of the stack.
func (s *Stack) Ports() Ports { return s.ports }

// LedgerPath returns the path of the ledger's SQLite file, if the topology has one.
func (s *Stack) LedgerPath() string { return filepath.Join(s.dir, "ledger.db") }

// EvidencePath returns the path of the SQLite file of the events, if the topology has one.
func (s *Stack) EvidencePath() string { return filepath.Join(s.dir, "evidence.db") }

// evidenceURL is where events are kept: in a database of their own, so that the ledger's
// can be replaced by an older copy, and what was answered OK is kept all the same.
func (s *Stack) evidenceURL() string {
	if s.options.Topology.Postgres {
		return programs.PostgresURL(s.ports.Postgres, EvidenceDatabase)
	}
	return "sqlite:" + s.EvidencePath()
}

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

// CallbackURL returns the URL to which Tencent posts the callbacks of an app.
func (s *Stack) CallbackURL(app config.App) string {
	return s.Environ()["DEV_PUBLIC_URL"] + callback.PathPrefix + app.Callback.Secret.Reveal()
}
