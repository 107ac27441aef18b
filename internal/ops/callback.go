package ops

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"aftercall/internal/config"
	"aftercall/internal/tencent"
	"aftercall/starter/callback"
)

// CallbackStatus is where Tencent posts the callbacks of an app, and where it
// should.
type CallbackStatus struct {
	App      string           `json:"app"`
	SDKAppID tencent.SDKAppID `json:"sdk_app_id"`
	// Registered is null when no callback is registered.
	Registered *CallbackEndpoint `json:"registered"`
	// Configured is null where the configuration has no public address.
	Configured *CallbackEndpoint `json:"configured"`
	// Differences are empty when the registration is as configured.
	Differences []string `json:"differences"`
	// Action is what the command did, or would do.
	Action CallbackAction `json:"action"`
}

// CallbackEndpoint is a callback URL, without its secrets unless they were asked
// for, and the commands that are posted to it.
type CallbackEndpoint struct {
	URL      string            `json:"url"`
	Commands []tencent.Command `json:"commands"`
}

// CallbackAction is what a command did to a registration.
type CallbackAction string

// The actions.
const (
	CallbackUnchanged   CallbackAction = "none"
	CallbackSet         CallbackAction = "set"
	CallbackWouldSet    CallbackAction = "would_set"
	CallbackDeleted     CallbackAction = "deleted"
	CallbackWouldDelete CallbackAction = "would_delete"
)

// Callbacks compares the registered callbacks of one app, or of all if appName
// is empty, with the configured ones. Where they differ, the result comes with
// an error of kind Refused; where Tencent does not answer for some of the apps,
// it lacks these and comes with an error of kind Incomplete.
func (d *Deps) Callbacks(ctx context.Context, appName string, showSecret bool) ([]CallbackStatus, error) {
	apps, err := d.Apps(appName)
	if err != nil {
		return nil, err
	}
	var all []CallbackStatus
	var failures []error
	var cures []string
	for _, app := range apps {
		r, err := d.registration(ctx, app, configuredCallback(app))
		if err != nil {
			failures = append(failures, err)
			continue
		}
		status := r.status(CallbackUnchanged, showSecret)
		all = append(all, status)
		if len(status.Differences) > 0 {
			cures = append(cures, r.cure())
		}
	}
	switch {
	case len(all) == 0:
		return nil, errors.Join(failures...)
	case len(failures) > 0:
		return all, Errorf(Incomplete, "aftercall check says what is wrong", "the result is incomplete: %w", errors.Join(failures...))
	case len(cures) > 0:
		return all, Errorf(Refused, strings.Join(cures, "\n"), "%d of %d registrations are not as configured", len(cures), len(apps))
	}
	return all, nil
}

// registration is where Tencent posts the callbacks of an app, and where it
// should.
type registration struct {
	app *config.App
	// registered is nil when there is none, wanted when the configuration does
	// not say.
	registered, wanted *tencent.CallbackConfig
}

// registration asks Tencent where the callbacks of an app go.
func (d *Deps) registration(ctx context.Context, app *config.App, wanted *tencent.CallbackConfig) (registration, error) {
	r := registration{app: app, wanted: wanted}
	api, err := d.Tencent(app)
	if err != nil {
		return r, err
	}
	registered, err := ask(ctx, api.Callback)
	var apiErr *tencent.APIError
	if errors.As(err, &apiErr) && apiErr.Code == tencent.CodeNoCallback {
		return r, nil
	}
	if err != nil {
		return r, tencentError(app, err)
	}
	r.registered = &registered
	return r, nil
}

// configuredCallback returns what should be registered, nil where the app's
// public address is not configured.
func configuredCallback(app *config.App) *tencent.CallbackConfig {
	address, ok := app.CallbackURL(callback.PathPrefix)
	if !ok {
		return nil
	}
	return &tencent.CallbackConfig{URL: address, Commands: app.CallbackCommands()}
}

// ours reports whether the callbacks go to a starter of this app: to the
// address that is wanted, or, where none is, to one with a secret of the app.
func (r registration) ours() bool { return r.registeredSecret() != noSecret }

// usesOldSecret reports whether the callbacks go to a starter of this app, by the
// secret that a new one replaces.
func (r registration) usesOldSecret() bool { return r.registeredSecret() > 0 }

// noSecret is for a registration that is not this app's.
const noSecret = -1

// registeredSecret is the index of the app's secret to whose address the
// callbacks go.
func (r registration) registeredSecret() int {
	if r.registered == nil {
		return noSecret
	}
	if r.wanted != nil && r.registered.URL == r.wanted.URL {
		return 0
	}
	for i, secret := range r.app.Callback.AllSecrets() {
		base, found := strings.CutSuffix(r.registered.URL, callback.PathPrefix+secret.Reveal())
		if found && (r.wanted == nil || r.wanted.URL == base+callback.PathPrefix+r.app.Callback.Secret.Reveal()) {
			return i
		}
	}
	return noSecret
}

// differences says how the registration differs from what is wanted.
func (r registration) differences(showSecret bool) []string {
	if r.registered == nil {
		return []string{"no callback is registered"}
	}
	all := []string{}
	switch {
	case r.usesOldSecret():
		all = append(all, "callbacks go to the address with the old secret")
	case !r.ours():
		line := "callbacks go to " + callbackURL(r.app, r.registered.URL, showSecret)
		if r.wanted != nil {
			line += ", not to " + callbackURL(r.app, r.wanted.URL, showSecret)
		}
		all = append(all, line)
	}
	wanted := r.app.CallbackCommands()
	if r.wanted != nil {
		wanted = r.wanted.Commands
	}
	for _, command := range wanted {
		if !slices.Contains(r.registered.Commands, command) {
			all = append(all, fmt.Sprintf("%s is not posted", command))
		}
	}
	for _, command := range r.registered.Commands {
		if !slices.Contains(wanted, command) {
			all = append(all, fmt.Sprintf("%s is posted, but not used", command))
		}
	}
	return all
}

// cure is the command that makes the registration as configured.
func (r registration) cure() string {
	command := "aftercall callback set --app " + r.app.Name
	switch {
	case r.wanted == nil:
		return "set apps[].callback.base_url, then run " + command
	case r.registered != nil && !r.ours():
		return command + " --force, if the other address is no longer needed: it will receive nothing more"
	}
	return command
}

func (r registration) status(action CallbackAction, showSecret bool) CallbackStatus {
	endpoint := func(c *tencent.CallbackConfig) *CallbackEndpoint {
		if c == nil {
			return nil
		}
		return &CallbackEndpoint{URL: callbackURL(r.app, c.URL, showSecret), Commands: c.Commands}
	}
	return CallbackStatus{
		App: r.app.Name, SDKAppID: r.app.SDKAppID, Registered: endpoint(r.registered), Configured: endpoint(r.wanted),
		Differences: r.differences(showSecret), Action: action,
	}
}

// callbackURL returns a callback URL without the secret at its end, and without
// a user, password or query, which may hold others.
func callbackURL(app *config.App, address string, showSecret bool) string {
	if showSecret {
		return address
	}
	parsed, err := url.Parse(address)
	if err != nil || parsed.Host == "" {
		return "an unreadable address"
	}
	path := parsed.EscapedPath()
	if before, secret, found := strings.Cut(path, callback.PathPrefix); found {
		whose := "another secret"
		for i, one := range app.Callback.AllSecrets() {
			switch {
			case !one.Matches(secret):
			case i == 0:
				whose = "the app's secret"
			default:
				whose = "the app's old secret"
			}
		}
		path = before + callback.PathPrefix + "[" + whose + "]"
	}
	if parsed.RawQuery != "" {
		path += "?[…]"
	}
	return parsed.Scheme + "://" + parsed.Host + path
}
