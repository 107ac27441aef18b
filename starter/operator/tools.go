package operator

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"

	cli "aftercall/internal/oldcli"
	"aftercall/internal/config"
	"aftercall/internal/ledger"
	"aftercall/internal/ratelimit"
	"aftercall/internal/redisguard"
	"aftercall/internal/temporalclient"
	"aftercall/internal/tencent"
)

// partTimeout is how long one part of the system may take to answer.
const partTimeout = 5 * time.Second

// tools are what the commands work with, connected when first used.
type tools struct {
	process   cli.Process
	settings  config.StarterSettings
	config    *config.Config
	redis     *redis.Client
	guard     *redisguard.Guard
	limiter   tencent.Limiter
	temporal  client.Client
	failures  converter.FailureConverter
	namespace string
}

// open reads the configuration. It asks nothing of anybody yet.
func open(ctx context.Context, p cli.Process) (*tools, error) {
	settings, cfg, err := config.Starter(p.Environ)
	if err != nil {
		return nil, err
	}
	t := &tools{process: p, settings: settings, config: cfg}
	// What fails is said by the commands, in words. Nobody reads the figures.
	quiet := slog.New(slog.DiscardHandler)
	reg := prometheus.NewRegistry()
	if t.redis, err = redisguard.NewClient(settings.RedisURL.Reveal(), redisguard.PatientTimeout); err != nil {
		return nil, err
	}
	t.guard = redisguard.New(ctx, t.redis, reg, quiet)
	t.limiter = ratelimit.New(t.guard, reg)
	if _, t.failures, err = temporalclient.Converters(p.Environ); err != nil {
		return nil, errors.Join(err, t.closeRedis())
	}
	if t.temporal, t.namespace, err = temporalclient.NewClient(p.Environ, nil, quiet); err != nil {
		return nil, errors.Join(err, t.closeRedis())
	}
	return t, nil
}

// close ends all connections. What the command said does not depend on them
// any more, so their errors tell nobody anything.
func (t *tools) close() {
	t.temporal.Close()
	_ = t.closeRedis()
}

func (t *tools) closeRedis() error {
	t.guard.Close()
	return t.redis.Close()
}

// using opens the tools for as long as do takes.
func using(ctx context.Context, p cli.Process, do func(*tools) error) error {
	t, err := open(ctx, p)
	if err != nil {
		return err
	}
	defer t.close()
	return do(t)
}

// usingApp is using for a command about one app; see tools.app.
func usingApp(ctx context.Context, p cli.Process, name string, do func(*tools, *config.App) error) error {
	return using(ctx, p, func(t *tools) error {
		app, err := t.app(name)
		if err != nil {
			return err
		}
		return do(t, app)
	})
}

// app finds an app by name or SDKAppID; an empty name is the only app there is.
func (t *tools) app(name string) (*config.App, error) {
	apps, err := t.apps(name)
	if err != nil {
		return nil, err
	}
	if len(apps) > 1 {
		return nil, cli.Errorf(cli.Usage, "say which with --app: "+strings.Join(names(apps), ", "), "several apps are configured")
	}
	return apps[0], nil
}

// apps is app, but an empty name is all apps.
func (t *tools) apps(name string) ([]*config.App, error) {
	all := make([]*config.App, len(t.config.Apps))
	for i := range t.config.Apps {
		all[i] = &t.config.Apps[i]
		if name == all[i].Name || name == all[i].SDKAppID.String() {
			return all[i : i+1], nil
		}
	}
	if name != "" {
		return nil, cli.Errorf(cli.Usage, "configured are: "+strings.Join(names(all), ", "), "there is no app %q", name)
	}
	return all, nil
}

func names(apps []*config.App) []string {
	names := make([]string, len(apps))
	for i, app := range apps {
		names[i] = app.Name
	}
	return names
}

// tencent is the REST API of an app, under the limit that all processes share.
func (t *tools) tencent(app *config.App) *tencent.Client {
	return tencent.NewClient(tencent.ClientOptions{
		SDKAppID: app.SDKAppID, BaseURL: app.APIBaseURL(), Identifier: app.Identifier, SecretKey: app.SecretKey.Reveal(),
		HTTP: tencent.NewHTTPClient(1), Limiter: t.limiter,
	})
}

// ledger opens the ledger for reading. Close it after use.
func (t *tools) ledger(ctx context.Context) (*ledger.Ledger, error) {
	book, err := ledger.OpenReadOnly(ctx, t.settings.LedgerURL.Reveal())
	switch {
	case errors.Is(err, ledger.ErrMissing):
		return nil, cli.Errorf(cli.Failed, "LEDGER_URL must be the worker's; a new ledger is made by the worker when it starts", "%w", err)
	case errors.As(err, new(*ledger.VersionError)):
		return nil, cli.Errorf(cli.Failed, "", "ledger: %w", err)
	case err != nil:
		return nil, cli.Errorf(cli.Failed, "LEDGER_URL is "+t.settings.LedgerURL.String()+": is the database up, and this machine allowed in?", "%w", err)
	}
	return book, nil
}

// tencentError puts a failure of the REST API into words.
func tencentError(app *config.App, err error) error {
	var (
		apiErr  *tencent.APIError
		httpErr *tencent.HTTPError
		busyErr *tencent.BusyError
	)
	switch {
	case errors.As(err, &apiErr):
		meaning, cure := apiErr.Code.Explain()
		return cli.Errorf(cli.Failed, cure, "%s: %s (Tencent answers %d, %s, RequestId %s)", app.Name, meaning, apiErr.Code, apiErr.Info, apiErr.RequestID)
	case errors.As(err, &busyErr):
		return cli.Errorf(cli.Failed, "try again in some seconds", "%s: %w", app.Name, busyErr)
	case errors.As(err, &httpErr):
		return cli.Errorf(cli.Failed, "is apps[].api right, and no proxy in between?", "%s: %s answers HTTP status %d", app.Name, app.APIBaseURL(), httpErr.Status)
	default:
		return cli.Errorf(cli.Failed, "can this machine reach "+app.APIBaseURL()+"?", "%s: %w", app.Name, err)
	}
}

// temporalError puts a failure of Temporal into words.
func (t *tools) temporalError(err error) error {
	switch {
	case errors.As(err, new(*serviceerror.NamespaceNotFound)):
		return cli.Errorf(cli.Failed, "set TEMPORAL_NAMESPACE, or make it with: temporal operator namespace create", "Temporal: there is no namespace %s", t.namespace)
	case errors.As(err, new(*serviceerror.PermissionDenied)):
		return cli.Errorf(cli.Failed, "check TEMPORAL_API_KEY or the TEMPORAL_TLS_… settings", "Temporal: %w", err)
	default:
		return cli.Errorf(cli.Failed, "is Temporal up, and TEMPORAL_ADDRESS right?", "Temporal does not answer: %w", err)
	}
}

// link is the page of a workflow in the Web UI, empty if that is not known.
func (t *tools) link(workflowID, runID string) string {
	if t.settings.TemporalUIURL == "" {
		return ""
	}
	return temporalclient.WorkflowURL(t.settings.TemporalUIURL, t.namespace, workflowID, runID)
}

// ask gives one part of the system its time to answer.
func ask[T any](ctx context.Context, question func(context.Context) (T, error)) (T, error) {
	ctx, cancel := context.WithTimeout(ctx, partTimeout)
	defer cancel()
	answer, err := question(ctx)
	if err != nil && errors.Is(ctx.Err(), context.DeadlineExceeded) {
		err = fmt.Errorf("no answer within %s: %w", partTimeout, err)
	}
	return answer, err
}
