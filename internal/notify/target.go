package notify

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
	_ "time/tzdata" // time zones, also on machines that have no files of them
	"unicode"

	"github.com/bojanz/currency"
	"golang.org/x/text/language"
)

// Sender makes one attempt to deliver an event. It is safe for concurrent use.
// The error is a *StatusError or a *DeliveryError when it is known whether to
// try again, and names neither the URL nor a secret.
type Sender interface {
	Send(ctx context.Context, messageID string, event Event) error
}

// Type is how a target is spoken to.
type Type string

// The types of targets.
const (
	TypeWebhook  Type = "webhook"
	TypeSlack    Type = "slack"
	TypeWeCom    Type = "wecom"
	TypeDingTalk Type = "dingtalk"
	TypeFeishu   Type = "feishu"
	TypeEmail    Type = "email"
	TypeStripe   Type = "stripe"
)

// Types are all of them, in the order of the documentation.
var Types = []Type{TypeWebhook, TypeSlack, TypeWeCom, TypeDingTalk, TypeFeishu, TypeEmail, TypeStripe}

// kinds has what there is to know of every type. A new one is a file of its
// own, a name above, and a line here.
var kinds = map[Type]kind{
	TypeWebhook:  webhookKind,
	TypeSlack:    slackKind,
	TypeWeCom:    wecomKind,
	TypeDingTalk: dingtalkKind,
	TypeFeishu:   feishuKind,
	TypeEmail:    emailKind,
	TypeStripe:   stripeKind,
}

// kind is a type of targets.
type kind struct {
	// required and optional are its keys in the configuration, beside those that
	// every target has.
	required, optional []string
	// events are those that it can be sent; nil for all.
	events []EventType
	// build makes a sender, and reports what is wrong with the options.
	build func(o Options, r *report) Sender
}

// Keys of the configuration that several types have.
var (
	networkKeys = []string{"allow_private", "proxy"}
	messageKeys = append([]string{"text", "locale", "time_zone"}, networkKeys...)
)

// Keys returns the keys of the configuration that targets of a type have, beside
// those that all have.
func (t Type) Keys() (required, optional []string) { return kinds[t].required, kinds[t].optional }

// Events returns the events that a target of the type can be sent, nil for all.
func (t Type) Events() []EventType { return kinds[t].events }

// Options are what a target is made of; which of them apply depends on the type.
type Options struct {
	Type Type
	// Events are those that the target will be sent; nil for all. Templates are
	// tried with them.
	Events  []EventType
	URL     string
	Secrets []string
	Secret  string

	// Text, Subject and HTML are templates that see a View; empty for good ones.
	Text, Subject, HTML string
	// Locale and TimeZone are the readers', empty for en and UTC.
	Locale, TimeZone string

	Mail   Mail
	Stripe Stripe

	Network Network
	// HTTP is a client made by NewHTTPClient for Network; nil for one of its own.
	HTTP *http.Client
}

// Problem is a key of the configuration and what is wrong with it.
type Problem struct {
	// Key is relative to the target, as in secrets[0].
	Key string
	// Message is the problem and its cure. It does not repeat a secret.
	Message string
}

// New returns what sends to a target, or what is wrong with the options. It
// tries the templates with a sample of every event.
func New(o Options) (Sender, []Problem) {
	k, ok := kinds[o.Type]
	if !ok {
		return nil, []Problem{{Key: "type", Message: fmt.Sprintf("%q is not a type of targets", o.Type)}}
	}
	if o.HTTP == nil {
		o.HTTP = NewHTTPClient(o.Network)
	}
	if len(o.Events) == 0 {
		o.Events = o.Type.Events()
	}
	r := &report{network: o.Network}
	sender := k.build(o, r)
	if r.failed() {
		return nil, r.problems
	}
	return sender, nil
}

// report collects the problems of a target.
type report struct {
	network  Network
	problems []Problem
}

func (r *report) add(key, format string, args ...any) {
	r.problems = append(r.problems, Problem{Key: key, Message: fmt.Sprintf(format, args...)})
}

func (r *report) failed() bool { return len(r.problems) > 0 }

// address checks and parses the URL, whose text may be a secret.
func (r *report) address(text string) *url.URL {
	parsed, err := url.Parse(text)
	switch {
	case err != nil || parsed.Hostname() == "" || (parsed.Scheme != "https" && parsed.Scheme != "http"):
		r.add("url", "must be an address such as https://crm.example.com/aftercall")
	case parsed.User != nil || parsed.Fragment != "":
		r.add("url", "must not hold a user, password or fragment")
	default:
		r.host("url", parsed.Hostname())
	}
	return parsed
}

// host refuses an address that the guard would refuse anyway.
func (r *report) host(key, host string) {
	if err := CheckHost(host, r.network.AllowPrivate); err != nil {
		r.add(key, "%s", err)
	}
}

// secret refuses what cannot have been copied whole.
func (r *report) secret(key, secret, advice string) {
	if secret == "" || strings.ContainsFunc(secret, func(c rune) bool { return unicode.IsSpace(c) || unicode.IsControl(c) }) {
		r.add(key, "is empty or holds a space or line break: %s", advice)
	}
}

// locale parses the language and country of the readers.
func (r *report) locale(id string) currency.Locale {
	if id == "" {
		id = "en"
	}
	if _, err := language.Parse(id); err != nil && !slices.ContainsFunc(r.problems, func(p Problem) bool { return p.Key == "locale" }) {
		r.add("locale", "must be a language, with or without a country, such as en, de-CH or zh-CN")
	}
	return currency.NewLocale(id)
}

// zone loads the time zone of the readers.
func (r *report) zone(name string) *time.Location {
	zone, err := time.LoadLocation(name)
	if err == nil {
		return zone
	}
	if !slices.ContainsFunc(r.problems, func(p Problem) bool { return p.Key == "time_zone" }) {
		r.add("time_zone", "must be a name of the IANA time zone database, such as Asia/Shanghai or UTC")
	}
	return time.UTC
}
