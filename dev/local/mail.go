package local

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/mail"
	"strings"
	"time"

	"github.com/emersion/go-smtp"
)

// startMail starts a mail server that accepts every mail and prints a line about it.
func (s *Stack) startMail(context.Context) error {
	server := smtp.NewServer(smtp.BackendFunc(func(*smtp.Conn) (smtp.Session, error) { return &mailSession{out: &s.arrivals}, nil }))
	server.Addr, server.Domain = address(s.ports.Mail), host
	server.MaxMessageBytes = 1 << 20
	return s.run("mail server", func(ctx context.Context, log io.Writer) error {
		stop := context.AfterFunc(ctx, func() {
			if err := server.Close(); err != nil {
				fmt.Fprintln(log, "stop:", err)
			}
		})
		defer stop()
		if err := server.ListenAndServe(); ctx.Err() == nil || !errors.Is(err, smtp.ErrServerClosed) {
			return err
		}
		return nil
	})
}

// mailSession receives the mails of one connection.
type mailSession struct {
	to  []string
	out io.Writer
}

// Mail implements smtp.Session.
func (s *mailSession) Mail(string, *smtp.MailOptions) error { return nil }

// Rcpt implements smtp.Session.
func (s *mailSession) Rcpt(to string, _ *smtp.RcptOptions) error {
	s.to = append(s.to, to)
	return nil
}

// Data implements smtp.Session.
func (s *mailSession) Data(r io.Reader) error {
	message, err := mail.ReadMessage(r)
	if err != nil {
		return err
	}
	if _, err := io.Copy(io.Discard, message.Body); err != nil {
		return err
	}
	_, err = fmt.Fprintf(s.out, "%s mail to %s: %s\n", time.Now().Format(time.TimeOnly), strings.Join(s.to, ", "), message.Header.Get("Subject"))
	return err
}

// Reset implements smtp.Session.
func (s *mailSession) Reset() { s.to = nil }

// Logout implements smtp.Session.
func (s *mailSession) Logout() error { return nil }
