package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"log"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"aftercall/internal/testenv/testcert"
)

// receivers serve the targets, and the backend of the app that relays its callbacks, by
// TLS.
type receivers struct {
	backend *backend
	socket  net.Listener
	server  *http.Server
	ended   chan error
	// right is the certificate that workers trust, and used the one in use.
	right, wrong tls.Certificate
	used         atomic.Pointer[tls.Certificate]
	// distrusted counts the connections that were closed because of the certificate.
	distrusted atomic.Int64
}

// Write implements io.Writer for the log of the server.
func (r *receivers) Write(line []byte) (int, error) {
	if bytes.Contains(line, []byte("certificate")) {
		r.distrusted.Add(1)
	}
	return len(line), nil
}

// openReceivers listens, and serves nothing yet. Processes that trust the certificate
// have the returned variable.
func openReceivers(dir string) (r *receivers, environ map[string]string, err error) {
	r = &receivers{backend: newBackend(), ended: make(chan error, 1)}
	trusted, right, err := newCertificate("receivers")
	if err != nil {
		return nil, nil, err
	}
	if _, r.wrong, err = newCertificate("somebody else"); err != nil {
		return nil, nil, err
	}
	r.right = right
	r.used.Store(&r.right)
	authorities := filepath.Join(dir, "receivers.pem")
	if err := os.WriteFile(authorities, trusted, 0o600); err != nil {
		return nil, nil, err
	}
	r.socket, err = net.Listen("tcp", "127.0.0.1:0")
	return r, map[string]string{"SSL_CERT_FILE": authorities}, err
}

func newCertificate(name string) (inPEM []byte, certificate tls.Certificate, err error) {
	pair, err := testcert.Make(name)
	if err != nil {
		return nil, certificate, err
	}
	certificate, err = tls.X509KeyPair(pair.Cert, pair.Key)
	return pair.Cert, certificate, err
}

func (r *receivers) port() int { return r.socket.Addr().(*net.TCPAddr).Port }

// serve serves the targets from now on.
func (r *receivers) serve(targets http.Handler) {
	all := http.NewServeMux()
	all.Handle("/", targets)
	all.Handle("POST "+relayPath, r.backend)
	r.server = &http.Server{
		Handler: all, ReadHeaderTimeout: time.Minute, ErrorLog: log.New(r, "", 0),
		TLSConfig: &tls.Config{
			MinVersion:     tls.VersionTLS12,
			GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return r.used.Load(), nil },
		},
	}
	go func() { r.ended <- r.server.ServeTLS(r.socket, "", "") }()
}

func (r *receivers) close() error {
	if r.server == nil {
		return r.socket.Close()
	}
	if err := errors.Join(r.server.Close(), <-r.ended); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// wrongCertificate serves the targets with a certificate that nobody trusts. A
// connection keeps the one that it began with, so all are closed.
func wrongCertificate(ctx context.Context, w *world) (end, error) {
	if err := w.showsCount(ctx, "connections closed", func(context.Context) (int, error) { return int(w.receivers.distrusted.Load()), nil }); err != nil {
		return nil, err
	}
	use := func(certificate *tls.Certificate) error {
		w.receivers.used.Store(certificate)
		w.network.refuse(toReceivers)
		return w.network.accept(toReceivers)
	}
	return func(context.Context) error { return use(&w.receivers.right) }, use(&w.receivers.wrong)
}
