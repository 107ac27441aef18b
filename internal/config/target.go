package config

import (
	"log/slog"
	"net/http"
	"time"

	"aftercall/internal/notify"
	"aftercall/internal/tencent"
)

// Target is somebody to notify. Which keys it has depends on its type; the
// package notify knows.
type Target struct {
	Name    string      `yaml:"name" required:"true" doc:"Shown in the Web UI, metrics and deliveries: a-z, 0-9 and hyphens, unique."`
	Type    notify.Type `yaml:"type" default:"webhook" doc:"How it is spoken to: webhook, slack, wecom, dingtalk, feishu, email or stripe."`
	URL     Secret      `yaml:"url" doc:"Address that receives the POST, https:// or http://. Required but for email, and stripe, where it takes the place of https://api.stripe.com."`
	Secrets []Secret    `yaml:"secrets" doc:"webhook, required: signing secrets, whsec_ and base64 of 24 to 64 bytes. Each of them signs, so that a receiver can change over."`
	Secret  Secret      `yaml:"secret" doc:"dingtalk, feishu, required: the secret of the robot's signature, from its security settings."`

	Text     string `yaml:"text" doc:"slack, wecom, dingtalk, feishu, email: template of the message; left out, a few lines in English."`
	Subject  string `yaml:"subject" doc:"email: template of the subject; left out, one that names app and amount."`
	HTML     string `yaml:"html" doc:"email: template of the message in HTML; left out, the text as a page."`
	Locale   string `yaml:"locale" default:"en" doc:"Those with a text: how amounts are written, by language and country, as in de-CH or zh-CN."`
	TimeZone string `yaml:"time_zone" default:"UTC" doc:"Those with a text: time zone of the times in it, as in Asia/Shanghai."`

	Mail   Mail   `yaml:"mail" doc:"email, required: the mail server, and from whom to whom."`
	Stripe Stripe `yaml:"stripe" doc:"stripe, required: what is reported to which meter."`

	AllowPrivate bool `yaml:"allow_private" doc:"true permits a receiver inside your network: a private, loopback or shared (100.64.0.0/10) address. Link-local and cloud metadata addresses are refused all the same."`
	Proxy        bool `yaml:"proxy" doc:"All but email: true sends through the proxy of HTTPS_PROXY, HTTP_PROXY and NO_PROXY. It resolves names itself, so that keeping it from inside addresses is left to it. Otherwise those variables have no effect."`

	Events  []notify.EventType   `yaml:"events" doc:"Events to send: call.charged, call.free, call.review, call.reversed, sweep.recovered; left out, all (stripe: call.charged and call.reversed, it takes no other)."`
	Apps    []string             `yaml:"apps" doc:"Names of the apps to hear of; left out, all."`
	Results []tencent.CallResult `yaml:"results" doc:"Call results to hear of; left out, all: NormalEnd, Interrupt, Offline, Cancel, Reject, NotAnswer, CallBusy."`
	Media   []tencent.MediaType  `yaml:"media" doc:"Media types to hear of: Audio, Video; left out, both."`

	Horizon time.Duration `yaml:"horizon" default:"72h" doc:"How long to offer it an event that it does not take, 1m to 720h."`
	Pause   time.Duration `yaml:"pause" default:"30s" doc:"How long to send it nothing after five failures in a row, before one event tests it, 1s to 1h."`
}

// Mail is how a target of type email is reached.
type Mail struct {
	Server   string   `yaml:"server" required:"true" doc:"The mail server, host:port."`
	Security string   `yaml:"security" default:"starttls" doc:"starttls (mostly port 587), tls (mostly port 465), or none. starttls is never done without."`
	Username string   `yaml:"username" doc:"For a server that wants authentication."`
	Password Secret   `yaml:"password" doc:"Goes with username."`
	From     string   `yaml:"from" required:"true" doc:"Address of the sender, with or without a name."`
	To       []string `yaml:"to" required:"true" doc:"Addresses of the recipients, who get one mail together."`
}

// Stripe is what a target of type stripe reports.
type Stripe struct {
	APIKey   Secret `yaml:"api_key" required:"true" doc:"Secret or restricted key, sk_… or rk_…, that may write meter events."`
	Meter    string `yaml:"meter" required:"true" doc:"Event name of the meter. Its aggregation must be a sum."`
	Customer string `yaml:"customer" required:"true" doc:"Template of the Stripe customer's ID, such as cus_NciAYcXfLnqBoz or {{ .Caller }}."`
	Value    string `yaml:"value" default:"billed_seconds" doc:"What is counted: billed_seconds, connected_seconds, or amount, in the smallest unit of the currency, such as cents."`
}

// Subscription is what the target wants to hear of.
func (t Target) Subscription() notify.Subscription {
	events := t.Events
	if len(events) == 0 {
		events = t.Type.Events()
	}
	return notify.Subscription{Events: events, Apps: t.Apps, Results: t.Results, Media: t.Media}
}

// Subscribers are the names of the targets that want to hear of an event, in the
// order of the file.
func (c *Config) Subscribers(e notify.Event) []string {
	names := []string{}
	for _, t := range c.Targets {
		if t.Subscription().Wants(e) {
			names = append(names, t.Name)
		}
	}
	return names
}

// Network is how the target may be reached.
func (t Target) Network() notify.Network {
	return notify.Network{AllowPrivate: t.AllowPrivate, Proxy: t.Proxy}
}

// Options are what to make a sender of. client is one for Network, nil for one of its own.
func (t Target) Options(client *http.Client) notify.Options {
	secrets := make([]string, len(t.Secrets))
	for i, secret := range t.Secrets {
		secrets[i] = secret.Reveal()
	}
	m, s := t.Mail, t.Stripe
	return notify.Options{
		Type: t.Type, Events: t.Events, URL: t.URL.Reveal(), Secrets: secrets, Secret: t.Secret.Reveal(),
		Text: t.Text, Subject: t.Subject, HTML: t.HTML, Locale: t.Locale, TimeZone: t.TimeZone,
		Mail: notify.Mail{
			Server: m.Server, Security: m.Security, Username: m.Username, Password: m.Password.Reveal(), From: m.From, To: m.To,
		},
		Stripe:  notify.Stripe{APIKey: s.APIKey.Reveal(), Meter: s.Meter, Customer: s.Customer, Value: s.Value},
		Network: t.Network(), HTTP: client,
	}
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
