package config_test

import (
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"aftercall/internal/billing"
	"aftercall/internal/config"
	"aftercall/internal/notify"
	"aftercall/internal/tencent"
)

const (
	exampleFile = "../../docs/aftercall.example.yaml"
	webhookKey  = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
)

var variable = regexp.MustCompile(`\$\{([A-Z_]+)\}`)

// environment holds every variable that the test files and the examples of the
// channels name.
func environment() map[string]string {
	environ := map[string]string{}
	for _, channel := range notify.Channels() {
		for _, match := range variable.FindAllStringSubmatch(channel.Example, -1) {
			environ[match[1]] = "canary"
			if strings.HasSuffix(match[1], "_URL") {
				environ[match[1]] = "https://example.com/canary"
			}
		}
	}
	maps.Copy(environ, map[string]string{
		"CLINIC_SECRET_KEY":       "5bd2850fff3ecb11d7c805251c51ee463a25727bddc2385f3fa8bfee1bb93b5e",
		"CLINIC_CALLBACK_SECRET":  "canary-callback-secret-1",
		"CLINIC_CALLBACK_TOKEN":   "canary-token",
		"CLINIC_ROOM_KEY":         "canaryroomkey0123456789012345678",
		"SCHOOL_SECRET_KEY":       "canary-school-key",
		"SCHOOL_CALLBACK_SECRET":  "canary-callback-secret-2",
		"CRM_WEBHOOK_SECRET":      webhookKey,
		"CRM_WEBHOOK_SECRET_NEXT": "whsec_ZmVkY2JhOTg3NjU0MzIxMGZlZGNiYTk4NzY1NDMyMTA=",
		"DASHBOARD_SECRET":        webhookKey,
		"SLACK_URL":               "https://hooks.slack.com/services/T000/B000/canary",
		"WECOM_URL":               "https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=canary",
		"DINGTALK_URL":            "https://oapi.dingtalk.com/robot/send?access_token=canary",
		"DINGTALK_SECRET":         "SECcanary",
		"FEISHU_URL":              "https://open.feishu.cn/open-apis/bot/v2/hook/canary",
		"FEISHU_SECRET":           "canary-feishu-secret",
		"SMTP_PASSWORD":           "canary-password",
		"STRIPE_KEY":              "rk_live_canary",
	})
	return environ
}

func lookupIn(environ map[string]string) func(string) (string, bool) {
	return func(name string) (string, bool) {
		value, ok := environ[name]
		return value, ok
	}
}

func TestExampleFileLoads(t *testing.T) {
	cfg, err := config.Load(exampleFile, lookupIn(environment()))
	require.NoError(t, err)

	app, ok := cfg.App(1400000000)
	require.True(t, ok)
	require.Equal(t, "clinic", app.Name)
	require.Equal(t, "administrator", app.Identifier, "default")
	require.Equal(t, 30*time.Minute, app.RecordDeadline, "default")
	require.Equal(t, "https://adminapisgp.im.qcloud.com", app.APIBaseURL())
	require.Equal(t, environment()["CLINIC_SECRET_KEY"], app.SecretKey.Reveal())
	require.True(t, app.Callback.Secret.Matches("canary-callback-secret-1"))
	require.False(t, app.Callback.Secret.Matches("canary-callback-secret-2"))
	require.Equal(t, "canary-token", app.Callback.Token.Reveal())
	require.Equal(t, billing.Assignments{{Name: "standard"}}, app.Tariff)

	crm, ok := cfg.Target("crm")
	require.True(t, ok)
	require.Equal(t, notify.TypeWebhook, crm.Type)
	require.Equal(t, webhookKey, crm.Options.(*notify.WebhookOptions).Secrets[1].Reveal(), "order of the file")
	require.Equal(t, notify.Subscription{}, crm.Subscription(), "everything")
	dashboard, ok := cfg.Target("dashboard")
	require.True(t, ok)
	require.Equal(t, notify.Subscription{
		Events: []notify.EventType{notify.EventCallCharged, notify.EventCallReversed}, Apps: []string{"school"},
		Results: []tencent.CallResult{tencent.ResultNormalEnd, tencent.ResultInterrupt, tencent.ResultOffline},
		Media:   []tencent.MediaType{tencent.MediaVideo},
	}, dashboard.Subscription())

	school, ok := cfg.AppNamed("school")
	require.True(t, ok)
	require.True(t, school.Callback.Token.IsZero())

	require.Equal(t, []tencent.Command{tencent.CommandAfterStartCall, tencent.CommandAfterEndCall}, school.RelayedCommands())
	require.Equal(t, []tencent.Command{tencent.CommandAfterStartCall, tencent.CommandAfterEndCall}, school.CallbackCommands())
	require.Equal(t, 72*time.Hour, school.Relay.RetryWindow, "default")
	require.Empty(t, app.RelayedCommands(), "off")
	require.Equal(t, []tencent.Command{tencent.CommandAfterEndCall}, app.CallbackCommands())

	_, ok = cfg.App(1)
	require.False(t, ok)
	_, ok = cfg.AppNamed("nobody")
	require.False(t, ok)
	_, ok = cfg.Target("nobody")
	require.False(t, ok)
}

func TestAPIBaseURLIsPresetOrOwn(t *testing.T) {
	for api, want := range map[string]string{
		"china":                    "https://console.tim.qq.com",
		"https://proxy.example/v/": "https://proxy.example/v",
		"http://127.0.0.1:7700":    "http://127.0.0.1:7700",
		"http://localhost:7700":    "http://localhost:7700",
	} {
		cfg, err := parse(t, strings.Replace(valid, "api: singapore", "api: "+api, 1))
		require.NoError(t, err)
		require.Equal(t, want, cfg.Apps[0].APIBaseURL())
	}
}

func TestVariablesAreFilledInAfterParsing(t *testing.T) {
	environ := environment()
	environ["EVIL"] = "a: b\n- c #\"'{[${CLINIC_SECRET_KEY}"
	environ["APP_ID"] = "1400000009"
	environ["HOST"] = "crm"
	text := strings.NewReplacer(
		"identifier: administrator", "identifier: \"$${HOST}-${HOST}$x\"",
		"sdk_app_id: 1400000000", "sdk_app_id: ${APP_ID}",
		"https://crm.example.com/hook", "https://${HOST}.example.com/hook",
	).Replace(valid)
	cfg, err := config.Parse("test.yaml", []byte(text), lookupIn(environ))
	require.NoError(t, err)
	require.Equal(t, "${HOST}-crm$x", cfg.Apps[0].Identifier)
	require.EqualValues(t, 1400000009, cfg.Apps[0].SDKAppID)
	require.Equal(t, "https://crm.example.com/hook", cfg.Targets[0].Options.(*notify.WebhookOptions).URL.Reveal())

	// What a variable holds stays one scalar: neither YAML nor a further variable.
	text = strings.Replace(valid, "${CLINIC_CALLBACK_TOKEN}", "${EVIL}", 1)
	_, err = config.Parse("test.yaml", []byte(text), lookupIn(environ))
	require.EqualError(t, err, "test.yaml:9:14: apps[0].callback.token: holds a space or line break: copy it again, without")
}

func TestLoadNamesWhatIsWrongWithThePath(t *testing.T) {
	folder := t.TempDir()
	missing := filepath.Join(folder, "missing.yaml")
	_, err := config.Load(missing, lookupIn(nil))
	require.EqualError(t, err, missing+": there is no such file: docs/aftercall.example.yaml is one to begin with")

	_, err = config.Load(folder, lookupIn(nil))
	require.EqualError(t, err, folder+": is a folder: name the YAML file in it")

	large := filepath.Join(folder, "large.yaml")
	require.NoError(t, os.WriteFile(large, make([]byte, 2<<20), 0o600))
	_, err = config.Load(large, lookupIn(nil))
	require.ErrorContains(t, err, "is larger than")
}

func replaceOnce(t *testing.T, text, old, replacement string) string {
	t.Helper()
	require.Contains(t, text, old)
	return strings.Replace(text, old, replacement, 1)
}

func TestCallbackURL(t *testing.T) {
	cfg, err := parse(t, strings.Replace(valid, "    callback:\n", "    callback:\n      base_url: https://calls.example.com/eu/\n", 1))
	require.NoError(t, err)
	address, ok := cfg.Apps[0].CallbackURL("/tencent/call/")
	require.True(t, ok)
	require.Equal(t, "https://calls.example.com/eu/tencent/call/"+cfg.Apps[0].Callback.Secret.Reveal(), address)

	cfg, err = parse(t, valid)
	require.NoError(t, err)
	_, ok = cfg.Apps[0].CallbackURL("/tencent/call/")
	require.False(t, ok)
}
