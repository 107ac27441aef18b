package notify

import (
	"errors"
	"net"
	"net/http"
	"net/url"
	"time"
)

// RequestTimeout bounds one delivery attempt: 15 s, as Standard Webhooks recommend.
const RequestTimeout = 15 * time.Second

// maxHeaderSize bounds the header of an answer. What is read of its body is
// bounded where it is read.
const maxHeaderSize = 64 << 10

// Network is how a receiver may be reached. The zero value is the guarded one.
type Network struct {
	// AllowPrivate permits private and loopback addresses.
	AllowPrivate bool
	// Proxy sends through the proxy that HTTPS_PROXY and its like name. The
	// proxy resolves names itself, so that guarding addresses is left to it.
	Proxy bool
}

// NewHTTPClient returns a client for deliveries: RequestTimeout, keep-alive,
// only addresses that n permits, and no redirects, which would carry the signed
// event to an address nobody configured.
//
// Without n.Proxy the environment's proxy is not used: it would connect to
// whatever address it pleases, and the guard would see that of the proxy only.
func NewHTTPClient(n Network) *http.Client {
	return newHTTPClient(n, NewDialer(n.AllowPrivate), http.ProxyFromEnvironment)
}

func newHTTPClient(n Network, guarded *net.Dialer, proxy proxyFunc) *http.Client {
	var transport http.RoundTripper = newTransport(guarded)
	if n.Proxy {
		through := newTransport(&net.Dialer{Timeout: dialTimeout})
		through.Proxy = proxy
		transport = &proxied{direct: transport, through: through, proxy: proxy, allowPrivate: n.AllowPrivate}
	}
	return &http.Client{
		Timeout:       RequestTimeout,
		Transport:     transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

func newTransport(dialer *net.Dialer) *http.Transport {
	return &http.Transport{
		DialContext:            dialer.DialContext,
		MaxIdleConnsPerHost:    64,
		IdleConnTimeout:        90 * time.Second,
		TLSHandshakeTimeout:    dialTimeout,
		MaxResponseHeaderBytes: maxHeaderSize,
		ForceAttemptHTTP2:      true,
	}
}

type proxyFunc func(*http.Request) (*url.URL, error)

// proxied sends through a proxy, and guards what does not go there: NO_PROXY
// must not become a way around the guard.
type proxied struct {
	direct       http.RoundTripper
	through      *http.Transport
	proxy        proxyFunc
	allowPrivate bool
}

// RoundTrip implements http.RoundTripper.
func (p *proxied) RoundTrip(req *http.Request) (*http.Response, error) {
	via, err := p.proxy(req)
	switch {
	case err != nil:
		// Its words may hold the proxy's password.
		return nil, errors.New("the proxy of the environment is not an address: check HTTPS_PROXY and HTTP_PROXY")
	case via == nil:
		return p.direct.RoundTrip(req)
	}
	if err := CheckHost(req.URL.Hostname(), p.allowPrivate); err != nil {
		return nil, err
	}
	return p.through.RoundTrip(req)
}
