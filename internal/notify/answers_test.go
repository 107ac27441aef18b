package notify

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// outcomes are what docs/notifications.md calls the consequences of an answer.
const (
	delivered = "delivered"
	waits     = "waits"
	finished  = "refused"
)

func outcomeOf(err error) string {
	if err == nil {
		return delivered
	}
	if failure, _ := FailureOf(err); failure.Class == Permanent {
		return finished
	}
	return waits
}

// chatChannel is how one chat's answers are made and read.
type chatChannel struct {
	read  func(*response) error
	rules []codeRule
	// body makes a body of a code and a text.
	body    string
	success string
	// lenient accepts 2xx without a code.
	lenient bool
}

var chatChannels = map[Type]chatChannel{
	TypeWeCom: {
		read: func(r *response) error { return r.errcode(wecomCodes, sentAt) }, rules: wecomCodes,
		body: `{"errcode":%s,"errmsg":"%s"}`, success: "0",
	},
	TypeDingTalk: {
		read: func(r *response) error { return r.errcode(dingtalkCodes, sentAt) }, rules: dingtalkCodes,
		body: `{"errcode":"%s","errmsg":"%s"}`, success: "0",
	},
	TypeFeishu: {
		read: func(r *response) error { return feishuResult(r, sentAt) }, rules: feishuCodes,
		body: `{"code":%s,"msg":"%s"}`, success: "0",
	},
	TypeSlack: {
		read: func(r *response) error { return slackResult(r, sentAt) }, rules: slackCodes,
		body: `%s`, success: "ok", lenient: true,
	},
	TypeTeams: {
		read: func(r *response) error { return teamsResult(r, sentAt) }, rules: teamsCodes,
		body: `{"error":{"code":"%s","message":"%s"}}`, success: "", lenient: true,
	},
}

// TestEveryAnswerHasItsConsequence: status × shape of the body × code × text ends
// as the table of docs/notifications.md says, and nothing of a body is repeated.
func TestEveryAnswerHasItsConsequence(t *testing.T) {
	statuses := []int{200, 201, 202, 204, 301, 302, 400, 401, 403, 404, 408, 409, 410, 413, 422, 425, 429, 500, 502, 503, 504}
	noCode := []string{
		"", "Accepted.", "{}", "[]", "null", "0", `"ok?"`, "<html>canary</html>", `{"errcode":`, `{"errcode":null,"code":null}`, `{"errcode":{},"code":[]}`,
		`{"errcode":"canary","code":"canary"}`, `{"errcode":1.5,"code":1.5}`, "\xff\xfe", strings.Repeat("canary ", 4000),
	}
	texts := map[string]string{
		"": "", "ok": "", "canary": "", "bad request canary": "", "too many request": "throttled", "api freq out of limit": "throttled", "发送速度太快而限流": "throttled",
		"message too long, canary": "long", "content size out of limit": "long", "内容过长": "long",
	}
	for channel, chat := range chatChannels {
		t.Run(string(channel), func(t *testing.T) {
			var codes []string
			for _, rule := range chat.rules {
				codes = append(codes, rule.code)
			}
			unknown := "424242"
			if chat.lenient {
				unknown = map[Type]string{TypeSlack: "unheard_of", TypeTeams: "Unheard"}[channel]
			}
			codes = append(codes, unknown, chat.success)
			rapid.Check(t, func(t *rapid.T) {
				status := rapid.SampledFrom(statuses).Draw(t, "status")
				header := http.Header{"Retry-After": {rapid.SampledFrom([]string{"", "7", "canary", "-1", "99999999999999999999"}).Draw(t, "Retry-After")}}
				if rapid.IntRange(0, 3).Draw(t, "shape") == 0 {
					body := rapid.SampledFrom(noCode).Draw(t, "body")
					err := chat.read(&response{status: status, header: header, body: []byte(body)})
					want := waits
					switch {
					case channel == TypeSlack && body == "null" && status >= 300: // it may be a code
					case status == 410 || status == 413:
						want = finished
					case status < 300 && chat.lenient && !strings.HasPrefix(body, "<"):
						want = delivered
					}
					require.Equal(t, want, outcomeOf(err), "%v", err)
					requireNoCanary(t, err)
					return
				}
				code := rapid.SampledFrom(codes).Draw(t, "code")
				text := rapid.SampledFrom(slices.Sorted(maps.Keys(texts))).Draw(t, "text")
				meaning := texts[text]
				if channel == TypeSlack {
					text, meaning = "", ""
				}
				body := strings.TrimSuffix(fmt.Sprintf(chat.body, code, text), "%!(EXTRA string=)")
				err := chat.read(&response{status: status, header: header, body: []byte(body)})
				requireNoCanary(t, err)
				got := outcomeOf(err)
				i := slices.IndexFunc(chat.rules, func(r codeRule) bool { return r.code == code && strings.Contains(strings.ToLower(text), r.text) })
				switch {
				case code == chat.success:
					if channel == TypeTeams { // it has no code for success
						return
					}
					require.Equal(t, delivered, got, "the code decides over status %d", status)
				case meaning == "throttled":
					require.Equal(t, waits, got, "%v", err)
				case i >= 0 && chat.rules[i].class == Permanent:
					require.Equal(t, finished, got, "%v", err)
				case i >= 0:
					require.Equal(t, waits, got, "%v", err)
				case meaning == "long":
					require.Equal(t, finished, got, "%v", err)
				default:
					require.Equal(t, waits, got, "an unknown code, whatever the status: %v", err)
				}
			})
		})
	}
	t.Run("stripe", func(t *testing.T) {
		s := &stripe{now: func() time.Time { return sentAt }}
		bodies := map[string]string{
			`{"object":"billing.meter_event"}`:               "event",
			`{"error":{"code":"duplicate_meter_event"}}`:     "repetition",
			`{"error":{"code":"meter_event_invalid_value"}}`: "final",
			`{"error":{"type":"canary!","code":7}}`:          "",
			`{"error":{"code":7}}`:                           "",
			"":                                               "", "<html>canary</html>": "", "[]": "", "null": "", `{"error":null`: "",
		}
		rapid.Check(t, func(t *rapid.T) {
			status := rapid.SampledFrom(statuses).Draw(t, "status")
			body := rapid.SampledFrom(slices.Sorted(maps.Keys(bodies))).Draw(t, "body")
			err := s.result(&response{status: status, header: http.Header{}, body: []byte(body)})
			want := waits
			switch kind := bodies[body]; {
			case status < 300 && kind == "event", status == 400 && kind == "repetition":
				want = delivered
			case status == 410, status >= 300 && kind == "final":
				want = finished
			}
			require.Equal(t, want, outcomeOf(err), "%v", err)
			requireNoCanary(t, err)
		})
	})
}

func requireNoCanary(t require.TestingT, err error) {
	if err != nil {
		require.NotContains(t, err.Error(), "canary")
	}
}
