package config

import (
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/url"
	"strings"
)

// redacted is what every printed form of a Secret shows.
const redacted = "[redacted]"

// Secret is a text that must not be seen. Every way of printing, logging or
// encoding it gives "[redacted]"; only Reveal gives the text.
type Secret struct {
	// A pointer, because fmt prints unexported fields of other structs without
	// asking their methods; of a pointer it shows the address.
	value *string
}

// NewSecret returns a Secret that holds text.
func NewSecret(text string) Secret { return Secret{value: &text} }

// Reveal returns the text, empty for the zero Secret.
func (s Secret) Reveal() string {
	if s.value == nil {
		return ""
	}
	return *s.value
}

// IsZero reports whether there is no text.
func (s Secret) IsZero() bool { return s.Reveal() == "" }

// Matches compares the text with candidate in a time that depends on neither,
// so that an attacker learns nothing from how long a refusal takes. The zero
// Secret matches nothing.
func (s Secret) Matches(candidate string) bool {
	want, got := sha256.Sum256([]byte(s.Reveal())), sha256.Sum256([]byte(candidate))
	return subtle.ConstantTimeCompare(want[:], got[:]) == 1 && !s.IsZero()
}

// String returns "[redacted]".
func (s Secret) String() string { return redacted }

// GoString returns "[redacted]".
func (s Secret) GoString() string { return redacted }

// Format prints "[redacted]" for every verb, also for those that String does not serve.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// LogValue returns "[redacted]".
func (s Secret) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalText returns "[redacted]", for JSON and YAML.
func (s Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// UnmarshalText takes the text as it is.
func (s *Secret) UnmarshalText(text []byte) error {
	*s = NewSecret(string(text))
	return nil
}

// ConnectionURL says where a dependency is. It may hold a password, so it
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
