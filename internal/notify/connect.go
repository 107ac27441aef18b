package notify

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/smtp"
	"net/url"
	"os"
	"time"

	"aftercall/internal/untrusted"
)

// connectTimeout bounds Connect, which people wait for.
const connectTimeout = 5 * time.Second

// standardPorts are those of addresses without one.
var standardPorts = map[string]string{"https": "443", "http": "80"}

// Connect connects to the server of a target as its sender does, TLS included, and
// sends nothing. Through a proxy, only the proxy is tried. The error may name the
// host, but nothing else of the URL.
func Connect(ctx context.Context, o Options) error { return ConnectTo(ctx, o.address(), o.Network()) }

// ConnectTo is Connect for an address.
func ConnectTo(ctx context.Context, address string, n Network) error {
	ctx, cancel := context.WithTimeout(ctx, connectTimeout)
	defer cancel()
	err := connect(ctx, address, n, nil)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, os.ErrDeadlineExceeded), errors.Is(ctx.Err(), context.DeadlineExceeded):
		return fmt.Errorf("cannot connect within %s", connectTimeout)
	}
	return fmt.Errorf("cannot connect: %w", untrusted.Error(withoutURL(err)))
}

// connect takes the settings of TLS from template, which may be nil.
func connect(ctx context.Context, address string, n Network, template *tls.Config) error {
	parsed, err := url.Parse(address)
	if err != nil || parsed.Hostname() == "" {
		return errors.New("its address cannot be read")
	}
	if n.Proxy {
		via, err := http.ProxyFromEnvironment(&http.Request{URL: parsed})
		if err != nil {
			return errors.New("the proxy of the environment is not an address: check HTTPS_PROXY and HTTP_PROXY")
		}
		if via != nil {
			// The connection beyond it is made by the proxy.
			conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", hostPort(via))
			if err != nil {
				return err
			}
			return conn.Close()
		}
	}
	conn, err := NewDialer(n.AllowPrivate).DialContext(ctx, "tcp", hostPort(parsed))
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }() // nothing was sent
	if deadline, ok := ctx.Deadline(); ok {
		if err := conn.SetDeadline(deadline); err != nil {
			return err
		}
	}
	settings := &tls.Config{MinVersion: tls.VersionTLS12}
	if template != nil {
		settings = template.Clone()
	}
	settings.ServerName = parsed.Hostname()
	switch parsed.Scheme {
	case "https", securityTLS:
		return tls.Client(conn, settings).HandshakeContext(ctx)
	case securityStartTLS:
		client, err := smtp.NewClient(conn, parsed.Hostname())
		if err != nil {
			return err
		}
		if offered, _ := client.Extension("STARTTLS"); !offered {
			return errors.New("the mail server does not offer STARTTLS")
		}
		return client.StartTLS(settings)
	}
	return nil
}

func hostPort(u *url.URL) string {
	if port := u.Port(); port != "" {
		return u.Host
	}
	return net.JoinHostPort(u.Hostname(), standardPorts[u.Scheme])
}
