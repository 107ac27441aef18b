package secret_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"testing"

	"github.com/stretchr/testify/require"

	"aftercall/internal/secret"
)

func TestTextIsNeverPrinted(t *testing.T) {
	const canary = "canary-4711"
	text := secret.New(canary)
	require.Equal(t, canary, text.Reveal())
	for _, value := range []any{text, &text, []secret.Text{text}, map[string]secret.Text{"key": text}, struct{ hidden secret.Text }{text}} {
		var out bytes.Buffer
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
			fmt.Fprintf(&out, verb+"\n", value)
		}
		slog.New(slog.NewTextHandler(&out, nil)).Info("log", "value", value)
		slog.New(slog.NewJSONHandler(&out, nil)).Info("log", "value", value)
		require.NoError(t, json.NewEncoder(&out).Encode(value))
		require.NotContains(t, out.String(), canary, "%T", value)
	}
	require.Equal(t, "[redacted]", text.String())
}

func TestTextMatchesItselfOnly(t *testing.T) {
	var zero secret.Text
	require.True(t, zero.IsZero())
	require.False(t, zero.Matches(""))
	require.False(t, secret.New("").Matches(""))
	require.True(t, secret.New("a").Matches("a"))
	require.False(t, secret.New("a").Matches("b"))
	require.False(t, secret.New("a").IsZero())
}
