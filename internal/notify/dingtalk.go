package notify

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// maxDingTalkText keeps a message below the 20000 bytes that a robot takes.
const maxDingTalkText = 16 << 10

// dingtalkPause is how long a robot is throttled that sent more than 20
// messages a minute.
const dingtalkPause = 10 * time.Minute

// dingtalkCodes are those that a robot answers with status 200
// (open.dingtalk.com/document/robots/custom-robot-access).
var dingtalkCodes = map[int]verdict{
	-1:     {pause: 5 * time.Second, meaning: "busy"},
	130101: {pause: dingtalkPause, meaning: "over 20 messages a minute"},
	410100: {pause: dingtalkPause, meaning: "over 20 messages a minute"},
	40035:  {final: true, meaning: "a parameter is missing"},
	43004:  {final: true, meaning: "content type not allowed"},
	300001: {final: true, meaning: "no such access_token: copy the robot's URL again"},
	310000: {final: true, meaning: "the robot's security settings refuse this: check secret, this machine's clock, keywords and IP addresses"},
	400013: {final: true, meaning: "the group is dissolved"},
	400101: {final: true, meaning: "no such access_token: copy the robot's URL again"},
	400102: {final: true, meaning: "the robot is disabled"},
	400105: {final: true, meaning: "message type not allowed"},
	400106: {final: true, meaning: "no such robot"},
	430101: {final: true, meaning: "a link in the text is not allowed"},
	430102: {final: true, meaning: "the text is not allowed"},
	430103: {final: true, meaning: "a picture is not allowed"},
	430104: {final: true, meaning: "the content is not allowed"},
}

// dingtalk posts to a custom robot whose security setting is a signature.
type dingtalk struct {
	url    *url.URL
	secret string
	text   *message
	http   *http.Client
	now    func() time.Time
}

var dingtalkKind = kind{
	required: []string{"url", "secret"},
	optional: messageKeys,
	build: func(o Options, r *report) Sender {
		r.secret("secret", o.Secret, "copy it from the robot's security settings, where it begins with SEC")
		return &dingtalk{
			url: r.address(o.URL), secret: o.Secret,
			text: newMessage(o, r, plain, maxDingTalkText), http: o.HTTP, now: time.Now,
		}
	},
}

// Send posts the text once. A robot cannot tell a repetition.
func (d *dingtalk) Send(ctx context.Context, _ string, event Event) error {
	text, err := d.text.render(event)
	if err != nil {
		return err
	}
	a, err := postJSON(ctx, d.http, d.signed(d.now()), robotText(text))
	if err != nil {
		return err
	}
	return a.errcode(dingtalkCodes, d.now())
}

// signed is the robot's URL with the time in milliseconds and the signature of it.
func (d *dingtalk) signed(now time.Time) string {
	timestamp := strconv.FormatInt(now.UnixMilli(), 10)
	address := *d.url
	query := address.Query()
	query.Set("timestamp", timestamp)
	query.Set("sign", dingtalkSign(timestamp, d.secret))
	address.RawQuery = query.Encode()
	return address.String()
}

// dingtalkSign is HMAC-SHA256 of the time and the secret, keyed with the secret, in base64.
func dingtalkSign(timestamp, secret string) string {
	return sign([]byte(secret), []byte(timestamp+"\n"+secret))
}

func sign(key, data []byte) string {
	mac := hmac.New(sha256.New, key)
	mac.Write(data)
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}
