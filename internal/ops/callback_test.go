package ops

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"aftercall/internal/config"
	"aftercall/internal/tencent"
)

const callbackSecret = "a-secret-of-sixteen"

func testApp(baseURL string) *config.App {
	return &config.App{
		Name: "clinic", SDKAppID: 1400000000,
		Callback: config.Callback{Secret: config.NewSecret(callbackSecret), BaseURL: baseURL},
		Sweep:    config.Sweep{Every: config.Interval(5 * time.Minute), Settle: 2 * time.Minute},
	}
}

func TestCallbackURLHidesSecrets(t *testing.T) {
	app := testApp("")
	for address, want := range map[string]string{
		"https://calls.example.com/tencent/call/" + callbackSecret:        "https://calls.example.com/tencent/call/[the app's secret]",
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
