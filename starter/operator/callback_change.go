package operator

import (
	"context"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strings"

	cli "aftercall/internal/oldcli"
	"aftercall/internal/config"
	"aftercall/internal/tencent"
	"aftercall/starter/callback"
)

type callbackSetCommand struct {
	callbackFlags
	URL      string            `help:"Register this URL instead of apps[].callback.base_url with the app's secret."`
	Commands []tencent.Command `help:"Commands that Tencent posts; left out, those that the app's configuration has a use for."`
	Force    bool              `help:"Overwrite the URL of somebody else."`
	DryRun   bool              `help:"Show what would be done, and do nothing."`
}

// Help teaches.
func (callbackSetCommand) Help() string {
	return `Tencent keeps one callback URL for each SDKAppID, and a new one silently
replaces the old one. So the old one is read and shown first, and a URL that is
not this app's is left alone without --force.

Examples:

  starter callback set --app clinic --dry-run
  starter callback set --app clinic
  starter callback set --app clinic --force       # takes over from another backend
  starter callback set --app clinic --commands Call.CallbackAfterStartCall,Call.CallbackAfterEndCall`
}

// wanted is what the flags and the configuration want to be registered.
func (c callbackSetCommand) wanted(app *config.App, stderr io.Writer) (*tencent.CallbackConfig, error) {
	want := configured(app)
	switch {
	case c.URL != "":
		parsed, err := url.Parse(c.URL)
		if err != nil || parsed.Host == "" || (parsed.Scheme != "https" && parsed.Scheme != "http") {
			return nil, cli.Errorf(cli.Usage, "write https://<host>"+callback.PathPrefix+"<secret>", "--url is no address")
		}
		want = &tencent.CallbackConfig{URL: c.URL, Commands: app.CallbackCommands()}
		if !strings.HasSuffix(parsed.Path, callback.PathPrefix+app.Callback.Secret.Reveal()) {
			fmt.Fprintf(stderr, "note: --url does not end in %s and the app's secret; a starter behind it would refuse all callbacks, unless something in between rewrites the path\n", callback.PathPrefix)
		}
	case want == nil:
		return nil, cli.Errorf(cli.Usage, "set apps[].callback.base_url, or give --url", "the public address of %s is not configured", app.Name)
	}
	if len(c.Commands) > 0 {
		want.Commands = c.Commands
	}
	for _, command := range want.Commands {
		if !slices.Contains(tencent.Commands, command) {
			return nil, cli.Errorf(cli.Usage, "there are: "+words(tencent.Commands), "--commands: Tencent knows no %s", command)
		}
	}
	if !slices.Contains(want.Commands, tencent.CommandAfterEndCall) {
		fmt.Fprintf(stderr, "note: without %s no call is charged when it ends, but only when a sweep finds it\n", tencent.CommandAfterEndCall)
	}
	return want, nil
}

// Run registers the callback of one app.
func (c callbackSetCommand) Run(ctx context.Context, p cli.Process) error {
	return usingApp(ctx, p, c.App, func(t *tools, app *config.App) error { return c.set(ctx, t, app) })
}

// set reads first.
func (c callbackSetCommand) set(ctx context.Context, t *tools, app *config.App) error {
	want, err := c.wanted(app, t.process.Stderr)
	if err != nil {
		return err
	}
	have, err := registered(ctx, t, app)
	if err != nil {
		return err
	}
	r := registration{app, have, want}
	return c.change(ctx, t, r, change{
		needed: len(r.differences(false)) > 0, done: actionSet, would: actionWouldSet, cure: "overwrite it with --force", force: c.Force, dryRun: c.DryRun,
		do: func(ctx context.Context) error { return t.tencent(app).SetCallback(ctx, *want) },
	})
}

type callbackDeleteCommand struct {
	callbackFlags
	Force  bool `help:"Delete also the URL of somebody else."`
	DryRun bool `help:"Show what would be done, and do nothing."`
}

// Help teaches.
func (callbackDeleteCommand) Help() string {
	return `Without a callback, calls are charged only when a sweep finds them. A URL that
is not this app's is left alone without --force.

Examples:

  starter callback delete --app clinic --dry-run
  starter callback delete --app clinic`
}

// Run ends the callbacks of one app.
func (c callbackDeleteCommand) Run(ctx context.Context, p cli.Process) error {
	return usingApp(ctx, p, c.App, func(t *tools, app *config.App) error { return c.remove(ctx, t, app) })
}

// remove reads first.
func (c callbackDeleteCommand) remove(ctx context.Context, t *tools, app *config.App) error {
	have, err := registered(ctx, t, app)
	if err != nil {
		return err
	}
	return c.change(ctx, t, registration{app, have, configured(app)}, change{
		needed: have != nil, done: actionDeleted, would: actionWouldDelete, cure: "delete it with --force", force: c.Force, dryRun: c.DryRun,
		do: t.tencent(app).DeleteCallback,
	})
}

// change is what a command does to a registration.
type change struct {
	// needed is false where all is as the command wants it.
	needed bool
	// done and would are the actions; cure is what to do when it is refused.
	done, would, cure string
	force, dryRun     bool
	do                func(context.Context) error
}

// change shows what is registered, and changes it, unless it is somebody
// else's or the run is dry.
func (f callbackFlags) change(ctx context.Context, t *tools, r registration, ch change) error {
	report := f.report(r, actionNone)
	foreign := r.registered != nil && !r.ours()
	refused := ch.needed && foreign && !ch.force
	switch {
	case !ch.needed || refused:
	case ch.dryRun:
		report.Action = ch.would
	default:
		if _, err := ask(ctx, func(ctx context.Context) (struct{}, error) { return struct{}{}, ch.do(ctx) }); err != nil {
			return tencentError(r.app, err)
		}
		report.Action = ch.done
	}
	if err := f.Print(t.process.Stdout, report, report.write); err != nil {
		return err
	}
	if refused {
		return cli.Errorf(cli.Refused, "if nobody needs it any more, "+ch.cure, "%s: another URL is registered, which would receive nothing any more", r.app.Name)
	}
	return nil
}
