package ops

import (
	"context"
	"net/url"
	"slices"
	"strings"

	"aftercall/internal/config"
	"aftercall/internal/tencent"
	"aftercall/starter/callback"
)

// SetCallbackParams say what to register.
type SetCallbackParams struct {
	App string
	// URL replaces the configured one.
	URL string
	// Commands replace those that the app's configuration needs.
	Commands []tencent.Command
	// Force overwrites a URL that is not this app's.
	Force      bool
	DryRun     bool
	ShowSecret bool
}

// SetCallback registers where Tencent posts the callbacks of an app. A URL that
// is not this app's is left alone without Force; then the status comes with an
// error of kind Refused.
func (d *Deps) SetCallback(ctx context.Context, p SetCallbackParams) (*CallbackStatus, error) {
	app, err := d.App(p.App)
	if err != nil {
		return nil, err
	}
	wanted, err := d.wantedCallback(app, p)
	if err != nil {
		return nil, err
	}
	r, err := d.registration(ctx, app, wanted)
	if err != nil {
		return nil, err
	}
	return d.changeCallback(ctx, r, callbackChange{
		needed: len(r.differences(false)) > 0, done: CallbackSet, would: CallbackWouldSet, cure: "overwrite it with --force",
		force: p.Force, dryRun: p.DryRun, showSecret: p.ShowSecret,
		apply: func(ctx context.Context, api *tencent.Client) error { return api.SetCallback(ctx, *wanted) },
	})
}

// wantedCallback returns what to register by parameters and configuration.
func (d *Deps) wantedCallback(app *config.App, p SetCallbackParams) (*tencent.CallbackConfig, error) {
	for _, command := range p.Commands {
		if !slices.Contains(tencent.Commands, command) {
			return nil, Errorf(Usage, "commands are: "+CommandList(tencent.Commands), "--commands: there is no command %q", command)
		}
	}
	wanted := configuredCallback(app)
	switch {
	case p.URL != "":
		parsed, err := url.Parse(p.URL)
		if err != nil || parsed.Host == "" || (parsed.Scheme != "https" && parsed.Scheme != "http") {
			return nil, Errorf(Usage, "write https://HOST"+callback.PathPrefix+"SECRET", "--url is not an address")
		}
		wanted = &tencent.CallbackConfig{URL: p.URL, Commands: app.CallbackCommands()}
		if !slices.ContainsFunc(app.Callback.AllSecrets(), func(s config.Secret) bool { return strings.HasSuffix(parsed.Path, callback.PathPrefix+s.Reveal()) }) {
			d.note("--url does not end in %s and a secret of the app: the starter refuses such callbacks, unless a proxy in between rewrites the path", callback.PathPrefix)
		}
	case wanted == nil:
		return nil, Errorf(Usage, "set apps[].callback.base_url, or give --url", "the public address of %s is not configured", app.Name)
	}
	if len(p.Commands) > 0 {
		wanted.Commands = p.Commands
	}
	if !slices.Contains(wanted.Commands, tencent.CommandAfterEndCall) {
		d.note("without %s, calls are charged only when a sweep finds them", tencent.CommandAfterEndCall)
	}
	return wanted, nil
}

// CommandList joins commands for people.
func CommandList(commands []tencent.Command) string {
	return strings.Join(words(commands), ", ")
}

// DeleteCallbackParams say whose callback to delete.
type DeleteCallbackParams struct {
	App string
	// Force deletes also a URL that is not this app's.
	Force      bool
	DryRun     bool
	ShowSecret bool
}

// DeleteCallback deletes the registered callback of an app. A URL that is not
// this app's is left alone without Force; then the status comes with an error of
// kind Refused.
func (d *Deps) DeleteCallback(ctx context.Context, p DeleteCallbackParams) (*CallbackStatus, error) {
	app, err := d.App(p.App)
	if err != nil {
		return nil, err
	}
	r, err := d.registration(ctx, app, configuredCallback(app))
	if err != nil {
		return nil, err
	}
	return d.changeCallback(ctx, r, callbackChange{
		needed: r.registered != nil, done: CallbackDeleted, would: CallbackWouldDelete, cure: "delete it with --force",
		force: p.Force, dryRun: p.DryRun, showSecret: p.ShowSecret,
		apply: func(ctx context.Context, api *tencent.Client) error { return api.DeleteCallback(ctx) },
	})
}

// callbackChange is a change to a registration.
type callbackChange struct {
	// needed is false where the registration is as wanted.
	needed                    bool
	done, would               CallbackAction
	cure                      string // what to do when it is refused
	force, dryRun, showSecret bool
	apply                     func(context.Context, *tencent.Client) error
}

func (d *Deps) changeCallback(ctx context.Context, r registration, c callbackChange) (*CallbackStatus, error) {
	status := r.status(CallbackUnchanged, c.showSecret)
	foreign := r.registered != nil && !r.ours()
	switch {
	case !c.needed:
		return &status, nil
	case foreign && !c.force:
		return &status, Errorf(Refused, "if it is no longer needed, "+c.cure, "%s: another URL is registered, which would no longer receive anything", r.app.Name)
	case c.dryRun:
		status.Action = c.would
		return &status, nil
	}
	api, err := d.Tencent(r.app)
	if err != nil {
		return nil, err
	}
	if _, err := ask(ctx, func(ctx context.Context) (struct{}, error) { return struct{}{}, c.apply(ctx, api) }); err != nil {
		return nil, tencentError(r.app, err)
	}
	status.Action = c.done
	return &status, nil
}
