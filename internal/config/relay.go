package config

import (
	"net/url"
	"slices"
	"time"

	"aftercall/internal/notify"
	"aftercall/internal/tencent"
)

// Relay is an app's own backend, to which callbacks are relayed.
type Relay struct {
	URL      string            `yaml:"url" required:"true" doc:"Address that receives the callbacks, https:// or http://, without a query: a callback brings its own."`
	Commands []tencent.Command `yaml:"commands" doc:"Callbacks to relay: Call.CallbackAfterStartCall, Call.CallbackAfterMemberChanged, Call.CallbackAfterEndCall; left out, all."`

	RetryWindow     time.Duration `yaml:"retry_window" was:"horizon" default:"72h" doc:"How long a callback that the backend does not accept is retried, 1m to 720h."`
	BreakerCooldown time.Duration `yaml:"breaker_cooldown" was:"pause" default:"30s" doc:"After five failures in a row, how long nothing is sent before one callback tests the backend, 1s to 1h."`

	notify.HTTPOptions
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
		if command == tencent.CommandAfterEndCall || a.Evidence.Members || slices.Contains(a.RelayedCommands(), command) {
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
	v.retries(path, relay.RetryWindow, relay.BreakerCooldown)
}

// retries checks how long a receiver is retried, and held after failures.
func (v validator) retries(path string, window, cooldown time.Duration) {
	if window < time.Minute || window > 30*24*time.Hour {
		v.report(path+".retry_window", "must be from 1m to 720h")
	}
	if cooldown < time.Second || cooldown > time.Hour {
		v.report(path+".breaker_cooldown", "must be from 1s to 1h")
	}
}
