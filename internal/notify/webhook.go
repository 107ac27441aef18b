package notify

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"aftercall/internal/secret"
)

// TypeWebhook is a signed POST of the event (www.standardwebhooks.com).
const TypeWebhook Type = "webhook"

var webhookChannel = Channel{
	Type: TypeWebhook,
	Doc:  "a POST of the event, signed as [Standard Webhooks](https://www.standardwebhooks.com) specify",
	Example: `- name: crm
  type: webhook
  url: https://crm.example.com/hooks/aftercall
  secrets: ["${CRM_WEBHOOK_SECRET}"]
`,
	NewOptions: func() Options { return new(WebhookOptions) },
}

// WebhookOptions are the options of targets of type webhook.
type WebhookOptions struct {
	URL     secret.Text   `yaml:"url" required:"true" doc:"Address that receives the POST, https:// or http://."`
	Secrets []secret.Text `yaml:"secrets" required:"true" doc:"Signing secrets, whsec_ and base64 of 24 to 64 bytes. Each of them signs, so that a receiver can change from one to the next."`
	HTTPOptions
}

const (
	minWebhookKey    = 24
	maxWebhookKey    = 64
	webhookKeyPrefix = "whsec_"
	webhookKeyAdvice = "make one with: echo whsec_$(openssl rand -base64 32)"
)

// address implements Options.
func (o *WebhookOptions) address() string { return o.URL.Reveal() }

// newSender implements Options.
func (o *WebhookOptions) newSender(s *setup) Sender {
	s.url(o.URL)
	if len(o.Secrets) == 0 {
		s.report("secrets", "must hold at least one signing secret; %s", webhookKeyAdvice)
	}
	secrets := make([]string, len(o.Secrets))
	for i, signing := range o.Secrets {
		secrets[i] = signing.Reveal()
		text, prefixed := strings.CutPrefix(secrets[i], webhookKeyPrefix)
		key, err := base64.StdEncoding.DecodeString(text)
		if !prefixed || err != nil || len(key) < minWebhookKey || len(key) > maxWebhookKey {
			s.report(fmt.Sprintf("secrets[%d]", i), "must be %s and base64 of %d to %d bytes; %s", webhookKeyPrefix, minWebhookKey, maxWebhookKey, webhookKeyAdvice)
		}
	}
	if len(s.problems) > 0 {
		return nil
	}
	w, err := NewWebhook(o.URL.Reveal(), secrets, s.http)
	if err != nil {
		s.report("secrets", "%s", err)
		return nil
	}
	w.now = s.now
	return w
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
	resp, err := post(ctx, w.http, w.url, header, body)
	if err != nil {
		return err
	}
	if !resp.ok() {
		return resp.statusError(w.now())
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
