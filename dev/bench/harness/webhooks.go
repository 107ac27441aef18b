package harness

import (
	"encoding/json"
	"io"
	"net/http"
	"sync"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

// webhookCounter receives the webhooks, checks their signatures and counts them
// by call.
type webhookCounter struct {
	verifier *standardwebhooks.Webhook

	mu            sync.Mutex
	calls         map[string]*callWebhooks
	badSignatures int
	last          time.Time
}

// callWebhooks are the webhooks about one call.
type callWebhooks struct {
	first time.Time
	// messages counts requests by message ID.
	messages map[string]int
}

func newWebhookCounter(secret string) (*webhookCounter, error) {
	verifier, err := standardwebhooks.NewWebhook(secret)
	return &webhookCounter{verifier: verifier, calls: map[string]*callWebhooks{}}, err
}

// ServeHTTP receives one event.
func (s *webhookCounter) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	at := time.Now()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, "the body could not be read", http.StatusBadRequest)
		return
	}
	var event struct {
		Data struct {
			CallID string `json:"call_id"`
		} `json:"data"`
	}
	valid := s.verifier.Verify(body, r.Header) == nil && json.Unmarshal(body, &event) == nil
	s.mu.Lock()
	defer s.mu.Unlock()
	if !valid {
		s.badSignatures++
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	call := s.calls[event.Data.CallID]
	if call == nil {
		call = &callWebhooks{first: at, messages: map[string]int{}}
		s.calls[event.Data.CallID] = call
	}
	call.messages[r.Header.Get(standardwebhooks.HeaderWebhookID)]++
	s.last = at
}

// count returns the number of calls with a webhook, and when the last webhook came.
func (s *webhookCounter) count() (calls int, last time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.calls), s.last
}

// reset sets all counts to zero.
func (s *webhookCounter) reset() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls, s.badSignatures, s.last = map[string]*callWebhooks{}, 0, time.Time{}
}
