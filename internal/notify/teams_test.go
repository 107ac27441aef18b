package notify

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// teamsCardOf is the card of a request, after its envelope was checked.
func teamsCardOf(t *testing.T, body string) []map[string]any {
	t.Helper()
	var m struct {
		Type        string
		Attachments []struct {
			ContentType string
			ContentURL  json.RawMessage
			Content     struct {
				Type, Version string
				Body          []map[string]any
			}
		}
	}
	require.NoError(t, json.Unmarshal([]byte(body), &m))
	require.Equal(t, "message", m.Type)
	require.Len(t, m.Attachments, 1)
	a := m.Attachments[0]
	require.Equal(t, "application/vnd.microsoft.card.adaptive", a.ContentType)
	require.Equal(t, "null", string(a.ContentURL))
	require.Equal(t, "AdaptiveCard", a.Content.Type)
	require.Equal(t, "1.4", a.Content.Version)
	return a.Content.Body
}

// sentToTeams is the card that is posted for an event, and the length of the request.
func sentToTeams(t *testing.T, text string, event Event) (card []map[string]any, size int) {
	t.Helper()
	p := newProvider(t, http.StatusAccepted, "")
	require.NoError(t, newSender(t, chatOptions(TypeTeams, p.url, text), event.Type).Send(context.Background(), "msg_1", event))
	body := p.only(t).body
	return teamsCardOf(t, body), len(body)
}

func TestTeamsRequest(t *testing.T) {
	p := newProvider(t, http.StatusAccepted, "")
	s := newSender(t, chatOptions(TypeTeams, p.url+"/workflows/abc/triggers/manual/paths/invoke?api-version=1&sig=canary", ""))
	require.NoError(t, s.Send(context.Background(), "msg_1", sample(t, EventCallCharged)))
	r := p.only(t)
	require.Equal(t, "POST", r.method)
	require.Equal(t, "/workflows/abc/triggers/manual/paths/invoke", r.path)
	require.Equal(t, "api-version=1&sig=canary", r.query)
	require.Equal(t, "application/json; charset=utf-8", r.header.Get("Content-Type"))
	require.Contains(t, r.body, `"$schema":"http://adaptivecards.io/schemas/adaptive-card.json"`)
	teamsCardOf(t, r.body)
}

func TestTeamsDefaultCards(t *testing.T) {
	call := []string{"Call", "Audio SingleCall", "Caller", "patient-1001", "With", "doctor-17", "Result", "NormalEnd", "Ended", "2026-03-01 12:00:00 UTC"}
	numbers := []string{"Connected", "1m1s", "Billed", "2m0s", "Tariff", "consultation"}
	const id = "055662e1-bc8a-469c-a334-1126c8c17d58"
	join := func(lists ...[]string) (all []string) {
		for _, list := range lists {
			all = append(all, list...)
		}
		return all
	}
	for eventType, want := range map[EventType]struct {
		title string
		facts []string
	}{
		EventCallCharged:  {"clinic: $0.24 charged", join(call, numbers, []string{"CallId", id})},
		EventCallReview:   {"clinic: a call waits for review", join(call, []string{"Why", "NormalEnd without AcceptTime", "CallId", id})},
		EventCallReversed: {"clinic: charge reversed, -$0.24", join(call, numbers, []string{"Reason", "wrong tariff", "Operator", "alice", "CallId", id})},
		EventCallAdjusted: {"clinic: charge adjusted, -$0.10", join(call, []string{
			"Effect", "the call costs 0.24 USD without it, and 0.14 USD with it", "Reason", "the picture froze", "Operator", "alice", "CallId", id,
		})},
		EventReviewBurst: {"clinic: 49 more calls wait for review", []string{
			"Time range", "2026-03-01 11:50:05 UTC to 2026-03-01 12:00:05 UTC", "Calls", "49", "Why", "Tencent has no record of them", "CallIds", id,
			"Decide", "aftercall review decide --all --reason-kind no-record --verdict waive --dry-run --operator NAME --reason TEXT --app clinic",
		}},
		EventSweepRecovered: {"clinic: 2 lost callbacks recovered", []string{
			"Time range", "2026-03-01 06:00:05 UTC to 2026-03-01 12:00:05 UTC", "Listed", "40", "Known", "38", "Recovered", "2", "Failed", "0", "CallIds", id,
		}},
	} {
		card, _ := sentToTeams(t, "", sample(t, eventType))
		require.Len(t, card, 2)
		require.Equal(t, map[string]any{"type": "TextBlock", "text": want.title, "wrap": true, "size": "Medium", "weight": "Bolder"}, card[0])
		require.Equal(t, "FactSet", card[1]["type"])
		var facts []string
		for _, f := range card[1]["facts"].([]any) {
			fact := f.(map[string]any)
			facts = append(facts, fact["title"].(string), fact["value"].(string))
		}
		require.Equal(t, want.facts, facts)
	}
	// Of a review, next to nothing may be known.
	card, _ := sentToTeams(t, "", Event{Type: EventCallReview, Call: &CallData{App: "clinic", CallID: "c1"}})
	require.Equal(t, []any{map[string]any{"title": "CallId", "value": "c1"}}, card[1]["facts"])
}

func TestTeamsText(t *testing.T) {
	event := sample(t, EventCallCharged)
	event.Call.Caller = "[x](https://x.example) *a* _b_ `c` <at>d</at> \\"
	card, _ := sentToTeams(t, "**{{ .App }}**\n{{ .Caller }}", event)
	require.Equal(t, []map[string]any{{
		"type": "TextBlock", "wrap": true,
		"text": "**clinic**\n\n" + `\[x\](https://x.example) \*a\* \_b\_ ` + "\\`c\\`" + ` \<at>d\</at> \\`,
	}}, card, "markup of the template stays, that of a name does not; each line is a paragraph")
}

func TestTeamsTestEvent(t *testing.T) {
	event := NewTestEvent("support", sentAt)
	for _, text := range []string{"", "{{ .App }}"} {
		p := newProvider(t, http.StatusAccepted, "")
		require.NoError(t, newSender(t, chatOptions(TypeTeams, p.url, text)).Send(context.Background(), "msg_1", event))
		require.Equal(t, []map[string]any{{"type": "TextBlock", "wrap": true, "text": event.Test.Message}}, teamsCardOf(t, p.only(t).body))
	}
}

func TestTeamsMessagesFit(t *testing.T) {
	const limit = 28_672
	for name, unit := range map[string]string{
		"letters": "x", "chinese": "患", "quotes": `"`, "escaped": `\`, "control": "\x01", "invalid": "\xff",
	} {
		event := sample(t, EventCallReview)
		event.Call.CallID = strings.Repeat("c", 30_000)
		event.Call.Caller, event.Call.Explanation = strings.Repeat(unit, 30_000), []string{strings.Repeat(unit, 30_000)}
		event.Call.Members = []string{event.Call.Caller, strings.Repeat(unit, 29_000)}
		event.Call.App, event.Call.Tariff = strings.Repeat(unit, 30_000), strings.Repeat(unit, 30_000)

		card, size := sentToTeams(t, "", event)
		require.Less(t, size, limit*3/4, "%s in facts", name)
		require.Contains(t, jsonOf(t, card), "…")
		card, size = sentToTeams(t, `{{ .CallID }}`+strings.Repeat(unit, 30_000), event)
		require.Less(t, size, limit*3/4, "%s in a text", name)
		require.Greater(t, size, limit/3, "%s: no more is cut than needed", name)
		require.True(t, strings.HasSuffix(card[0]["text"].(string), "…"))
	}
	text := strings.Repeat("y", 15_000)
	card, _ := sentToTeams(t, text, sample(t, EventCallCharged))
	require.Equal(t, text, card[0]["text"], "what fits is not cut")
}

func TestTeamsAnswers(t *testing.T) {
	for body, want := range map[string]struct {
		status int
		text   string
		class  Class
	}{
		"": {200, "", Temporary},
		`{"error":{"code":"WorkflowTriggerIsNotEnabled","message":"canary"}}`:    {400, "answered 400 Bad Request (WorkflowTriggerIsNotEnabled)", NeedsOperator},
		`{"error":{"code":"DirectApiAuthorizationRequired","message":"canary"}}`: {401, "answered 401 Unauthorized (DirectApiAuthorizationRequired)", NeedsOperator},
		`{"error":{"code":"WorkflowNotFound","message":"canary"}}`:               {200, "answered 200 OK (WorkflowNotFound)", NeedsOperator},
		`{"error":{"code":"RequestEntityTooLarge"}}`:                             {400, "answered 400 Bad Request (RequestEntityTooLarge)", Permanent},
		`{"error":{"code":"can ary"}}`:                                           {413, "answered 413 Request Entity Too Large: the message is too long", Permanent},
		`{"error":{"code":"WorkflowTriggerThrottled"}}`:                          {429, "answered 429 Too Many Requests (WorkflowTriggerThrottled)", Temporary},
		`<html>canary</html>`:                                                    {502, "answered 502 Bad Gateway", Temporary},
		`<!doctype html> canary</html>`:                                          {200, "answered 2xx, but not as documented", Temporary},
	} {
		p := newProvider(t, want.status, body)
		p.header = map[string]string{"Retry-After": "300"}
		err := newSender(t, chatOptions(TypeTeams, p.url+"/canary", "")).Send(context.Background(), "msg_1", sample(t, EventCallFree))
		if want.text == "" {
			require.NoError(t, err)
			continue
		}
		require.EqualError(t, err, want.text)
		failure, ok := FailureOf(err)
		require.True(t, ok)
		require.Equal(t, want.class, failure.Class)
		if want.status != 200 && want.status != 413 {
			require.Equal(t, 5*time.Minute, failure.RetryAfter)
		}
	}
}
