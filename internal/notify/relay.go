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

// NewRelay returns a Relay to an address without a query.
func NewRelay(address string, client *http.Client) (*Relay, error) {
	parsed, err := url.Parse(address)
	if err != nil {
		return nil, withoutURL(err)
	}
	return &Relay{url: *parsed, http: client, now: time.Now}, nil
}

// Send posts a callback once, its query and body byte for byte as they came.
// The error is a *StatusError when the backend answered. What it answered is not
// read for Tencent's ActionStatus: Tencent has had its answer.
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
