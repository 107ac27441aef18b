package notify

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// answer is what the body of a chat's response says.
type answer struct {
	// name is that of the field with a number, such as errcode; empty for a word.
	name string
	// code is a number or a word such as no_service; text is the provider's
	// explanation, which is searched and never repeated.
	code, text string
}

// codeRule is what a code means for the next attempt.
type codeRule struct {
	code string
	// text restricts the rule to answers whose text contains it, in lower case: some
	// codes have several meanings.
	text       string
	class      Class
	retryAfter time.Duration
	meaning    string
}

// throttledText and tooLongText match the texts of codes that have several
// meanings or are not documented.
var (
	throttledText = regexp.MustCompile(`(?i)too many (request|message|call)|too fast|too frequent|frequency|freq out|rate.?limit|限流|限频|频率|频繁|太快`)
	tooLongText   = regexp.MustCompile(`(?i)too (long|large|big)|(size|length|bytes).*(exceed|out of|over|limit)|exceed.*(size|length|bytes)|过长|超长|超过.*(长度|字节)`)
)

const (
	throttledMeaning = "over the frequency limit"
	tooLongMeaning   = "the message is too long"
)

// rule returns the first rule for the answer. A code without one may be temporary.
func (a answer) rule(rules []codeRule) (found codeRule, known bool) {
	text := strings.ToLower(a.text)
	for _, rule := range rules {
		if rule.code == a.code && strings.Contains(text, rule.text) {
			found, known = rule, true
			break
		}
	}
	switch {
	case found.class == Permanent && throttledText.MatchString(a.text), !known && throttledText.MatchString(a.text):
		return codeRule{class: Temporary, retryAfter: time.Minute, meaning: throttledMeaning}, true
	case !known && tooLongText.MatchString(a.text):
		return codeRule{class: Permanent, meaning: tooLongMeaning}, true
	}
	return found, known
}

// chatError returns the error of a chat's response. A code in the body decides,
// whatever the status; without a code the status does.
func (r *response) chatError(a answer, rules []codeRule, now time.Time) error {
	failure := r.statusError(now)
	switch a.code {
	case "":
		switch {
		case r.ok():
			return errNotUnderstood
		case r.status == http.StatusRequestEntityTooLarge:
			return &DeliveryError{Reason: failure.Error() + ": " + tooLongMeaning, Class: Permanent}
		}
		return failure
	case "0", "ok":
		return nil
	}
	rule, known := a.rule(rules)
	reason := "answered " + a.name + " " + a.code
	if a.name == "" {
		failure.Reason = a.code
		reason = failure.Error()
	}
	if rule.meaning != "" {
		reason += ": " + rule.meaning
	}
	class := rule.class
	switch {
	case failure.Aborted:
		class = Permanent
	case !known && !r.ok() && failure.Class() != Temporary:
		// The status of an unknown code says that repeating alone does not help.
		class = NeedsOperator
	}
	delay := max(rule.retryAfter, failure.RetryAfter)
	if known && class == NeedsOperator {
		delay = max(delay, operatorDelay)
	}
	return &DeliveryError{Reason: reason, Class: class, RetryAfter: delay}
}

// number is an integer in JSON, also one that is written as text or as 0.0. It
// is empty if there is none.
type number string

// UnmarshalJSON never fails: something else is no number.
func (n *number) UnmarshalJSON(text []byte) error {
	s := string(bytes.Trim(text, `" `))
	if f, err := strconv.ParseFloat(s, 64); err == nil && f == float64(int64(f)) {
		*n = number(strconv.FormatInt(int64(f), 10))
	}
	return nil
}

// words is text in JSON; something else is no text.
type words string

// UnmarshalJSON never fails.
func (w *words) UnmarshalJSON(text []byte) error {
	var s string
	if json.Unmarshal(text, &s) == nil {
		*w = words(s)
	}
	return nil
}

// object decodes the body, which may have a byte order mark, and reports whether
// it is a JSON object.
func (r *response) object(fields any) bool {
	body := bytes.TrimSpace(bytes.TrimPrefix(r.body, []byte("\xef\xbb\xbf")))
	return bytes.HasPrefix(body, []byte("{")) && json.Unmarshal(body, fields) == nil
}

// isPage reports whether the body is a page for people, as of a gateway.
func (r *response) isPage() bool { return bytes.HasPrefix(bytes.TrimSpace(r.body), []byte("<")) }

// fit encodes a message whose text is cut until the body has at most limit bytes:
// JSON needs up to six bytes for one.
func fit(text string, limit int, message func(text string) any) ([]byte, error) {
	for {
		body, err := encodeJSON(message(text))
		if err != nil || len(body) <= limit {
			return body, err
		}
		if len(text) <= len(cutMark) {
			return nil, &DeliveryError{Reason: fmt.Sprintf("%s: over %d bytes without its text", tooLongMeaning, limit), Class: Permanent}
		}
		// Cutting so many bytes is enough unless JSON escapes what is left.
		text = cut(text, max(len(text)-(len(body)-limit), len(text)/2, len(cutMark)))
	}
}
