package config

import (
	"fmt"
	"log/slog"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/goccy/go-yaml/ast"

	"aftercall/internal/notify"
	"aftercall/internal/tencent"
)

// Target is a configured receiver of notifications. Its further keys depend on
// its type: they are the options of its channel.
type Target struct {
	Name string      `yaml:"name" required:"true" doc:"Shown in the Web UI, metrics and deliveries: a-z, 0-9 and hyphens, unique."`
	Type notify.Type `yaml:"type" default:"webhook" doc:"The channel, one of [these](notifications.md#targets)."`

	Events  []notify.EventType   `yaml:"events" doc:"Events to send: call.charged, call.free, call.review, call.reversed, call.adjusted, review.burst, sweep.recovered, ledger.checkpoint; left out, all that its channel can send except ledger.checkpoint. call.review includes review.burst."`
	Apps    []string             `yaml:"apps" doc:"Names of the apps whose events are sent; left out, all."`
	Results []tencent.CallResult `yaml:"results" doc:"Call results whose events are sent; left out, all: NormalEnd, Interrupt, Offline, Cancel, Reject, NotAnswer, CallBusy."`
	Media   []tencent.MediaType  `yaml:"media" doc:"Media types whose events are sent: Audio, Video; left out, both."`

	RetryWindow     time.Duration `yaml:"retry_window" was:"horizon" default:"72h" doc:"How long a delivery that fails is retried, 1m to 720h."`
	BreakerCooldown time.Duration `yaml:"breaker_cooldown" was:"pause" default:"30s" doc:"After five failures in a row, how long nothing is sent before one delivery tests the target, 1s to 1h."`

	// Options are the keys that only targets of Type have.
	Options notify.Options
}

var targetType = reflect.TypeFor[Target]()

// target decodes a target: the keys that all have, and those of its channel.
func (d *decoder) target(node ast.Node, v reflect.Value, path string) {
	channel, ok := d.typeOf(node).Channel()
	if !ok {
		// The type is a problem of its own; which keys it has is not known.
		d.structures(node, path, func(name string) (string, bool) { return "", isOption(name) }, v)
		return
	}
	options := channel.NewOptions()
	v.FieldByName("Options").Set(reflect.ValueOf(options))
	d.structures(node, path, func(name string) (string, bool) {
		return fmt.Sprintf("is not for targets of type %s, which have %s: remove it or choose another type",
			channel.Type, strings.Join(optionNames(channel), ", ")), isOption(name)
	}, v, reflect.ValueOf(options).Elem())
}

// typeOf reads the key type of a target, before the target is decoded.
func (d *decoder) typeOf(node ast.Node) notify.Type {
	pairs, _ := pairsOf(node)
	for _, pair := range pairs {
		if key, ok := pair.Key.(ast.ScalarNode); ok && key.GetToken().Value == "type" {
			raw, _ := scalarOf(pair.Value)
			filled, _ := substitute(raw.text, d.lookup) // decoding reports the error
			return notify.Type(filled.text)
		}
	}
	return notify.TypeWebhook
}

// optionNames are the keys that targets of a channel have besides the common ones.
func optionNames(c notify.Channel) []string {
	var names []string
	for _, f := range fieldsOf(reflect.TypeOf(c.NewOptions()).Elem()) {
		names = append(names, f.name)
	}
	slices.Sort(names)
	return names
}

// isOption reports whether targets of any channel have the key.
func isOption(name string) bool {
	return slices.ContainsFunc(notify.Channels(), func(c notify.Channel) bool { return slices.Contains(optionNames(c), name) })
}

// Subscription chooses the events that are sent to the target.
func (t Target) Subscription() notify.Subscription {
	events := t.Events
	if channel, ok := t.Type.Channel(); ok && len(events) == 0 {
		events = channel.Events
	}
	return notify.Subscription{Events: events, Apps: t.Apps, Results: t.Results, Media: t.Media}
}

// Subscribers are the names of the targets to which an event is sent, in the
// order of the file.
func (c *Config) Subscribers(e notify.Event) []string {
	all := make([]notify.Subscriber, len(c.Targets))
	for i, t := range c.Targets {
		all[i] = notify.Subscriber{Name: t.Name, Subscription: t.Subscription()}
	}
	return notify.Subscribers(all, e)
}

// Sender returns what sends to a target, or what is wrong with its options.
// client is one for the Network of its options, nil for a client of its own; now is
// the time of signatures and messages, time.Now if it is nil.
func (c *Config) Sender(t Target, client *http.Client, now func() time.Time) (notify.Sender, []notify.Problem) {
	return notify.New(t.Options, notify.Settings{Events: t.Subscription().Events, Charges: c.charges(t), HTTP: client, Now: now})
}

// charges are how the apps are charged whose events a target is sent.
func (c *Config) charges(t Target) []notify.Charge {
	all := c.appCharges
	if all == nil {
		all = c.allCharges()
	}
	if len(t.Apps) == 0 {
		return all
	}
	subscribed := newNames(t.Apps).set
	return slices.DeleteFunc(slices.Clone(all), func(charge notify.Charge) bool { return !subscribed[charge.App] })
}

// allCharges are how the apps are charged, in the order of the file.
func (c *Config) allCharges() []notify.Charge {
	charges := make([]notify.Charge, 0, len(c.Apps))
	for _, app := range c.Apps {
		known := map[notify.Charge]bool{}
		for _, assigned := range app.Tariff {
			tariff := c.Tariffs[assigned.Name]
			charge := notify.Charge{App: app.Name, Currency: tariff.Currency, Digits: tariff.ChargeDigits()}
			if !known[charge] {
				known[charge], charges = true, append(charges, charge)
			}
		}
	}
	return charges
}

// LogValue is the name: the address of a target can be a secret of its receiver.
func (t Target) LogValue() slog.Value { return slog.StringValue(t.Name) }

// Target finds a target by its name.
func (c *Config) Target(name string) (Target, bool) {
	for _, t := range c.Targets {
		if t.Name == name {
			return t, true
		}
	}
	return Target{}, false
}
