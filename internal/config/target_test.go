package config_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"aftercall/internal/config"
	"aftercall/internal/notify"
)

// otherTargets has one target of every type but webhook.
const otherTargets = `targets:
  - name: ops
    type: slack
    url: ${SLACK_URL}
    text: |
      {{ template "title" . }}
      {{ .Caller }}
    locale: de-CH
    time_zone: Europe/Zurich
  - name: group
    type: wecom
    url: ${WECOM_URL}
  - name: team
    type: dingtalk
    url: ${DINGTALK_URL}
    secret: ${DINGTALK_SECRET}
  - name: lark
    type: feishu
    url: ${FEISHU_URL}
    secret: ${FEISHU_SECRET}
  - name: finance
    type: email
    events: [call.review, call.reversed]
    subject: "{{ .App }} {{ .CallID }}"
    mail:
      server: smtp.example.com:587
      username: aftercall
      password: ${SMTP_PASSWORD}
      from: Calls <calls@example.com>
      to: [finance@example.com]
  - name: billing
    type: stripe
    stripe:
      api_key: ${STRIPE_KEY}
      meter: call_seconds
      customer: "{{ .Caller }}"
`

func parseTargets(t *testing.T, targets string) error {
	t.Helper()
	_, err := parse(t, validApps+targets+validTariffs)
	return err
}

func TestTargetsOfEveryType(t *testing.T) {
	cfg, err := parse(t, validApps+otherTargets+validTariffs)
	require.NoError(t, err)
	for _, target := range cfg.Targets {
		sender, problems := cfg.Sender(target, nil, nil)
		require.Empty(t, problems)
		require.NotNil(t, sender)
	}
	finance, _ := cfg.Target("finance")
	mail := finance.Options.(*notify.EmailOptions).Mail
	require.Equal(t, "starttls", mail.Security, "default")
	require.Equal(t, environment()["SMTP_PASSWORD"], mail.Password.Reveal())
	billing, _ := cfg.Target("billing")
	meter := billing.Options.(*notify.StripeOptions)
	require.Equal(t, "billed_seconds", meter.Stripe.Value, "default")
	require.Equal(t, "https://api.stripe.com", meter.URL.Reveal(), "default")
	require.Equal(t, []notify.EventType{notify.EventCallCharged, notify.EventCallReversed, notify.EventCallAdjusted}, billing.Subscription().Events, "what a meter can count")
	ops, _ := cfg.Target("ops")
	require.Empty(t, ops.Subscription().Events, "everything")
}

func TestProblemsOfTargets(t *testing.T) {
	require.NoError(t, parseTargets(t, otherTargets), "the tests break a file that is good")
	for name, c := range map[string]struct{ old, new, want string }{
		"key of another type":    {"    url: ${WECOM_URL}", "    url: ${WECOM_URL}\n    secret: ${FEISHU_SECRET}", "targets[1].secret: is not for targets of type wecom, which have allow_private, locale, proxy, text, time_zone, url: remove it or choose another type"},
		"secrets of slack":       {"    locale: de-CH", "    secrets: [" + webhookKey + "]", "targets[0].secrets: is not for targets of type slack, which have allow_private, locale, proxy, text, time_zone, url: remove it or choose another type"},
		"proxy of email":         {"    type: email", "    type: email\n    proxy: true", "targets[4].proxy: is not for targets of type email, which have allow_private, html, locale, mail, subject, text, time_zone: remove it or choose another type"},
		"no secret":              {"    secret: ${DINGTALK_SECRET}\n", "", "targets[2].secret: is missing: Secret of the robot's signature, from its security settings."},
		"misspelt key":           {"    locale: de-CH", "    local: de-CH", `targets[0].local: unknown key "local": did you mean "locale"?`},
		"misspelt type":          {"    type: wecom\n    url: ${WECOM_URL}", "    type: wecon\n    url: ${WECOM_URL}\n    mail: {}", `targets[1].type: unknown type "wecon": did you mean "wecom"?`},
		"unknown key and type":   {"    type: wecom\n    url: ${WECOM_URL}", "    type: ${FEISHU_SECRET}\n    url: ${WECOM_URL}", "targets[1].type: the value of ${FEISHU_SECRET} is not the name of a known type"},
		"type is no text":        {"    type: wecom\n", "    type: [wecom]\n", "targets[1].type: must be a single value, not a list"},
		"no URL":                 {"    url: ${SLACK_URL}\n", "", "targets[0].url: is missing: URL of the incoming webhook. Anyone who knows it can post: keep it secret."},
		"bad URL":                {"${SLACK_URL}", "canary", "targets[0].url: must be an address such as https://crm.example.com/aftercall"},
		"template syntax":        {"{{ .Caller }}\n    locale", "{{ .Caller }\n    locale", `targets[0].text: is not a template: text:2: unexpected "}" in operand`},
		"template's field":       {"{{ .Caller }}\n    locale", "{{ .Amout }}\n    locale", `targets[0].text: fails for the event call.charged: text:2:3: executing "text" at <.Amout>: can't evaluate field Amout in type notify.View`},
		"template of one event":  {"{{ .Caller }}\n    locale", "{{ if .Reverses }}{{ index .Members 9 }}{{ end }}\n    locale", `targets[0].text: fails for the event call.reversed: text:2:21: executing "text" at <index .Members 9>: error calling index: index out of range: 9`},
		"template without words": {"      {{ template \"title\" . }}\n      {{ .Caller }}", "      {{ .Reason }}", "targets[0].text: gives nothing for the event call.charged: write something for it, or choose other events"},
		"subject":                {"{{ .App }} {{ .CallID }}", "{{ .App.Name }}", `targets[4].subject: fails for the event call.review: subject:1:7: executing "subject" at <.App.Name>: can't evaluate field Name in type string`},
		"HTML":                   {"    subject:", "    html: <a href=\"{{ .CallID }}\n    subject:", `targets[4].html: fails for the event call.review: html: ends in a non-text context`},
		"customer":               {"{{ .Caller }}\"\n", "{{ .Operator }}\"\n", "targets[5].stripe.customer: gives nothing for the event call.charged: write something for it, or choose other events"},
		"locale":                 {"de-CH", "german", "targets[0].locale: must be a language, with or without a country, such as en, de-CH or zh-CN"},
		"time zone":              {"Europe/Zurich", "Europe/Zuerich", "targets[0].time_zone: must be a name of the IANA time zone database, such as Asia/Shanghai or UTC"},
		"mail server":            {"smtp.example.com:587", "smtp.example.com", "targets[4].mail.server: must be host:port, such as smtp.example.com:587"},
		"mail server inside":     {"smtp.example.com:587", "127.0.0.1:25", "targets[4].mail.server: 127.0.0.1 is a loopback address: set allow_private for this receiver if it is inside your network"},
		"mail server missing":    {"      server: smtp.example.com:587\n", "", "targets[4].mail.server: is missing: The mail server, host:port."},
		"password in the open":   {"      username:", "      security: none\n      username:", "targets[4].mail.security: none would show the password to the network: choose starttls or tls"},
		"security":               {"      username:", "      security: ssl\n      username:", "targets[4].mail.security: must be starttls (usually port 587), tls (usually port 465) or none"},
		"password alone":         {"      username: aftercall\n", "", "targets[4].mail.username: and password go together: set both, or none for a server without authentication"},
		"recipient":              {"[finance@example.com]", "[finance@example.com, finance]", "targets[4].mail.to[1]: must be a mail address, such as finance@example.com"},
		"sender":                 {"Calls <calls@example.com>", "Calls", "targets[4].mail.from: must be a mail address, such as aftercall@example.com"},
		"no recipient":           {"[finance@example.com]", "[]", "targets[4].mail.to: must hold at least one mail address"},
		"what a meter counts":    {"      meter:", "      value: minutes\n      meter:", "targets[5].stripe.value: must be billed_seconds, connected_seconds or amount (in the currency's smallest unit)"},
		"event of a meter":       {"    type: stripe", "    type: stripe\n    events: [call.charged, call.free]", "targets[5].events[1]: a target of type stripe can be sent only call.charged, call.reversed, call.adjusted"},
		"meter's name":           {"call_seconds", strings.Repeat("m", 101), "targets[5].stripe.meter: must be the meter's event name, of at most 100 characters"},
		"secret not copied":      {"${DINGTALK_SECRET}", "\"canary canary\"", "targets[2].secret: is empty or holds a space or line break: copy it from the robot's security settings, where it begins with SEC"},
		"mail missing":           {"    mail:\n      server: smtp.example.com:587\n      username: aftercall\n      password: ${SMTP_PASSWORD}\n      from: Calls <calls@example.com>\n      to: [finance@example.com]\n", "", "targets[4].mail: is missing: The mail server, the sender and the recipients."},
	} {
		t.Run(name, func(t *testing.T) {
			text := strings.Replace(otherTargets, c.old, c.new, 1)
			require.NotEqual(t, otherTargets, text, "the case must change the file")
			err := parseTargets(t, text)
			require.ErrorContains(t, err, c.want)
			require.Len(t, strings.Split(err.Error(), "\n"), 1, "one problem")
			require.NotContains(t, err.Error(), "canary")
		})
	}
}

func TestAMeterAddsUpOneCurrency(t *testing.T) {
	const amounts = "      value: amount\n      meter:"
	targets := strings.Replace(otherTargets, "      meter:", amounts, 1)
	require.NoError(t, parseTargets(t, targets))

	second := strings.NewReplacer("clinic", "school", "1400000000", "1400000001", "tariff: standard", "tariff: yen").
		Replace(strings.TrimPrefix(validApps, "apps:\n"))
	yen := strings.NewReplacer("standard", "yen", "USD", "JPY", "0.10", "10").Replace(strings.TrimPrefix(validTariffs, "tariffs:\n"))
	text := validApps + second + targets + validTariffs + yen
	_, err := parse(t, text)
	require.ErrorContains(t, err, "targets[5].stripe.value: amount cannot add up JPY and USD: make a target of each currency, with the apps of each")
	_, err = parse(t, strings.Replace(text, "    type: stripe", "    type: stripe\n    apps: [school]", 1))
	require.NoError(t, err)

	_, err = parse(t, validApps+targets+strings.Replace(validTariffs, "currency: USD", "currency: USD\n    digits: 4", 1))
	require.ErrorContains(t, err, "targets[5].stripe.value: amount counts whole units of USD, of which the tariff of the app clinic charges fractions")
}

func TestTypeFromAVariable(t *testing.T) {
	environ := environment()
	environ["CHAT"] = "wecom"
	text := validApps + strings.Replace(otherTargets, "type: wecom", "type: ${CHAT}", 1) + validTariffs
	cfg, err := config.Parse("test.yaml", []byte(text), lookupIn(environ))
	require.NoError(t, err)
	require.IsType(t, &notify.WeComOptions{}, cfg.Targets[1].Options)
}
