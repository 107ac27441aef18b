package notify

import (
	"context"
	"net/http"
	"time"

	"aftercall/internal/secret"
)

// TypeWeCom is a group robot of WeCom (developer.work.weixin.qq.com/document/path/91770).
const TypeWeCom Type = "wecom"

var wecomChannel = Channel{
	Type: TypeWeCom,
	Doc:  "a text message of [a group robot](https://developer.work.weixin.qq.com/document/path/91770), at most 2048 bytes",
	Example: `- name: group
  type: wecom
  url: ${WECOM_URL}             # https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=…
`,
	NewOptions: func() Options { return new(WeComOptions) },
}

// WeComOptions are the options of targets of type wecom.
type WeComOptions struct {
	URL secret.Text `yaml:"url" required:"true" doc:"URL of the robot. Anyone who knows it can post: keep it secret."`
	TextOptions
	HTTPOptions
}

// address implements Options.
func (o *WeComOptions) address() string { return o.URL.Reveal() }

// newSender implements Options.
func (o *WeComOptions) newSender(s *setup) Sender {
	s.url(o.URL)
	return &wecom{url: o.URL.Reveal(), text: s.text(o.TextOptions, withoutTags, maxWeComText), http: s.http, now: s.now}
}

// maxWeComText is the longest text that a robot accepts, in bytes before the
// encoding: WeCom measures the decoded text.
const maxWeComText = 2048

// wecomCodes are codes that a robot sends, mostly with status 200
// (developer.work.weixin.qq.com/document/path/90313 and 91770).
var wecomCodes = []codeRule{
	{code: "-1", retryAfter: 5 * time.Second, meaning: "busy"},
	{code: "45009", retryAfter: time.Minute, meaning: "over 20 messages a minute"},
	{code: "45033", retryAfter: 5 * time.Second, meaning: "too many requests at once"},
	{code: "40008", class: Permanent, meaning: "message type not allowed"},
	{code: "40058", class: Permanent, meaning: "a parameter is not allowed, or the text is too long"},
	{code: "44004", class: Permanent, meaning: "the text is empty"},
	{code: "45002", class: Permanent, meaning: tooLongMeaning},
	{code: "93000", class: NeedsOperator, meaning: "no such robot: copy its URL again"},
	{code: "93004", class: NeedsOperator, meaning: "the robot is disabled"},
	{code: "93008", class: NeedsOperator, meaning: "the robot is not in the group"},
}

type wecom struct {
	url  string
	text *message
	http *http.Client
	now  func() time.Time
}

// Send posts the text once. A robot does not recognize a repetition.
func (w *wecom) Send(ctx context.Context, _ string, event Event) error {
	text, err := w.text.render(event)
	if err != nil {
		return err
	}
	body, err := encodeJSON(robotText(text))
	if err != nil {
		return err
	}
	resp, err := postJSON(ctx, w.http, w.url, body)
	if err != nil {
		return err
	}
	return resp.errcode(wecomCodes, w.now())
}
