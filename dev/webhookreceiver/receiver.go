package webhookreceiver

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

const (
	// DefaultKeep is the number of arrivals that are stored with their bodies.
	DefaultKeep = 1000
	// maxBodySize is the largest accepted event, in bytes.
	maxBodySize = 1 << 20
)

// Target is an endpoint, /hooks/{Name}.
type Target struct {
	Name string
	// Secret is whsec_ followed by base64.
	Secret string
	// Chat makes it the incoming webhook of a chat, which accepts any JSON with a
	// text, without a signature.
	Chat bool
}

// Options are the settings of a Receiver.
type Options struct {
	Targets []Target
	// Keep is the number of arrivals that are stored with their bodies; DefaultKeep
	// when 0. Counts and Messages include all arrivals.
	Keep int
	// Lines receives a readable line about each arrival, without account names; nil
	// for none.
	Lines io.Writer
	// Now is the clock of arrivals. Signatures are always checked against the wall clock.
	Now func() time.Time
}

// Receiver is an http.Handler, safe for concurrent use. It has no goroutines.
type Receiver struct {
	targets map[string]*standardwebhooks.Webhook // nil for a chat
	keep    int
	lines   io.Writer
	now     func() time.Time
	mux     *http.ServeMux

	mu       sync.Mutex
	arrivals []Arrival
	messages map[messageKey]*Message
	order    []*Message
	counts   map[string]*Counts
	failures []Failure
}

type messageKey struct{ target, messageID string }

// New returns a Receiver for the targets.
func New(o Options) (*Receiver, error) {
	r := &Receiver{
		targets:  map[string]*standardwebhooks.Webhook{},
		keep:     o.Keep,
		lines:    o.Lines,
		now:      o.Now,
		messages: map[messageKey]*Message{},
		counts:   map[string]*Counts{},
	}
	if r.keep <= 0 {
		r.keep = DefaultKeep
	}
	if r.lines == nil {
		r.lines = io.Discard
	}
	if r.now == nil {
		r.now = time.Now
	}
	for _, target := range o.Targets {
		if err := r.addTarget(target); err != nil {
			return nil, err
		}
	}
	if len(r.targets) == 0 {
		return nil, errors.New("targets: at least one is needed")
	}
	r.mux = r.routes()
	return r, nil
}

func (r *Receiver) addTarget(t Target) error {
	if t.Name == "" {
		return errors.New("targets: a target needs a name")
	}
	if _, twice := r.targets[t.Name]; twice {
		return fmt.Errorf("targets: %s is listed twice", t.Name)
	}
	if t.Chat {
		r.targets[t.Name] = nil
		return nil
	}
	verifier, err := standardwebhooks.NewWebhook(t.Secret)
	if err != nil || t.Secret == "" {
		return fmt.Errorf("targets: the secret of %s must be whsec_ and base64", t.Name)
	}
	r.targets[t.Name] = verifier
	return nil
}

// ServeHTTP serves /hooks/{target} and the control API.
func (r *Receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	r.mux.ServeHTTP(w, req)
}

func (r *Receiver) routes() *http.ServeMux {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /hooks/{target}", r.receive)
	r.controlRoutes(mux)
	return mux
}

func (r *Receiver) receive(w http.ResponseWriter, req *http.Request) {
	target := req.PathValue("target")
	verifier, known := r.targets[target]
	if !known {
		http.NotFound(w, req)
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, req.Body, maxBodySize))
	if tooLarge := new(http.MaxBytesError); errors.As(err, &tooLarge) {
		http.Error(w, "the event is larger than 1 MiB", http.StatusRequestEntityTooLarge)
		return
	}
	if err != nil {
		http.Error(w, "the event was cut off", http.StatusBadRequest)
		return
	}
	arrival := newChat(target, body, r.now())
	if verifier != nil {
		valid := verifier.Verify(body, req.Header) == nil
		arrival = newArrival(target, req.Header.Get(standardwebhooks.HeaderWebhookID), body, valid, r.now())
	}
	answer := r.arrive(arrival)
	if answer.DelayMS > 0 {
		timer := time.NewTimer(time.Duration(answer.DelayMS) * time.Millisecond)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-req.Context().Done(): // the client has disconnected
		}
	}
	if answer.Reset {
		panic(http.ErrAbortHandler) // net/http's way to close the connection
	}
	if answer.RetryAfter != "" {
		w.Header().Set("Retry-After", answer.RetryAfter)
	}
	w.WriteHeader(answer.Status)
}
