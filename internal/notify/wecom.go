package notify

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"time"
)

// maxWeComText is the most that a robot's text may have, in bytes.
const maxWeComText = 2048

// noMarkup takes the < that begins a mention in WeCom and Feishu, <@userid> and
// <at …>, from what a user wrote. Neither has an escape, so it is the fullwidth one.
var noMarkup = strings.NewReplacer("<", "＜").Replace

// wecomCodes are those that a robot answers with status 200
// (developer.work.weixin.qq.com/document/path/90313 and 91770).
var wecomCodes = map[int]verdict{
	-1:    {pause: 5 * time.Second, meaning: "busy"},
	45009: {pause: time.Minute, meaning: "over 20 messages a minute"},
	45033: {pause: 5 * time.Second, meaning: "too many requests at once"},
	40008: {final: true, meaning: "message type not allowed"},
	40058: {final: true, meaning: "a parameter is not allowed, or the text is too long"},
	44004: {final: true, meaning: "the text is empty"},
	45002: {final: true, meaning: "the text is too long"},
	93000: {final: true, meaning: "no such robot: copy its URL again"},
	93004: {final: true, meaning: "the robot is disabled"},
	93008: {final: true, meaning: "the robot is not in the group"},
}

// wecom posts to a group robot (developer.work.weixin.qq.com/document/path/91770).
type wecom struct {
	url  string
	text *message
	http *http.Client
	now  func() time.Time
}

var wecomKind = kind{
	required: []string{"url"},
	optional: messageKeys,
	build: func(o Options, r *report) Sender {
		r.address(o.URL)
		return &wecom{url: o.URL, text: newMessage(o, r, noMarkup, maxWeComText), http: o.HTTP, now: time.Now}
	},
}

// Send posts the text once. A robot cannot tell a repetition.
func (w *wecom) Send(ctx context.Context, _ string, event Event) error {
	text, err := w.text.render(event)
	if err != nil {
		return err
	}
	a, err := postJSON(ctx, w.http, w.url, robotText(text))
	if err != nil {
		return err
	}
	return a.errcode(wecomCodes, w.now())
}

// robotText is the text message that WeCom and DingTalk understand.
func robotText(text string) any {
	return map[string]any{"msgtype": "text", "text": map[string]string{"content": text}}
}

// errcode reads the outcome from the body, as WeCom and DingTalk tell it.
func (a *answer) errcode(known map[int]verdict, now time.Time) error {
	if !a.ok() {
		return a.statusError(now)
	}
	var body struct {
		ErrCode *int `json:"errcode"`
	}
	if err := json.Unmarshal(a.body, &body); err != nil || body.ErrCode == nil {
		return errNotUnderstood
	}
	return judge("errcode", *body.ErrCode, known)
}
