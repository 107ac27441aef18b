package config_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"aftercall/internal/config"
)

// valid is the smallest useful file; the tests break it in one place each.
const valid = validApps + `targets:
  - name: crm
    apps: [clinic]
    url: https://crm.example.com/hook
    secrets: ["${CRM_WEBHOOK_SECRET}"]
` + validTariffs

const validApps = `apps:
  - name: clinic
    sdk_app_id: 1400000000
    secret_key: ${CLINIC_SECRET_KEY}
    identifier: administrator
    api: singapore
    callback:
      secret: ${CLINIC_CALLBACK_SECRET}
      token: ${CLINIC_CALLBACK_TOKEN}
    tariff: standard
    record_deadline: 45m
`

func parse(t *testing.T, text string) (*config.Config, error) {
	t.Helper()
	return config.Parse("test.yaml", []byte(text), lookupIn(environment()))
}

func TestProblems(t *testing.T) {
	_, err := parse(t, valid)
	require.NoError(t, err, "the tests break a file that is good")

	for name, c := range map[string]struct{ old, new, want string }{
		"unknown key near":       {"    tariff: standard", "    tarif: standard", `10:5: apps[0].tarif: unknown key "tarif": did you mean "tariff"?`},
		"unknown key spelling":   {"secret_key:", "secretKey:", `4:5: apps[0].secretKey: unknown key "secretKey": did you mean "secret_key"?`},
		"unknown key far":        {"    url:", "    colour: red\n    url:", `15:5: targets[0].colour: unknown key "colour": known here are allow_private, apps, breaker_cooldown, events, media, name, proxy, results, retry_window, secrets, type, url`},
		"unknown key at the top": {"targets:\n", "hooks: []\ntargets:\n", `12:1: hooks: unknown key "hooks": known here are apps, dedupe_window, evidence, targets, tariffs`},
		"duplicate key":          {"    tariff: standard", "    tariff: standard\n    tariff: standard", "11:5: apps[0].tariff: is there twice, first in line 10: remove one"},
		"sweep settles early":    {"    tariff: standard", "    tariff: standard\n    sweep: {settle: 4s}", "11:21: apps[0].sweep.settle: must be from 5s to 1h: Tencent has the record of a call five seconds after its end, and a sweep that lists it earlier misses it"},
		"sweep overlap is short": {"    tariff: standard", "    tariff: standard\n    sweep: {overlap: 59m59s}", "11:22: apps[0].sweep.overlap: must be from 1h to 72h: Tencent may list calls by their start, and then a sweep misses calls that are longer than the overlap"},
		"key with line break":    {"    tariff: standard", "    tariff: standard\n    \"a\\nb\": 1", `11:5: apps[0].…: is not a key: keys have letters, digits and _, and a space after their colon; known here are api, callback, evidence, go_live, identifier, name, payer, record_deadline, relay, sdk_app_id, secret_key, sweep, tariff, without_record`},
		"missing key":            {"    api: singapore\n", "", "2:5: apps[0].api: is missing: Region of the app: china, singapore, seoul, frankfurt, silicon-valley or jakarta, or the REST API's base URL, https://…"},
		"empty value":            {"    tariff: standard", "    tariff:", "10:12: apps[0].tariff: is empty: write a value or remove the key"},
		"number for text":        {"name: clinic", "name: 12", "2:11: apps[0].name: must be text: put it in quotes"},
		"text for number":        {"1400000000", "clinic", "3:17: apps[0].sdk_app_id: must be a whole number from 0 to 18446744073709551615, in digits only"},
		"quoted number":          {"1400000000", `"1400000000"`, "3:17: apps[0].sdk_app_id: must be a number, without quotes"},
		"negative number":        {"1400000000", "-1", "3:17: apps[0].sdk_app_id: must be a whole number from 0 to 18446744073709551615, in digits only"},
		"hex number":             {"1400000000", "0x10", "3:17: apps[0].sdk_app_id: must be a whole number from 0 to 18446744073709551615, in digits only"},
		"zero id":                {"1400000000", "0", "3:17: apps[0].sdk_app_id: must be the app's SDKAppID, not 0"},
		"text for mapping":       {"callback:\n      secret: ${CLINIC_CALLBACK_SECRET}\n      token: ${CLINIC_CALLBACK_TOKEN}", "callback: canary", "7:15: apps[0].callback: must be a mapping, lines of “key: value” below it, not text"},
		"text for list":          {"apps: [clinic]", "apps: clinic", "14:11: targets[0].apps: must be a list, its items after dashes or in [ ], not text"},
		"list for text":          {"tariff: standard", "tariff: [standard]", "10:14: apps[0].tariff[0]: must be a mapping, lines of “key: value” below it, not text"},
		"mapping for text":       {"tariff: standard", "tariff: {a: b}", "10:13: apps[0].tariff: must be the name of a tariff, or a list of tariffs with name and effective_from, not a mapping"},
		"duration without unit":  {"45m", "45", "11:22: apps[0].record_deadline: must be a duration with its unit, as in 90s, 30m or 1h30m"},
		"no callbacks":           {"    callback:\n", "    callback:\n      per_second: 0\n", "8:19: apps[0].callback.per_second: must be from 1 to 100000"},
		"too many at once":       {"    callback:\n", "    callback:\n      burst: 1000001\n", "8:14: apps[0].callback.burst: must be from per_second, 200, to 1000000"},
		"fewer at once":          {"    callback:\n", "    callback:\n      burst: 199\n", "8:14: apps[0].callback.burst: must be from per_second, 200, to 1000000"},
		"duration too short":     {"45m", "0s", "11:22: apps[0].record_deadline: must be from 1s to 168h, the seven days that Tencent keeps records"},
		"duration too long":      {"45m", "169h", "11:22: apps[0].record_deadline: must be from 1s to 168h, the seven days that Tencent keeps records"},
		"anchor":                 {"api: singapore", "api: &region singapore", "6:10: apps[0].api: anchors (&), aliases (*), tags (!) and directives (%) are not supported: write the value out"},
		"tag":                    {"api: singapore", "api: !!str singapore", "6:10: apps[0].api: anchors (&), aliases (*), tags (!) and directives (%) are not supported: write the value out"},
		"merge key":              {"    api: singapore", "    api: singapore\n    <<: {}", "7:5: apps[0]: a key must be a plain word; merge keys (<<) and complex keys (?) are not supported"},
		"variable not set":       {"${CLINIC_SECRET_KEY}", "${CLINIK_KEY}", "4:17: apps[0].secret_key: environment variable CLINIK_KEY is not set or empty: set it before the start"},
		"variable badly named":   {"${CLINIC_SECRET_KEY}", "${CLINIC-KEY}", "4:17: apps[0].secret_key: ${ must be followed by a variable's name and }, as in ${CRM_SECRET}; write $${ for a literal ${"},
		"variable not closed":    {"${CLINIC_SECRET_KEY}", "${CLINIC", "4:17: apps[0].secret_key: ${ must be followed by a variable's name and }, as in ${CRM_SECRET}; write $${ for a literal ${"},
		"variable of wrong type": {"1400000000", "${CLINIC_CALLBACK_TOKEN}", "3:17: apps[0].sdk_app_id: must be a whole number from 0 to 18446744073709551615, in digits only"},
		"name":                   {"name: clinic", "name: The Clinic", "2:11: apps[0].name: the name must be 1 to 63 characters of a-z, 0-9 and hyphens, without a hyphen at its ends"},
		"secret key with space":  {"${CLINIC_SECRET_KEY}", `"canary key"`, "4:17: apps[0].secret_key: holds a space or line break: copy it again, without"},
		"secret key empty":       {"${CLINIC_SECRET_KEY}", `""`, "4:17: apps[0].secret_key: is empty: copy it from the console"},
		"identifier":             {"identifier: administrator", `identifier: "a\nb"`, "5:17: apps[0].identifier: must be an account name without spaces and control characters, or left out for administrator"},
		"region":                 {"singapore", "singapur", `6:10: apps[0].api: unknown region "singapur": did you mean "singapore"?; a base URL begins with https://`},
		"plain http":             {"singapore", "http://console.tim.qq.com", "6:10: apps[0].api: must be https://, because requests carry administrator rights; http:// is for this machine only"},
		"api mistyped":           {"singapore", "htps:/u:canary@console.tim.qq.com", "6:10: apps[0].api: must be a region or a base URL such as https://console.tim.qq.com, without user, query and fragment"},
		"api with query":         {"singapore", "https://console.tim.qq.com?usersig=canary", "6:10: apps[0].api: must be a region or a base URL such as https://console.tim.qq.com, without user, query and fragment"},
		"base URL": {
			"    callback:\n", "    callback:\n      base_url: calls.example.com\n",
			"8:17: apps[0].callback.base_url: must be an address such as https://calls.example.com, without user, query and fragment",
		},
		"api scheme":             {"singapore", "ftp://console.tim.qq.com", "6:10: apps[0].api: must be https://"},
		"api from variable":      {"singapore", "${CLINIC_CALLBACK_TOKEN}", "6:10: apps[0].api: the value of ${CLINIC_CALLBACK_TOKEN} is neither a base URL nor one of china, frankfurt, jakarta, seoul, silicon-valley, singapore"},
		"callback secret short":  {"${CLINIC_CALLBACK_SECRET}", "canary", "8:15: apps[0].callback.secret: is too short: it needs 16 characters, as from: openssl rand -hex 24"},
		"callback secret unsafe": {"${CLINIC_CALLBACK_SECRET}", "canary/canary/canary", "8:15: apps[0].callback.secret: must consist of A-Z a-z 0-9 . _ ~ - only, because it is part of a URL; make one with: openssl rand -hex 24"},
		"token empty":            {"${CLINIC_CALLBACK_TOKEN}", `""`, "9:14: apps[0].callback.token: is empty: copy it from the console"},
		"tariff unknown":         {"tariff: standard", "tariff: standart", `10:13: apps[0].tariff: unknown tariff "standart": did you mean "standard"?`},
		"tariff from variable":   {"tariff: standard", "tariff: ${CLINIC_CALLBACK_TOKEN}", "10:13: apps[0].tariff: the value of ${CLINIC_CALLBACK_TOKEN} is not the name of a known tariff"},
		"relay with query":       {"    tariff: standard", "    tariff: standard\n    relay: {url: \"https://x.example/?a=1\"}", "11:18: apps[0].relay.url: must not hold a user, password, query or fragment"},
		"relay on the inside":    {"    tariff: standard", "    tariff: standard\n    relay: {url: \"http://10.1.2.3/\"}", "11:18: apps[0].relay.url: 10.1.2.3 is a private address: set allow_private for this receiver if it is inside your network"},
		"relay of other command": {"    tariff: standard", "    tariff: standard\n    relay: {url: \"https://x.example/\", commands: [Call.CallbackAfterEndCal]}", `11:51: apps[0].relay.commands[0]: unknown command "Call.CallbackAfterEndCal": did you mean "Call.CallbackAfterEndCall"?`},
		"relay without address":  {"    tariff: standard", "    tariff: standard\n    relay: {breaker_cooldown: 1s}", "11:12: apps[0].relay.url: is missing: Address that receives the callbacks, https:// or http://, without a query: a callback brings its own."},
		"relay retry window":     {"    tariff: standard", "    tariff: standard\n    relay: {url: \"https://x.example/\", retry_window: 1s}", "11:54: apps[0].relay.retry_window: must be from 1m to 720h"},
		"relay horizon":          {"    tariff: standard", "    tariff: standard\n    relay: {url: \"https://x.example/\", horizon: 1h}", "11:40: apps[0].relay.horizon: is now called retry_window"},
		"relay pause":            {"    tariff: standard", "    tariff: standard\n    relay: {url: \"https://x.example/\", pause: 1s}", "11:40: apps[0].relay.pause: is now called breaker_cooldown"},
		"target of unknown app":  {"[clinic]", "[clinic, school]", `14:20: targets[0].apps[1]: unknown app "school": known here are clinic`},
		"target of app twice":    {"[clinic]", "[clinic, clinic]", `14:20: targets[0].apps[1]: names the app "clinic" twice: remove one`},
		"target without app":     {"[clinic]", "[]", "14:11: targets[0].apps: is empty: leave it out for all"},
		"target type":            {"    url:", "    type: webhok\n    url:", `15:11: targets[0].type: unknown type "webhok": did you mean "webhook"?`},
		"event unknown":          {"    url:", "    events: [call.charged, call.fre]\n    url:", `15:28: targets[0].events[1]: unknown event "call.fre": did you mean "call.free"?`},
		"result unknown":         {"    url:", "    results: [Busy]\n    url:", `15:15: targets[0].results[0]: unknown result "Busy": known here are CallBusy, Cancel, Interrupt, NormalEnd, NotAnswer, Offline, Reject`},
		"media unknown":          {"    url:", "    media: [video]\n    url:", `15:13: targets[0].media[0]: unknown media type "video": did you mean "Video"?`},
		"retry window":           {"    url:", "    retry_window: 721h\n    url:", "15:19: targets[0].retry_window: must be from 1m to 720h"},
		"retry window short":     {"    url:", "    retry_window: 59s\n    url:", "15:19: targets[0].retry_window: must be from 1m to 720h"},
		"breaker cooldown":       {"    url:", "    breaker_cooldown: 0s\n    url:", "15:23: targets[0].breaker_cooldown: must be from 1s to 1h"},
		"breaker cooldown long":  {"    url:", "    breaker_cooldown: 61m\n    url:", "15:23: targets[0].breaker_cooldown: must be from 1s to 1h"},
		"target horizon":         {"    url:", "    horizon: 72h\n    url:", "15:5: targets[0].horizon: is now called retry_window"},
		"target pause":           {"    url:", "    pause: 1s\n    url:", "15:5: targets[0].pause: is now called breaker_cooldown"},
		"target name twice":      {"targets:\n  -", "targets:\n  - {name: crm, url: https://x.example, secrets: [" + webhookKey + "]}\n  -", "14:11: targets[1].name: is the same as in targets[0], line 13: give each its own"},
		"webhook address":        {"https://crm.example.com/hook", "crm.example.com", "15:10: targets[0].url: must be an address such as https://crm.example.com/aftercall"},
		"webhook password":       {"https://crm", "https://u:canary@crm", "15:10: targets[0].url: must not hold a user, password or fragment"},
		"webhook on the inside":  {"https://crm.example.com/hook", "http://localhost:8080/hook", "15:10: targets[0].url: 127.0.0.1 is a loopback address: set allow_private for this receiver if it is inside your network"},
		"webhook at metadata":    {"https://crm.example.com/hook", "http://169.254.169.254/\n    allow_private: true", "15:10: targets[0].url: 169.254.169.254 is a link-local address, to which nothing is ever sent"},
		"webhook without secret": {`["${CRM_WEBHOOK_SECRET}"]`, "[]", "16:14: targets[0].secrets: must hold at least one signing secret; make one with: echo whsec_$(openssl rand -base64 32)"},
		"webhook secret prefix":  {"${CRM_WEBHOOK_SECRET}", "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=", "16:15: targets[0].secrets[0]: must be whsec_ and base64 of 24 to 64 bytes; make one with: echo whsec_$(openssl rand -base64 32)"},
		"webhook secret short":   {"${CRM_WEBHOOK_SECRET}", "whsec_Y2FuYXJ5", "16:15: targets[0].secrets[0]: must be whsec_ and base64 of 24 to 64 bytes; make one with: echo whsec_$(openssl rand -base64 32)"},
		"tariff name":            {"  standard:\n", "  Gold: &x 1\n  standard:\n", "18:3: tariffs.Gold: anchors (&), aliases (*), tags (!) and directives (%) are not supported: write the value out"},
		"tariff name of its own": {"tariffs:\n", "tariffs:\n" + goldTariff, "18:3: tariffs.Gold_2: the name must be 1 to 63 characters of a-z, 0-9 and hyphens, without a hyphen at its ends"},
		"tariff's own problem":   {"currency: USD", "currency: XYZ", `19:15: tariffs.standard.currency: "XYZ" is not a currency: write an ISO 4217 code, such as USD`},
		"tariff's missing value": {"            first_interval: 60\n", "", "23:13: tariffs.standard.versions[0].rules[0].first_interval: is missing: write how many seconds are billed at a time, such as 60 or 1"},
		"tariff's unknown key":   {"next_interval: 6", "next_intervall: 6", `25:13: tariffs.standard.versions[0].rules[0].next_intervall: unknown key "next_intervall": did you mean "next_interval"?`},
		"price with comma":       {"0.10", "0,10", "23:30: tariffs.standard.versions[0].rules[0].rate_per_minute: must be written with a point and without separators, as in 1250.05"},
		"price with exponent":    {"0.10", "1e-1", "23:30: tariffs.standard.versions[0].rules[0].rate_per_minute: must be written without an exponent, as in 0.05"},
		"price from variable":    {"0.10", "${CLINIC_CALLBACK_TOKEN}", "23:30: tariffs.standard.versions[0].rules[0].rate_per_minute: the value of ${CLINIC_CALLBACK_TOKEN} is not what this key can hold"},
		"day badly written":      {"2026-01-01T00:00:00Z", "1.1.2026", "21:25: tariffs.standard.versions[0].effective_from: must be a time with its zone, as in 2026-01-31T00:00:00+08:00, or a day in UTC, as in 2026-01-31"},
		"text for digits":        {"    currency: USD", "    currency: USD\n    digits: \"2\"", "20:13: tariffs.standard.digits: must be a number, without quotes"},
		"syntax":                 {"    tariff: standard", "    tariff: standard\n\tx: y", "11:1: is not YAML: found character '\t' that cannot start any token"},
		"secret in a key":        {"token: ${CLINIC_CALLBACK_TOKEN}", "token:my own secret: x", "9:7: apps[0].callback.…: is not a key: keys have letters, digits and _, and a space after their colon; known here are base_url, burst, per_second, secret, secrets, token, tokens"},
		"secret in a block":      {`["${CRM_WEBHOOK_SECRET}"]`, "[|\x01-secret, \\\"of it]", `16:15: is not YAML: invalid header option: …`},
		"variable in brackets":   {`["${CRM_WEBHOOK_SECRET}"]`, "[ ${CRM_WEBHOOK_SECRET} ]", `16:17: is not YAML: ',' or ']' must be specified; inside [ ] and { } put quotes around variables, as in ["${NAME}"]`},
		"second document":        {"targets:\n", "---\ntargets:\n", "13:1: a second document begins here: put everything into one, without ---"},
	} {
		t.Run(name, func(t *testing.T) {
			text := strings.Replace(valid, c.old, c.new, 1)
			require.NotEqual(t, valid, text, "the case must change the file")
			cfg, err := parse(t, text)
			require.Nil(t, cfg)
			require.EqualError(t, err, "test.yaml:"+c.want)
			require.NotContains(t, err.Error(), "canary")
		})
	}
}

func TestProblemsOfTheFileAsAWhole(t *testing.T) {
	for text, want := range map[string]string{
		"":            "test.yaml: is empty: docs/aftercall.example.yaml is one to begin with",
		"# nothing\n": "test.yaml: is empty: docs/aftercall.example.yaml is one to begin with",
		"hello":       "test.yaml:1:1: must be a mapping, lines of “key: value” below it, not text",
		"- apps":      "test.yaml:1:1: must be a mapping, lines of “key: value” below it, not a list",
		"{}": "test.yaml:1:1: apps: is missing: The Tencent RTC applications to serve, at least one.\n" +
			"test.yaml:1:1: tariffs: is missing: The tariffs by name.",
	} {
		_, err := parse(t, text)
		require.EqualError(t, err, want, text)
	}
}

func TestFilesOfOtherSystems(t *testing.T) {
	_, err := parse(t, "\ufeff"+strings.ReplaceAll(valid, "\n", "\r\n"))
	require.NoError(t, err)
	_, err = parse(t, "\ufeff"+strings.ReplaceAll(replaceOnce(t, valid, "tariff: standard", "tariff: gold"), "\n", "\r\n"))
	require.ErrorContains(t, err, "test.yaml:10:13: ")
}

func TestAMisspeltKeyBesideTheRightOne(t *testing.T) {
	_, err := parse(t, replaceOnce(t, valid, "    tariff: standard\n", "    tariff: gold\n    tarif: standard\n"))
	require.ErrorContains(t, err, `10:13: apps[0].tariff: unknown tariff "gold"`)
	require.ErrorContains(t, err, `11:5: apps[0].tarif: unknown key "tarif"`)
}

func TestNestingIsBounded(t *testing.T) {
	const want = "test.yaml:2:1: is not YAML that aftercall can read: more than 100 levels are open here"
	for _, open := range []string{"[", "{a: ", "- "} {
		// Far above the bound, so that a parser that saw it would need gigabytes.
		_, err := parse(t, "a: b\n"+strings.Repeat(open, 200_000))
		require.EqualError(t, err, want)
	}
}

func TestAllProblemsAtOnceFromTopToBottom(t *testing.T) {
	text := `apps:
  - name: clinic
    sdk_app_id: none
    secret_key: ${NOT_SET}
    api: mars
    callback: {secret: short, colour: red}
    tariff: gold
  - name: clinic
    sdk_app_id: 7
    sdk_app_id: 8
    secret_key: k
    api: seoul
    callback: {secret: canary-callback-secret-3}
    tariff: gold
targets:
  - name: crm
    url: nowhere
    secrets: [x]
    apps: [clinic, erp]
` + validTariffs
	_, err := parse(t, text)
	var all *config.Error
	require.True(t, errors.As(err, &all))
	type at struct {
		line, column int
		key          string
	}
	var got []at
	for _, p := range all.Problems {
		require.Equal(t, "test.yaml", p.File)
		got = append(got, at{p.Line, p.Column, p.Key})
	}
	require.Equal(t, []at{
		{3, 17, "apps[0].sdk_app_id"},
		{4, 17, "apps[0].secret_key"},
		{5, 10, "apps[0].api"},
		{6, 24, "apps[0].callback.secret"},
		{6, 31, "apps[0].callback.colour"},
		{7, 13, "apps[0].tariff"},
		{8, 11, "apps[1].name"},
		{10, 5, "apps[1].sdk_app_id"},
		{14, 13, "apps[1].tariff"},
		{17, 10, "targets[0].url"},
		{18, 15, "targets[0].secrets[0]"},
		{19, 20, "targets[0].apps[1]"},
	}, got)
	require.Len(t, strings.Split(err.Error(), "\n"), len(got), "one problem per line")
}

func TestAProblemHasNoConsequences(t *testing.T) {
	// The app's name is unreadable, so nothing is said about references to it.
	_, err := parse(t, strings.Replace(valid, "  - name: clinic", "  - name: ${NOT_SET}", 1))
	require.EqualError(t, err, "test.yaml:2:11: apps[0].name: environment variable NOT_SET is not set or empty: set it before the start")

	_, err = parse(t, strings.Replace(valid, "tariffs:", "tarifs:", 1))
	require.ErrorContains(t, err, `unknown key "tarifs": did you mean "tariffs"?`)
	require.Len(t, strings.Split(err.Error(), "\n"), 1)
}
