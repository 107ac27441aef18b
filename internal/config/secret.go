package config

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/url"
	"strings"

	"aftercall/internal/secret"
)

// Secret is a text that is never printed, logged or encoded; only Reveal gives it.
type Secret = secret.Text

// NewSecret returns a Secret that holds text.
func NewSecret(text string) Secret { return secret.New(text) }

// ConnectionURL is the address of a dependency. It may hold a password, so it
// prints as scheme, host and path only; Reveal gives all of it.
type ConnectionURL struct {
	secret Secret
	safe   string
}

// Reveal returns the whole URL, with user name, password and options.
func (u ConnectionURL) Reveal() string { return u.secret.Reveal() }

// Scheme returns what precedes the first colon, in lower case.
func (u ConnectionURL) Scheme() string {
	scheme, _, _ := strings.Cut(u.safe, ":")
	return scheme
}

// String returns scheme, host and path.
func (u ConnectionURL) String() string { return u.safe }

// Format prints String for every verb.
func (u ConnectionURL) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, u.safe) }

// LogValue returns String.
func (u ConnectionURL) LogValue() slog.Value { return slog.StringValue(u.safe) }

// MarshalText returns String.
func (u ConnectionURL) MarshalText() ([]byte, error) { return []byte(u.safe), nil }

// UnmarshalText reads a URL. Its error does not repeat the text.
func (u *ConnectionURL) UnmarshalText(text []byte) error {
	parsed, err := url.Parse(string(text))
	if err != nil || parsed.Scheme == "" {
		return errors.New("must be a URL, its scheme first, as in redis://127.0.0.1:6379 or sqlite:aftercall.db")
	}
	safe := url.URL{Scheme: parsed.Scheme, Host: parsed.Host, Path: parsed.Path}
	if parsed.Opaque != "" {
		safe = url.URL{Scheme: parsed.Scheme, Opaque: parsed.Opaque}
	}
	*u = ConnectionURL{secret: NewSecret(string(text)), safe: safe.String()}
	return nil
}
