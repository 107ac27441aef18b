package config_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/stretchr/testify/require"

	"aftercall/internal/config"
	"aftercall/internal/notify"
)

const canary = "canary-4711"

// holder keeps a value in an unexported field, where fmt calls no methods.
type holder struct {
	name  string
	value any
	plain config.Secret
	where config.ConnectionURL
}

// printed is value in every form that ends up in a log or an error text.
func printed(t *testing.T, value any) string {
	t.Helper()
	var out bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%T", "%t", "%f", "%c", "%U", "%p", "%w"} {
		fmt.Fprintf(&out, verb+"\n", value)
	}
	fmt.Fprintln(&out, value, errors.New(fmt.Sprint(value)))
	for _, handler := range []slog.Handler{
		slog.NewTextHandler(&out, nil),
		slog.NewJSONHandler(&out, nil),
	} {
		slog.New(handler).Info("log", "value", value, "group", slog.GroupValue(slog.Any("value", value)))
	}
	asJSON, err := json.Marshal(value)
	require.NoError(t, err)
	out.Write(asJSON)
	asYAML, err := yaml.Marshal(value)
	require.NoError(t, err)
	out.Write(asYAML)
	return out.String()
}

func TestSecretIsNeverPrinted(t *testing.T) {
	secret := config.NewSecret(canary)
	var where config.ConnectionURL
	require.NoError(t, where.UnmarshalText([]byte("redis://user:"+canary+"@cache:6379/2?password="+canary)))

	require.Equal(t, canary, secret.Reveal())
	require.Contains(t, where.Reveal(), canary)
	require.Equal(t, "redis://cache:6379/2", where.String())
	require.Equal(t, "redis", where.Scheme())

	for name, value := range map[string]any{
		"secret":          secret,
		"pointer":         &secret,
		"slice":           []config.Secret{secret},
		"map":             map[string]config.Secret{"key": secret},
		"callback":        config.Callback{Secret: secret, Token: secret},
		"app":             config.App{Name: "clinic", SecretKey: secret},
		"target":          &config.Target{Name: "crm", Options: &notify.WebhookOptions{URL: secret, Secrets: []config.Secret{secret}}},
		"unexported":      holder{name: "x", value: secret, plain: secret, where: where},
		"url":             where,
		"settings":        config.Common{RedisURL: where, LedgerURL: where},
		"pointer to them": &config.StarterSettings{Common: config.Common{RedisURL: where}},
	} {
		t.Run(name, func(t *testing.T) { require.NotContains(t, printed(t, value), canary) })
	}
	require.Contains(t, printed(t, secret), "[redacted]")
}

func TestLoadedConfigIsNeverPrintedWithSecrets(t *testing.T) {
	cfg, err := parse(t, valid)
	require.NoError(t, err)
	text := printed(t, cfg) + printed(t, cfg.Apps) + printed(t, cfg.Apps[0]) + printed(t, cfg.Targets)
	for name, value := range environment() {
		require.NotContains(t, text, value, name)
	}
}

func TestConnectionURLRefusesWithoutRepeating(t *testing.T) {
	for _, text := range []string{"", "127.0.0.1:6379", canary, "://" + canary, "redis://%zz" + canary} {
		var u config.ConnectionURL
		err := u.UnmarshalText([]byte(text))
		require.ErrorContains(t, err, "must be a URL", text)
		require.NotContains(t, err.Error(), canary)
	}
}
