package notify

import (
	"context"
	"encoding/json"
	"net/http"
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
		status    int
		text      string
		permanent bool
	}{
		"invalid_payload":                      {400, "answered 400 Bad Request (invalid_payload)", true},
		"action_prohibited":                    {403, "answered 403 Forbidden (action_prohibited)", true},
		"no_service":                           {404, "answered 404 Not Found (no_service)", true},
		"channel_is_archived":                  {410, "answered 410 Gone (channel_is_archived)", true},
		"rate_limited":                         {429, "answered 429 Too Many Requests (rate_limited)", false},
		"rollup_error":                         {500, "answered 500 Internal Server Error (rollup_error)", false},
		"<html>a gateway, token=canary</html>": {502, "answered 502 Bad Gateway", false},
	} {
		p := newProvider(t, want.status, body)
		p.header = map[string]string{"Retry-After": "30"}
		err := newSender(t, chatOptions(TypeSlack, p.url+"/canary", "")).Send(context.Background(), "msg_1", sample(t, EventCallFree))
		var statusErr *StatusError
		require.ErrorAs(t, err, &statusErr)
		require.EqualError(t, err, want.text)
		require.Equal(t, want.permanent, statusErr.Permanent())
		require.Equal(t, 30*time.Second, statusErr.RetryAfter)
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

// TestRobotsRefuseWithStatus200: the robots say in the body whether they took
// the message.
func TestRobotsRefuseWithStatus200(t *testing.T) {
	type want struct {
		permanent  bool
		retryAfter time.Duration
	}
	never, busy := want{permanent: true}, want{retryAfter: 5 * time.Second}
	for _, c := range []struct {
		target Type
		status int
		body   string
		want   want
	}{
		{TypeWeCom, 200, `{"errcode":93000,"errmsg":"invalid webhook url, from ip: 1.2.3.4, canary"}`, never},
		{TypeWeCom, 200, `{"errcode":45009,"errmsg":"api freq out of limit"}`, want{retryAfter: time.Minute}},
		{TypeWeCom, 200, `{"errcode":-1,"errmsg":"system busy"}`, busy},
		{TypeWeCom, 200, `{"errcode":40058,"errmsg":"content size out of limit"}`, never},
		{TypeWeCom, 200, `{"errcode":99999,"errmsg":"unknown to the rules"}`, want{}},
		{TypeWeCom, 200, `<html>canary</html>`, want{}},
		{TypeWeCom, 200, `{}`, want{}},
		{TypeDingTalk, 200, `{"errcode":310000,"errmsg":"sign not match"}`, never},
		{TypeDingTalk, 200, `{"errcode":300001,"errmsg":"token is not exist"}`, never},
		{TypeDingTalk, 200, `{"status":1111,"wait":5,"source":"x5","punish":"deny","errcode":130101,"errmsg":"send too fast"}`, want{retryAfter: 10 * time.Minute}},
		{TypeDingTalk, 200, `{"errcode":410100,"errmsg":"too fast"}`, want{retryAfter: 10 * time.Minute}},
		{TypeDingTalk, 200, `{"errcode":-1,"errmsg":"busy"}`, busy},
		{TypeFeishu, 200, `{"code":19021,"data":{},"msg":"sign match fail or timestamp is not within one hour from current time"}`, never},
		{TypeFeishu, 200, `{"code":19024,"msg":"Key Words Not Found"}`, never},
		{TypeFeishu, 200, `{"code":9499,"msg":"Bad Request","data":{}}`, never},
		{TypeFeishu, 200, `{"code":11232,"msg":"frequency limited psm"}`, want{retryAfter: time.Minute}},
		{TypeFeishu, 400, `{"code":99991400,"msg":"request trigger frequency limit"}`, want{retryAfter: time.Minute}},
		{TypeFeishu, 200, `{"code":424242,"msg":"unknown to the rules"}`, want{}},
		{TypeFeishu, 200, `ok`, want{}},
		{TypeFeishu, 200, `{}`, want{}},
	} {
		p := newProvider(t, c.status, c.body)
		s := newSender(t, chatOptions(c.target, p.url+"/canary?key=canary", ""))
		err := s.Send(context.Background(), "msg_1", sample(t, EventCallCharged))
		var deliveryErr *DeliveryError
		require.ErrorAs(t, err, &deliveryErr, "%s %s", c.target, c.body)
		require.Equal(t, c.want, want{deliveryErr.Permanent, deliveryErr.RetryAfter}, "%s %s", c.target, c.body)
		require.NotContains(t, err.Error(), "canary")
	}
	p := newProvider(t, http.StatusBadRequest, `{"code":424242,"msg":"unknown to the rules"}`)
	var statusErr *StatusError
	require.ErrorAs(t, newSender(t, chatOptions(TypeFeishu, p.url, "")).Send(context.Background(), "msg_1", sample(t, EventCallCharged)), &statusErr)
	require.True(t, statusErr.Permanent(), "an unknown code does not hide the status")
	for _, target := range []Type{TypeWeCom, TypeDingTalk, TypeFeishu} {
		p := newProvider(t, http.StatusServiceUnavailable, `{"errcode":0,"code":0}`)
		err := newSender(t, chatOptions(target, p.url, "")).Send(context.Background(), "msg_1", sample(t, EventCallCharged))
		var statusErr *StatusError
		require.ErrorAs(t, err, &statusErr, "a status that is no success counts, whatever the body says")
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

func TestCodesAreExplained(t *testing.T) {
	rules := map[int]codeRule{7: {meaning: "busy"}, 8: {permanent: true}}
	require.NoError(t, codeError("code", 0, rules))
	require.EqualError(t, codeError("code", 7, rules), "answered code 7: busy")
	require.EqualError(t, codeError("code", 8, rules), "answered code 8")
	require.EqualError(t, codeError("code", 9, rules), "answered code 9")
}
