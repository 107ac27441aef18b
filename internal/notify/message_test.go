package notify

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"aftercall/internal/secret"
)

// rendered is the text of an event after a template, for readers of a locale and zone.
func rendered(t *testing.T, text, locale, zone string, event Event) string {
	t.Helper()
	o := &WeComOptions{URL: secret.New("https://x.example/"), TextOptions: TextOptions{Text: text, Locale: locale, TimeZone: zone}}
	sender, problems := New(o, Settings{Events: []EventType{event.Type}})
	require.Empty(t, problems)
	out, err := sender.(*wecom).text.render(event)
	require.NoError(t, err)
	return out
}

func TestDefaultTexts(t *testing.T) {
	for eventType, want := range map[EventType]string{
		EventCallCharged: chargedText,
		EventCallFree: `clinic: nothing to charge
Audio SingleCall of patient-1001 with doctor-17, NotAnswer at 2026-03-01 12:00:00 UTC
connected 0s, billed 0s, tariff consultation
CallId 055662e1-bc8a-469c-a334-1126c8c17d58`,
		EventCallReview: `clinic: a call waits for review
Audio SingleCall of patient-1001 with doctor-17, NormalEnd at 2026-03-01 12:00:00 UTC
NormalEnd without AcceptTime
CallId 055662e1-bc8a-469c-a334-1126c8c17d58`,
		EventCallReversed: `clinic: charge reversed, -$0.24
Audio SingleCall of patient-1001 with doctor-17, NormalEnd at 2026-03-01 12:00:00 UTC
connected 1m1s, billed 2m0s, tariff consultation
wrong tariff (alice)
CallId 055662e1-bc8a-469c-a334-1126c8c17d58`,
		EventCallAdjusted: `clinic: charge adjusted, -$0.10
Audio SingleCall of patient-1001 with doctor-17, NormalEnd at 2026-03-01 12:00:00 UTC
the call costs 0.24 USD without it, and 0.14 USD with it
the picture froze (alice)
CallId 055662e1-bc8a-469c-a334-1126c8c17d58`,
		EventReviewBurst: `clinic: 49 more calls wait for review
Tencent has no record of them. Since 2026-03-01 11:50:05 UTC, until 2026-03-01 12:00:05 UTC; all are in: aftercall review list
055662e1-bc8a-469c-a334-1126c8c17d58
To decide about all: aftercall review decide --all --reason-kind no-record --verdict waive --dry-run --operator NAME --reason TEXT --app clinic`,
		EventSweepRecovered: `clinic: 2 lost callbacks recovered
40 calls listed, 38 known, 2 recovered, 0 failed, of 2026-03-01 06:00:05 UTC to 2026-03-01 12:00:05 UTC
055662e1-bc8a-469c-a334-1126c8c17d58`,
	} {
		require.Equal(t, want, rendered(t, "", "", "", sample(t, eventType)))
	}
	undone := sample(t, EventCallAdjusted)
	undone.Call.Amount, undone.Call.Reverses = "0.10", "adjustment:1400000000:c1"
	require.Contains(t, rendered(t, "", "", "", undone), "clinic: adjustment reversed, $0.10\n")
	claimed := sample(t, EventCallReview)
	claimed.Call.Unconfirmed = true
	require.Contains(t, rendered(t, "", "", "", claimed), "NormalEnd at 2026-03-01 12:00:00 UTC (claimed by callbacks, not confirmed by Tencent)\n")
	// Of a review, next to nothing may be known.
	require.Equal(t, "clinic: a call waits for review\nCall of x\nCallId c1",
		rendered(t, "", "", "", Event{Type: EventCallReview, Call: &CallData{App: "clinic", Caller: "x", CallID: "c1"}}))
}

// TestATextForReviewsIsNotUsedForBursts: it was written before there were any.
func TestATextForReviewsIsNotUsedForBursts(t *testing.T) {
	burst := sample(t, EventReviewBurst)
	render := func(text string, events ...EventType) string {
		t.Helper()
		o := &WeComOptions{URL: secret.New("https://x.example/"), TextOptions: TextOptions{Text: text}}
		sender, problems := New(o, Settings{Events: events})
		require.Empty(t, problems)
		out, err := sender.(*wecom).text.render(burst)
		require.NoError(t, err)
		return out
	}
	const single = `{{ if eq .Type "call.review" }}{{ .Caller }} waits{{ end }}`
	require.Contains(t, render(single, EventCallReview), "clinic: 49 more calls wait for review\n")
	require.Equal(t, "49 waiting", render(`{{ with .Reviews }}{{ . }} waiting{{ else }}{{ .Caller }}{{ end }}`, EventCallReview, EventReviewBurst))
	burst.Burst.Examples = []string{"a\nb<@all>"}
	require.NotContains(t, render("", EventCallReview), "a\nb", "a CallId forges no line")
}

func TestAmountsAndTimesAreTheReaders(t *testing.T) {
	event := sample(t, EventCallCharged)
	for _, c := range []struct{ locale, number, currency, want string }{
		{"en", "1234.50", "USD", "$1,234.50"},
		{"en-GB", "1234.50", "USD", "US$1,234.50"},
		{"de-CH", "1234.50", "CHF", "CHF\u00a01'234.50"},
		{"zh-CN", "1234.50", "CNY", "¥1,234.50"},
		{"ja", "45", "JPY", "￥45"},
		{"en", "45", "JPY", "¥45"},
		{"ar-EG", "12.345", "KWD", "\u200f١٢٫٣٤٥ د.ك.\u200f"},
		{"en", "0.0055", "USD", "$0.0055"},
		{"en", "-0.24", "USD", "-$0.24"},
		{"fr-FR", "1234567.89", "EUR", "1\u202f234\u202f567,89\u00a0€"},
	} {
		event.Call.Amount, event.Call.Currency = c.number, c.currency
		require.Equal(t, c.want, strings.ReplaceAll(rendered(t, "{{ .Amount }}", c.locale, "", event), "\u00a0د", " د"), "%s %s", c.locale, c.currency)
	}
	require.Equal(t, "2026-03-01 20:00 CST", rendered(t, `{{ .Ended.Format "2006-01-02 15:04 MST" }}`, "", "Asia/Shanghai", event))
	require.Equal(t, "20:00:05", rendered(t, `{{ .Time.Format "15:04:05" }}`, "", "Asia/Shanghai", event))
	require.Equal(t, "true", rendered(t, `{{ .Accepted.IsZero }}`, "", "Asia/Shanghai", sample(t, EventCallFree)))
	require.Equal(t, "61 120", rendered(t, `{{ .Connected.Seconds }} {{ .Billed.Seconds }}`, "", "", event))
}

func TestATextIsNeitherEmptyNorEndless(t *testing.T) {
	p := newProvider(t, http.StatusOK, "ok")
	nobody := sample(t, EventCallCharged)
	nobody.Call.Caller = "\n"
	err := newSender(t, chatOptions(TypeSlack, p.url, "{{ .Caller }}"), EventCallCharged).Send(context.Background(), "msg_1", nobody)
	var deliveryErr *DeliveryError
	require.ErrorAs(t, err, &deliveryErr)
	require.Equal(t, Permanent, deliveryErr.Class)
	require.EqualError(t, err, "text gives nothing for this event")
	require.Empty(t, p.seen)

	for text, want := range map[string]string{
		"{{ range 10000000 }}more{{ end }}":                             "writes more than 1 MiB",
		`{{ define "x" }}{{ template "x" }}{{ end }}{{ template "x" }}`: "exceeded maximum template depth",
	} {
		_, problems := New(chatOptions(TypeSlack, "https://x.example/", text), Settings{})
		require.Len(t, problems, 1)
		require.Contains(t, problems[0].Message, want)
	}
}

func TestAllProblemsAtOnce(t *testing.T) {
	_, problems := New(&DingTalkOptions{URL: secret.New("nowhere"), TextOptions: TextOptions{Text: "{{ .Nobody }}", Locale: "german", TimeZone: "Mars/Base"}}, Settings{})
	var keys []string
	for _, p := range problems {
		keys = append(keys, p.Key)
	}
	require.ElementsMatch(t, []string{"url", "secret", "text", "locale", "time_zone"}, keys)
}

// TestEveryFieldServesEveryEvent: a field that is meant for another event is
// empty, not an error.
func TestEveryFieldServesEveryEvent(t *testing.T) {
	var all strings.Builder
	for _, f := range viewFields() {
		all.WriteString("{{ ." + f.Name + " }} ")
	}
	for _, event := range Samples() {
		require.NotEmpty(t, rendered(t, all.String(), "", "", event))
	}
}

func TestSamplesAreOfEveryType(t *testing.T) {
	var types []EventType
	for _, event := range Samples() {
		types = append(types, event.Type)
	}
	require.Equal(t, EventTypes, types)
}

func TestCut(t *testing.T) {
	require.Equal(t, "abc", cut("abc", 3))
	require.Equal(t, "a…", cut("abcde", 4))
	require.Equal(t, "é…", cut("éééé", 6), "never half a character")
	require.Equal(t, strings.Repeat("x", 50), cut(strings.Repeat("x", 50), 0))
}
