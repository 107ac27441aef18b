package notify

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"aftercall/internal/secret"
)

// fuzzedChannels are those over HTTP, with options that hold secrets.
func fuzzedChannels(tb testing.TB) map[Type]Sender {
	tb.Helper()
	const hook = "https://hooks.example.com/services/T0001/B0001/canary4711?key=canary0815"
	all := map[Type]Sender{}
	for kind, o := range map[Type]Options{
		TypeWebhook:  &WebhookOptions{URL: secret.New(hook), Secrets: []secret.Text{secret.New("whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=")}},
		TypeWeCom:    chatOptions(TypeWeCom, hook, ""),
		TypeDingTalk: chatOptions(TypeDingTalk, hook, ""),
		TypeFeishu:   chatOptions(TypeFeishu, hook, ""),
		TypeSlack:    chatOptions(TypeSlack, hook, ""),
		TypeTeams:    chatOptions(TypeTeams, hook, ""),
		TypeStripe: &StripeOptions{URL: secret.New("https://api.stripe.com"), Stripe: Meter{
			APIKey: secret.New("rk_live_canary9999"), Name: "call_seconds", Customer: "{{ .Caller }}", Value: countBilledSeconds,
		}},
	} {
		sender, problems := New(o, Settings{
			Events: []EventType{EventCallCharged}, HTTP: &http.Client{Transport: fuzzTransport{}, CheckRedirect: noRedirects},
			Now: func() time.Time { return sentAt },
		})
		require.Empty(tb, problems)
		all[kind] = sender
	}
	return all
}

func noRedirects(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// FuzzAnswer: whatever a receiver answers, the attempt was accepted as its provider
// documents it, or failed with an error that has a class and a limited wait, and that
// repeats neither the URL nor a key. {path} and {key} in an answer are those of the
// request.
func FuzzAnswer(f *testing.F) {
	senders := fuzzedChannels(f)
	f.Add(string(TypeWebhook), "HTTP/1.1 204 No Content\r\n\r\n")
	event := Samples()[0]
	require.Equal(f, EventCallCharged, event.Type)
	f.Fuzz(func(t *testing.T, channel, answer string) {
		sender, ok := senders[Type(channel)]
		if !ok {
			return
		}
		exchange := &fuzzExchange{answer: answer}
		err := sender.Send(context.WithValue(t.Context(), fuzzExchangeKey{}, exchange), "msg_1", event)
		require.NotEmpty(t, exchange.request)
		if err == nil {
			require.True(t, exchange.accepted(Type(channel)), "%s takes %d %q for success", channel, exchange.status, exchange.body)
			return
		}
		requireFailure(t, err)
	})
}

// FuzzMailReplies is FuzzAnswer for a mail server, whose replies come one after the
// other, whatever the client says: a mail was accepted if every command of the dialogue
// was, and the mail itself.
func FuzzMailReplies(f *testing.F) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(f, err)
	f.Cleanup(func() { _ = listener.Close() })
	f.Add("220 mail.example.com\r\n250-mail.example.com\r\n250 8BITMIME\r\n250 ok\r\n250 ok\r\n354 go\r\n250 ok\r\n221 bye\r\n")
	f.Fuzz(func(t *testing.T, replies string) {
		sent, failed := make(chan string, 1), make(chan error, 1)
		go func() {
			said, err := reply(listener, replies)
			sent <- said
			failed <- err
		}()
		o := &EmailOptions{AllowPrivate: true, Mail: Mail{
			Server: listener.Addr().String(), Security: securityNone, From: "calls@example.com", To: []string{"finance@example.com"},
		}}
		sender, problems := New(o, Settings{Events: []EventType{EventCallCharged}, Now: func() time.Time { return sentAt }})
		require.Empty(t, problems)
		err := sender.Send(t.Context(), "msg_1", Samples()[0])
		said := <-sent
		require.NoError(t, <-failed)
		if err == nil {
			requireDialogue(t, said, replyCodes(replies))
			return
		}
		requireFailure(t, err)
	})
}

// reply answers a client, and returns what it said.
func reply(listener net.Listener, replies string) (said string, err error) {
	conn, err := listener.Accept()
	if err != nil {
		return "", err
	}
	defer conn.Close()
	_, _ = io.WriteString(conn, replies) // the client may be gone
	_ = conn.(*net.TCPConn).CloseWrite()
	all, _ := io.ReadAll(conn)
	return string(all), nil
}

// replyCodes are the codes of replies (RFC 5321, 4.2). A reply of several lines has the
// code of its first one, and ends with a line that has no hyphen after it.
func replyCodes(replies string) (codes []string) {
	first := ""
	for line := range strings.Lines(replies) {
		line = strings.TrimRight(line, "\r\n")
		switch {
		case first != "":
			if strings.HasPrefix(line, first+" ") {
				first = ""
			}
		case len(line) >= 3:
			codes = append(codes, line[:3])
			if strings.HasPrefix(line[3:], "-") {
				first = line[:3]
			}
		default:
			codes = append(codes, "")
		}
	}
	return codes
}

// requireDialogue requires that the client has said everything that a mail needs, in
// order, that each of it was answered with the code that RFC 5321, 4.3.2, has for
// success, and that the whole mail was sent.
func requireDialogue(t *testing.T, said string, codes []string) {
	t.Helper()
	next := func() (code string) {
		if len(codes) > 0 {
			code, codes = codes[0], codes[1:]
		}
		return code
	}
	require.Equal(t, "220", next(), "greeting")
	command := func() (line string) {
		line, said, _ = strings.Cut(said, "\r\n")
		return line
	}
	require.Regexp(t, "^EHLO ", command())
	if next() != "250" {
		require.Regexp(t, "^HELO ", command())
		require.Equal(t, "250", next())
	}
	line := command()
	for ; line == "NOOP"; line = command() {
		require.Equal(t, "250", next())
	}
	require.Regexp(t, "^MAIL FROM:<calls@example.com>", line)
	require.Equal(t, "250", next())
	require.Regexp(t, "^RCPT TO:<finance@example.com>", command())
	require.Contains(t, []string{"250", "251"}, next())
	require.Equal(t, "DATA", command())
	require.Equal(t, "354", next())
	text, _, whole := strings.Cut(said, "\r\n.\r\n")
	require.True(t, whole, "the mail has no end")
	require.Contains(t, text, "Message-ID: <msg_1@example.com>")
	require.Equal(t, "250", next(), "the mail itself")
}

// requireFailure requires an error for logs and histories, with a known class.
func requireFailure(t *testing.T, err error) {
	t.Helper()
	text := err.Error()
	require.NotContains(t, text, "canary")
	require.LessOrEqual(t, len(text), 2<<10)
	require.True(t, utf8.ValidString(text), "%q", text)
	require.Equal(t, -1, strings.IndexFunc(text, unicode.IsControl), "%q", text)
	failure, _ := FailureOf(err)
	require.Contains(t, []Class{Temporary, NeedsOperator, Permanent}, failure.Class)
	require.GreaterOrEqual(t, failure.RetryAfter, time.Duration(0))
	require.LessOrEqual(t, failure.RetryAfter, MaxRetryAfter)
}

// fuzzExchange is one request and its answer.
type fuzzExchange struct {
	answer, request string
	status          int
	body            []byte
}

type fuzzExchangeKey struct{}

type fuzzTransport struct{}

func (fuzzTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	e := req.Context().Value(fuzzExchangeKey{}).(*fuzzExchange)
	e.request = req.URL.RequestURI()
	text := strings.NewReplacer("{path}", e.request, "{key}", req.Header.Get("Authorization")).Replace(e.answer)
	resp, err := http.ReadResponse(bufio.NewReader(strings.NewReader(text)), req)
	if err != nil {
		return nil, err
	}
	e.status = resp.StatusCode
	e.body, _ = io.ReadAll(io.LimitReader(resp.Body, maxResponseSize))
	resp.Body = io.NopCloser(strings.NewReader(string(e.body)))
	return resp, nil
}

// accepted reports whether the answer can be one of success: what each provider
// documents, written down once more.
func (e *fuzzExchange) accepted(channel Type) bool {
	success := e.status >= 200 && e.status < 300
	switch channel {
	case TypeWebhook, TypeTeams:
		return success
	case TypeStripe:
		object := e.object()
		return success && object != nil && object["error"] == nil || e.status == http.StatusBadRequest && repeats(object)
	case TypeSlack:
		// Slack says exactly ok. What is compatible with it may say anything else, but
		// not what Slack says about an error.
		return strings.TrimSpace(string(e.body)) == "ok" || success && !e.slackRefuses()
	case TypeFeishu:
		return e.hasZero("code") || e.hasZero("StatusCode")
	default:
		return e.hasZero("errcode")
	}
}

// slackErrors are those of docs.slack.dev/messaging/sending-messages-using-incoming-webhooks.
var slackErrors = strings.Fields(`action_prohibited channel_is_archived channel_not_found invalid_payload invalid_token msg_too_long no_service
	no_service_id no_team no_text posting_to_general_channel_denied rate_limited rollup_error team_disabled too_many_attachments user_not_found`)

// slackRefuses reports an error of Slack, of its other APIs too, or a page.
func (e *fuzzExchange) slackRefuses() bool {
	body := strings.TrimSpace(string(e.body))
	return strings.HasPrefix(body, "<") || slices.Contains(slackErrors, body) || e.object()["ok"] == false
}

// repeats reports that Stripe knows the meter event already.
func repeats(object map[string]any) bool {
	failure, _ := object["error"].(map[string]any)
	return failure["code"] == "duplicate_meter_event" || strings.Contains(fmt.Sprint(failure["message"]), "event already exists with identifier")
}

// object is a body that is a JSON object, maybe after the mark that some put before it.
func (e *fuzzExchange) object() (object map[string]any) {
	body := json.NewDecoder(bytes.NewReader(bytes.TrimPrefix(e.body, []byte("\ufeff"))))
	body.UseNumber() // of any size
	if body.Decode(&object) != nil {
		return nil
	}
	return object
}

// hasZero reports whether the body is a JSON object in which a number is 0, also as text.
func (e *fuzzExchange) hasZero(name string) bool {
	for key, value := range e.object() {
		if n, err := strconv.ParseFloat(strings.TrimSpace(fmt.Sprint(value)), 64); strings.EqualFold(key, name) && err == nil && n == 0 {
			return true
		}
	}
	return false
}
