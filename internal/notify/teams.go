package notify

import (
	"context"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"

	"aftercall/internal/secret"
)

// TypeTeams is a workflow of Microsoft Teams that begins with a webhook request.
const TypeTeams Type = "teams"

var teamsChannel = Channel{
	Type: TypeTeams,
	Doc:  "a card in Microsoft Teams, through [a workflow](https://support.microsoft.com/en-us/office/create-incoming-webhooks-with-workflows-for-microsoft-teams-8ae491c7-0394-4861-ba59-055e33f75498) that begins with a webhook request",
	Example: `- name: support
  type: teams
  url: ${TEAMS_URL}             # https://….environment.api.powerplatform.com/…/workflows/…
  events: [call.review]
`,
	NewOptions: func() Options { return new(TeamsOptions) },
}

// TeamsOptions are the options of targets of type teams.
type TeamsOptions struct {
	URL secret.Text `yaml:"url" required:"true" doc:"URL of the workflow's webhook. Anyone who knows it can post: keep it secret."`
	TextOptions
	HTTPOptions
}

// address implements Options.
func (o *TeamsOptions) address() string { return o.URL.Reveal() }

// newSender implements Options.
func (o *TeamsOptions) newSender(s *setup) Sender {
	s.url(o.URL)
	t := &teams{url: o.URL.Reveal(), http: s.http, now: s.now}
	if t.facts = strings.TrimSpace(o.Text) == ""; t.facts {
		t.text = s.message("text", "", defaultSubject, o.TextOptions, teamsEscape, maxTeamsFact)
		return t
	}
	t.text = s.text(o.TextOptions, teamsEscape, 0)
	return t
}

const (
	// maxTeamsBody keeps a message below the 28 KB (28672 bytes) of Teams. It
	// counts more than was posted: 24453 bytes were refused as 28897
	// (github.com/MicrosoftDocs/msteams-docs/issues/11274).
	maxTeamsBody = 20 << 10
	// maxTeamsFact is in bytes, so that all facts together stay below maxTeamsBody.
	maxTeamsFact = 500
)

// teamsEscape escapes the Markdown of cards
// (learn.microsoft.com/microsoftteams/platform/task-modules-and-cards/cards/cards-format).
var teamsEscape = strings.NewReplacer(`\`, `\\`, "`", "\\`", "*", `\*`, "_", `\_`, "~", `\~`, "[", `\[`, "]", `\]`, "<", `\<`).Replace

// teamsReason matches the codes of the workflow service, such as WorkflowTriggerIsNotEnabled.
var teamsReason = regexp.MustCompile(`^[A-Za-z]{1,60}$`)

type teams struct {
	url string
	// text is the template of the configuration, or the title above facts.
	text  *message
	facts bool
	http  *http.Client
	now   func() time.Time
}

// Send posts one card. The answer is 202 before the workflow has run, and a
// workflow does not recognize a repetition.
func (t *teams) Send(ctx context.Context, _ string, event Event) error {
	body, err := t.body(event)
	if err != nil {
		return err
	}
	resp, err := postJSON(ctx, t.http, t.url, body)
	if err != nil {
		return err
	}
	return teamsResult(resp, t.now())
}

// teamsCodes are codes of the workflow service
// (learn.microsoft.com/azure/logic-apps, power-automate).
var teamsCodes = []codeRule{
	{code: "RequestEntityTooLarge", class: Permanent},
	{code: "WorkflowTriggerIsNotEnabled", class: NeedsOperator},
	{code: "WorkflowNotFound", class: NeedsOperator},
	{code: "WorkflowSuspended", class: NeedsOperator},
	{code: "DirectApiAuthorizationRequired", class: NeedsOperator},
	{code: "DirectApiInvalidAuthorizationScheme", class: NeedsOperator},
	{code: "AuthorizationFailed", class: NeedsOperator},
	{code: "TriggerInputSchemaMismatch", class: NeedsOperator},
}

// teamsResult returns the error of a response. An accepted message has an empty
// body.
func teamsResult(resp *response, now time.Time) error {
	var body struct {
		Error struct {
			Code    words `json:"code"`
			Message words `json:"message"`
		} `json:"error"`
	}
	if resp.object(&body) && teamsReason.MatchString(string(body.Error.Code)) {
		return resp.chatError(answer{code: string(body.Error.Code), text: string(body.Error.Message)}, teamsCodes, now)
	}
	if resp.ok() && !resp.isPage() {
		return nil
	}
	return resp.chatError(answer{}, teamsCodes, now)
}

// body is the card for an event: title and facts, or the text of the
// configuration or of a test, cut until the encoded message fits.
func (t *teams) body(event Event) ([]byte, error) {
	text, err := t.text.render(event)
	if err != nil {
		return nil, err
	}
	if t.facts && event.Test == nil {
		view, err := t.text.format.view(event)
		if err != nil {
			return nil, err
		}
		return encodeJSON(teamsMessage(
			teamsText{Type: "TextBlock", Text: text, Wrap: true, Size: "Medium", Weight: "Bolder"},
			teamsFacts{Type: "FactSet", Facts: teamsFactsOf(view)},
		))
	}
	// A single line break does not show outside lists.
	return fit(strings.ReplaceAll(text, "\n", "\n\n"), maxTeamsBody, func(text string) any {
		return teamsMessage(teamsText{Type: "TextBlock", Text: text, Wrap: true})
	})
}

// The elements of a card (adaptivecards.io/explorer).
type (
	teamsText struct {
		Type   string `json:"type"`
		Text   string `json:"text"`
		Wrap   bool   `json:"wrap"`
		Size   string `json:"size,omitempty"`
		Weight string `json:"weight,omitempty"`
	}
	teamsFacts struct {
		Type  string      `json:"type"`
		Facts []teamsFact `json:"facts"`
	}
	teamsFact struct {
		Title string `json:"title"`
		Value string `json:"value"`
	}
)

// teamsMessage is a message with one Adaptive Card, as the workflow's trigger
// expects it (learn.microsoft.com/connectors/teams).
func teamsMessage(elements ...any) any {
	return map[string]any{
		"type": "message",
		"attachments": []any{map[string]any{
			"contentType": "application/vnd.microsoft.card.adaptive",
			"contentUrl":  nil,
			"content": map[string]any{
				"$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
				"type":    "AdaptiveCard", "version": "1.4", "body": elements,
			},
		}},
	}
}

// teamsFactsOf lists what is known of an event below its title.
func teamsFactsOf(v View) []teamsFact {
	facts := []teamsFact{}
	add := func(title, value string) {
		if value != "" {
			facts = append(facts, teamsFact{title, cut(value, maxTeamsFact)})
		}
	}
	at := func(t time.Time) string {
		if t.IsZero() {
			return ""
		}
		return t.Format(timeLayout)
	}
	if v.Type == EventReviewBurst {
		add("Time range", at(v.From)+" to "+at(v.To))
		add("Calls", strconv.Itoa(v.Reviews))
		add("Why", "Tencent has no record of them")
		add("CallIds", strings.Join(v.Examples, ", "))
		add("Decide", v.Command)
		return facts
	}
	if v.Type == EventSweepRecovered {
		add("Time range", at(v.From)+" to "+at(v.To))
		add("Listed", strconv.Itoa(v.Listed))
		add("Known", strconv.Itoa(v.Known))
		add("Recovered", strconv.Itoa(v.Recovered))
		add("Failed", strconv.Itoa(v.Failed))
		add("CallIds", strings.Join(v.Examples, ", "))
		return facts
	}
	if v.Type == EventLedgerCheckpoint {
		add("Origin", v.Origin)
		add("Entries", strconv.FormatUint(v.Entries, 10))
		add("Root", v.Root)
		add("Checkpoint", v.Checkpoint)
		return facts
	}
	add("Call", strings.TrimSpace(v.Media+" "+v.CallType))
	add("Caller", v.Caller)
	add("With", strings.Join(v.Others, ", "))
	add("Result", v.Result)
	add("Ended", at(v.Ended))
	switch v.Type {
	case EventCallReview:
		add("Why", strings.Join(v.Explanation, "; "))
	case EventCallAdjusted:
		add("Effect", strings.Join(v.Explanation, "; "))
	default:
		add("Connected", v.Connected.String())
		add("Billed", v.Billed.String())
		add("Tariff", v.Tariff)
	}
	if v.Payer != v.Caller {
		add("Payer", v.Payer)
	}
	add("Reason", v.Reason)
	add("Operator", v.Operator)
	add("CallId", v.CallID)
	return facts
}
