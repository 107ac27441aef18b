package notify

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"aftercall/internal/secret"
)

// TypeDingTalk is a custom robot of DingTalk whose security setting is a signature
// (open.dingtalk.com/document/robots/custom-robot-access).
const TypeDingTalk Type = "dingtalk"

var dingtalkChannel = Channel{
	Type: TypeDingTalk,
	Doc:  "a text message of [a custom robot](https://open.dingtalk.com/document/robots/custom-robot-access) whose security setting is a signature",
	Example: `- name: group
  type: dingtalk
  url: ${DINGTALK_URL}          # https://oapi.dingtalk.com/robot/send?access_token=…
  secret: ${DINGTALK_SECRET}    # SEC…
`,
	NewOptions: func() Options { return new(DingTalkOptions) },
}

// DingTalkOptions are the options of targets of type dingtalk.
type DingTalkOptions struct {
	URL    secret.Text `yaml:"url" required:"true" doc:"URL of the robot. Anyone who knows it can post: keep it secret."`
	Secret secret.Text `yaml:"secret" required:"true" doc:"Secret of the robot's signature, from its security settings."`
	TextOptions
	HTTPOptions
}

// address implements Options.
func (o *DingTalkOptions) address() string { return o.URL.Reveal() }

// newSender implements Options.
func (o *DingTalkOptions) newSender(s *setup) Sender {
	s.secret("secret", o.Secret, "copy it from the robot's security settings, where it begins with SEC")
	return &dingtalk{
		url: s.url(o.URL), secret: o.Secret.Reveal(),
		text: s.text(o.TextOptions, plain, 0), http: s.http, now: s.now,
	}
}

// maxDingTalkBody is the longest body that a robot accepts, in bytes.
const maxDingTalkBody = 20_000

// dingtalkThrottle is how long DingTalk throttles a robot after more than 20 messages
// in a minute.
const dingtalkThrottle = 10 * time.Minute

// dingtalkCodes are codes that a robot sends, mostly with status 200
// (open.dingtalk.com/document/robots/custom-robot-access).
var dingtalkCodes = []codeRule{
	{code: "-1", retryAfter: 5 * time.Second, meaning: "busy"},
	{code: "130101", retryAfter: dingtalkThrottle, meaning: "over 20 messages a minute"},
	{code: "410100", retryAfter: dingtalkThrottle, meaning: "over 20 messages a minute"},
	{code: "40035", class: Permanent, meaning: "a parameter is missing"},
	{code: "43004", class: Permanent, meaning: "content type not allowed"},
	{code: "300001", class: NeedsOperator, meaning: "no such access_token: copy the robot's URL again"},
	{code: "310000", text: "timestamp", class: NeedsOperator, meaning: "the time is wrong: set this machine's clock"},
	{code: "310000", text: "sign", class: NeedsOperator, meaning: "the signature does not match: check secret"},
	{code: "310000", text: "keyword", class: NeedsOperator, meaning: "none of the keywords of the robot's security settings is in the text"},
	{code: "310000", text: "ip", class: NeedsOperator, meaning: "this machine's IP address is not in the robot's security settings"},
	{code: "310000", class: NeedsOperator, meaning: "the robot's security settings refuse this: check secret, this machine's clock, keywords and IP addresses"},
	{code: "400013", class: NeedsOperator, meaning: "the group is dissolved"},
	{code: "400101", class: NeedsOperator, meaning: "no such access_token: copy the robot's URL again"},
	{code: "400102", class: NeedsOperator, meaning: "the robot is disabled"},
	{code: "400105", class: Permanent, meaning: "message type not allowed"},
	{code: "400106", class: NeedsOperator, meaning: "no such robot"},
	{code: "430101", class: Permanent, meaning: "a link in the text is not allowed"},
	{code: "430102", class: Permanent, meaning: "the text is not allowed"},
	{code: "430103", class: Permanent, meaning: "a picture is not allowed"},
	{code: "430104", class: Permanent, meaning: "the content is not allowed"},
	{code: "460101", class: Permanent, meaning: tooLongMeaning},
}

type dingtalk struct {
	url    *url.URL
	secret string
	text   *message
	http   *http.Client
	now    func() time.Time
}

// Send posts the text once. A robot does not recognize a repetition.
func (d *dingtalk) Send(ctx context.Context, _ string, event Event) error {
	text, err := d.text.render(event)
	if err != nil {
		return err
	}
	body, err := fit(text, maxDingTalkBody, robotText)
	if err != nil {
		return err
	}
	resp, err := postJSON(ctx, d.http, d.signed(d.now()), body)
	if err != nil {
		return err
	}
	return resp.errcode(dingtalkCodes, d.now())
}

// signed returns the robot's URL with the time in milliseconds and its signature.
func (d *dingtalk) signed(now time.Time) string {
	timestamp := strconv.FormatInt(now.UnixMilli(), 10)
	address := *d.url
	query := address.Query()
	query.Set("timestamp", timestamp)
	query.Set("sign", dingtalkSign(timestamp, d.secret))
	address.RawQuery = query.Encode()
	return address.String()
}

// dingtalkSign is the HMAC-SHA256 of the time and the secret, keyed with the secret, in base64.
func dingtalkSign(timestamp, secret string) string {
	return hmacSHA256([]byte(secret), []byte(timestamp+"\n"+secret))
}
