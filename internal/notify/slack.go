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

// address implements Options.
func (o *SlackOptions) address() string { return o.URL.Reveal() }

// newSender implements Options.
func (o *SlackOptions) newSender(s *setup) Sender {
	s.url(o.URL)
	return &slack{url: o.URL.Reveal(), text: s.text(o.TextOptions, slackEscape, maxSlackText), http: s.http, now: s.now}
}

// maxSlackText is the length that Slack recommends; it truncates at ten times that.
const maxSlackText = 4000

// slackEscape is what Slack asks for: the rest of mrkdwn cannot mention or link.
var slackEscape = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace

// slackReason matches the codes by which Slack explains a refusal, such as no_service.
var slackReason = regexp.MustCompile(`^[a-z_]{1,60}$`)

// slackCodes are codes that Slack sends as the body
// (docs.slack.dev/messaging/sending-messages-using-incoming-webhooks).
var slackCodes = []codeRule{
	{code: "rate_limited", retryAfter: time.Second},
	{code: "invalid_payload", class: Permanent},
	{code: "no_text", class: Permanent},
	{code: "msg_too_long", class: Permanent},
	{code: "text_too_long", class: Permanent},
	{code: "too_many_attachments", class: Permanent},
	{code: "no_service", class: NeedsOperator},
	{code: "no_service_id", class: NeedsOperator},
	{code: "no_team", class: NeedsOperator},
	{code: "team_disabled", class: NeedsOperator},
	{code: "invalid_token", class: NeedsOperator},
	{code: "action_prohibited", class: NeedsOperator},
	{code: "posting_to_general_channel_denied", class: NeedsOperator},
	{code: "channel_not_found", class: NeedsOperator},
	{code: "channel_is_archived", class: NeedsOperator},
	{code: "user_not_found", class: NeedsOperator},
}

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
	body, err := encodeJSON(map[string]any{"text": text})
	if err != nil {
		return err
	}
	resp, err := postJSON(ctx, s.http, s.url, body)
	if err != nil {
		return err
	}
	return slackResult(resp, s.now())
}

// slackResult returns the error of a response. Slack answers ok or a code in plain
// text, of words with underscores; a receiver that is compatible with Slack may
// answer 2xx with anything else that is not a page, such as accepted.
func slackResult(resp *response, now time.Time) error {
	code := strings.TrimSpace(string(resp.body))
	if slackReason.MatchString(code) && (code == "ok" || strings.Contains(code, "_") || !resp.ok()) {
		return resp.chatError(answer{code: code, text: strings.ReplaceAll(code, "_", " ")}, slackCodes, now)
	}
	var body struct {
		OK    *bool `json:"ok"`
		Error words `json:"error"`
	}
	if resp.object(&body) && slackReason.MatchString(string(body.Error)) {
		return resp.chatError(answer{code: string(body.Error)}, slackCodes, now)
	}
	if resp.ok() && !resp.isPage() && (body.OK == nil || *body.OK) {
		return nil
	}
	return resp.chatError(answer{}, slackCodes, now)
}
