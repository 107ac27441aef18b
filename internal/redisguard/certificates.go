package redisguard

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"

	"github.com/redis/go-redis/v9"
)

// Certificates are the files of a rediss:// connection, in the PEM format. Each is
// empty where it is not needed.
type Certificates struct {
	// CA has the authorities that signed the server's certificate; empty for those
	// of the system.
	CA string
	// Cert and Key prove to the server who connects.
	Cert, Key string
}

// WithCertificates makes a client use certificates. The client's own are read
// again at every connection, so that they can be renewed.
func WithCertificates(c Certificates) Option {
	return func(o *redis.Options) error {
		if c == (Certificates{}) {
			return nil
		}
		if o.TLSConfig == nil {
			return fmt.Errorf("AFTERCALL_REDIS_TLS_… has no use without a REDIS_URL that begins with rediss://")
		}
		if c.CA != "" {
			authorities, err := os.ReadFile(c.CA)
			if err != nil {
				return fmt.Errorf("AFTERCALL_REDIS_TLS_CA: %w", err)
			}
			o.TLSConfig.RootCAs = x509.NewCertPool()
			if !o.TLSConfig.RootCAs.AppendCertsFromPEM(authorities) {
				return fmt.Errorf("AFTERCALL_REDIS_TLS_CA: %s holds no certificate in the PEM format", c.CA)
			}
		}
		if c.Cert == "" {
			return nil
		}
		load := func() (*tls.Certificate, error) {
			pair, err := tls.LoadX509KeyPair(c.Cert, c.Key)
			if err != nil {
				return nil, fmt.Errorf("AFTERCALL_REDIS_TLS_CERT and AFTERCALL_REDIS_TLS_KEY: %w", err)
			}
			return &pair, nil
		}
		o.TLSConfig.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return load() }
		_, err := load()
		return err
	}
}
