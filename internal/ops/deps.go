package ops

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"

	"aftercall/internal/config"
	"aftercall/internal/ledger"
	"aftercall/internal/ratelimit"
	"aftercall/internal/redisguard"
	"aftercall/internal/temporalclient"
	"aftercall/internal/tencent"
)

// configVariable names the YAML file.
const configVariable = "AFTERCALL_CONFIG"

// answerTimeout is how long one system may take to answer an operator.
const answerTimeout = 10 * time.Second

// Deps are the systems that operations need. Each is opened when it is first
// used, so that an operation works while a system it does not need is down or
// not configured. What cannot be opened is not tried again. Deps is safe for
// concurrent use.
type Deps struct {
	ctx     context.Context //nolint:containedctx // the lifetime of the connections is that of one command
	environ map[string]string
	notes   io.Writer
	// machineNow is the clock of this machine: what decides anything asks now.
	machineNow func() time.Time
	aheadOnce  sync.Once
	ahead      time.Duration // of machineNow, set by aheadOnce

	queueOnce sync.Once
	queueErr  error // of checkQueue, set by queueOnce

	mu        sync.Mutex // guards the following
	settings  *config.StarterSettings
	config    *config.Config
	redis     *redisParts
	temporal  *temporalParts
	closeLast []func() error

	ledgerMu  sync.Mutex // guards the following; opening a ledger takes time
	ledger    *ledger.Ledger
	ledgerErr error
}

type redisParts struct {
	client *redis.Client
	guard  *redisguard.Guard
	limit  tencent.Limiter
}

type temporalParts struct {
	client    client.Client
	namespace string
	data      converter.DataConverter
	failures  converter.FailureConverter
}

// New returns Deps that read their settings from environ when they are needed.
// Notes, which are not part of a result, go to notes. Close it after use.
func New(ctx context.Context, environ map[string]string, notes io.Writer) *Deps {
	return &Deps{ctx: ctx, environ: environ, notes: notes, machineNow: time.Now}
}

// Close ends all connections, the last one first.
func (d *Deps) Close() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	var errs []error
	for i := len(d.closeLast) - 1; i >= 0; i-- {
		errs = append(errs, d.closeLast[i]())
	}
	d.closeLast = nil
	return errors.Join(errs...)
}

// Config reads the settings of the process and the YAML file.
func (d *Deps) Config() (*config.Config, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.readConfig()
}

// readConfig is Config under the lock.
func (d *Deps) readConfig() (*config.Config, error) {
	if d.config == nil {
		settings, cfg, err := config.Starter(d.environ)
		if err != nil {
			return nil, usage(err)
		}
		d.settings, d.config = &settings, cfg
	}
	return d.config, nil
}

// Settings reads the settings of operations that do without the YAML file.
func (d *Deps) Settings() (config.OperatorSettings, error) {
	settings, err := config.Operator(d.environ)
	return settings, usage(err)
}

// Redis returns a client of Redis that has not yet spoken to it.
func (d *Deps) Redis() (*redis.Client, *redisguard.Guard, error) {
	parts, err := d.openRedis()
	if err != nil {
		return nil, nil, err
	}
	return parts.client, parts.guard, nil
}

func (d *Deps) openRedis() (*redisParts, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.redis != nil {
		return d.redis, nil
	}
	if _, err := d.readConfig(); err != nil {
		return nil, err
	}
	rdb, err := redisguard.NewClient(d.settings.RedisURL.Reveal(), redisguard.PatientTimeout, redisguard.WithCertificates(d.settings.RedisCertificates()))
	if err != nil {
		return nil, &Error{Kind: Usage, Err: err}
	}
	reg := prometheus.NewRegistry() // nobody reads the metrics of a command
	guard := redisguard.New(d.ctx, rdb, reg, discardLogger())
	d.redis = &redisParts{client: rdb, guard: guard, limit: ratelimit.New(guard, reg)}
	d.closeLast = append(d.closeLast, func() error {
		guard.Close()
		return rdb.Close()
	})
	return d.redis, nil
}

// Temporal returns a client of Temporal that has not yet spoken to it, and its
// namespace.
func (d *Deps) Temporal() (client.Client, string, error) {
	parts, err := d.openTemporal()
	if err != nil {
		return nil, "", err
	}
	return parts.client, parts.namespace, nil
}

func (d *Deps) openTemporal() (*temporalParts, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.temporal != nil {
		return d.temporal, nil
	}
	data, failures, err := temporalclient.Converters(d.environ)
	if err != nil {
		return nil, &Error{Kind: Usage, Err: err}
	}
	c, namespace, err := temporalclient.NewClient(d.environ, client.MetricsNopHandler, discardLogger())
	if err != nil {
		return nil, &Error{Kind: Usage, Err: err}
	}
	d.temporal = &temporalParts{client: c, namespace: namespace, data: data, failures: failures}
	d.closeLast = append(d.closeLast, func() error {
		c.Close()
		return nil
	})
	return d.temporal, nil
}

// Ledger opens the ledger for reading. It creates and migrates nothing: a
// mistyped LEDGER_URL must not look like an empty ledger.
func (d *Deps) Ledger(ctx context.Context) (*ledger.Ledger, error) {
	d.ledgerMu.Lock()
	defer d.ledgerMu.Unlock()
	if d.ledger == nil && d.ledgerErr == nil {
		d.ledger, d.ledgerErr = d.openLedger(ctx)
	}
	return d.ledger, d.ledgerErr
}

func (d *Deps) openLedger(ctx context.Context) (*ledger.Ledger, error) {
	settings, err := d.Settings()
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	opened, err := ledger.OpenReadOnly(ctx, settings.LedgerURL.Reveal())
	if err != nil {
		return nil, ledgerError(settings, err)
	}
	d.closeLater(opened.Close)
	return opened, nil
}

func (d *Deps) closeLater(closer func() error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.closeLast = append(d.closeLast, closer)
}

// WritableLedger opens a ledger that exists, to book corrections into it.
func (d *Deps) WritableLedger(ctx context.Context) (*ledger.Ledger, error) {
	if _, err := d.Ledger(ctx); err != nil {
		return nil, err
	}
	return d.migratedLedger(ctx)
}

// MigrateLedger creates the tables of the ledger, or brings them up to date.
func (d *Deps) MigrateLedger(ctx context.Context) error {
	_, err := d.migratedLedger(ctx)
	return err
}

func (d *Deps) migratedLedger(ctx context.Context) (*ledger.Ledger, error) {
	settings, err := d.Settings()
	if err != nil {
		return nil, err
	}
	opened, err := ledger.Open(ctx, settings.LedgerURL.Reveal(), ledger.Options{})
	if err != nil {
		return nil, ledgerError(settings, err)
	}
	d.closeLater(opened.Close)
	return opened, nil
}

func ledgerError(settings config.OperatorSettings, err error) error {
	switch {
	case errors.Is(err, ledger.ErrMissing):
		return Errorf(NotFound, "LEDGER_URL must be the worker's; the worker creates a new ledger when it starts", "%w", err)
	case errors.As(err, new(*ledger.VersionError)):
		return Errorf(Failed, "", "ledger: %w", err)
	}
	return Errorf(Failed, "LEDGER_URL is "+settings.LedgerURL.String()+": is the database up, and does it accept connections from this machine?", "%w", err)
}

// Tencent returns a client of an app's REST API, under the rate limit that all
// processes share.
func (d *Deps) Tencent(app *config.App) (*tencent.Client, error) {
	parts, err := d.openRedis()
	if err != nil {
		return nil, err
	}
	return tencent.NewClient(tencent.ClientOptions{
		SDKAppID: app.SDKAppID, BaseURL: app.APIBaseURL(), Identifier: app.Identifier, SecretKey: app.SecretKey.Reveal(),
		HTTP: tencent.NewHTTPClient(1), Limiter: parts.limit, Now: func() time.Time { return d.now(d.ctx) },
	}), nil
}

// discardLogger drops log lines: what fails is an error of the command.
func discardLogger() *slog.Logger { return slog.New(slog.DiscardHandler) }
