package notify

import (
	"context"
	"encoding/json"
	"net/http"
	"strconv"
	"time"
)

// maxFeishuText keeps a request below the 20 KB that a bot takes.
const maxFeishuText = 16 << 10

// feishuCodes are those that a bot answers, mostly with status 200
// (open.feishu.cn/document/client-docs/bot-v3/add-custom-bot).
var feishuCodes = map[int]verdict{
	11232:    {pause: time.Minute, meaning: "over 100 messages a minute or 5 a second"},
	99991400: {pause: time.Minute, meaning: "over the frequency limit"},
	9499:     {final: true, meaning: "the request is not allowed"},
	19001:    {final: true, meaning: "no such bot: copy its URL again"},
	19002:    {final: true, meaning: "the request is not allowed"},
	19007:    {final: true, meaning: "the bot is disabled"},
	19021:    {final: true, meaning: "the signature does not match: check secret and this machine's clock"},
	19022:    {final: true, meaning: "this machine's IP address is not in the bot's security settings"},
	19024:    {final: true, meaning: "none of the keywords of the bot's security settings is in the text"},
}

// feishu posts to a custom bot, of Feishu or Lark, with signature verification.
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

var feishuKind = kind{
	required: []string{"url", "secret"},
	optional: messageKeys,
	build: func(o Options, r *report) Sender {
		r.address(o.URL)
		r.secret("secret", o.Secret, "copy it from the bot's security settings, signature verification")
		return &feishu{url: o.URL, secret: o.Secret, text: newMessage(o, r, noMarkup, maxFeishuText), http: o.HTTP, now: time.Now}
	},
}

// Send posts the text once. A bot cannot tell a repetition.
func (f *feishu) Send(ctx context.Context, _ string, event Event) error {
	text, err := f.text.render(event)
	if err != nil {
		return err
	}
	now := f.now()
	timestamp := strconv.FormatInt(now.Unix(), 10)
	a, err := postJSON(ctx, f.http, f.url, feishuMessage{
		Timestamp: timestamp, Sign: feishuSign(timestamp, f.secret),
		Type: "text", Content: map[string]string{"text": text},
	})
	if err != nil {
		return err
	}
	return feishuOutcome(a, now)
}

// feishuOutcome reads the code from the body, with which some failures come even
// though their status is 400.
func feishuOutcome(a *answer, now time.Time) error {
	var body struct {
		Code *int `json:"code"`
	}
	err := json.Unmarshal(a.body, &body)
	understood := err == nil && body.Code != nil
	switch {
	case understood && *body.Code != 0 && (a.ok() || feishuCodes[*body.Code].meaning != ""):
		return judge("code", *body.Code, feishuCodes)
	case !a.ok():
		return a.statusError(now)
	case !understood:
		return errNotUnderstood
	}
	return nil
}

// feishuSign is HMAC-SHA256 of nothing, keyed with the time and the secret, in base64.
func feishuSign(timestamp, secret string) string {
	return sign([]byte(timestamp+"\n"+secret), nil)
}
