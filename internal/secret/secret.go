// Package secret holds texts that must not be seen: keys, passwords, and
// addresses that anyone who knows them can post to.
package secret

import (
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"io"
	"log/slog"
)

// redacted is what every printed form of a Text shows.
const redacted = "[redacted]"

// Text is a text that must not be seen. Every way of printing, logging or
// encoding it gives "[redacted]"; only Reveal gives the text.
type Text struct {
	// A pointer, because fmt prints unexported fields of other structs without
	// asking their methods; of a pointer it shows the address.
	value *string
}

// New returns a Text that holds text.
func New(text string) Text { return Text{value: &text} }

// Reveal returns the text, empty for the zero Text.
func (t Text) Reveal() string {
	if t.value == nil {
		return ""
	}
	return *t.value
}

// IsZero reports whether there is no text.
func (t Text) IsZero() bool { return t.Reveal() == "" }

// Matches compares the text with candidate in a time that depends on neither,
// so that an attacker learns nothing from how long a refusal takes. The zero
// Text matches nothing.
func (t Text) Matches(candidate string) bool {
	want, got := sha256.Sum256([]byte(t.Reveal())), sha256.Sum256([]byte(candidate))
	return subtle.ConstantTimeCompare(want[:], got[:]) == 1 && !t.IsZero()
}

// String returns "[redacted]".
func (t Text) String() string { return redacted }

// GoString returns "[redacted]".
func (t Text) GoString() string { return redacted }

// Format prints "[redacted]" for every verb, also for those that String does not serve.
func (t Text) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// LogValue returns "[redacted]".
func (t Text) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalText returns "[redacted]", for JSON and YAML.
func (t Text) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// UnmarshalText takes the text as it is.
func (t *Text) UnmarshalText(text []byte) error {
	*t = New(string(text))
	return nil
}
