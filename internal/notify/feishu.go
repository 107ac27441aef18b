package notify

import (
	"context"
	"encoding/json"
	"net/http"
	"strconv"
	"time"

	"aftercall/internal/secret"
)

// TypeFeishu is a custom bot of Feishu or Lark with signature verification
// (open.feishu.cn/document/client-docs/bot-v3/add-custom-bot).
const TypeFeishu Type = "feishu"

var feishuChannel = Channel{
	Type: TypeFeishu,
	Doc:  "a text message of [a custom bot](https://open.feishu.cn/document/client-docs/bot-v3/add-custom-bot), of Feishu or Lark, with signature verification",
	Example: `- name: group
  type: feishu
  url: ${FEISHU_URL}            # https://open.feishu.cn/open-apis/bot/v2/hook/…, or https://open.larksuite.com/…
  secret: ${FEISHU_SECRET}
`,
	NewOptions: func() Options { return new(FeishuOptions) },
}

// FeishuOptions are the options of targets of type feishu.
type FeishuOptions struct {
	URL    secret.Text `yaml:"url" required:"true" doc:"URL of the bot. Anyone who knows it can post: keep it secret."`
	Secret secret.Text `yaml:"secret" required:"true" doc:"Secret of the bot's signature verification, from its security settings."`
	TextOptions
	HTTPOptions
}

// newSender implements Options.
func (o *FeishuOptions) newSender(s *setup) Sender {
	s.url(o.URL)
	s.secret("secret", o.Secret, "copy it from the bot's security settings, signature verification")
	return &feishu{
		url: o.URL.Reveal(), secret: o.Secret.Reveal(),
		text: s.text(o.TextOptions, withoutTags, maxFeishuText), http: s.http, now: time.Now,
	}
}

// maxFeishuText keeps a request below the 20 KB that a bot accepts.
const maxFeishuText = 16 << 10

// feishuCodes are codes that a bot sends, mostly with status 200
// (open.feishu.cn/document/client-docs/bot-v3/add-custom-bot).
var feishuCodes = map[int]codeRule{
	11232:    {retryAfter: time.Minute, meaning: "over 100 messages a minute or 5 a second"},
	99991400: {retryAfter: time.Minute, meaning: "over the frequency limit"},
	9499:     {permanent: true, meaning: "the request is not allowed"},
	19001:    {permanent: true, meaning: "no such bot: copy its URL again"},
	19002:    {permanent: true, meaning: "the request is not allowed"},
	19007:    {permanent: true, meaning: "the bot is disabled"},
	19021:    {permanent: true, meaning: "the signature does not match: check secret and this machine's clock"},
	19022:    {permanent: true, meaning: "this machine's IP address is not in the bot's security settings"},
	19024:    {permanent: true, meaning: "none of the keywords of the bot's security settings is in the text"},
}

type feishu struct {
	url, secret string
	text        *message
	http        *http.Client
	now         func() time.Time
}

// feishuMessage is the body of a request.
type feishuMessage struct {
	Timestamp string            `json:"timestamp"`
	Sign      string            `json:"sign"`
	Type      string            `json:"msg_type"`
	Content   map[string]string `json:"content"`
}

// Send posts the text once. A bot does not recognize a repetition.
func (f *feishu) Send(ctx context.Context, _ string, event Event) error {
	text, err := f.text.render(event)
	if err != nil {
		return err
	}
	now := f.now()
	timestamp := strconv.FormatInt(now.Unix(), 10)
	resp, err := postJSON(ctx, f.http, f.url, feishuMessage{
		Timestamp: timestamp, Sign: feishuSign(timestamp, f.secret),
		Type: "text", Content: map[string]string{"text": text},
	})
	if err != nil {
		return err
	}
	return feishuResult(resp, now)
}

// feishuResult returns the error of a response. Some codes come with status 400,
// and say more than it.
func feishuResult(resp *response, now time.Time) error {
	var body struct {
		Code *int `json:"code"`
	}
	err := json.Unmarshal(resp.body, &body)
	understood := err == nil && body.Code != nil
	switch {
	case understood && *body.Code != 0 && (resp.ok() || feishuCodes[*body.Code].meaning != ""):
		return codeError("code", *body.Code, feishuCodes)
	case !resp.ok():
		return resp.statusError(now)
	case !understood:
		return errNotUnderstood
	}
	return nil
}

// feishuSign is the HMAC-SHA256 of nothing, keyed with the time and the secret, in base64.
func feishuSign(timestamp, secret string) string {
	return hmacSHA256([]byte(timestamp+"\n"+secret), nil)
}
