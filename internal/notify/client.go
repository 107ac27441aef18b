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

// maxHeaderSize bounds the header of a response; the body is bounded where it is read.
const maxHeaderSize = 64 << 10

// Network is how a receiver may be reached. The zero value is the strictest.
type Network struct {
	// AllowPrivate permits private and loopback addresses.
	AllowPrivate bool
	// Proxy sends through the proxy of HTTPS_PROXY and the related variables. The
	// proxy resolves names itself, so checking addresses is up to it.
	Proxy bool
}

// NewHTTPClient returns a client for deliveries: RequestTimeout, keep-alive,
// only addresses that n permits, and no redirects, which would carry the signed
// event to an address that is not configured.
//
// Without n.Proxy the environment's proxy is not used: it could connect to any
// address, and the address check would see only that of the proxy.
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

// proxied sends through a proxy. Connections that bypass it are checked: NO_PROXY
// must not become a way around the address check.
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
		// The text of err may hold the proxy's password.
		return nil, errors.New("the proxy of the environment is not an address: check HTTPS_PROXY and HTTP_PROXY")
	case via == nil:
		return p.direct.RoundTrip(req)
	}
	if err := CheckHost(req.URL.Hostname(), p.allowPrivate); err != nil {
		return nil, err
	}
	return p.through.RoundTrip(req)
}
