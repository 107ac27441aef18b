package notify

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

// RequestTimeout bounds one delivery attempt, the specification's 15 s.
const RequestTimeout = 15 * time.Second

// maxAnswerSize is read of an answer, so that the connection can be kept.
const maxAnswerSize = 16 << 10

// MaxRetryAfter is the longest pause that a receiver may ask for.
const MaxRetryAfter = time.Hour

const (
	minWebhookKey    = 24
	maxWebhookKey    = 64
	webhookKeyPrefix = "whsec_"
	webhookKeyAdvice = "make one with: echo whsec_$(openssl rand -base64 32)"
)

// StatusError is an answer that is not 2xx.
type StatusError struct {
	Status int
	// RetryAfter is what the receiver asked for, 0 for nothing, MaxRetryAfter at most.
	RetryAfter time.Duration
	// Reason is the receiver's code where it has one, such as no_service.
	Reason string
	// Aborted says that the receiver does not want the event again: it sent the
	// header webhook-delivery, with abort-message or disable, which is proposed
	// for the specification (standard-webhooks pull request 291, Svix).
	Aborted bool
}

// Error gives the status. What the receiver wrote is not repeated, but for a code.
func (e *StatusError) Error() string {
	text := fmt.Sprintf("answered %d %s", e.Status, http.StatusText(e.Status))
	if e.Reason != "" {
		text += " (" + e.Reason + ")"
	}
	if e.Aborted {
		text += ", and wants no further attempt"
	}
	return text
}

// Permanent reports whether another attempt would be answered the same:
// everything but 2xx, 408, 409, 425, 429 and 5xx; and these if Aborted.
func (e *StatusError) Permanent() bool {
	if e.Aborted {
		return true
	}
	switch e.Status {
	case http.StatusRequestTimeout, http.StatusConflict, http.StatusTooEarly, http.StatusTooManyRequests:
		return false
	}
	return e.Status < 500
}

// Webhook posts events to one URL. It makes one attempt per call and is safe
// for concurrent use.
type Webhook struct {
	url     string
	signers []*standardwebhooks.Webhook
	http    *http.Client
	now     func() time.Time
}

// NewWebhook returns a Webhook that signs with every one of secrets
// (whsec_<base64>), so that a receiver can change from one to the next.
func NewWebhook(target string, secrets []string, client *http.Client) (*Webhook, error) {
	if len(secrets) == 0 {
		return nil, errors.New("a webhook needs a secret")
	}
	w := &Webhook{url: target, http: client, now: time.Now}
	for _, secret := range secrets {
		signer, err := standardwebhooks.NewWebhook(secret)
		if err != nil {
			return nil, errors.New("a webhook's secret must be whsec_ and base64")
		}
		w.signers = append(w.signers, signer)
	}
	return w, nil
}

var webhookKind = kind{
	required: []string{"url", "secrets"},
	optional: networkKeys,
	build: func(o Options, r *report) Sender {
		r.address(o.URL)
		if len(o.Secrets) == 0 {
			r.add("secrets", "must hold at least one signing secret; %s", webhookKeyAdvice)
		}
		for i, secret := range o.Secrets {
			text, prefixed := strings.CutPrefix(secret, webhookKeyPrefix)
			key, err := base64.StdEncoding.DecodeString(text)
			if !prefixed || err != nil || len(key) < minWebhookKey || len(key) > maxWebhookKey {
				r.add(fmt.Sprintf("secrets[%d]", i), "must be %s and base64 of %d to %d bytes; %s", webhookKeyPrefix, minWebhookKey, maxWebhookKey, webhookKeyAdvice)
			}
		}
		if r.failed() {
			return nil
		}
		w, err := NewWebhook(o.URL, o.Secrets, o.HTTP)
		if err != nil {
			r.add("secrets", "%s", err)
		}
		return w
	},
}

// Send delivers the event once. The error is a *StatusError when the receiver
// answered, and names neither the URL nor a secret.
func (w *Webhook) Send(ctx context.Context, messageID string, event Event) error {
	body, err := json.Marshal(event.withLists())
	if err != nil {
		return fmt.Errorf("encode event: %w", err)
	}
	header := http.Header{}
	if err := w.sign(header, messageID, body); err != nil {
		return err
	}
	a, err := post(ctx, w.http, w.url, header, body)
	if err != nil {
		return err
	}
	if !a.ok() {
		return a.statusError(w.now())
	}
	return nil
}

func (w *Webhook) sign(h http.Header, messageID string, body []byte) error {
	now := w.now()
	signatures := make([]string, len(w.signers))
	for i, signer := range w.signers {
		signature, err := signer.Sign(messageID, now, body)
		if err != nil {
			return fmt.Errorf("sign event: %w", err)
		}
		signatures[i] = signature
	}
	h.Set("Content-Type", "application/json")
	h.Set(standardwebhooks.HeaderWebhookID, messageID)
	h.Set(standardwebhooks.HeaderWebhookTimestamp, strconv.FormatInt(now.Unix(), 10))
	h.Set(standardwebhooks.HeaderWebhookSignature, strings.Join(signatures, " "))
	return nil
}

// retryAfter reads seconds or an HTTP date.
func retryAfter(header string, now time.Time) time.Duration {
	var pause time.Duration
	if seconds, err := strconv.ParseUint(header, 10, 31); err == nil {
		pause = time.Duration(seconds) * time.Second
	} else if at, err := http.ParseTime(header); err == nil {
		pause = at.Sub(now)
	}
	return min(max(pause, 0), MaxRetryAfter)
}

// withoutURL strips the URL from an error of net/http: some receivers carry a
// secret in it, and errors end up in logs and histories.
func withoutURL(err error) error {
	var urlErr *url.Error
	if errors.As(err, &urlErr) {
		return urlErr.Err
	}
	return err
}
