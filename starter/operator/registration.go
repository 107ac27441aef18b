package operator

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

// registration is where Tencent posts the callbacks of an app, beside where it
// should.
type registration struct {
	app *config.App
	// registered is nil when there is none, wanted when the configuration does
	// not say.
	registered, wanted *tencent.CallbackConfig
}

// register asks Tencent where the callbacks of an app go.
func registered(ctx context.Context, t *tools, app *config.App) (*tencent.CallbackConfig, error) {
	cfg, err := ask(ctx, t.tencent(app).Callback)
	var apiErr *tencent.APIError
	if errors.As(err, &apiErr) && apiErr.Code == tencent.CodeNoCallback {
		return nil, nil //nolint:nilnil // there is none, and nothing went wrong
	}
	if err != nil {
		return nil, tencentError(app, err)
	}
	return &cfg, nil
}

// configured is what the configuration wants to be registered; nil where it
// does not know the app's public address.
func configured(app *config.App) *tencent.CallbackConfig {
	address, ok := app.CallbackURL(callback.PathPrefix)
	if !ok {
		return nil
	}
	return &tencent.CallbackConfig{URL: address, Commands: app.CallbackCommands()}
}

// ours reports whether the callbacks go to a starter of this app: to the
// address that is wanted, or, where none is, to one with the app's secret.
func (r registration) ours() bool {
	if r.registered == nil {
		return false
	}
	if r.wanted != nil {
		return r.registered.URL == r.wanted.URL
	}
	parsed, err := url.Parse(r.registered.URL)
	return err == nil && strings.HasSuffix(parsed.Path, callback.PathPrefix+r.app.Callback.Secret.Reveal())
}

// differences say in words what is not as it should be; none means that all is well.
func (r registration) differences(reveal bool) []string {
	if r.registered == nil {
		return []string{"no callback is registered"}
	}
	var all []string
	if !r.ours() {
		line := "callbacks go to " + shown(r.app, r.registered.URL, reveal)
		if r.wanted != nil {
			line += ", not to " + shown(r.app, r.wanted.URL, reveal)
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
			all = append(all, fmt.Sprintf("%s is posted, for nobody", command))
		}
	}
	return all
}

// shown is a callback URL without the secret at its end, and without a user,
// password or query, which may hold others.
func shown(app *config.App, address string, reveal bool) string {
	if reveal {
		return address
	}
	parsed, err := url.Parse(address)
	if err != nil || parsed.Host == "" {
		return "an address that cannot be read"
	}
	path := parsed.EscapedPath()
	if before, secret, found := strings.Cut(path, callback.PathPrefix); found {
		whose := "another secret"
		if app.Callback.Secret.Matches(secret) {
			whose = "the app's secret"
		}
		path = before + callback.PathPrefix + "[" + whose + "]"
	}
	if parsed.RawQuery != "" {
		path += "?[…]"
	}
	return parsed.Scheme + "://" + parsed.Host + path
}

// words are commands as people read them.
func words(commands []tencent.Command) string {
	all := make([]string, len(commands))
	for i, c := range commands {
		all[i] = string(c)
	}
	return strings.Join(all, ", ")
}
