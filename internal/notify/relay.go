package notify

import (
	"context"
	"net/http"
	"net/url"
	"time"
)

// Relay passes callbacks on to an app's own backend. It makes one attempt per
// call and is safe for concurrent use.
type Relay struct {
	url  url.URL
	http *http.Client
	now  func() time.Time
}

// NewRelay returns a Relay to an address without a query. now is the time by which a
// date in an answer is understood.
func NewRelay(address string, client *http.Client, now func() time.Time) (*Relay, error) {
	parsed, err := url.Parse(address)
	if err != nil {
		return nil, withoutURL(err)
	}
	return &Relay{url: *parsed, http: client, now: now}, nil
}

// Send posts a callback once, with its query and body unchanged, byte for byte.
// The error is a *StatusError when the backend responded with another status than
// 2xx. An ActionStatus in its body is ignored: Tencent has had its response.
func (r *Relay) Send(ctx context.Context, query, contentType string, body []byte) error {
	to := r.url
	to.RawQuery = query
	header := http.Header{}
	if contentType != "" {
		header.Set("Content-Type", contentType)
	}
	resp, err := post(ctx, r.http, to.String(), header, body)
	if err != nil {
		return err
	}
	if !resp.ok() {
		return resp.statusError(r.now())
	}
	return nil
}
