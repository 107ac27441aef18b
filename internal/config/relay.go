package config

import (
	"net/url"
	"slices"
	"time"

	"aftercall/internal/notify"
	"aftercall/internal/tencent"
)

// Relay is an app's own backend, to which callbacks are passed on.
type Relay struct {
	URL      string            `yaml:"url" required:"true" doc:"Address that receives the callbacks, https:// or http://, without a query: a callback brings its own."`
	Commands []tencent.Command `yaml:"commands" doc:"Callbacks to pass on: Call.CallbackAfterStartCall, Call.CallbackAfterMemberChanged, Call.CallbackAfterEndCall; left out, all."`

	Horizon time.Duration `yaml:"horizon" default:"72h" doc:"How long to offer it a callback that it does not take, 1m to 720h."`
	Pause   time.Duration `yaml:"pause" default:"30s" doc:"How long to send it nothing after five failures in a row, before one callback tests it, 1s to 1h."`

	AllowPrivate bool `yaml:"allow_private" doc:"true permits private and loopback addresses, for a backend inside your network."`
	Proxy        bool `yaml:"proxy" doc:"true sends through the proxy that HTTPS_PROXY, HTTP_PROXY and NO_PROXY of the worker name."`
}

// Network is how the backend may be reached.
func (r Relay) Network() notify.Network {
	return notify.Network{AllowPrivate: r.AllowPrivate, Proxy: r.Proxy}
}

// RelayedCommands are those whose callbacks the app's own backend gets, none
// without a relay.
func (a *App) RelayedCommands() []tencent.Command {
	switch {
	case a.Relay == nil:
		return nil
	case len(a.Relay.Commands) == 0:
		return tencent.Commands
	}
	return a.Relay.Commands
}

// CallbackCommands are those that Tencent must post for the app, in Tencent's order.
func (a *App) CallbackCommands() []tencent.Command {
	var commands []tencent.Command
	for _, command := range tencent.Commands {
		if command == tencent.CommandAfterEndCall || slices.Contains(a.RelayedCommands(), command) {
			commands = append(commands, command)
		}
	}
	return commands
}

func (v validator) relay(path string, relay Relay) {
	parsed, err := url.Parse(relay.URL)
	switch {
	case err != nil || parsed.Hostname() == "" || (parsed.Scheme != "https" && parsed.Scheme != "http"):
		v.report(path+".url", "must be an address such as https://calls.example.com/tencent")
	case parsed.User != nil || parsed.Fragment != "" || parsed.RawQuery != "" || parsed.ForceQuery:
		v.report(path+".url", "must not hold a user, password, query or fragment")
	default:
		if err := notify.CheckHost(parsed.Hostname(), relay.AllowPrivate); err != nil {
			v.report(path+".url", "%s", err)
		}
	}
	v.choices(path+".commands", "command", texts(relay.Commands), texts(tencent.Commands))
	v.patience(path, relay.Horizon, relay.Pause)
}

// patience checks how long a receiver is waited for.
func (v validator) patience(path string, horizon, pause time.Duration) {
	if horizon < time.Minute || horizon > 30*24*time.Hour {
		v.report(path+".horizon", "must be from 1m to 720h")
	}
	if pause < time.Second || pause > time.Hour {
		v.report(path+".pause", "must be from 1s to 1h")
	}
}
