// Package contestant contains other ways to do the job of aftercall, each written
// as the documentation of its engine suggests: acknowledge the callback, wait
// until five seconds after the end of the call, fetch the record, charge, notify.
//
// All use the same code for the work, that of aftercall where possible: decoder,
// REST client, rating, ledger, signature.
package contestant

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"aftercall/internal/billing"
	"aftercall/internal/config"
	"aftercall/internal/ledger"
	"aftercall/internal/tencent"
)

// Call is an ended call to be processed.
type Call struct {
	App    tencent.SDKAppID `json:"app"`
	CallID string           `json:"call_id"`
	// ReadyAt is when the record can be fetched.
	ReadyAt time.Time `json:"ready_at"`
}

// ID identifies the call in an engine, by app and CallId.
func (c Call) ID() string { return "call:" + c.App.String() + ":" + c.CallID }

// Wait returns the time until ReadyAt.
func (c Call) Wait() time.Duration { return max(0, time.Until(c.ReadyAt)) }

// Event is the body of the webhook.
type Event struct {
	Type string `json:"type"`
	Data struct {
		CallID      string   `json:"call_id"`
		Amount      string   `json:"amount"`
		Currency    string   `json:"currency"`
		LedgerKey   string   `json:"ledger_key"`
		Explanation []string `json:"explanation"`
	} `json:"data"`
}

// Work does the three steps, each of which is idempotent.
type Work struct {
	apps    map[tencent.SDKAppID]app
	ledger  *ledger.Ledger
	http    *http.Client
	webhook string
	signer  *standardwebhooks.Webhook
}

type app struct {
	name   string
	client *tencent.Client
	rater  *billing.Rater
}

// maxConcurrent is the number of idle connections kept to the record API and to
// the webhook.
const maxConcurrent = 200

// NewWork opens the ledger and prepares a client for every app.
func NewWork(ctx context.Context, s Settings) (*Work, error) {
	signer, err := standardwebhooks.NewWebhook(s.WebhookSecret)
	if err != nil {
		return nil, fmt.Errorf("webhook secret: %w", err)
	}
	store, err := ledger.Open(ctx, s.LedgerURL, ledger.Options{})
	if err != nil {
		return nil, err
	}
	w := &Work{
		apps: map[tencent.SDKAppID]app{}, ledger: store, webhook: s.WebhookURL, signer: signer,
		http: &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: maxConcurrent}},
	}
	shared := tencent.NewHTTPClient(maxConcurrent)
	for i := range s.Config.Apps {
		if err := w.add(&s.Config.Apps[i], shared); err != nil {
			return nil, errors.Join(err, store.Close())
		}
	}
	return w, nil
}

func (w *Work) add(a *config.App, shared *http.Client) error {
	rater, err := a.Rater()
	if err != nil {
		return err
	}
	w.apps[a.SDKAppID] = app{name: a.Name, rater: rater, client: tencent.NewClient(tencent.ClientOptions{
		SDKAppID: a.SDKAppID, BaseURL: a.APIBaseURL(), Identifier: a.Identifier,
		SecretKey: a.SecretKey.Reveal(), HTTP: shared,
	})}
	return nil
}

// Close closes the ledger.
func (w *Work) Close() error { return w.ledger.Close() }

// Fetch fetches the call's record.
func (w *Work) Fetch(ctx context.Context, c Call) (tencent.CallRecord, error) {
	return w.apps[c.App].client.Record(ctx, c.CallID)
}

// Charge rates the record and books the charge, at most once per call.
func (w *Work) Charge(ctx context.Context, c Call, record tencent.CallRecord) (Event, error) {
	a := w.apps[c.App]
	charge, err := a.rater.Rate(record, time.Now())
	if err != nil {
		return Event{}, err
	}
	entry, _, err := w.ledger.Charge(ctx, ledger.Entry{
		SDKAppID: c.App, App: a.name, Record: record, Charge: charge, WorkflowID: c.ID(), FirstRunID: c.ID(),
	})
	if err != nil {
		return Event{}, err
	}
	event := Event{Type: "call.charged"}
	event.Data.CallID = c.CallID
	event.Data.Amount, event.Data.Currency = entry.Charge.Amount.Number(), entry.Charge.Amount.CurrencyCode()
	event.Data.LedgerKey = entry.Key
	for _, step := range entry.Charge.Steps {
		event.Data.Explanation = append(event.Data.Explanation, step.Text)
	}
	return event, nil
}

// Notify posts the signed event, with the same message ID in every attempt.
func (w *Work) Notify(ctx context.Context, c Call, event Event) error {
	body, err := json.Marshal(event)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, w.webhook, bytes.NewReader(body))
	if err != nil {
		return err
	}
	now := time.Now()
	signature, err := w.signer.Sign(c.ID(), now, body)
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set(standardwebhooks.HeaderWebhookID, c.ID())
	req.Header.Set(standardwebhooks.HeaderWebhookTimestamp, strconv.FormatInt(now.Unix(), 10))
	req.Header.Set(standardwebhooks.HeaderWebhookSignature, signature)
	resp, err := w.http.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("the webhook answered %d", resp.StatusCode)
	}
	return nil
}

// Process does all three steps, for engines that run a job as a whole.
func (w *Work) Process(ctx context.Context, c Call) error {
	record, err := w.Fetch(ctx, c)
	if err != nil {
		return err
	}
	event, err := w.Charge(ctx, c, record)
	if err != nil {
		return err
	}
	return w.Notify(ctx, c, event)
}
