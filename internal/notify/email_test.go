package notify

import (
	"context"
	"encoding/base64"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net"
	netmail "net/mail"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"aftercall/internal/secret"
)

func newEmail(t *testing.T, s *mailServer, change func(*EmailOptions), events ...EventType) *email {
	t.Helper()
	o := &EmailOptions{Mail: Mail{
		Server: s.addr, Security: securityStartTLS, Username: "aftercall", Password: secret.New("canary-password"),
		From: "Calls <calls@example.com>", To: []string{"finance@example.com", "Böss <boss@example.com>"},
	}}
	if change != nil {
		change(o)
	}
	e := newSender(t, o, events...).(*email)
	e.tls.RootCAs = s.roots
	e.now = func() time.Time { return sentAt }
	return e
}

// parts returns the parts of a multipart/alternative mail by their type.
func parts(t *testing.T, text string) (netmail.Header, map[string]string) {
	t.Helper()
	msg, err := netmail.ReadMessage(strings.NewReader(text))
	require.NoError(t, err)
	kind, params, err := mime.ParseMediaType(msg.Header.Get("Content-Type"))
	require.NoError(t, err)
	require.Equal(t, "multipart/alternative", kind)
	found := map[string]string{}
	reader := multipart.NewReader(msg.Body, params["boundary"])
	for {
		part, err := reader.NextRawPart()
		if errors.Is(err, io.EOF) {
			return msg.Header, found
		}
		require.NoError(t, err)
		require.Equal(t, "quoted-printable", part.Header.Get("Content-Transfer-Encoding"))
		body, err := io.ReadAll(quotedprintable.NewReader(part))
		require.NoError(t, err)
		found[part.Header.Get("Content-Type")] = strings.ReplaceAll(string(body), "\r\n", "\n")
	}
}

func TestMail(t *testing.T) {
	for security, configure := range map[string]func(*mailServer){
		securityStartTLS: nil,
		securityTLS:      func(s *mailServer) { s.implicit = true },
	} {
		t.Run(security, func(t *testing.T) {
			s := newMailServer(t, configure)
			e := newEmail(t, s, func(o *EmailOptions) { o.Mail.Security = security })
			event := sample(t, EventCallCharged)
			event.Call.Caller = "<b>\r\nBcc: x@example.com"
			require.NoError(t, e.Send(context.Background(), "msg_0123", event))

			commands, mails := s.seen()
			plain := base64.StdEncoding.EncodeToString([]byte("\x00aftercall\x00canary-password"))
			for _, command := range []string{
				"AUTH PLAIN " + plain, "MAIL FROM:<calls@example.com>", "RCPT TO:<finance@example.com>", "RCPT TO:<boss@example.com>", "DATA", "QUIT",
			} {
				require.Contains(t, commands, command)
			}
			require.Equal(t, security == securityStartTLS, strings.Contains(commands, "STARTTLS\nEHLO"))
			require.Len(t, mails, 1)
			header, bodies := parts(t, mails[0])
			subject, err := new(mime.WordDecoder).DecodeHeader(header.Get("Subject"))
			require.NoError(t, err)
			require.Equal(t, "clinic: $0.24 charged", subject)
			require.Equal(t, "<msg_0123@example.com>", header.Get("Message-ID"), "the same in every attempt")
			require.Equal(t, `"Calls" <calls@example.com>`, header.Get("From"))
			require.Equal(t, "auto-generated", header.Get("Auto-Submitted"))
			date, err := header.Date()
			require.NoError(t, err)
			require.WithinDuration(t, sentAt, date, time.Second)
			require.Empty(t, header.Get("Bcc"))
			require.Contains(t, bodies["text/plain; charset=UTF-8"], "of <b>  Bcc: x@example.com with")
			require.Contains(t, bodies["text/html; charset=UTF-8"], "of &lt;b&gt;  Bcc: x@example.com with")
			require.Contains(t, bodies["text/html; charset=UTF-8"], "<h3>clinic: $0.24 charged</h3>")
		})
	}
}

func TestMailTemplates(t *testing.T) {
	s := newMailServer(t, nil)
	e := newEmail(t, s, func(o *EmailOptions) {
		o.Subject, o.Text, o.HTML = "{{ .Amount }}\n für {{ .App }}", "{{ .Number }}", `<a href="https://x.example/?c={{ .Caller }}">{{ .Caller }}</a>`
		o.Locale = "de-DE"
	}, EventCallCharged)
	event := sample(t, EventCallCharged)
	event.Call.Amount, event.Call.Currency, event.Call.Caller = "1234.50", "EUR", "a&b<c>"
	require.NoError(t, e.Send(context.Background(), "msg_1", event))
	_, mails := s.seen()
	header, bodies := parts(t, mails[0])
	subject, err := new(mime.WordDecoder).DecodeHeader(header.Get("Subject"))
	require.NoError(t, err)
	require.Equal(t, "1.234,50 € für clinic", subject)
	require.Equal(t, "1234.50", bodies["text/plain; charset=UTF-8"])
	require.Equal(t, `<a href="https://x.example/?c=a%26b%3cc%3e">a&amp;b&lt;c&gt;</a>`, bodies["text/html; charset=UTF-8"])
}

func TestMailServersAnswers(t *testing.T) {
	for name, c := range map[string]struct {
		command, reply string
		text           string
		class          Class
	}{
		"greylisted":            {"RCPT TO:<finance", "450 4.2.0 try later", "the mail server answered 450 4.2.0 to sending SMTP RCPT TO command", Temporary},
		"no such mailbox":       {"RCPT TO:<boss", "550 5.1.1 canary", "the mail server answered 550 5.1.1 to sending SMTP RCPT TO command", NeedsOperator},
		"sender refused":        {"MAIL", "553 5.7.1 canary", "the mail server answered 553 5.7.1 to sending SMTP MAIL FROM command", NeedsOperator},
		"full":                  {".", "452 4.3.1 no room", "the mail server answered 452 4.3.1 to closing SMTP DATA writer", Temporary},
		"spam":                  {".", "554 5.7.1 canary", "the mail server answered 554 5.7.1 to closing SMTP DATA writer", Permanent},
		"password":              {"AUTH", "535 5.7.8 canary", "the mail server answered 535 to greeting, encryption or authentication", NeedsOperator},
		"password later":        {"AUTH", "454 4.7.0 canary", "the mail server answered 454 to greeting, encryption or authentication", Temporary},
		"not now":               {"", "421 4.3.2 shutting down", "the mail server answered 421 to greeting, encryption or authentication", Temporary},
		"not you":               {"", "554 canary", "the mail server answered 554 to greeting, encryption or authentication", NeedsOperator},
		"delivered, no goodbye": {"QUIT", "500 what", "", Temporary},
		"delivered, no reset":   {"RSET", "502 what", "", Temporary},
		"login required":        {"MAIL", "530 5.7.0 canary", "the mail server answered 530 5.7.0 to sending SMTP MAIL FROM command", NeedsOperator},
		"too large":             {".", "552 5.3.4 canary", "the mail server answered 552 5.3.4 to closing SMTP DATA writer", Permanent},
	} {
		t.Run(name, func(t *testing.T) {
			s := newMailServer(t, func(s *mailServer) { s.replies[c.command] = c.reply })
			err := newEmail(t, s, nil).Send(context.Background(), "msg_1", sample(t, EventCallCharged))
			if c.text == "" {
				require.NoError(t, err, "the mail was taken")
				return
			}
			var deliveryErr *DeliveryError
			require.ErrorAs(t, err, &deliveryErr)
			require.EqualError(t, err, c.text)
			require.Equal(t, c.class, deliveryErr.Class)
		})
	}
}

func TestMailIsNeverSentUnencryptedInstead(t *testing.T) {
	s := newMailServer(t, func(s *mailServer) { s.noTLS = true })
	err := newEmail(t, s, nil).Send(context.Background(), "msg_1", sample(t, EventCallCharged))
	require.ErrorContains(t, err, "STARTTLS")
	var deliveryErr *DeliveryError
	require.NotErrorAs(t, err, &deliveryErr, "retryable: the server may be repaired")

	other := newMailServer(t, nil)
	e := newEmail(t, other, nil)
	e.tls.RootCAs = nil
	require.Error(t, e.Send(context.Background(), "msg_1", sample(t, EventCallCharged)), "an unknown certificate")
	for _, server := range []*mailServer{s, other} {
		commands, mails := server.seen()
		require.NotContains(t, commands, "AUTH")
		require.Empty(t, mails)
	}
}

func TestMailWithoutEncryption(t *testing.T) {
	s := newMailServer(t, func(s *mailServer) { s.noTLS = true })
	e := newEmail(t, s, func(o *EmailOptions) {
		o.Mail.Security, o.Mail.Username, o.Mail.Password = securityNone, "", secret.Text{}
	})
	require.NoError(t, e.Send(context.Background(), "msg_1", sample(t, EventSweepRecovered)))
	_, mails := s.seen()
	require.Len(t, mails, 1)
}

func TestMailServerThatSendsTooMuch(t *testing.T) {
	s := newMailServer(t, func(s *mailServer) { s.replies["EHLO"] = "250-" + strings.Repeat("x", 8<<20) })
	err := newEmail(t, s, nil).Send(context.Background(), "msg_1", sample(t, EventCallCharged))
	require.ErrorContains(t, err, "more than 1 MiB")
}

func TestMailIsGuardedToo(t *testing.T) {
	s := newMailServer(t, nil)
	e := newEmail(t, s, nil)
	e.dialer = NewDialer(false)
	err := e.Send(context.Background(), "msg_1", sample(t, EventCallCharged))
	var addressErr *AddressError
	require.ErrorAs(t, err, &addressErr)
	commands, _ := s.seen()
	require.Empty(t, commands)

	quiet := newMailServer(t, func(s *mailServer) { s.replies[""] = "220 hello" })
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	require.ErrorIs(t, newEmail(t, quiet, nil).Send(ctx, "msg_1", sample(t, EventCallCharged)), context.Canceled)
}

// TestAMailHasOneTimeLimit: the client sets a deadline for every command, and none
// may be after that of the whole mail.
func TestAMailHasOneTimeLimit(t *testing.T) {
	ours, theirs := net.Pipe()
	defer theirs.Close()
	defer ours.Close()
	conn := &cappedConn{Conn: ours, left: 10, until: time.Now().Add(10 * time.Millisecond)}
	for _, deadline := range []time.Time{time.Now().Add(time.Hour), {}} {
		require.NoError(t, conn.SetDeadline(deadline))
		_, err := conn.Read(make([]byte, 1))
		require.ErrorIs(t, err, os.ErrDeadlineExceeded)
	}
	conn.until = time.Now().Add(time.Hour)
	require.NoError(t, conn.SetDeadline(time.Now().Add(-time.Second)))
	_, err := conn.Read(make([]byte, 1))
	require.ErrorIs(t, err, os.ErrDeadlineExceeded, "an earlier deadline stays")
}
