package notify

import (
	"context"
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

// address implements Options.
func (o *FeishuOptions) address() string { return o.URL.Reveal() }

// newSender implements Options.
func (o *FeishuOptions) newSender(s *setup) Sender {
	s.url(o.URL)
	s.secret("secret", o.Secret, "copy it from the bot's security settings, signature verification")
	return &feishu{
		url: o.URL.Reveal(), secret: o.Secret.Reveal(),
		text: s.text(o.TextOptions, withoutTags, 0), http: s.http, now: s.now,
	}
}

// maxFeishuBody keeps a body below the 20 KB that a bot accepts.
const maxFeishuBody = 20_000

// feishuCodes are codes that a bot sends, with status 200 or 400
// (open.feishu.cn/document/client-docs/bot-v3/add-custom-bot).
var feishuCodes = []codeRule{
	{code: "11232", retryAfter: time.Minute, meaning: "over 100 messages a minute or 5 a second"},
	{code: "99991400", retryAfter: time.Minute, meaning: throttledMeaning},
	{code: "9499", text: "too many", retryAfter: time.Minute, meaning: throttledMeaning},
	{code: "9499", text: "bad request", class: Permanent, meaning: "the request is not allowed"},
	{code: "19001", class: NeedsOperator, meaning: "no such bot: copy its URL again"},
	{code: "19002", class: Permanent, meaning: "the request is not allowed"},
	{code: "19007", class: NeedsOperator, meaning: "the bot is disabled"},
	{code: "19021", class: NeedsOperator, meaning: "the signature does not match: check secret and this machine's clock"},
	{code: "19022", class: NeedsOperator, meaning: "this machine's IP address is not in the bot's security settings"},
	{code: "19024", class: NeedsOperator, meaning: "none of the keywords of the bot's security settings is in the text"},
	{code: "230025", class: Permanent, meaning: tooLongMeaning},
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
	body, err := fit(text, maxFeishuBody, func(text string) any {
		return feishuMessage{
			Timestamp: timestamp, Sign: feishuSign(timestamp, f.secret),
			Type: "text", Content: map[string]string{"text": text},
		}
	})
	if err != nil {
		return err
	}
	resp, err := postJSON(ctx, f.http, f.url, body)
	if err != nil {
		return err
	}
	return feishuResult(resp, now)
}

// feishuResult returns the error of a response. The older form has StatusCode in
// place of code.
func feishuResult(resp *response, now time.Time) error {
	var body struct {
		Code    number `json:"code"`
		Text    words  `json:"msg"`
		OldCode number `json:"StatusCode"`
		OldText words  `json:"StatusMessage"`
	}
	switch {
	case !resp.object(&body):
		return resp.chatError(answer{}, feishuCodes, now)
	case body.Code == "":
		return resp.chatError(answer{name: "StatusCode", code: string(body.OldCode), text: string(body.OldText)}, feishuCodes, now)
	}
	return resp.chatError(answer{name: "code", code: string(body.Code), text: string(body.Text)}, feishuCodes, now)
}

// feishuSign is the HMAC-SHA256 of nothing, keyed with the time and the secret, in base64.
func feishuSign(timestamp, secret string) string {
	return hmacSHA256([]byte(timestamp+"\n"+secret), nil)
}
