package notify

import (
	"context"
	"net/http"
	"regexp"
	"strings"
	"time"
)

// maxSlackText is what Slack advises; it cuts at ten times as much.
const maxSlackText = 4000

// slackEscape is what Slack asks for: the rest of mrkdwn cannot mention or link.
var slackEscape = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace

// slackReason matches the words by which Slack explains a refusal, such as no_service.
var slackReason = regexp.MustCompile(`^[a-z_]{1,60}$`)

// slack posts to an incoming webhook (docs.slack.dev/messaging/sending-messages-using-incoming-webhooks).
type slack struct {
	url  string
	text *message
	http *http.Client
	now  func() time.Time
}

var slackKind = kind{
	required: []string{"url"},
	optional: messageKeys,
	build: func(o Options, r *report) Sender {
		r.address(o.URL)
		return &slack{url: o.URL, text: newMessage(o, r, slackEscape, maxSlackText), http: o.HTTP, now: time.Now}
	},
}

// Send posts the text once. Slack cannot tell a repetition.
func (s *slack) Send(ctx context.Context, _ string, event Event) error {
	text, err := s.text.render(event)
	if err != nil {
		return err
	}
	a, err := postJSON(ctx, s.http, s.url, map[string]any{"text": text})
	switch {
	case err != nil:
		return err
	case a.ok():
		return nil
	}
	failure := a.statusError(s.now())
	if reason := string(a.body); slackReason.MatchString(reason) {
		failure.Reason = reason
	}
	return failure
}
