package notify

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// mailServer is a small SMTP server: RFC 5321 with STARTTLS and AUTH PLAIN.
type mailServer struct {
	addr string
	// replies take the place of the usual ones, by the beginning of the command.
	replies map[string]string
	// implicit is TLS from the first byte; noTLS offers none.
	implicit, noTLS bool
	cert            tls.Certificate
	roots           *x509.CertPool

	mu       sync.Mutex
	commands []string
	mails    []string
}

func newMailServer(t *testing.T, configure func(*mailServer)) *mailServer {
	t.Helper()
	// Its certificate is for 127.0.0.1 and example.com.
	https := httptest.NewTLSServer(http.NotFoundHandler())
	t.Cleanup(https.Close)
	s := &mailServer{cert: https.TLS.Certificates[0], roots: x509.NewCertPool(), replies: map[string]string{}}
	s.roots.AddCert(https.Certificate())
	if configure != nil {
		configure(s)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	s.addr = listener.Addr().String()
	var sessions sync.WaitGroup
	sessions.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			sessions.Go(func() { s.session(conn) })
		}
	})
	t.Cleanup(func() {
		_ = listener.Close()
		sessions.Wait()
	})
	return s
}

// session serves one connection until its end.
func (s *mailServer) session(conn net.Conn) {
	defer func() { _ = conn.Close() }()
	encrypted := s.implicit
	if s.implicit {
		conn = tls.Server(conn, &tls.Config{Certificates: []tls.Certificate{s.cert}})
	}
	in := bufio.NewReader(conn)
	say := func(reply string) { _, _ = io.WriteString(conn, strings.ReplaceAll(reply, "\n", "\r\n")+"\r\n") }
	say(s.reply("", "220 mail.example.com ESMTP"))
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			return
		}
		command := strings.TrimRight(line, "\r\n")
		s.note(command)
		verb, _, _ := strings.Cut(strings.ToUpper(command), " ")
		switch verb {
		case "EHLO":
			say(s.reply(command, s.greeting(encrypted)))
		case "STARTTLS":
			say("220 go ahead")
			conn = tls.Server(conn, &tls.Config{Certificates: []tls.Certificate{s.cert}})
			in, encrypted = bufio.NewReader(conn), true
		case "DATA":
			reply := s.reply(command, "354 end with a dot")
			say(reply)
			if strings.HasPrefix(reply, "354") {
				mail := readMail(in)
				s.mu.Lock()
				s.mails = append(s.mails, mail)
				s.mu.Unlock()
				say(s.reply(".", "250 2.0.0 queued"))
			}
		case "QUIT":
			say(s.reply(command, "221 bye"))
			return
		case "AUTH":
			say(s.reply(command, "235 2.7.0 welcome"))
		default:
			say(s.reply(command, "250 2.1.0 ok"))
		}
	}
}

func (s *mailServer) greeting(encrypted bool) string {
	lines := "250-mail.example.com\n250-ENHANCEDSTATUSCODES"
	if !encrypted && !s.noTLS {
		lines += "\n250-STARTTLS"
	}
	if encrypted {
		lines += "\n250-AUTH PLAIN"
	}
	return lines + "\n250 8BITMIME"
}

func (s *mailServer) reply(command, usual string) string {
	for prefix, reply := range s.replies {
		if (prefix == "" && command == "") || (prefix != "" && strings.HasPrefix(command, prefix)) {
			return reply
		}
	}
	return usual
}

func (s *mailServer) note(command string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.commands = append(s.commands, command)
}

// seen returns the commands and mails that came.
func (s *mailServer) seen() (commands string, mails []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Join(s.commands, "\n"), s.mails
}

func readMail(in *bufio.Reader) string {
	var mail strings.Builder
	for {
		line, err := in.ReadString('\n')
		if err != nil || line == ".\r\n" {
			return mail.String()
		}
		fmt.Fprint(&mail, strings.TrimPrefix(line, "."))
	}
}
