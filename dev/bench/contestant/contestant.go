package contestant

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/caarlos0/env/v11"

	"aftercall/internal/config"
	"aftercall/internal/tencent"
	"aftercall/starter/callback"
	"aftercall/workflows"
)

// Settings are the settings of a contestant: the environment variables of
// aftercall, and a few more.
type Settings struct {
	ConfigFile string `env:"AFTERCALL_CONFIG,required"`
	Listen     string `env:"AFTERCALL_LISTEN,required"`
	LedgerURL  string `env:"LEDGER_URL,required"`
	RedisURL   string `env:"REDIS_URL,required"`
	Temporal   string `env:"TEMPORAL_ADDRESS"`
	// EngineURL is the PostgreSQL database for engines that need one.
	EngineURL     string `env:"BENCH_ENGINE_URL,required"`
	WebhookURL    string `env:"BENCH_WEBHOOK_URL,required"`
	WebhookSecret string `env:"BENCH_WEBHOOK_SECRET,required"`

	Config *config.Config `env:"-"`
}

// ReadSettings reads them from environ.
func ReadSettings(environ map[string]string) (Settings, error) {
	s, err := env.ParseAsWithOptions[Settings](env.Options{Environment: environ})
	if err != nil {
		return s, err
	}
	s.Config, err = config.Load(s.ConfigFile, func(name string) (string, bool) {
		value, ok := environ[name]
		return value, ok
	})
	return s, err
}

// Engine makes calls durable and processes them when their records are ready.
type Engine interface {
	// Accept returns when the call survives a crash of this process, as far as the
	// engine guarantees that. It is not an error to accept a call again.
	Accept(ctx context.Context, c Call) error
	// Close stops processing.
	Close()
}

// engineStarter starts an engine.
type engineStarter func(ctx context.Context, s Settings, w *Work, logger *slog.Logger) (Engine, error)

// engines are the engines that aftercall is compared with.
var engines = map[string]engineStarter{
	"temporal": startTemporal,
	"dbos":     startDBOS,
	"river":    startRiver,
	"asynq":    startAsynq,
	"setnx":    startSetNX,
}

// Run receives callbacks for the named engine until ctx ends.
func Run(ctx context.Context, name string, environ map[string]string, stderr io.Writer) error {
	start, ok := engines[name]
	if !ok {
		return fmt.Errorf("there is no contestant %q", name)
	}
	s, err := ReadSettings(environ)
	if err != nil {
		return err
	}
	work, err := NewWork(ctx, s)
	if err != nil {
		return err
	}
	logger := slog.New(slog.NewJSONHandler(stderr, &slog.HandlerOptions{Level: slog.LevelInfo}))
	engine, err := start(ctx, s, work, logger)
	if err != nil {
		return errors.Join(err, work.Close())
	}
	err = listen(ctx, s, engine, logger)
	engine.Close()
	return errors.Join(err, work.Close())
}

// listen serves callbacks, and /readyz for the harness.
func listen(ctx context.Context, s Settings, engine Engine, logger *slog.Logger) error {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /readyz", func(http.ResponseWriter, *http.Request) {})
	mux.HandleFunc("POST "+callback.PathPrefix+"{secret}", func(w http.ResponseWriter, r *http.Request) {
		receive(w, r, s.Config, engine, logger)
	})
	return serve(ctx, s.Listen, mux, logger)
}

func serve(ctx context.Context, listen string, handler http.Handler, logger *slog.Logger) error {
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", listen)
	if err != nil {
		return err
	}
	stopped := context.AfterFunc(ctx, func() {
		if err := server.Close(); err != nil {
			logger.Error("listener not closed", "error", err)
		}
	})
	defer stopped()
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

const maxBodySize = 64 << 10

func receive(w http.ResponseWriter, r *http.Request, cfg *config.Config, engine Engine, logger *slog.Logger) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBodySize))
	if err != nil {
		http.Error(w, "body could not be read", http.StatusBadRequest)
		return
	}
	query := tencent.ParseQuery(r.URL.RawQuery)
	id, err := query.SDKAppID()
	app, known := cfg.App(id)
	if err != nil || !known || app.Callback.Secret.Reveal() != r.PathValue("secret") {
		http.Error(w, "SdkAppid or secret is wrong", http.StatusForbidden)
		return
	}
	cb, err := tencent.DecodeCallback(query, body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	if err := engine.Accept(r.Context(), Call{App: id, CallID: cb.CallID, ReadyAt: readyAt(cb)}); err != nil {
		logger.Warn("not accepted", "call_id", cb.CallID, "error", err)
		http.Error(w, "try again", http.StatusServiceUnavailable)
		return
	}
	acknowledge(w)
}

func acknowledge(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "application/json")
	// The error is that of a client that has disconnected.
	_, _ = io.WriteString(w, `{"ActionStatus":"OK","ErrorInfo":"","ErrorCode":0}`)
}

// readyAt returns when the record of a call is ready, as aftercall computes it:
// five seconds after the end of the call, but at most five seconds from now.
func readyAt(cb tencent.Callback) time.Time {
	latest := time.Now().Add(workflows.RecordDelay)
	if ready := cb.EndedAt().Add(workflows.RecordDelay); ready.Before(latest) {
		return ready
	}
	return latest
}
