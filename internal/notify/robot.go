package notify

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"strings"
	"time"
)

// withoutTags replaces the < that begins a mention in WeCom and Feishu, <@userid>
// and <at …>, in what a user wrote. Neither has an escape, so it is the fullwidth one.
var withoutTags = strings.NewReplacer("<", "＜").Replace

// robotText is the text message of WeCom and DingTalk.
func robotText(text string) any {
	return map[string]any{"msgtype": "text", "text": map[string]string{"content": text}}
}

// errcode returns the error of a response of WeCom or DingTalk.
func (r *response) errcode(rules []codeRule, now time.Time) error {
	var body struct {
		Code number `json:"errcode"`
		Text words  `json:"errmsg"`
	}
	if !r.object(&body) {
		return r.chatError(answer{}, rules, now)
	}
	return r.chatError(answer{name: "errcode", code: string(body.Code), text: string(body.Text)}, rules, now)
}

// hmacSHA256 is the signature of data in base64.
func hmacSHA256(key, data []byte) string {
	mac := hmac.New(sha256.New, key)
	mac.Write(data)
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}
