package local_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
	"github.com/stretchr/testify/require"

	"aftercall/dev/local"
	"aftercall/internal/cli"
	"aftercall/internal/notify"
	"aftercall/internal/testenv"
)

// TestOwnConfiguration serves the unedited example with one more target, which is a
// user's own receiver on this machine. No variable is set.
func TestOwnConfiguration(t *testing.T) {
	t.Parallel()
	received := make(chan error, 10)
	var secret string
	receiver := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, req *http.Request) {
		body, err := io.ReadAll(req.Body)
		verifier, notSecret := standardwebhooks.NewWebhook(secret)
		if err = errors.Join(err, notSecret); err == nil {
			err = verifier.Verify(body, req.Header)
		}
		received <- err
	}))
	t.Cleanup(receiver.Close)
	example, err := os.ReadFile(filepath.Join(root, "docs", "aftercall.example.yaml"))
	require.NoError(t, err)
	config := filepath.Join(t.TempDir(), "mine.yaml")
	own := "targets:\n  - name: own\n    url: " + receiver.URL + "\n    secrets: [\"${OWN_SECRET}\"]\n    events: [call.charged]\n    allow_private: true\n"
	require.NoError(t, os.WriteFile(config, []byte(strings.Replace(string(example), "targets: ", own+"  ", 1)), 0o600))

	var printed testenv.Log
	stack := startStack(t, func(o *local.Options) { o.Config = config })
	secret = stack.Own.Variables["OWN_SECRET"]
	stack.ShowArrivals(&printed)
	ctx := testContext(t)
	calls, err := stack.FirstCalls(ctx)
	require.NoError(t, err)
	require.Len(t, calls, 2)
	for i, amount := range []string{"0.04 USD", "0.08 EUR"} {
		require.Regexp(t, `Status +done: charge of `+amount, calls[i].Report)
		require.NoError(t, <-received, "the signature of what the own receiver got")
	}
	check := stack.Command(ctx, "check", "--probe")
	require.Equal(t, cli.OK, check.Code, check.Stdout)

	// Each channel is sent a test event, and the relay what Tencent posts.
	for _, target := range stack.Config.Targets {
		if target.Type != notify.TypeStripe { // which accepts charges only, and has had one
			require.NoError(t, stack.Command(ctx, "target", "test", target.Name).Err(), target.Name)
		}
	}
	require.Contains(t, printed.String(), "mail to finance@example.com:")
	require.Eventually(t, func() bool { return stack.Webhooks.Counts("school.relay").Accepted >= 2 }, testTimeout, pollInterval)
	for _, name := range []string{"crm", "dashboard", "ops", "support", "wecom-group", "dingtalk-group", "feishu-group", "billing"} {
		counts := stack.Webhooks.Counts(name)
		require.Positive(t, counts.Accepted, name)
		require.Zero(t, counts.BadSignatures, name)
	}
}

// TestOwnConfigurationIsWrong: nothing starts.
func TestOwnConfigurationIsWrong(t *testing.T) {
	o, err := stackOptions(t.TempDir())
	require.NoError(t, err)
	o.Config = filepath.Join(t.TempDir(), "nowhere.yaml")
	_, err = local.Start(testContext(t), o)
	require.ErrorContains(t, err, "nowhere.yaml: there is no such file: docs/aftercall.example.yaml is one to begin with")
	o.Config = filepath.Join(t.TempDir(), "mine.yaml")
	require.NoError(t, os.WriteFile(o.Config, []byte("apps: []\ntariffs: {}\n"), 0o600))
	_, err = local.Start(testContext(t), o)
	require.ErrorContains(t, err, "mine.yaml:1:7: apps: must hold at least one app")
	require.NoFileExists(t, filepath.Join(o.Dir, "aftercall.yaml"))
}
