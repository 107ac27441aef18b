package ops

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"aftercall/internal/config"
	"aftercall/internal/tencent"
)

const (
	callbackSecret = "a-secret-of-sixteen"
	oldSecret      = "the-secret-before-it"
)

func testApp(baseURL string) *config.App {
	return &config.App{
		Name: "clinic", SDKAppID: 1400000000,
		Callback: config.Callback{
			Secret: config.NewSecret(callbackSecret), Secrets: []config.Secret{config.NewSecret(callbackSecret), config.NewSecret(oldSecret)}, BaseURL: baseURL,
		},
		Sweep: config.Sweep{Every: config.Interval(5 * time.Minute), Settle: 2 * time.Minute},
	}
}

func TestCallbackURLHidesSecrets(t *testing.T) {
	app := testApp("")
	for address, want := range map[string]string{
		"https://calls.example.com/tencent/call/" + callbackSecret:        "https://calls.example.com/tencent/call/[the app's secret]",
		"https://calls.example.com/tencent/call/" + oldSecret:             "https://calls.example.com/tencent/call/[the app's old secret]",
		"https://calls.example.com/eu/tencent/call/other":                 "https://calls.example.com/eu/tencent/call/[another secret]",
		"https://calls.example.com/tencent/call/" + callbackSecret + "/x": "https://calls.example.com/tencent/call/[another secret]",
		"https://me:canary@calls.example.com/hook?token=canary":           "https://calls.example.com/hook?[…]",
		"https://calls.example.com/hook#canary":                           "https://calls.example.com/hook",
		"://canary":                                                       "an unreadable address",
	} {
		require.Equal(t, want, callbackURL(app, address, false))
		require.Equal(t, address, callbackURL(app, address, true))
	}
}

func TestDifferences(t *testing.T) {
	end := []tencent.Command{tencent.CommandAfterEndCall}
	ours := "https://calls.example.com/tencent/call/" + callbackSecret
	tests := map[string]struct {
		baseURL    string
		registered *tencent.CallbackConfig
		want       []string
	}{
		"as configured":                 {"https://calls.example.com", &tencent.CallbackConfig{URL: ours, Commands: end}, []string{}},
		"the old secret":                {"https://calls.example.com", &tencent.CallbackConfig{URL: strings.Replace(ours, callbackSecret, oldSecret, 1), Commands: end}, []string{"callbacks go to the address with the old secret"}},
		"the old secret elsewhere":      {"https://calls.example.com", &tencent.CallbackConfig{URL: "https://elsewhere/tencent/call/" + oldSecret, Commands: end}, []string{"callbacks go to https://elsewhere/tencent/call/[the app's old secret], not to https://calls.example.com/tencent/call/[the app's secret]"}},
		"no address, the old secret":    {"", &tencent.CallbackConfig{URL: "http://elsewhere/tencent/call/" + oldSecret, Commands: end}, []string{"callbacks go to the address with the old secret"}},
		"none":                          {"https://calls.example.com", nil, []string{"no callback is registered"}},
		"no public address, our secret": {"", &tencent.CallbackConfig{URL: "http://elsewhere/tencent/call/" + callbackSecret, Commands: end}, []string{}},
		"no public address, foreign":    {"", &tencent.CallbackConfig{URL: "http://elsewhere/x", Commands: end}, []string{"callbacks go to http://elsewhere/x"}},
		"foreign, other commands": {
			"https://calls.example.com",
			&tencent.CallbackConfig{URL: "http://elsewhere/x", Commands: []tencent.Command{tencent.CommandAfterStartCall}},
			[]string{
				"callbacks go to http://elsewhere/x, not to https://calls.example.com/tencent/call/[the app's secret]",
				"Call.CallbackAfterEndCall is not posted", "Call.CallbackAfterStartCall is posted, but not used",
			},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			app := testApp(tt.baseURL)
			require.Equal(t, tt.want, registration{app, tt.registered, configuredCallback(app)}.differences(false))
		})
	}
}

// TestCheckWhileASecretIsReplaced: the old one is accepted, and named.
func TestCheckWhileASecretIsReplaced(t *testing.T) {
	app := testApp("https://calls.example.com")
	r := registration{app, &tencent.CallbackConfig{
		URL: "https://calls.example.com/tencent/call/" + oldSecret, Commands: []tencent.Command{tencent.CommandAfterEndCall},
	}, configuredCallback(app)}
	detail, err := r.check()
	require.NoError(t, err)
	require.Equal(t, "https://calls.example.com/tencent/call/[the app's old secret] is still registered; register the new one with: aftercall callback set --app clinic", detail)
	require.True(t, r.ours(), "callback set needs no --force")

	r.registered.Commands = nil
	_, err = r.check()
	require.EqualError(t, err, "callbacks go to the address with the old secret; Call.CallbackAfterEndCall is not posted")

	app.Callback.Secrets = app.Callback.Secrets[:1] // the old one is removed too early
	_, err = r.check()
	require.ErrorContains(t, err, "[another secret], not to")
	require.False(t, r.ours())
}
