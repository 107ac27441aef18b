package notify

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
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

// errcode returns the error that a response of WeCom or DingTalk has in its body.
func (r *response) errcode(rules map[int]codeRule, now time.Time) error {
	if !r.ok() {
		return r.statusError(now)
	}
	var body struct {
		ErrCode *int `json:"errcode"`
	}
	if err := json.Unmarshal(r.body, &body); err != nil || body.ErrCode == nil {
		return errNotUnderstood
	}
	return codeError("errcode", *body.ErrCode, rules)
}

// hmacSHA256 is the signature of data in base64.
func hmacSHA256(key, data []byte) string {
	mac := hmac.New(sha256.New, key)
	mac.Write(data)
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}
