package notify

import (
	"context"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"net/http"
	netmail "net/mail"
	"net/textproto"
	"strconv"
	"strings"
	"time"

	"github.com/wneessen/go-mail"

	"aftercall/internal/secret"
	"aftercall/internal/untrusted"
)

// TypeEmail is a mail server, by SMTP.
const TypeEmail Type = "email"

var emailChannel = Channel{
	Type: TypeEmail,
	Doc:  "one mail to all recipients, as text and as HTML",
	Example: `- name: finance
  type: email
  events: [call.reversed]
  mail:
    server: smtp.example.com:587
    username: aftercall
    password: ${SMTP_PASSWORD}
    from: Calls <calls@example.com>
    to: [finance@example.com]
`,
	// Greylisting, tarpits and content filters are usual.
	Slow:       true,
	NewOptions: func() Options { return new(EmailOptions) },
}

// EmailOptions are the options of targets of type email.
type EmailOptions struct {
	Mail    Mail   `yaml:"mail" required:"true" doc:"The mail server, the sender and the recipients."`
	Subject string `yaml:"subject" doc:"Template of the subject; left out, one that names app and amount."`
	HTML    string `yaml:"html" doc:"Template of the message in HTML; left out, the text as a page."`
	TextOptions
	AllowPrivate bool `yaml:"allow_private" doc:"true permits a receiver inside your network: a private, loopback or shared (100.64.0.0/10) address. Link-local and cloud metadata addresses are always refused."`
}

// Mail is a mail server, the sender and the recipients.
type Mail struct {
	Server   string      `yaml:"server" required:"true" doc:"The mail server, host:port."`
	Security string      `yaml:"security" default:"starttls" doc:"starttls (usually port 587), tls (usually port 465), or none. starttls never falls back to an unencrypted connection."`
	Username string      `yaml:"username" doc:"For a server that requires authentication."`
	Password secret.Text `yaml:"password" doc:"Goes with username."`
	From     string      `yaml:"from" required:"true" doc:"Address of the sender, with or without a name."`
	To       []string    `yaml:"to" required:"true" doc:"Addresses of the recipients, who get one mail together."`
}

// The ways to secure a connection to a mail server.
const (
	securityStartTLS = "starttls"
	securityTLS      = "tls"
	securityNone     = "none"
)

// Network implements Options. Mail servers are reached without a proxy.
func (o *EmailOptions) Network() Network { return Network{AllowPrivate: o.AllowPrivate} }

// address implements Options: the scheme is the security.
func (o *EmailOptions) address() string { return o.Mail.Security + "://" + o.Mail.Server }

// newSender implements Options.
func (o *EmailOptions) newSender(s *setup) Sender {
	host, port := o.Mail.check(s)
	return &email{
		mail: o.Mail, host: host, port: port,
		subject: s.message("subject", o.Subject, defaultSubject, o.TextOptions, plain, 0),
		text:    s.text(o.TextOptions, plain, 0),
		html:    s.html(o.HTML, o.TextOptions),
		dialer:  NewDialer(o.AllowPrivate),
		tls:     &tls.Config{ServerName: host, MinVersion: tls.VersionTLS12},
		now:     s.now,
	}
}

// check reports problems, and returns the parts of Server.
func (m Mail) check(s *setup) (host string, port int) {
	host, portText, err := net.SplitHostPort(m.Server)
	if port, _ = strconv.Atoi(portText); err != nil || host == "" || port < 1 || port > 65535 {
		s.report("mail.server", "must be host:port, such as smtp.example.com:587")
	} else {
		s.host("mail.server", host)
	}
	switch m.Security {
	case securityStartTLS, securityTLS:
	case securityNone:
		if m.Password.Reveal() != "" {
			s.report("mail.security", "none would show the password to the network: choose starttls or tls")
		}
	default:
		s.report("mail.security", "must be starttls (usually port 587), tls (usually port 465) or none")
	}
	if (m.Username == "") != (m.Password.Reveal() == "") {
		s.report("mail.username", "and password go together: set both, or none for a server without authentication")
	}
	if _, err := netmail.ParseAddress(m.From); err != nil {
		s.report("mail.from", "must be a mail address, such as aftercall@example.com")
	}
	if len(m.To) == 0 {
		s.report("mail.to", "must hold at least one mail address")
	}
	for i, to := range m.To {
		if _, err := netmail.ParseAddress(to); err != nil {
			s.report(fmt.Sprintf("mail.to[%d]", i), "must be a mail address, such as finance@example.com")
		}
	}
	return host, port
}

type email struct {
	mail                Mail
	host                string
	port                int
	subject, text, html *message
	dialer              *net.Dialer
	tls                 *tls.Config
	now                 func() time.Time
}

// Send sends one mail to all recipients. Its Message-ID is made of messageID, so
// that a mail server or client can drop a repetition.
func (e *email) Send(ctx context.Context, messageID string, event Event) error {
	msg, err := e.compose(messageID, event)
	if err != nil {
		return err
	}
	var conn net.Conn
	defer func() {
		// The client does not close it when it fails before the mail.
		if conn != nil {
			_ = conn.Close()
		}
	}()
	client, err := mail.NewClient(e.host, e.options(&conn)...)
	if err != nil {
		return fmt.Errorf("mail client: %w", err)
	}
	if err := client.DialAndSendWithContext(ctx, msg); err != nil && !msg.IsDelivered() {
		return untrusted.Error(mailError(err), e.secrets()...)
	}
	// A failure after the server has accepted the mail does not matter.
	return nil
}

func (e *email) compose(messageID string, event Event) (*mail.Msg, error) {
	var rendered [3]string
	for i, part := range []*message{e.subject, e.text, e.html} {
		text, err := part.render(event)
		if err != nil {
			return nil, err
		}
		rendered[i] = text
	}
	msg := mail.NewMsg(mail.WithNoDefaultUserAgent())
	if err := errors.Join(msg.From(e.mail.From), msg.To(e.mail.To...)); err != nil {
		return nil, err
	}
	sender, err := netmail.ParseAddress(e.mail.From)
	if err != nil {
		return nil, err
	}
	_, domain, _ := strings.Cut(sender.Address, "@")
	msg.SetMessageIDWithValue(messageID + "@" + domain)
	msg.SetDateWithValue(e.now())
	msg.Subject(strings.Join(strings.Fields(rendered[0]), " "))
	msg.SetGenHeader("Auto-Submitted", "auto-generated") // keeps holiday replies away, RFC 3834
	msg.SetBodyString(mail.TypeTextPlain, rendered[1])
	msg.AddAlternativeString(mail.TypeTextHTML, rendered[2])
	return msg, nil
}

// options configure a client for one mail, and store its connection in conn.
func (e *email) options(conn *net.Conn) []mail.Option {
	policy := mail.TLSMandatory
	switch e.mail.Security {
	case securityTLS:
		// With WithSSL and our own dialer the client would not know that the
		// connection is encrypted, and would not authenticate.
		policy = mail.TLSOpportunistic
	case securityNone:
		policy = mail.NoTLS
	}
	options := []mail.Option{
		mail.WithPort(e.port), mail.WithTimeout(RequestTimeout), mail.WithTLSConfig(e.tls), mail.WithTLSPolicy(policy),
		mail.WithDialContextFunc(func(ctx context.Context, network, address string) (net.Conn, error) {
			c, err := e.dial(ctx, network, address)
			*conn = c
			return c, err
		}),
	}
	if e.mail.Username != "" {
		options = append(options, mail.WithSMTPAuth(mail.SMTPAuthAutoDiscover),
			mail.WithUsername(e.mail.Username), mail.WithPassword(e.mail.Password.Reveal()))
	}
	return options
}

// maxMailReplies is how many bytes a mail server may send in one session. The
// client itself would read a line without end.
const maxMailReplies = 1 << 20

// dial connects to a permitted address, with TLS from the first byte for security tls.
func (e *email) dial(ctx context.Context, network, address string) (net.Conn, error) {
	until := time.Now().Add(RequestTimeout)
	conn, err := e.dialer.DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	conn = &cappedConn{Conn: conn, left: maxMailReplies, until: until}
	if e.mail.Security != securityTLS {
		return conn, nil
	}
	encrypted := tls.Client(conn, e.tls)
	if err := encrypted.HandshakeContext(ctx); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return encrypted, nil
}

// cappedConn fails when more bytes were read than are left, and at a time. The
// client itself gives every command the whole timeout again.
type cappedConn struct {
	net.Conn
	left  int
	until time.Time
}

// SetDeadline implements net.Conn.
func (c *cappedConn) SetDeadline(t time.Time) error {
	if t.IsZero() || t.After(c.until) {
		t = c.until
	}
	return c.Conn.SetDeadline(t)
}

// Read implements io.Reader.
func (c *cappedConn) Read(p []byte) (int, error) {
	if c.left <= 0 {
		return 0, errors.New("the mail server sent more than 1 MiB")
	}
	n, err := c.Conn.Read(p[:min(len(p), c.left)])
	c.left -= n
	return n, err
}

// secrets are the password as the protocol sends it, which a server may repeat.
func (e *email) secrets() []string {
	password := e.mail.Password.Reveal()
	if password == "" {
		return nil
	}
	encode := base64.StdEncoding.EncodeToString
	return []string{password, encode([]byte(password)), encode([]byte("\x00" + e.mail.Username + "\x00" + password))}
}

// mailError reads the reply code. 4xx and faults are temporary. 5xx to the mail
// itself is permanent; everything before that, from the greeting to the
// recipients, is the same for every mail, and an operator can correct it.
func mailError(err error) error {
	var (
		sendErr *mail.SendError
		reply   *textproto.Error
		code    int
		where   string
	)
	switch {
	case errors.As(err, &sendErr) && sendErr.ErrorCode() != 0:
		code, where = sendErr.ErrorCode(), sendErr.Reason.String()
	case errors.As(err, &reply):
		code, where = reply.Code, "greeting, encryption or authentication"
	}
	if code < http.StatusBadRequest {
		return err
	}
	text := strconv.Itoa(code)
	if sendErr != nil && sendErr.EnhancedStatusCode() != "" {
		text += " " + sendErr.EnhancedStatusCode()
	}
	failure := &DeliveryError{Reason: "the mail server answered " + text + " to " + where}
	switch {
	case code < http.StatusInternalServerError:
	case sendErr != nil && (sendErr.Reason == mail.ErrSMTPData || sendErr.Reason == mail.ErrSMTPDataClose || sendErr.Reason == mail.ErrWriteContent):
		failure.Class = Permanent
	default:
		failure.Class, failure.RetryAfter = NeedsOperator, operatorDelay
	}
	return failure
}
