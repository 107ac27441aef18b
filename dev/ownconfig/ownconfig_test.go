package ownconfig

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"aftercall/internal/config"
	"aftercall/internal/notify"
)

const example = "../../docs/aftercall.example.yaml"

var at = Addresses{Tencent: "http://127.0.0.1:1", Starter: "http://127.0.0.1:2", Receiver: "http://127.0.0.1:3", Mail: "127.0.0.1:4"}

// unset is the environment of somebody who has set nothing.
func unset(string) (string, bool) { return "", false }

func write(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "mine.yaml")
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	return path
}

// parse reads the configuration as starter and worker do.
func (l *Local) parse(t *testing.T) *config.Config {
	t.Helper()
	c, err := config.Parse("local.yaml", l.YAML, func(name string) (string, bool) {
		value, ok := l.Variables[name]
		return value, ok
	})
	require.NoError(t, err)
	return c
}

// TestExample: the unedited example needs no variable, nothing of it leaves the
// machine, and what decides about calls is as before.
func TestExample(t *testing.T) {
	l, err := Read(example, unset, at)
	require.NoError(t, err)
	require.Len(t, l.MadeUp, len(l.Variables))
	require.Contains(t, l.MadeUp, "CRM_WEBHOOK_SECRET_NEXT")
	require.Empty(t, l.Kept)
	var names []string
	for _, s := range l.StandIns {
		names = append(names, s.Name)
	}
	require.Equal(t, []string{
		"school.relay", "crm", "dashboard", "ops", "support", "wecom-group", "dingtalk-group", "feishu-group", "finance", "billing",
	}, names)
	c := l.parse(t)
	for _, app := range c.Apps {
		require.Equal(t, at.Tencent, app.APIBaseURL())
		require.Equal(t, at.Starter, app.Callback.BaseURL)
	}
	require.Equal(t, at.Receiver+"/hooks/school.relay", c.Apps[1].Relay.URL)
	for _, address := range []string{"example.com/", "smtp.example.com"} {
		for _, line := range strings.Split(string(l.YAML), "\n") {
			line, _, _ = strings.Cut(line, "#")
			require.NotContains(t, line, address)
		}
	}
	original, err := config.Load(example, func(name string) (string, bool) { return l.Variables[name], true })
	require.NoError(t, err)
	require.Equal(t, original.Tariffs, c.Tariffs)
	require.Equal(t, original.Apps[1].Sweep, c.Apps[1].Sweep)
	for i, target := range original.Targets {
		require.Equal(t, target.Subscription(), c.Targets[i].Subscription())
	}
	require.Equal(t, c.Targets[0].Options.(*notify.WebhookOptions).Secrets[0].Reveal(), l.StandIns[1].Secret)
}

const minimal = `apps:
  - name: mine
    sdk_app_id: 1400000000
    secret_key: ${SECRET_KEY}
    api: singapore
    callback: {secret: "${CALLBACK_SECRET}"}
    tariff: standard
tariffs:
  standard:
    currency: USD
    versions:
      - effective_from: 2026-01-01T00:00:00Z
        rules: [{rate_per_minute: 0.12345678, first_interval: 60, next_interval: 60}]
`

// TestOwnReceiver: a receiver on this machine gets what it would get, and one elsewhere
// does not; variables that are set are used.
func TestOwnReceiver(t *testing.T) {
	l, err := Read(write(t, minimal+`targets:
  - {name: here, url: "http://localhost:${PORT}/hook", secrets: ["${HOOK_SECRET}"], allow_private: true}
  - {name: there, url: "https://${HOST}/hook", secrets: ["${THERE_SECRET}"], proxy: true}
  - {name: mail, type: email, allow_private: true, mail: {server: "127.0.0.1:2525", security: none, from: a@example.com, to: [b@example.com]}}
`), func(name string) (string, bool) {
		value, ok := map[string]string{"PORT": "9000", "HOST": "crm.example.com", "CALLBACK_SECRET": "a-secret-of-the-user"}[name]
		return value, ok
	}, at)
	require.NoError(t, err)
	require.Equal(t, []string{"HOOK_SECRET", "SECRET_KEY", "THERE_SECRET"}, l.MadeUp)
	require.Equal(t, []string{"here", "mail"}, l.Kept)
	c := l.parse(t)
	require.Equal(t, "a-secret-of-the-user", c.Apps[0].Callback.Secret.Reveal())
	require.Equal(t, "http://localhost:9000/hook", c.Targets[0].Options.(*notify.WebhookOptions).URL.Reveal())
	there := c.Targets[1].Options.(*notify.WebhookOptions)
	require.Equal(t, at.Receiver+"/hooks/there", there.URL.Reveal())
	require.False(t, there.Proxy)
	require.Contains(t, string(l.YAML), "0.12345678", "prices stay exact")
	require.Equal(t, []StandIn{{Name: "there", Path: "/hooks/there", Secret: l.Variables["THERE_SECRET"]}}, l.StandIns)
	require.False(t, l.HasMail())
}

// TestBadInput: the error has the file, the line, the key and the cure.
func TestBadInput(t *testing.T) {
	for name, test := range map[string]struct{ text, want string }{
		"empty":             {"", "mine.yaml: is empty: docs/aftercall.example.yaml is one to begin with"},
		"not YAML":          {"apps: [", "is not YAML"},
		"a list":            {"- a", "must be a mapping"},
		"unknown key":       {strings.Replace(minimal, "secret_key", "secretKey", 1), `mine.yaml:4:5: apps[0].secretKey: unknown key "secretKey": did you mean "secret_key"?`},
		"a price is unset":  {strings.Replace(minimal, "0.12345678", `"${PRICE}"`, 1), "environment variable PRICE is not set or empty: set it before the start"},
		"an alias":          {strings.Replace(minimal, "singapore", "*x", 1), "mine.yaml:5:10: apps[0].api: anchors (&), aliases (*)"},
		"apps is a text":    {strings.Replace(minimal, "apps:", "apps: none\nnot:", 1), "apps: must be a list"},
		"unknown tariff":    {strings.Replace(minimal, "tariff: standard", "tariff: standart", 1), `did you mean "standard"?`},
		"a private address": {minimal + "targets: [{name: a, url: \"http://127.0.0.1:1/\", secrets: [\"${A}\"]}]", "set allow_private"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Read(write(t, test.text), unset, at)
			require.ErrorContains(t, err, test.want)
		})
	}
	_, err := Read("nowhere.yaml", unset, at)
	require.EqualError(t, err, "nowhere.yaml: there is no such file: docs/aftercall.example.yaml is one to begin with")
	_, err = Read(t.TempDir(), unset, at)
	require.ErrorContains(t, err, "is a folder")
}

// TestEvidenceStaysHere: events of the simulation must not get to a database of production.
func TestEvidenceStaysHere(t *testing.T) {
	file := strings.Replace(minimal+"evidence: {url: \"${EVIDENCE_URL}\", wait: 5s}\n", "    callback:", "    evidence: {members: true, room_key: \"${ROOM_KEY}\"}\n    callback:", 1)
	l, err := Read(write(t, file), unset, at)
	require.NoError(t, err)
	require.Subset(t, l.MadeUp, []string{"EVIDENCE_URL", "ROOM_KEY"})
	c := l.parse(t)
	require.Empty(t, c.Evidence.URL.Reveal())
	require.Equal(t, 5*time.Second, c.EvidenceWait())
	require.Len(t, c.Apps[0].Evidence.RoomKey.Reveal(), 32)
}
