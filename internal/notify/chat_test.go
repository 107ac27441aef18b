package notify

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"aftercall/internal/secret"
)

const chargedText = `clinic: $0.24 charged
Audio SingleCall of patient-1001 with doctor-17, NormalEnd at 2026-03-01 12:00:00 UTC
connected 1m1s, billed 2m0s, tariff consultation
CallId 055662e1-bc8a-469c-a334-1126c8c17d58`

// jsonOf is what a body must be, whatever the order of its keys.
func jsonOf(t *testing.T, value any) string {
	t.Helper()
	text, err := json.Marshal(value)
	require.NoError(t, err)
	return string(text)
}

func TestSlackRequest(t *testing.T) {
	p := newProvider(t, http.StatusOK, "ok")
	s := newSender(t, chatOptions(TypeSlack, p.url+"/services/T000/B000/XXX", ""))
	require.NoError(t, s.Send(context.Background(), "msg_1", sample(t, EventCallCharged)))
	r := p.only(t)
	require.Equal(t, "POST", r.method)
	require.Equal(t, "/services/T000/B000/XXX", r.path)
	require.Empty(t, r.query)
	require.Equal(t, "application/json; charset=utf-8", r.header.Get("Content-Type"))
	require.JSONEq(t, jsonOf(t, map[string]string{"text": chargedText}), r.body)
}

func TestSlackAnswers(t *testing.T) {
	for body, want := range map[string]struct {
		status int
		text   string
		class  Class
	}{
		"invalid_payload":                      {400, "answered 400 Bad Request (invalid_payload)", Permanent},
		"action_prohibited":                    {403, "answered 403 Forbidden (action_prohibited)", NeedsOperator},
		"no_service":                           {404, "answered 404 Not Found (no_service)", NeedsOperator},
		"channel_is_archived":                  {410, "answered 410 Gone (channel_is_archived)", NeedsOperator},
		"rate_limited":                         {429, "answered 429 Too Many Requests (rate_limited)", Temporary},
		"rollup_error":                         {500, "answered 500 Internal Server Error (rollup_error)", Temporary},
		"msg_too_long":                         {200, "answered 200 OK (msg_too_long)", Permanent},
		"too_long_in_another_way":              {400, "answered 400 Bad Request (too_long_in_another_way): the message is too long", Permanent},
		"<html>a gateway, token=canary</html>": {502, "answered 502 Bad Gateway", Temporary},
		`{"ok":false,"error":"invalid_token"}`: {200, "answered 200 OK (invalid_token)", NeedsOperator},
		"<html>200, token=canary</html>":       {200, "answered 2xx, but not as documented", Temporary},
	} {
		p := newProvider(t, want.status, body)
		p.header = map[string]string{"Retry-After": "300"}
		err := newSender(t, chatOptions(TypeSlack, p.url+"/canary", "")).Send(context.Background(), "msg_1", sample(t, EventCallFree))
		require.EqualError(t, err, want.text)
		failure, ok := FailureOf(err)
		require.True(t, ok)
		require.Equal(t, want.class, failure.Class, body)
		if want.status != 200 {
			require.Equal(t, 5*time.Minute, failure.RetryAfter)
		}
	}
}

func TestWeComRequest(t *testing.T) {
	p := newProvider(t, http.StatusOK, `{"errcode":0,"errmsg":"ok"}`)
	s := newSender(t, chatOptions(TypeWeCom, p.url+"/cgi-bin/webhook/send?key=693a91f6-7xxx", ""))
	require.NoError(t, s.Send(context.Background(), "msg_1", sample(t, EventCallCharged)))
	r := p.only(t)
	require.Equal(t, "POST", r.method)
	require.Equal(t, "/cgi-bin/webhook/send", r.path)
	require.Equal(t, "key=693a91f6-7xxx", r.query)
	require.Equal(t, "application/json; charset=utf-8", r.header.Get("Content-Type"))
	require.JSONEq(t, jsonOf(t, map[string]any{"msgtype": "text", "text": map[string]any{"content": chargedText}}), r.body)
}

func TestDingTalkRequest(t *testing.T) {
	p := newProvider(t, http.StatusOK, `{"errcode":0,"errmsg":"ok"}`)
	s := newSender(t, &DingTalkOptions{URL: secret.New(p.url + "/robot/send?access_token=XXX"), Secret: secret.New("SECthis-is-secret")})
	s.(*dingtalk).now = func() time.Time { return sentAt }
	require.NoError(t, s.Send(context.Background(), "msg_1", sample(t, EventCallCharged)))
	r := p.only(t)
	require.Equal(t, "POST", r.method)
	require.Equal(t, "/robot/send", r.path)
	require.Contains(t, r.query, "sign=eZyJfmndpX2L%2F%2BT0uo3k2X6uqeVUp4rRvVH274HJmtw%3D", "as the documentation's urllib.parse.quote_plus has it")
	requireQuery(t, map[string]string{
		"access_token": "XXX", "timestamp": "1772366405211", "sign": "eZyJfmndpX2L/+T0uo3k2X6uqeVUp4rRvVH274HJmtw=",
	}, r.query)
	require.JSONEq(t, jsonOf(t, map[string]any{"msgtype": "text", "text": map[string]any{"content": chargedText}}), r.body)

	// Each request is signed anew: a signature is good for an hour.
	s.(*dingtalk).now = func() time.Time { return sentAt.Add(time.Hour) }
	require.NoError(t, s.Send(context.Background(), "msg_1", sample(t, EventCallCharged)))
	requireQuery(t, map[string]string{
		"access_token": "XXX", "timestamp": "1772370005211", "sign": dingtalkSign("1772370005211", "SECthis-is-secret"),
	}, p.seen[1].query)
}

// TestDingTalkSignatureVector: computed with
//
//	printf '1772366405211\nSECthis-is-secret' | openssl dgst -sha256 -hmac SECthis-is-secret -binary | base64
func TestDingTalkSignatureVector(t *testing.T) {
	require.Equal(t, "eZyJfmndpX2L/+T0uo3k2X6uqeVUp4rRvVH274HJmtw=", dingtalkSign("1772366405211", "SECthis-is-secret"))
}

func TestFeishuRequest(t *testing.T) {
	p := newProvider(t, http.StatusOK, `{"StatusCode":0,"StatusMessage":"success","code":0,"data":{},"msg":"success"}`)
	s := newSender(t, &FeishuOptions{URL: secret.New(p.url + "/open-apis/bot/v2/hook/xxx"), Secret: secret.New("this-is-secret")})
	s.(*feishu).now = func() time.Time { return sentAt }
	require.NoError(t, s.Send(context.Background(), "msg_1", sample(t, EventCallCharged)))
	r := p.only(t)
	require.Equal(t, "POST", r.method)
	require.Equal(t, "/open-apis/bot/v2/hook/xxx", r.path)
	require.Empty(t, r.query)
	require.Equal(t, "application/json; charset=utf-8", r.header.Get("Content-Type"))
	require.JSONEq(t, jsonOf(t, map[string]any{
		"timestamp": "1772366405", "sign": "oqX+kPBjpkZyXjvmV8S6i6ZaCrSY2IOcRe0AKAUHAgc=",
		"msg_type": "text", "content": map[string]any{"text": chargedText},
	}), r.body)
}

// TestFeishuSignatureVector: computed with
//
//	printf '' | openssl dgst -sha256 -hmac "$(printf '1772366405\nthis-is-secret')" -binary | base64
func TestFeishuSignatureVector(t *testing.T) {
	require.Equal(t, "oqX+kPBjpkZyXjvmV8S6i6ZaCrSY2IOcRe0AKAUHAgc=", feishuSign("1772366405", "this-is-secret"))
}

// TestRobotsAnswerInTheBody: a code decides, whatever the status.
func TestRobotsAnswerInTheBody(t *testing.T) {
	later := func(d time.Duration) Failure { return Failure{RetryAfter: d} }
	final := Failure{Class: Permanent, OneEvent: true}
	operator := Failure{Class: NeedsOperator, RetryAfter: operatorDelay}
	for _, c := range []struct {
		target Type
		status int
		body   string
		want   Failure
	}{
		{TypeWeCom, 200, `{"errcode":93000,"errmsg":"invalid webhook url, from ip: 1.2.3.4, canary"}`, operator},
		{TypeWeCom, 200, `{"errcode":45009,"errmsg":"api freq out of limit"}`, later(time.Minute)},
		{TypeWeCom, 200, `{"errcode":-1,"errmsg":"system busy"}`, later(5 * time.Second)},
		{TypeWeCom, 200, `{"errcode":40058,"errmsg":"content size out of limit"}`, final},
		{TypeWeCom, 200, `{"errcode":40058,"errmsg":"too many requests"}`, later(time.Minute)},
		{TypeWeCom, 200, `{"errcode":99999,"errmsg":"unknown to the rules"}`, Failure{}},
		{TypeWeCom, 200, `{"errcode":99999,"errmsg":"content size out of limit"}`, final},
		{TypeWeCom, 200, `<html>canary</html>`, Failure{}},
		{TypeWeCom, 200, `{}`, Failure{}},
		{TypeWeCom, 500, `{"errcode":93000}`, operator},
		{TypeDingTalk, 200, `{"errcode":310000,"errmsg":"sign not match"}`, operator},
		{TypeDingTalk, 200, `{"errcode":310000,"errmsg":"invalid timestamp"}`, operator},
		{TypeDingTalk, 200, `{"errcode":300001,"errmsg":"token is not exist"}`, operator},
		{TypeDingTalk, 400, `{"errcode":300001,"errmsg":"token is not exist"}`, operator},
		{TypeDingTalk, 200, `{"status":1111,"wait":5,"source":"x5","punish":"deny","errcode":130101,"errmsg":"send too fast"}`, later(10 * time.Minute)},
		{TypeDingTalk, 200, `{"errcode":410100,"errmsg":"too fast"}`, later(10 * time.Minute)},
		{TypeDingTalk, 200, `{"errcode":660026,"errmsg":"发送速度太快而限流"}`, later(time.Minute)},
		{TypeDingTalk, 200, `{"errcode":460101,"errmsg":"message too long, exceed 20000 bytes"}`, final},
		{TypeDingTalk, 200, `{"errcode":-1,"errmsg":"busy"}`, later(5 * time.Second)},
		{TypeFeishu, 200, `{"code":19021,"data":{},"msg":"sign match fail or timestamp is not within one hour from current time"}`, operator},
		{TypeFeishu, 200, `{"code":19024,"msg":"Key Words Not Found"}`, operator},
		{TypeFeishu, 200, `{"code":9499,"msg":"Bad Request","data":{}}`, final},
		{TypeFeishu, 400, `{"code":9499,"msg":"Bad Request","data":{}}`, final},
		{TypeFeishu, 400, `{"code":9499,"msg":"too many request"}`, later(time.Minute)},
		{TypeFeishu, 200, `{"code":9499,"msg":"too many request"}`, later(time.Minute)},
		{TypeFeishu, 200, `{"code":9499,"msg":"something else"}`, Failure{}},
		{TypeFeishu, 200, `{"code":"9499","msg":"too many request"}`, later(time.Minute)},
		{TypeFeishu, 200, `{"code":11232,"msg":"frequency limited psm"}`, later(time.Minute)},
		{TypeFeishu, 400, `{"code":99991400,"msg":"request trigger frequency limit"}`, later(time.Minute)},
		{TypeFeishu, 200, `{"code":424242,"msg":"unknown to the rules"}`, Failure{}},
		{TypeFeishu, 503, `{"code":424242,"msg":"unknown to the rules"}`, Failure{}},
		{TypeFeishu, 400, `{"code":424242,"msg":"unknown to the rules"}`, Failure{Class: NeedsOperator}},
		{TypeFeishu, 410, `{"code":424242,"msg":"unknown to the rules"}`, Failure{Class: NeedsOperator}},
		{TypeFeishu, 200, `{"StatusCode":19021,"StatusMessage":"sign match fail"}`, operator},
		{TypeFeishu, 413, `<html>too large</html>`, final},
		{TypeFeishu, 200, `ok`, Failure{}},
		{TypeFeishu, 200, `{}`, Failure{}},
	} {
		p := newProvider(t, c.status, c.body)
		s := newSender(t, chatOptions(c.target, p.url+"/canary?key=canary", ""))
		err := s.Send(context.Background(), "msg_1", sample(t, EventCallCharged))
		failure, ok := FailureOf(err)
		require.True(t, ok, "%s %d %s", c.target, c.status, c.body)
		require.Equal(t, c.want, failure, "%s %d %s", c.target, c.status, c.body)
		require.NotContains(t, err.Error(), "canary")
	}
	for _, body := range []string{`{"code":0}`, `{"StatusCode":0,"StatusMessage":"success"}`, "\xef\xbb\xbf" + `{"code":"0","msg":"success"}`} {
		p := newProvider(t, http.StatusOK, body)
		require.NoError(t, newSender(t, chatOptions(TypeFeishu, p.url, "")).Send(context.Background(), "msg_1", sample(t, EventCallCharged)), body)
	}
	for _, target := range []Type{TypeWeCom, TypeDingTalk, TypeFeishu} {
		p := newProvider(t, http.StatusServiceUnavailable, `{"errcode":0,"code":0}`)
		require.NoError(t, newSender(t, chatOptions(target, p.url, "")).Send(context.Background(), "msg_1", sample(t, EventCallCharged)), "the code decides")
	}
}

// TestNamesAreNotMarkup: what a user of the app chose as a name cannot mention, link or forge a line.
func TestNamesAreNotMarkup(t *testing.T) {
	event := sample(t, EventCallCharged)
	event.Call.Caller = "<!channel> <@all>\n<at user_id=\"all\">&\u2028\x1b[31m"
	for target, want := range map[Type]string{
		TypeSlack:    `&lt;!channel&gt; &lt;@all&gt; &lt;at user_id="all"&gt;&amp;  [31m`,
		TypeWeCom:    `＜!channel> ＜@all> ＜at user_id="all">&  [31m`,
		TypeFeishu:   `＜!channel> ＜@all> ＜at user_id="all">&  [31m`,
		TypeDingTalk: `<!channel> <@all> <at user_id="all">&  [31m`,
	} {
		p := newProvider(t, http.StatusOK, `{"errcode":0,"code":0}`)
		s := newSender(t, chatOptions(target, p.url, "<b> of {{ .Caller }}."))
		require.NoError(t, s.Send(context.Background(), "msg_1", event))
		require.Contains(t, p.only(t).body, strings.Trim(jsonText(t, "<b> of "+want+"."), `"`), "%s: the template's own markup stays", target)
	}
}

// jsonText is s as JSON, with < and > as they are.
func jsonText(t *testing.T, s string) string {
	t.Helper()
	return strings.NewReplacer(`\u003c`, "<", `\u003e`, ">", `\u0026`, "&").Replace(jsonOf(t, s))
}

func TestTextsFitTheirChannel(t *testing.T) {
	event := sample(t, EventCallCharged)
	event.Call.Caller = strings.Repeat("患", 20_000)
	for target, limit := range map[Type]int{TypeSlack: 4000, TypeWeCom: 2048, TypeDingTalk: 20_000, TypeFeishu: 20_000} {
		p := newProvider(t, http.StatusOK, `{"errcode":0,"code":0}`)
		require.NoError(t, newSender(t, chatOptions(target, p.url, "")).Send(context.Background(), "msg_1", event))
		var body struct {
			Text    json.RawMessage `json:"text"`
			Content json.RawMessage `json:"content"`
		}
		require.NoError(t, json.Unmarshal([]byte(p.only(t).body), &body))
		text := string(body.Text) + string(body.Content)
		require.LessOrEqual(t, len(text), limit+40, target)
		require.Contains(t, text, "患…", target)
		require.NotContains(t, text, "\ufffd", target)
	}
}

// TestEncodedMessagesFit has names that JSON needs twice or three times the space
// for: what counts is the body that is sent.
func TestEncodedMessagesFit(t *testing.T) {
	for _, name := range []string{`"`, `\`, "患", "x\"", "\u2028"} {
		event := sample(t, EventCallCharged)
		event.Call.Members = slices.Repeat([]string{strings.Repeat(name, 20)}, 1000)
		for target, limit := range map[Type]int{TypeDingTalk: 20_000, TypeFeishu: 20_000, TypeTeams: 28 << 10} {
			p := newProvider(t, http.StatusOK, `{"errcode":0,"code":0}`)
			require.NoError(t, newSender(t, chatOptions(target, p.url, "")).Send(context.Background(), "msg_1", event))
			body := p.only(t).body
			require.LessOrEqual(t, len(body), limit, "%s %q", target, name)
			require.True(t, json.Valid([]byte(body)))
			require.Contains(t, body, cutMark)
		}
	}
	thousand := sample(t, EventCallCharged)
	thousand.Call.Members = slices.Repeat([]string{`"`}, 1000)
	for _, target := range []Type{TypeDingTalk, TypeFeishu} {
		p := newProvider(t, http.StatusOK, `{"errcode":0,"code":0}`)
		require.NoError(t, newSender(t, chatOptions(target, p.url, "")).Send(context.Background(), "msg_1", thousand))
		require.Contains(t, p.only(t).body, "CallId 055662e1", "no more is cut than necessary")
	}
	_, err := fit("text", 3, func(text string) any { return text + "long" })
	failure, _ := FailureOf(err)
	require.Equal(t, Permanent, failure.Class)
}

func TestCodesAreExplained(t *testing.T) {
	rules := []codeRule{{code: "7", meaning: "busy"}, {code: "8", class: Permanent}}
	answered := func(code string) error {
		return (&response{status: http.StatusOK}).chatError(answer{name: "code", code: code}, rules, sentAt)
	}
	require.NoError(t, answered("0"))
	require.EqualError(t, answered("7"), "answered code 7: busy")
	require.EqualError(t, answered("8"), "answered code 8")
	require.EqualError(t, answered("9"), "answered code 9")
}

// TestTimeOfSignatures: it is the time that the process has been given, which may differ
// from its own clock.
func TestTimeOfSignatures(t *testing.T) {
	send := func(o func(address string) Options) request {
		t.Helper()
		p := newProvider(t, http.StatusOK, "{}")
		s, problems := New(o(p.url), Settings{Now: func() time.Time { return sentAt }})
		require.Empty(t, problems)
		_ = s.Send(t.Context(), "msg_1", sample(t, EventCallFree)) // whatever it makes of the answer
		return p.only(t)
	}
	private := HTTPOptions{AllowPrivate: true}
	seconds := strconv.FormatInt(sentAt.Unix(), 10)
	webhook := send(func(address string) Options {
		return &WebhookOptions{HTTPOptions: private, URL: secret.New(address), Secrets: []secret.Text{secret.New(secretOne)}}
	})
	require.Equal(t, seconds, webhook.header.Get("Webhook-Timestamp"))
	dingtalk := send(func(address string) Options {
		return &DingTalkOptions{HTTPOptions: private, URL: secret.New(address + "/robot/send"), Secret: secret.New("SECthis-is-secret")}
	})
	require.Contains(t, dingtalk.query, "timestamp="+strconv.FormatInt(sentAt.UnixMilli(), 10))
	feishu := send(func(address string) Options {
		return &FeishuOptions{HTTPOptions: private, URL: secret.New(address + "/open-apis/bot/v2/hook/xxx"), Secret: secret.New("this-is-secret")}
	})
	require.Contains(t, feishu.body, seconds)
}
