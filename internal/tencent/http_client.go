package tencent

import (
	"net/http"
	"time"
)

// RequestTimeout limits one HTTP request. It must be longer than the 3 s after
// which Tencent's backend gives up. D:68926
const RequestTimeout = 5 * time.Second

// NewHTTPClient returns an HTTP client for the REST API with RequestTimeout and
// keep-alive connections for maxConcurrent requests. It follows no redirects,
// which would send the UserSig in the query elsewhere.
func NewHTTPClient(maxConcurrent int) *http.Client {
	transport := &http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
		MaxIdleConns:          maxConcurrent,
		MaxIdleConnsPerHost:   maxConcurrent,
		IdleConnTimeout:       90 * time.Second,
		TLSHandshakeTimeout:   RequestTimeout,
		ForceAttemptHTTP2:     true,
		ExpectContinueTimeout: time.Second,
	}
	return &http.Client{
		Transport:     transport,
		Timeout:       RequestTimeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}
