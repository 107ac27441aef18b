package serve

import (
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"net/http/httptrace"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"aftercall/internal/testenv/testcert"
)

// secured is a server with a certificate, and the files of it.
type secured struct {
	*started
	certFile, keyFile string
	pool              *x509.CertPool
}

func startSecured(t *testing.T, connections int, pairs ...testcert.Pair) *secured {
	t.Helper()
	certFile, keyFile := pairs[0].Write(t, t.TempDir())
	certificate, err := LoadCertificate(certFile, keyFile)
	require.NoError(t, err)
	certificate.interval = 10 * time.Millisecond
	limits := DefaultLimits()
	limits.Header, limits.Connections = 300*time.Millisecond, connections
	return &secured{start(t, Listener{Handler: ok, Certificate: certificate, Limits: limits}), certFile, keyFile, testcert.Pool(pairs...)}
}

// served is the name in the certificate of a new connection, and the protocol of
// the answer.
func (s *secured) served() (name, protocol string) {
	s.t.Helper()
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: s.pool}, ForceAttemptHTTP2: true}
	defer transport.CloseIdleConnections()
	resp, err := (&http.Client{Transport: transport, Timeout: 30 * time.Second}).Get("https://" + s.address)
	require.NoError(s.t, err)
	require.NoError(s.t, resp.Body.Close())
	require.Equal(s.t, http.StatusOK, resp.StatusCode)
	return resp.TLS.PeerCertificates[0].Subject.CommonName, resp.Proto
}

func (s *secured) write(file string, content []byte) {
	s.t.Helper()
	require.NoError(s.t, os.WriteFile(file, content, 0o600))
}

// TestCertificateIsReplaced writes a new certificate, in halves, and breaks it.
func TestCertificateIsReplaced(t *testing.T) {
	first, second := testcert.New(t, "first"), testcert.New(t, "second")
	s := startSecured(t, 100, first, second)
	name, protocol := s.served()
	require.Equal(t, "first", name)
	require.Equal(t, "HTTP/2.0", protocol)

	logged := func(text string) {
		t.Helper()
		require.Eventually(t, func() bool { return strings.Contains(s.log.String(), text) }, 30*time.Second, time.Millisecond)
	}
	s.write(s.certFile, second.Cert) // its key follows later
	logged("private key does not match public key")
	name, _ = s.served()
	require.Equal(t, "first", name, "half of a pair is not used")
	s.write(s.keyFile, second.Key)
	logged("the certificate was replaced")
	name, _ = s.served()
	require.Equal(t, "second", name)

	s.write(s.certFile, second.Cert[:len(second.Cert)/2])
	logged("failed to find any PEM data")
	require.NoError(t, os.Remove(s.keyFile))
	logged("no such file")
	name, _ = s.served()
	require.Equal(t, "second", name)
	for _, problem := range []string{"does not match public key", "failed to find any PEM data"} {
		require.Equal(t, 1, strings.Count(s.log.String(), problem), "logged once")
	}
	require.InDelta(t, time.Now().Add(testcert.Lifetime).Unix(), s.expires(), 600)
}

// expires is the metric of the certificate.
func (s *secured) expires() float64 {
	s.t.Helper()
	families, err := s.reg.Gather()
	require.NoError(s.t, err)
	for _, family := range families {
		if family.GetName() == "aftercall_tls_certificate_expires_timestamp_seconds" {
			return family.GetMetric()[0].GetGauge().GetValue()
		}
	}
	require.Fail(s.t, "no metric")
	return 0
}

func TestHandshakesEnd(t *testing.T) {
	t.Parallel()
	s := startSecured(t, 100, testcert.New(t, "only"))
	requireClosed(t, s.open(""))
	requireClosed(t, s.open("\x16\x03\x01"))
	name, _ := s.served()
	require.Equal(t, "only", name)
}

// TestUsedTLSConnectionStays: one with requests on it outlives those that are only held.
func TestUsedTLSConnectionStays(t *testing.T) {
	const limit = 5
	s := startSecured(t, limit, testcert.New(t, "only"))
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: s.pool}, ForceAttemptHTTP2: true}
	defer transport.CloseIdleConnections()
	opened := 0
	ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{GotConn: func(info httptrace.GotConnInfo) {
		if !info.Reused {
			opened++
		}
	}})
	for held := range 20 {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://"+s.address, nil)
		require.NoError(t, err)
		resp, err := transport.RoundTrip(req)
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
		s.open("\x16")
		require.Eventually(t, func() bool { return s.evicted() >= held+2-limit }, 30*time.Second, time.Millisecond, "it is accepted")
	}
	require.Equal(t, 1, opened)
}

func TestUnusableCertificate(t *testing.T) {
	first, second := testcert.New(t, "first"), testcert.New(t, "second")
	certFile, _ := first.Write(t, t.TempDir())
	_, keyFile := second.Write(t, t.TempDir())
	_, err := LoadCertificate(certFile, keyFile)
	require.ErrorContains(t, err, "private key does not match public key")
	_, err = LoadCertificate(certFile, keyFile+".missing")
	require.ErrorContains(t, err, "no such file")
}
