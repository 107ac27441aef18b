package config_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"aftercall/internal/config"
)

const singleCallback = "      secret: ${CLINIC_CALLBACK_SECRET}\n      token: ${CLINIC_CALLBACK_TOKEN}\n"

func revealed(secrets []config.Secret) (texts []string) {
	for _, secret := range secrets {
		texts = append(texts, secret.Reveal())
	}
	return texts
}

func TestSecretsAndTokensOfACallback(t *testing.T) {
	environ := environment()
	for name, tt := range map[string]struct {
		callback        string
		secrets, tokens []string
	}{
		"one of each": {singleCallback, []string{environ["CLINIC_CALLBACK_SECRET"]}, []string{environ["CLINIC_CALLBACK_TOKEN"]}},
		"no token":    {"      secret: ${CLINIC_CALLBACK_SECRET}\n", []string{environ["CLINIC_CALLBACK_SECRET"]}, nil},
		"two of each": {
			"      secrets: [the-new-secret-of-it, the-old-secret-of-it]\n      tokens:\n      - new\n      - old\n",
			[]string{"the-new-secret-of-it", "the-old-secret-of-it"},
			[]string{"new", "old"},
		},
		"lists of one": {"      secrets: [the-new-secret-of-it]\n      tokens: [new]\n", []string{"the-new-secret-of-it"}, []string{"new"}},
	} {
		t.Run(name, func(t *testing.T) {
			cfg, err := parse(t, replaceOnce(t, valid, singleCallback, tt.callback))
			require.NoError(t, err)
			callback := cfg.Apps[0].Callback
			require.Equal(t, tt.secrets, revealed(callback.AllSecrets()))
			require.Equal(t, tt.tokens, revealed(callback.AllTokens()))
			require.Equal(t, tt.secrets[0], callback.Secret.Reveal(), "the one to register")
			require.Equal(t, len(tt.tokens) == 0, callback.Token.IsZero())
		})
	}
}

func TestProblemsOfSecretsAndTokens(t *testing.T) {
	for name, tt := range map[string]struct{ callback, problem string }{
		"no secret": {"      token: x\n", "8:7: apps[0].callback.secret: is missing: it is the last path segment of the callback URL; make one with: openssl rand -hex 24"},
		"both forms": {
			singleCallback + "      secrets: [the-new-secret-of-it]\n",
			"10:16: apps[0].callback.secrets: cannot be given together with secret: put both into this list, the new one first",
		},
		"both forms of tokens": {
			singleCallback + "      tokens: [x]\n",
			"10:15: apps[0].callback.tokens: cannot be given together with token: put both into this list, the new one first",
		},
		"none":        {"      secrets: []\n", "8:16: apps[0].callback.secrets: must hold one or two: the new one first, then the old one until nothing uses it any more"},
		"three":       {"      secrets: [the-new-secret-of-it, the-old-secret-of-it, an-older-secret-of-it]\n", "8:16: apps[0].callback.secrets: must hold one or two: the new one first, then the old one until nothing uses it any more"},
		"same twice":  {"      secrets: [the-new-secret-of-it, the-new-secret-of-it]\n", "8:39: apps[0].callback.secrets[1]: is the same as the first: the old one is another"},
		"short":       {"      secrets: [the-new-secret-of-it, canary]\n", "8:39: apps[0].callback.secrets[1]: is too short: it needs 16 characters, as from: openssl rand -hex 24"},
		"empty token": {"      secret: ${CLINIC_CALLBACK_SECRET}\n      tokens: [new, '']\n", "9:21: apps[0].callback.tokens[1]: is empty: copy it from the console"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := parse(t, replaceOnce(t, valid, singleCallback, tt.callback))
			require.EqualError(t, err, "test.yaml:"+tt.problem)
		})
	}
}
