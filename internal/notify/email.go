package notify

import (
	"context"
	"crypto/tls"
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
)

// Mail is how mails are sent.
type Mail struct {
	// Server is host:port.
	Server string
	// Security is starttls, tls or none.
	Security string
	// Username and Password are empty for a server that wants none.
	Username, Password string
	From               string
	To                 []string
}

// The ways to secure a connection to a mail server.
const (
	securityStartTLS = "starttls"
	securityTLS      = "tls"
	securityNone     = "none"
)

// email sends mails, as text and as HTML.
type email struct {
	mail                Mail
	host                string
	port                int
	subject, text, html *message
	dialer              *net.Dialer
	tls                 *tls.Config
	now                 func() time.Time
}

var emailKind = kind{
	required: []string{"mail"},
	optional: []string{"subject", "text", "html", "locale", "time_zone", "allow_private"},
	build: func(o Options, r *report) Sender {
		e := &email{mail: o.Mail, dialer: NewDialer(o.Network.AllowPrivate), now: time.Now}
		e.check(r)
		e.tls = &tls.Config{ServerName: e.host, MinVersion: tls.VersionTLS12}
		e.subject = newText("subject", o.Subject, defaultSubject, o, r, plain, 0)
		e.text = newText("text", o.Text, defaultText, o, r, plain, 0)
		e.html = newHTML("html", o.HTML, defaultHTML, o, r)
		return e
	},
}

func (e *email) check(r *report) {
	host, port, err := net.SplitHostPort(e.mail.Server)
	e.host = host
	if e.port, _ = strconv.Atoi(port); err != nil || host == "" || e.port < 1 || e.port > 65535 {
		r.add("mail.server", "must be host:port, such as smtp.example.com:587")
	} else {
		r.host("mail.server", host)
	}
	switch e.mail.Security {
	case securityStartTLS, securityTLS:
	case securityNone:
		if e.mail.Password != "" {
			r.add("mail.security", "none would show the password to the network: choose starttls or tls")
		}
	default:
		r.add("mail.security", "must be starttls (mostly port 587), tls (mostly port 465) or none")
	}
	if (e.mail.Username == "") != (e.mail.Password == "") {
		r.add("mail.username", "and password go together: set both, or none for a server without authentication")
	}
	if _, err := netmail.ParseAddress(e.mail.From); err != nil {
		r.add("mail.from", "must be a mail address, such as aftercall@example.com")
	}
	if len(e.mail.To) == 0 {
		r.add("mail.to", "must hold at least one mail address")
	}
	for i, to := range e.mail.To {
		if _, err := netmail.ParseAddress(to); err != nil {
			r.add(fmt.Sprintf("mail.to[%d]", i), "must be a mail address, such as finance@example.com")
		}
	}
}

// Send sends one mail to all. Its Message-ID is made of messageID, so that a
// mail server or reader can drop a repetition.
func (e *email) Send(ctx context.Context, messageID string, event Event) error {
	msg, err := e.compose(messageID, event)
	if err != nil {
		return err
	}
	var conn net.Conn
	defer func() {
		// The client leaves it open when it gives up before the mail.
		if conn != nil {
			_ = conn.Close()
		}
	}()
	client, err := mail.NewClient(e.host, e.options(&conn)...)
	if err != nil {
		return fmt.Errorf("mail client: %w", err)
	}
	if err := client.DialAndSendWithContext(ctx, msg); err != nil && !msg.IsDelivered() {
		return mailError(err)
	}
	// What fails after the server has taken the mail is none of the mail's business.
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

// options configure a client for one mail, whose connection goes to conn.
func (e *email) options(conn *net.Conn) []mail.Option {
	policy := mail.TLSMandatory
	switch e.mail.Security {
	case securityTLS:
		// With WithSSL and a dialer of our own the client would not know that the
		// connection is encrypted, and keep the password to itself.
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
			mail.WithUsername(e.mail.Username), mail.WithPassword(e.mail.Password))
	}
	return options
}

// maxMailAnswers is the most that a mail server may say in one session. The
// client would read on for as long as a line does not end.
const maxMailAnswers = 1 << 20

// dial connects as the guard permits, with TLS from the first byte if it is to be.
func (e *email) dial(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := e.dialer.DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	conn = &cappedConn{Conn: conn, left: maxMailAnswers}
	if e.mail.Security != securityTLS {
		return conn, nil
	}
	encrypted := tls.Client(conn, e.tls)
	if err := encrypted.HandshakeContext(ctx); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return encrypted, nil
}

// cappedConn fails when more was read than is left.
type cappedConn struct {
	net.Conn
	left int
}

// Read implements io.Reader.
func (c *cappedConn) Read(p []byte) (int, error) {
	if c.left <= 0 {
		return 0, errors.New("the mail server says more than 1 MiB")
	}
	n, err := c.Conn.Read(p[:min(len(p), c.left)])
	c.left -= n
	return n, err
}

// mailError reads the reply code: 5xx is final, 4xx and faults are tried again.
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
	return &DeliveryError{Reason: "the mail server answered " + text + " to " + where, Final: code >= http.StatusInternalServerError}
}
