package notify

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/bojanz/currency"
	"golang.org/x/text/language"

	"aftercall/internal/secret"
)

// HTTPOptions are the options of every channel that sends over HTTP.
type HTTPOptions struct {
	AllowPrivate bool `yaml:"allow_private" doc:"true permits a receiver inside your network: a private, loopback or shared (100.64.0.0/10) address. Link-local and cloud metadata addresses are always refused."`
	Proxy        bool `yaml:"proxy" doc:"true sends through the proxy of HTTPS_PROXY, HTTP_PROXY and NO_PROXY. It resolves names itself, so keeping it away from private addresses is up to the proxy. Otherwise those variables have no effect."`
}

// Network implements Options.
func (o HTTPOptions) Network() Network { return Network(o) }

// TextOptions are the options of every channel whose messages people read.
type TextOptions struct {
	Text     string `yaml:"text" doc:"Template of the message; left out, a standard one in English."`
	Locale   string `yaml:"locale" default:"en" doc:"How amounts are written, by language and country, as in de-CH or zh-CN."`
	TimeZone string `yaml:"time_zone" default:"UTC" doc:"Time zone of the times in messages, as in Asia/Shanghai."`
}

// setup is what a channel makes a sender with. It checks values that several
// channels have, and collects the problems.
type setup struct {
	http     *http.Client
	network  Network
	events   []EventType
	charges  []Charge
	now      func() time.Time
	problems []Problem
	// templateTime replaces the limit of that name, in tests.
	templateTime time.Duration
}

// report adds a problem with a key.
func (s *setup) report(key, format string, args ...any) {
	s.problems = append(s.problems, Problem{Key: key, Message: fmt.Sprintf(format, args...)})
}

// reported reports whether a key has a problem already.
func (s *setup) reported(key string) bool {
	return slices.ContainsFunc(s.problems, func(p Problem) bool { return p.Key == key })
}

// url checks and parses the key url, which may be a secret.
func (s *setup) url(address secret.Text) *url.URL {
	parsed, err := url.Parse(address.Reveal())
	switch {
	case err != nil || parsed.Hostname() == "" || (parsed.Scheme != "https" && parsed.Scheme != "http"):
		s.report("url", "must be an address such as https://crm.example.com/aftercall")
	case parsed.User != nil || parsed.Fragment != "":
		s.report("url", "must not hold a user, password or fragment")
	default:
		s.host("url", parsed.Hostname())
	}
	return parsed
}

// host refuses an address to which the dialer would not connect.
func (s *setup) host(key, host string) {
	if err := CheckHost(host, s.network.AllowPrivate); err != nil {
		s.report(key, "%s", err)
	}
}

// secret refuses an empty secret, and one that was not copied exactly.
func (s *setup) secret(key string, value secret.Text, advice string) {
	text := value.Reveal()
	if text == "" || strings.ContainsFunc(text, func(c rune) bool { return unicode.IsSpace(c) || unicode.IsControl(c) }) {
		s.report(key, "is empty or holds a space or line break: %s", advice)
	}
}

// format returns how values are written for the readers of a target.
func (s *setup) format(o TextOptions, escape func(string) string) format {
	return format{money: currency.NewFormatter(s.locale(o.Locale)), zone: s.zone(o.TimeZone), escape: escape}
}

// locale parses the language and country of the readers, en if id is empty.
func (s *setup) locale(id string) currency.Locale {
	if id == "" {
		id = "en"
	}
	if _, err := language.Parse(id); err != nil && !s.reported("locale") {
		s.report("locale", "must be a language, with or without a country, such as en, de-CH or zh-CN")
	}
	return currency.NewLocale(id)
}

// zone loads the time zone of the readers, UTC if name is empty.
func (s *setup) zone(name string) *time.Location {
	zone, err := time.LoadLocation(name)
	if err == nil {
		return zone
	}
	if !s.reported("time_zone") {
		s.report("time_zone", "must be a name of the IANA time zone database, such as Asia/Shanghai or UTC")
	}
	return time.UTC
}
