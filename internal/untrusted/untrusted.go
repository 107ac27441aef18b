// Package untrusted makes text from a peer safe to log, store and show: the
// body, header or error message that Tencent, a target, a proxy or a mail server
// sent, or an error of a library that quotes it.
package untrusted

import (
	"net/url"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	// MaxLength is how many bytes of a text are kept.
	MaxLength = 1 << 10
	// maxInput is how many bytes are searched for secrets. Far more than
	// MaxLength, so that no part of a secret is kept that was cut in two there.
	maxInput = 64 << 10
	// minPart is how many bytes of a secret in a row are recognized: a peer may
	// repeat only a part of it. A shorter secret is recognized as a whole.
	minPart = 12
	// minSecret is how long a secret must be: to mask every "a" would make texts
	// unreadable.
	minSecret = 4

	mask = "[redacted]"
	more = "…"
)

// Text returns s for a log, a history or a terminal: at most MaxLength bytes on
// one line, without control, bidirectional and invisible characters, and with
// every secret masked, also where it is escaped or where s has only a part of it.
func Text(s string, secrets ...string) string {
	if len(s) > maxInput {
		s = s[:maxInput]
	}
	return cut(strings.TrimSpace(strings.Map(printable, strings.ToValidUTF8(Mask(s, secrets...), "\uFFFD"))))
}

// Error returns an error with the Text of err as its message, which errors.Is
// and errors.As see through; nil for nil.
func Error(err error, secrets ...string) error {
	if err == nil {
		return nil
	}
	text := err.Error()
	if safe := Text(text, secrets...); safe != text {
		return &safeError{text: safe, err: err}
	}
	return err
}

type safeError struct {
	text string
	err  error
}

// Error returns the safe text.
func (e *safeError) Error() string { return e.text }

// Unwrap returns the original error, to test what it is; its text is not safe.
func (e *safeError) Unwrap() error { return e.err }

// printable is for strings.Map. Control characters and line separators become
// spaces; Hidden characters are dropped.
func printable(r rune) rune {
	switch {
	case unicode.IsControl(r), unicode.In(r, unicode.Zl, unicode.Zp):
		return ' '
	case Hidden(r):
		return -1
	}
	return r
}

// Hidden reports whether r is a format character, which reorders or hides text. Those
// that join letters are none.
func Hidden(r rune) bool { return unicode.Is(unicode.Cf, r) && r != '\u200c' && r != '\u200d' }

// cut shortens s to MaxLength bytes, at the end of a character.
func cut(s string) string {
	if len(s) <= MaxLength {
		return s
	}
	end := MaxLength - len(more)
	for !utf8.RuneStart(s[end]) {
		end--
	}
	return s[:end] + more
}

// Mask replaces the secrets in s, and parts of them, by [redacted].
func Mask(s string, secrets ...string) string {
	hidden := make([]bool, len(s))
	found := false
	for _, secret := range secrets {
		if len(secret) < minSecret {
			continue
		}
		for _, form := range forms(secret) {
			found = hide(s, form, hidden) || found
		}
	}
	if !found {
		return s
	}
	var out strings.Builder
	for i := range len(s) {
		switch {
		case !hidden[i]:
			out.WriteByte(s[i])
		case i == 0 || !hidden[i-1]:
			out.WriteString(mask)
		}
	}
	return out.String()
}

// forms are the ways in which a secret is written: as it is, and escaped for a
// query, a path and a Go string, as errors of the standard library quote.
func forms(secret string) []string {
	all := []string{secret}
	quoted := strconv.Quote(secret)
	for _, form := range []string{url.QueryEscape(secret), url.PathEscape(secret), quoted[1 : len(quoted)-1]} {
		if form != secret {
			all = append(all, form)
		}
	}
	return all
}

// hide marks the bytes of s that are a secret, or minPart or more of it in a
// row, and reports whether there are any.
func hide(s, secret string, hidden []bool) (found bool) {
	size := min(len(secret), minPart)
	parts := make(map[string]bool, len(secret)-size+1)
	for i := range len(secret) - size + 1 {
		parts[secret[i:i+size]] = true
	}
	for i := range len(s) - size + 1 {
		if parts[s[i:i+size]] {
			found = true
			for j := i; j < i+size; j++ {
				hidden[j] = true
			}
		}
	}
	return found
}
