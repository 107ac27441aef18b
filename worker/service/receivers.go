package service

import (
	"fmt"
	"net/http"
	"time"

	"aftercall/activities"
	"aftercall/internal/circuit"
	"aftercall/internal/config"
	"aftercall/internal/notify"
)

// minSlots is the least number of concurrent requests that a receiver is allowed,
// however many receivers there are.
const minSlots = 4

// receivers makes the targets and relays of the configuration. Those with the
// same network access share a client.
type receivers struct {
	config   *config.Config
	http     func(purpose string, c *http.Client) *http.Client
	breakers *circuit.Breakers
	slots    int
	now      func() time.Time
	clients  map[notify.Network]*http.Client
}

// newReceivers divides the worker's slots among all configured receivers.
func newReceivers(cfg *config.Config, wrap func(string, *http.Client) *http.Client, breakers *circuit.Breakers, now func() time.Time) *receivers {
	n := len(cfg.Targets)
	for _, app := range cfg.Apps {
		if app.Relay != nil {
			n++
		}
	}
	return &receivers{config: cfg, http: wrap, breakers: breakers, slots: slotsOf(n), now: now, clients: map[notify.Network]*http.Client{}}
}

// slotsOf is the number of concurrent requests that each of n receivers is
// allowed. However slow they are, all of them together leave half of the worker
// to other work.
func slotsOf(n int) int { return max(maxConcurrent/2/max(n, 1), minSlots) }

func (r *receivers) client(n notify.Network) *http.Client {
	if r.clients[n] == nil {
		r.clients[n] = r.http(ForDeliveries, notify.NewHTTPClient(n))
	}
	return r.clients[n]
}

// targets returns the configured targets in the order of the file.
func (r *receivers) targets() ([]activities.Target, error) {
	targets := make([]activities.Target, len(r.config.Targets))
	for i, target := range r.config.Targets {
		sender, problems := r.config.Sender(target, r.client(target.Options.Network()), r.now)
		if len(problems) > 0 {
			return nil, fmt.Errorf("target %s: %s: %s", target.Name, problems[0].Key, problems[0].Message)
		}
		targets[i] = activities.Target{
			Receiver: activities.Receiver{
				Name: target.Name, RetryWindow: target.RetryWindow, AlwaysSlow: channelIsSlow(target.Type),
				Circuit: r.breakers.For(target.Name, target.BreakerCooldown, r.slots),
			},
			Subscription: target.Subscription(), Sender: sender,
		}
	}
	return targets, nil
}

// channelIsSlow reports whether the receivers of a channel usually take long.
func channelIsSlow(t notify.Type) bool {
	channel, ok := t.Channel()
	return ok && channel.Slow
}

// relay returns the relay of an app, nil if it has none.
func (r *receivers) relay(app *config.App) (*activities.Relay, error) {
	if app.Relay == nil {
		return nil, nil //nolint:nilnil // there is none, and nothing went wrong
	}
	sender, err := notify.NewRelay(app.Relay.URL, r.client(app.Relay.Network()), r.now)
	if err != nil {
		return nil, err
	}
	name := activities.RelayReceiver(app.Name)
	return &activities.Relay{
		Receiver: activities.Receiver{
			Name: name, RetryWindow: app.Relay.RetryWindow, Circuit: r.breakers.For(name, app.Relay.BreakerCooldown, r.slots),
		},
		Sender: sender,
	}, nil
}
