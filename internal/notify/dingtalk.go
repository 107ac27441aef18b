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

// newSender implements Options.
func (o *DingTalkOptions) newSender(s *setup) Sender {
	s.secret("secret", o.Secret, "copy it from the robot's security settings, where it begins with SEC")
	return &dingtalk{
		url: s.url(o.URL), secret: o.Secret.Reveal(),
		text: s.text(o.TextOptions, plain, maxDingTalkText), http: s.http, now: time.Now,
	}
}

// maxDingTalkText keeps a message below the 20000 bytes that a robot accepts.
const maxDingTalkText = 16 << 10

// dingtalkThrottle is how long DingTalk throttles a robot after more than 20 messages
// in a minute.
const dingtalkThrottle = 10 * time.Minute

// dingtalkCodes are codes that a robot sends with status 200
// (open.dingtalk.com/document/robots/custom-robot-access).
var dingtalkCodes = map[int]codeRule{
	-1:     {retryAfter: 5 * time.Second, meaning: "busy"},
	130101: {retryAfter: dingtalkThrottle, meaning: "over 20 messages a minute"},
	410100: {retryAfter: dingtalkThrottle, meaning: "over 20 messages a minute"},
	40035:  {permanent: true, meaning: "a parameter is missing"},
	43004:  {permanent: true, meaning: "content type not allowed"},
	300001: {permanent: true, meaning: "no such access_token: copy the robot's URL again"},
	310000: {permanent: true, meaning: "the robot's security settings refuse this: check secret, this machine's clock, keywords and IP addresses"},
	400013: {permanent: true, meaning: "the group is dissolved"},
	400101: {permanent: true, meaning: "no such access_token: copy the robot's URL again"},
	400102: {permanent: true, meaning: "the robot is disabled"},
	400105: {permanent: true, meaning: "message type not allowed"},
	400106: {permanent: true, meaning: "no such robot"},
	430101: {permanent: true, meaning: "a link in the text is not allowed"},
	430102: {permanent: true, meaning: "the text is not allowed"},
	430103: {permanent: true, meaning: "a picture is not allowed"},
	430104: {permanent: true, meaning: "the content is not allowed"},
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
	resp, err := postJSON(ctx, d.http, d.signed(d.now()), robotText(text))
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
