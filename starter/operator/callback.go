package operator

import (
	"context"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strings"

	"aftercall/internal/cli"
	"aftercall/internal/config"
	"aftercall/internal/tencent"
	"aftercall/starter/callback"
)

type callbackCommand struct {
	Show   callbackShowCommand   `cmd:"" help:"Show where Tencent posts callbacks, and where it should."`
	Set    callbackSetCommand    `cmd:"" help:"Register where Tencent posts the callbacks of an app."`
	Delete callbackDeleteCommand `cmd:"" help:"End the callbacks of an app."`
}

// callbackFlags are common to the commands about callbacks.
type callbackFlags struct {
	cli.Output
	App        string `help:"Name or SDKAppID of the app; may be left out if there is but one."`
	ShowSecret bool   `help:"Show URLs with their secret."`
}

// endpoint is a callback registration for scripts.
type endpoint struct {
	URL      string            `json:"url"`
	Commands []tencent.Command `json:"commands"`
}

// registrationReport is the result of every command about callbacks.
type registrationReport struct {
	App        string           `json:"app"`
	SDKAppID   tencent.SDKAppID `json:"sdk_app_id"`
	Registered *endpoint        `json:"registered"`
	// Configured is null where the configuration knows no public address.
	Configured *endpoint `json:"configured"`
	// Differences are empty when all is well.
	Differences []string `json:"differences"`
	// Action is what the command did, or would do.
	Action string `json:"action"`
}

const (
	actionNone        = "none"
	actionSet         = "set"
	actionWouldSet    = "would set"
	actionDeleted     = "deleted"
	actionWouldDelete = "would delete"
)

func (f callbackFlags) report(r registration, action string) registrationReport {
	point := func(c *tencent.CallbackConfig) *endpoint {
		if c == nil {
			return nil
		}
		return &endpoint{URL: shown(r.app, c.URL, f.ShowSecret), Commands: c.Commands}
	}
	return registrationReport{
		App: r.app.Name, SDKAppID: r.app.SDKAppID, Registered: point(r.registered), Configured: point(r.wanted),
		Differences: append([]string{}, r.differences(f.ShowSecret)...), Action: action,
	}
}

func (p registrationReport) write(w io.Writer) {
	describe := func(e *endpoint, none string) string {
		if e == nil {
			return none
		}
		return e.URL + "\n" + words(e.Commands)
	}
	have, want := "Registered", "Wanted"
	if p.Action == actionSet {
		have, want = "Was", "Is now"
	}
	fields := [][2]string{
		{"App", fmt.Sprintf("%s (%s)", p.App, p.SDKAppID)},
		{have, describe(p.Registered, "none: Tencent posts no callbacks")},
		{want, describe(p.Configured, "not known: apps[].callback.base_url is not set")},
	}
	for i, difference := range p.Differences {
		label := ""
		if i == 0 {
			label = "Difference"
		}
		fields = append(fields, [2]string{label, difference})
	}
	if len(p.Differences) == 0 {
		fields = append(fields, [2]string{"Difference", "none"})
	}
	if p.Action != actionNone {
		fields = append(fields, [2]string{"Done", p.Action})
	}
	cli.Fields(w, fields...)
}

type callbackShowCommand struct {
	callbackFlags
}

// Help teaches.
func (callbackShowCommand) Help() string {
	return `Ends with 3 when what is registered is not what is configured.

Examples:

  starter callback show
  starter callback show --app clinic --show-secret
  starter callback show --output json | jq '.[] | select(.differences != [])'`
}

// Run shows every app, or one.
func (c callbackShowCommand) Run(ctx context.Context, p cli.Process) error {
	t, err := open(ctx, p)
	if err != nil {
		return err
	}
	defer t.close()
	apps, err := t.apps(c.App)
	if err != nil {
		return err
	}
	reports := make([]registrationReport, len(apps))
	wrong := 0
	for i, app := range apps {
		have, err := registered(ctx, t, app)
		if err != nil {
			return err
		}
		reports[i] = c.report(registration{app, have, configured(app)}, actionNone)
		if len(reports[i].Differences) > 0 {
			wrong++
		}
	}
	if err := c.Print(p.Stdout, reports, func(w io.Writer) {
		for i, r := range reports {
			if i > 0 {
				fmt.Fprintln(w)
			}
			r.write(w)
		}
	}); err != nil {
		return err
	}
	if wrong > 0 {
		return cli.Errorf(cli.Refused, "mend it with: starter callback set", "%d of %d registrations are not what is configured", wrong, len(apps))
	}
	return nil
}

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
		want = &tencent.CallbackConfig{URL: c.URL, Commands: wantedCommands(app)}
		if !strings.HasSuffix(parsed.Path, callback.PathPrefix+app.Callback.Secret.Reveal()) {
			fmt.Fprintf(stderr, "note: --url does not end in %s and the app's secret; a starter behind it would refuse all callbacks, unless something in between rewrites the path\n", callback.PathPrefix)
		}
	case want == nil:
		return nil, cli.Errorf(cli.Usage, "set apps[].callback.base_url, or give --url", "the public address of %s is not configured", app.Name)
	}
	if len(c.Commands) > 0 {
		want.Commands = c.Commands
	}
	known := []tencent.Command{tencent.CommandAfterStartCall, tencent.CommandAfterMemberChanged, tencent.CommandAfterEndCall}
	for _, command := range want.Commands {
		if !slices.Contains(known, command) {
			return nil, cli.Errorf(cli.Usage, "there are: "+words(known), "--commands: Tencent knows no %s", command)
		}
	}
	if !slices.Contains(want.Commands, tencent.CommandAfterEndCall) {
		fmt.Fprintf(stderr, "note: without %s no call is charged when it ends, but only when a sweep finds it\n", tencent.CommandAfterEndCall)
	}
	return want, nil
}

// Run registers the callback of one app.
func (c callbackSetCommand) Run(ctx context.Context, p cli.Process) error {
	t, err := open(ctx, p)
	if err != nil {
		return err
	}
	defer t.close()
	app, err := t.app(c.App)
	if err != nil {
		return err
	}
	want, err := c.wanted(app, p.Stderr)
	if err != nil {
		return err
	}
	have, err := registered(ctx, t, app)
	if err != nil {
		return err
	}
	r := registration{app, have, want}
	report := c.report(r, actionNone)
	foreign := have != nil && !r.ours()
	switch {
	case len(report.Differences) == 0:
		return c.Print(p.Stdout, report, report.write)
	case foreign && !c.Force:
		if err := c.Print(p.Stdout, report, report.write); err != nil {
			return err
		}
		return cli.Errorf(cli.Refused, "if nobody needs it any more, overwrite it with --force", "%s: another URL is registered, which would receive nothing any more", app.Name)
	case c.DryRun:
		report.Action = actionWouldSet
		return c.Print(p.Stdout, report, report.write)
	}
	if _, err := ask(ctx, func(ctx context.Context) (struct{}, error) {
		return struct{}{}, t.tencent(app).SetCallback(ctx, *want)
	}); err != nil {
		return tencentError(app, err)
	}
	report.Action = actionSet
	return c.Print(p.Stdout, report, report.write)
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
	t, err := open(ctx, p)
	if err != nil {
		return err
	}
	defer t.close()
	app, err := t.app(c.App)
	if err != nil {
		return err
	}
	have, err := registered(ctx, t, app)
	if err != nil {
		return err
	}
	r := registration{app, have, configured(app)}
	report := c.report(r, actionNone)
	switch {
	case have == nil:
		return c.Print(p.Stdout, report, report.write)
	case !r.ours() && !c.Force:
		if err := c.Print(p.Stdout, report, report.write); err != nil {
			return err
		}
		return cli.Errorf(cli.Refused, "if nobody needs it any more, delete it with --force", "%s: another URL is registered", app.Name)
	case c.DryRun:
		report.Action = actionWouldDelete
		return c.Print(p.Stdout, report, report.write)
	}
	if _, err := ask(ctx, func(ctx context.Context) (struct{}, error) {
		return struct{}{}, t.tencent(app).DeleteCallback(ctx)
	}); err != nil {
		return tencentError(app, err)
	}
	report.Action = actionDeleted
	return c.Print(p.Stdout, report, report.write)
}
