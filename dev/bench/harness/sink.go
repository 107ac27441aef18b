package harness

import (
	"encoding/json"
	"io"
	"net/http"
	"sync"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

// sink takes the webhooks, checks their signatures and counts them by call.
type sink struct {
	verifier *standardwebhooks.Webhook

	mu     sync.Mutex
	calls  map[string]*received
	forged int
	last   time.Time
}

// received is what came about one call.
type received struct {
	first time.Time
	// messages counts deliveries by message ID.
	messages map[string]int
}

func newSink(secret string) (*sink, error) {
	verifier, err := standardwebhooks.NewWebhook(secret)
	return &sink{verifier: verifier, calls: map[string]*received{}}, err
}

// ServeHTTP takes one event.
func (s *sink) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	at := time.Now()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, "cut off", http.StatusBadRequest)
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
		s.forged++
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	call := s.calls[event.Data.CallID]
	if call == nil {
		call = &received{first: at, messages: map[string]int{}}
		s.calls[event.Data.CallID] = call
	}
	call.messages[r.Header.Get(standardwebhooks.HeaderWebhookID)]++
	s.last = at
}

// count is of how many calls something came.
func (s *sink) count() (calls int, last time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.calls), s.last
}

// reset forgets everything.
func (s *sink) reset() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls, s.forged, s.last = map[string]*received{}, 0, time.Time{}
}
