package untrusted_test

import (
	"errors"
	"fmt"
	"io"
	"net/url"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"aftercall/internal/untrusted"
)

func TestText(t *testing.T) {
	const secret = "eJw*-_Q2qd7Rk0Z/+= \"9"
	for name, tt := range map[string]struct{ text, want string }{
		"plain":                {"connection refused", "connection refused"},
		"other scripts":        {"连接被拒绝 é", "连接被拒绝 é"},
		"lines":                {"a\r\nb\x1b[31m\x00c\u2028d\u0085", "a  b [31m c d"},
		"bidirectional":        {"a\u202eb\u2066c\u200f\u061c", "abc"},
		"invisible":            {"a\u200bb\ufeff\U000E0041", "ab"},
		"joined letters":       {"می\u200cخواهم", "می\u200cخواهم"},
		"not UTF-8":            {"a\xff\xfeb", "a\uFFFDb"},
		"secret":               {"x " + secret + " y", "x [redacted] y"},
		"escaped in a query":   {"x=" + url.QueryEscape(secret) + "&", "x=[redacted]&"},
		"escaped in a path":    {"/" + url.PathEscape(secret) + "/", "/[redacted]/"},
		"quoted":               {fmt.Sprintf("code %q", secret), `code "[redacted]"`},
		"beginning of it":      {"x " + secret[:14], "x [redacted]"},
		"end of it":            {secret[len(secret)-14:] + " x", "[redacted] x"},
		"twice":                {secret + "," + secret, "[redacted],[redacted]"},
		"too little to tell":   {"x " + secret[:6], "x " + secret[:6]},
		"short secret":         {"pass1 passt", "[redacted] passt"},
		"hardly a secret":      {"abc", "abc"},
		"nothing but controls": {"\r\n\t", ""},
	} {
		require.Equal(t, tt.want, untrusted.Text(tt.text, secret, "pass1", "abc", ""), name)
	}
}

func TestTextIsShort(t *testing.T) {
	for _, text := range []string{strings.Repeat("x", 60_000), strings.Repeat("中", 60_000), strings.Repeat("\xff\x00", 60_000)} {
		short := untrusted.Text(text)
		require.LessOrEqual(t, len(short), untrusted.MaxLength)
		require.Greater(t, len(short), untrusted.MaxLength-8)
		require.True(t, utf8.ValidString(short))
		require.True(t, strings.HasSuffix(short, "…"))
	}
	require.Len(t, untrusted.Text(strings.Repeat("x", untrusted.MaxLength)), untrusted.MaxLength)
}

func TestSecretAtTheCutIsMasked(t *testing.T) {
	const secret = "0123456789abcdefghijklmnopqrstuvwxyz"
	for before := untrusted.MaxLength - 50; before < untrusted.MaxLength; before++ {
		require.NotContains(t, untrusted.Text(strings.Repeat("x", before)+secret+strings.Repeat("x", 99), secret), secret[:8])
	}
}

func TestNoSecretIsLeft(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		secret := rapid.StringMatching(`[!-~]{12,40}`).Draw(t, "secret")
		text := rapid.String().Draw(t, "before") + secret + rapid.String().Draw(t, "after")
		require.NotContains(t, untrusted.Text(text, secret), secret)
	})
}

func TestError(t *testing.T) {
	require.NoError(t, untrusted.Error(nil, "secret"))
	require.Same(t, io.ErrUnexpectedEOF, untrusted.Error(io.ErrUnexpectedEOF, "secret"))
	err := untrusted.Error(fmt.Errorf("malformed status %q: %w", "usersig=secret", io.ErrUnexpectedEOF), "secret")
	require.EqualError(t, err, `malformed status "usersig=[redacted]": unexpected EOF`)
	require.ErrorIs(t, err, io.ErrUnexpectedEOF)
	require.NotErrorIs(t, err, errors.ErrUnsupported)
}
