package notify

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
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
// other, whatever the client says.
func FuzzMailReplies(f *testing.F) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(f, err)
	f.Cleanup(func() { _ = listener.Close() })
	f.Add("220 mail.example.com\r\n250-mail.example.com\r\n250 8BITMIME\r\n250 ok\r\n250 ok\r\n354 go\r\n250 ok\r\n221 bye\r\n")
	f.Fuzz(func(t *testing.T, replies string) {
		done := make(chan error, 1)
		go func() { done <- reply(listener, replies) }()
		o := &EmailOptions{AllowPrivate: true, Mail: Mail{
			Server: listener.Addr().String(), Security: securityNone, From: "calls@example.com", To: []string{"finance@example.com"},
		}}
		sender, problems := New(o, Settings{Events: []EventType{EventCallCharged}, Now: func() time.Time { return sentAt }})
		require.Empty(t, problems)
		err := sender.Send(t.Context(), "msg_1", Samples()[0])
		require.NoError(t, <-done)
		if err == nil {
			require.Contains(t, replies, "354", "no mail was asked for")
			return
		}
		requireFailure(t, err)
	})
}

func reply(listener net.Listener, replies string) error {
	conn, err := listener.Accept()
	if err != nil {
		return err
	}
	defer conn.Close()
	_, _ = io.WriteString(conn, replies) // the client may be gone
	_ = conn.(*net.TCPConn).CloseWrite()
	_, _ = io.Copy(io.Discard, conn)
	return nil
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
	case TypeStripe: // a repetition is success, too
		return success || e.status == http.StatusBadRequest && strings.Contains(string(e.body), "event")
	case TypeSlack:
		return success || strings.TrimSpace(string(e.body)) == "ok" || e.hasZero("") || strings.Contains(string(e.body), "ok")
	case TypeFeishu:
		return e.hasZero("code") || e.hasZero("StatusCode")
	default:
		return e.hasZero("errcode")
	}
}

// hasZero reports whether the body is a JSON object in which a number is 0, also as text.
func (e *fuzzExchange) hasZero(name string) bool {
	var object map[string]any
	body := strings.TrimSpace(strings.TrimPrefix(string(e.body), "\ufeff"))
	if errors.As(json.Unmarshal([]byte(body), &object), new(*json.SyntaxError)) {
		return false
	}
	for key, value := range object {
		if n, err := strconv.ParseFloat(strings.TrimSpace(fmt.Sprint(value)), 64); strings.EqualFold(key, name) && err == nil && n == 0 {
			return true
		}
	}
	return false
}
