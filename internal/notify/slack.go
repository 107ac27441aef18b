package notify

import (
	"context"
	"net/http"
	"regexp"
	"strings"
	"time"

	"aftercall/internal/secret"
)

// TypeSlack is an incoming webhook of Slack
// (docs.slack.dev/messaging/sending-messages-using-incoming-webhooks).
const TypeSlack Type = "slack"

var slackChannel = Channel{
	Type: TypeSlack,
	Doc:  "a message of [an incoming webhook](https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks)",
	Example: `- name: ops
  type: slack
  url: ${SLACK_URL}             # https://hooks.slack.com/services/…
  events: [call.review]
`,
	NewOptions: func() Options { return new(SlackOptions) },
}

// SlackOptions are the options of targets of type slack.
type SlackOptions struct {
	URL secret.Text `yaml:"url" required:"true" doc:"URL of the incoming webhook. Anyone who knows it can post: keep it secret."`
	TextOptions
	HTTPOptions
}

// newSender implements Options.
func (o *SlackOptions) newSender(s *setup) Sender {
	s.url(o.URL)
	return &slack{url: o.URL.Reveal(), text: s.text(o.TextOptions, slackEscape, maxSlackText), http: s.http, now: time.Now}
}

// maxSlackText is the length that Slack recommends; it truncates at ten times that.
const maxSlackText = 4000

// slackEscape is what Slack asks for: the rest of mrkdwn cannot mention or link.
var slackEscape = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace

// slackReason matches the codes by which Slack explains a refusal, such as no_service.
var slackReason = regexp.MustCompile(`^[a-z_]{1,60}$`)

type slack struct {
	url  string
	text *message
	http *http.Client
	now  func() time.Time
}

// Send posts the text once. Slack does not recognize a repetition.
func (s *slack) Send(ctx context.Context, _ string, event Event) error {
	text, err := s.text.render(event)
	if err != nil {
		return err
	}
	resp, err := postJSON(ctx, s.http, s.url, map[string]any{"text": text})
	switch {
	case err != nil:
		return err
	case resp.ok():
		return nil
	}
	failure := resp.statusError(s.now())
	if reason := string(resp.body); slackReason.MatchString(reason) {
		failure.Reason = reason
	}
	return failure
}
