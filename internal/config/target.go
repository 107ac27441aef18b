package config

import (
	"encoding/base64"
	"fmt"
	"log/slog"
	"net/url"
	"slices"
	"strings"
	"time"

	"aftercall/internal/notify"
	"aftercall/internal/tencent"
)

const (
	minWebhookKey    = 24
	maxWebhookKey    = 64
	webhookKeyPrefix = "whsec_"
	webhookKeyAdvice = "make one with: echo whsec_$(openssl rand -base64 32)"
)

// TargetType is how a target is spoken to.
type TargetType string

// TargetWebhook is a POST after the Standard Webhooks specification.
const TargetWebhook TargetType = "webhook"

var targetTypes = []TargetType{TargetWebhook}

// Target is somebody to notify.
type Target struct {
	Name    string     `yaml:"name" required:"true" doc:"Shown in the Web UI, metrics and deliveries: a-z, 0-9 and hyphens, unique."`
	Type    TargetType `yaml:"type" default:"webhook" doc:"How it is spoken to: webhook."`
	URL     string     `yaml:"url" required:"true" doc:"Address that receives the POST, https:// or http://."`
	Secrets []Secret   `yaml:"secrets" required:"true" doc:"Signing secrets, whsec_ and base64 of 24 to 64 bytes. Each of them signs, so that a receiver can change over."`

	AllowPrivate bool `yaml:"allow_private" doc:"true permits a receiver inside your network: a private, loopback or shared (100.64.0.0/10) address. Link-local and cloud metadata addresses are refused all the same."`
	Proxy        bool `yaml:"proxy" doc:"true sends through the proxy of HTTPS_PROXY, HTTP_PROXY and NO_PROXY. It resolves names itself, so that keeping it from inside addresses is left to it. Otherwise those variables have no effect."`

	Events  []notify.EventType   `yaml:"events" doc:"Events to send: call.charged, call.free, call.review, call.reversed, sweep.recovered; left out, all."`
	Apps    []string             `yaml:"apps" doc:"Names of the apps to hear of; left out, all."`
	Results []tencent.CallResult `yaml:"results" doc:"Call results to hear of; left out, all: NormalEnd, Interrupt, Offline, Cancel, Reject, NotAnswer, CallBusy."`
	Media   []tencent.MediaType  `yaml:"media" doc:"Media types to hear of: Audio, Video; left out, both."`

	Horizon time.Duration `yaml:"horizon" default:"72h" doc:"How long to offer it an event that it does not take, 1m to 720h."`
}

// Subscription is what the target wants to hear of.
func (t Target) Subscription() notify.Subscription {
	return notify.Subscription{Events: t.Events, Apps: t.Apps, Results: t.Results, Media: t.Media}
}

// Network is how the target may be reached.
func (t Target) Network() notify.Network {
	return notify.Network{AllowPrivate: t.AllowPrivate, Proxy: t.Proxy}
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

func (v validator) target(path string, target Target) {
	v.name(path+".name", target.Name)
	switch target.Type {
	case TargetWebhook:
		v.webhook(path, target)
	default:
		v.choice(path+".type", "type", string(target.Type), texts(targetTypes))
	}
	v.choices(path+".events", "event", texts(target.Events), texts(notify.EventTypes))
	v.choices(path+".results", "result", texts(target.Results), texts(tencent.CallResults))
	v.choices(path+".media", "media type", texts(target.Media), texts(tencent.MediaTypes))
	v.appNames(path+".apps", target.Apps)
	if target.Horizon < time.Minute || target.Horizon > 30*24*time.Hour {
		v.report(path+".horizon", "must be from 1m to 720h")
	}
}

func (v validator) webhook(path string, target Target) {
	parsed, err := url.Parse(target.URL)
	switch {
	case err != nil || parsed.Hostname() == "" || (parsed.Scheme != "https" && parsed.Scheme != "http"):
		v.report(path+".url", "must be an address such as https://crm.example.com/aftercall")
	case parsed.User != nil || parsed.Fragment != "":
		v.report(path+".url", "must not hold a user, password or fragment: the signature proves the sender")
	default:
		if err := notify.CheckHost(parsed.Hostname(), target.AllowPrivate); err != nil {
			v.report(path+".url", "%s", err)
		}
	}
	if len(target.Secrets) == 0 {
		v.report(path+".secrets", "must hold at least one signing secret; %s", webhookKeyAdvice)
	}
	for i, secret := range target.Secrets {
		at := fmt.Sprintf("%s.secrets[%d]", path, i)
		text, prefixed := strings.CutPrefix(secret.Reveal(), webhookKeyPrefix)
		key, err := base64.StdEncoding.DecodeString(text)
		if !prefixed || err != nil || len(key) < minWebhookKey || len(key) > maxWebhookKey {
			v.report(at, "must be %s and base64 of %d to %d bytes; %s", webhookKeyPrefix, minWebhookKey, maxWebhookKey, webhookKeyAdvice)
		}
	}
}

// appNames checks the names by which a target refers to apps. An app whose name
// is not known would only make a second problem of one.
func (v validator) appNames(path string, names []string) {
	var known []string
	complete := !v.bad["apps"]
	for i, app := range v.config.Apps {
		at := fmt.Sprintf("apps[%d]", i)
		complete = complete && !v.bad[at] && !v.bad[at+".name"]
		known = append(known, app.Name)
	}
	if complete {
		v.choices(path, "app", names, known)
	}
}

// choices checks a list whose items must be known and differ.
func (v validator) choices(path, what string, values, known []string) {
	if _, present := v.positions[path]; present && len(values) == 0 {
		v.report(path, "is empty: leave it out for all")
	}
	for i, value := range values {
		at := fmt.Sprintf("%s[%d]", path, i)
		if slices.Contains(values[:i], value) {
			v.report(at, "names the %s %s twice: remove one", what, v.shown(at, value))
		}
		v.choice(at, what, value, known)
	}
}

// choice checks a value that must be one of known.
func (v validator) choice(path, what, value string, known []string) {
	if !slices.Contains(known, value) {
		v.reference(path, what, value, known)
	}
}

func texts[T ~string](values []T) []string {
	all := make([]string, len(values))
	for i, value := range values {
		all[i] = string(value)
	}
	return all
}
