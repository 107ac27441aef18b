package notify

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"aftercall/internal/secret"
)

// TestConnect connects to servers of each kind, and to some that cannot be reached.
func TestConnect(t *testing.T) {
	inside := Network{AllowPrivate: true}
	https := httptest.NewTLSServer(http.NotFoundHandler())
	t.Cleanup(https.Close)
	plain := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(plain.Close)
	trusted := &tls.Config{RootCAs: x509.NewCertPool(), MinVersion: tls.VersionTLS12}
	trusted.RootCAs.AddCert(https.Certificate())
	mail := newMailServer(t, nil)
	implicit := newMailServer(t, func(s *mailServer) { s.implicit = true })
	noTLS := newMailServer(t, func(s *mailServer) { s.noTLS = true })
	closed := httptest.NewServer(http.NotFoundHandler())
	closed.Close()

	for _, tt := range []struct {
		name, address string
		network       Network
		template      *tls.Config
		want          string // of the error; empty for none
	}{
		{"http", plain.URL + "/hooks/secret", inside, nil, ""},
		{"https", https.URL, inside, trusted, ""},
		{"starttls", "starttls://" + mail.addr, inside, trusted, ""},
		{"mail with TLS", "tls://" + implicit.addr, inside, trusted, ""},
		{"mail without encryption", "none://" + noTLS.addr, inside, nil, ""},
		{"certificate", https.URL, inside, nil, "certificate"},
		{"certificate of a mail server", "starttls://" + mail.addr, inside, nil, "certificate"},
		{"no encryption offered", "starttls://" + noTLS.addr, inside, trusted, "STARTTLS"},
		{"not TLS", "https://" + plain.Listener.Addr().String(), inside, trusted, "does not look like a TLS handshake"},
		{"private address", plain.URL, Network{}, nil, "allow_private"},
		{"nothing listens", closed.URL, inside, nil, "refused"},
		{"no such host", "https://crm.invalid/hooks/secret", inside, nil, "no such host"},
	} {
		err := connect(t.Context(), tt.address, tt.network, tt.template)
		if tt.want == "" {
			require.NoError(t, err, tt.name)
			continue
		}
		require.ErrorContains(t, err, tt.want, tt.name)
		require.NotContains(t, err.Error(), "secret", tt.name)
	}
	require.NoError(t, Connect(t.Context(), &SlackOptions{URL: secret.New(plain.URL), HTTPOptions: HTTPOptions(inside)}))
	require.ErrorContains(t, Connect(t.Context(), &SlackOptions{URL: secret.New(closed.URL), HTTPOptions: HTTPOptions(inside)}), "cannot connect: ")
}

// TestConnectIsBounded connects to a server that accepts connections and says nothing.
func TestConnectIsBounded(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = listener.Close() })
	ctx, cancel := context.WithTimeout(t.Context(), connectTimeout/50)
	defer cancel()
	require.ErrorContains(t, ConnectTo(ctx, "https://"+listener.Addr().String(), Network{AllowPrivate: true}), "cannot connect within")
}
