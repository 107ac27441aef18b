package serve

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

// reloadInterval is how often the files of a certificate are read again.
const reloadInterval = 10 * time.Second

// Certificate is the certificate of a listener. It follows its files, which a
// tool replaces before the certificate expires.
type Certificate struct {
	certFile, keyFile string
	interval          time.Duration

	current atomic.Pointer[keyPair]
	problem string // of the last reload, to log it once
}

// keyPair is a certificate and the content of the files that it came from.
type keyPair struct {
	tls.Certificate
	certPEM, keyPEM []byte
}

// LoadCertificate reads a certificate with its chain, and its private key, from
// files in the PEM format.
func LoadCertificate(certFile, keyFile string) (*Certificate, error) {
	c := &Certificate{certFile: certFile, keyFile: keyFile, interval: reloadInterval}
	_, err := c.reload()
	return c, err
}

// reload reads the files, and reports whether they held another certificate. A
// pair that does not belong together is refused: one file may be written before
// the other.
func (c *Certificate) reload() (changed bool, err error) {
	certPEM, certErr := os.ReadFile(c.certFile)
	keyPEM, keyErr := os.ReadFile(c.keyFile)
	if err := errors.Join(certErr, keyErr); err != nil {
		return false, err
	}
	if current := c.current.Load(); current != nil && bytes.Equal(current.certPEM, certPEM) && bytes.Equal(current.keyPEM, keyPEM) {
		return false, nil
	}
	pair, err := tls.X509KeyPair(certPEM, keyPEM)
	if err != nil {
		return false, fmt.Errorf("%s and %s: %w", c.certFile, c.keyFile, err)
	}
	c.current.Store(&keyPair{Certificate: pair, certPEM: certPEM, keyPEM: keyPEM})
	return true, nil
}

// follow reloads the files until ctx ends. The certificate in use stays until
// there is a whole one.
func (c *Certificate) follow(ctx context.Context, listener string, expires *prometheus.GaugeVec, logger *slog.Logger) {
	gauge := expires.WithLabelValues(listener)
	ticker := time.NewTicker(c.interval)
	defer ticker.Stop()
	for {
		gauge.Set(float64(c.current.Load().Leaf.NotAfter.Unix()))
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		changed, err := c.reload()
		switch {
		case err != nil && err.Error() != c.problem:
			c.problem = err.Error()
			logger.Error("the files of a certificate cannot be used: the earlier certificate stays in use", "listener", listener, "error", err)
		case err == nil:
			c.problem = ""
		}
		if changed {
			logger.Info("the certificate was replaced", "listener", listener, "expires", c.current.Load().Leaf.NotAfter)
		}
	}
}

// config serves the current certificate.
func (c *Certificate) config() *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS12,
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
			return &c.current.Load().Certificate, nil
		},
	}
}

func newExpiry(reg prometheus.Registerer) *prometheus.GaugeVec {
	return promauto.With(reg).NewGaugeVec(prometheus.GaugeOpts{
		Name: "aftercall_tls_certificate_expires_timestamp_seconds",
		Help: "When the certificate of a listener expires, in Unix seconds, by listener; absent without TLS.",
	}, []string{"listener"})
}
