package notify

import (
	"context"
	"net/http"
	"slices"
	"time"
	_ "time/tzdata" // time zones, also on machines without zone files
)

// Sender makes one attempt to deliver an event. It is safe for concurrent use.
// The error is a *StatusError or a *DeliveryError when it is known whether to
// try again, and names neither the URL nor a secret.
type Sender interface {
	Send(ctx context.Context, messageID string, event Event) error
}

// Type is the name of a channel, the key type of a target.
type Type string

// Channel is a kind of target. Everything about one is in its own file: name,
// options, validation, documentation, example and sender.
type Channel struct {
	Type Type
	// Doc says in one line what a target of the channel receives, in Markdown.
	Doc string
	// Example is a target as in the configuration file. Its variables end in
	// _URL, _SECRET, _KEY or _PASSWORD.
	Example string
	// Events are those that can be sent, nil for all.
	Events []EventType
	// Slow is a channel whose receivers may take seconds to answer.
	Slow bool
	// NewOptions returns options to fill in.
	NewOptions func() Options
}

// channels are all channels in the order of the documentation. A new channel
// is a file of its own and a line here.
var channels = []Channel{
	webhookChannel,
	slackChannel,
	teamsChannel,
	wecomChannel,
	dingtalkChannel,
	feishuChannel,
	emailChannel,
	stripeChannel,
}

// Channels returns all channels in the order of the documentation.
func Channels() []Channel { return slices.Clone(channels) }

// Types returns the names of all channels in the order of the documentation.
func Types() []Type {
	types := make([]Type, len(channels))
	for i, channel := range channels {
		types[i] = channel.Type
	}
	return types
}

// Channel returns the channel named t. ok is false when there is none.
func (t Type) Channel() (channel Channel, ok bool) {
	i := slices.IndexFunc(channels, func(c Channel) bool { return c.Type == t })
	if i < 0 {
		return Channel{}, false
	}
	return channels[i], true
}

// Options are the keys of a target that its channel defines: a pointer to a
// struct whose fields have the tags yaml, required, default and doc.
type Options interface {
	// Network is how the target may be reached.
	Network() Network
	// address is the URL of the server to which the sender connects.
	address() string
	// newSender checks the options and makes a sender of them. It reports every
	// problem to s; then the sender is not used.
	newSender(s *setup) Sender
}

// Settings are what a sender needs besides the options of its target.
type Settings struct {
	// Events are those that the target may be sent, nil for all. Templates are
	// tried with them.
	Events []EventType
	// Charges are how the apps are charged whose events the target may be sent.
	Charges []Charge
	// HTTP is a client made by NewHTTPClient for the options' Network; nil makes
	// a client for this sender alone.
	HTTP *http.Client
	// Now is the time of signatures and messages, time.Now if it is nil.
	Now func() time.Time
}

// Charge is how the calls of an app are charged.
type Charge struct {
	App, Currency string
	// Digits are the decimal places to which a charge is rounded.
	Digits int
}

// Problem is a key of the configuration and what is wrong with it.
type Problem struct {
	// Key is relative to the target, as in secrets[0].
	Key string
	// Message is the problem and its remedy. It does not repeat a secret.
	Message string
}

// New returns the sender of a target, or what is wrong with its options. It
// tries the templates with a sample of every event.
func New(o Options, settings Settings) (Sender, []Problem) {
	s := &setup{network: o.Network(), events: settings.Events, charges: settings.Charges, http: settings.HTTP, now: settings.Now}
	if s.http == nil {
		s.http = NewHTTPClient(s.network)
	}
	if s.now == nil {
		s.now = time.Now
	}
	sender := o.newSender(s)
	if len(s.problems) > 0 {
		return nil, s.problems
	}
	return sender, nil
}
