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
	// Unsigned accepts any body, without a signature.
	Unsigned bool
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
	targets map[string]endpoint
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

// endpoint has a verifier, nil if it is a chat or unsigned.
type endpoint struct {
	verifier *standardwebhooks.Webhook
	chat     bool
}

type messageKey struct{ target, messageID string }

// New returns a Receiver for the targets.
func New(o Options) (*Receiver, error) {
	r := &Receiver{
		targets:  map[string]endpoint{},
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
	if t.Chat || t.Unsigned {
		r.targets[t.Name] = endpoint{chat: t.Chat}
		return nil
	}
	verifier, err := standardwebhooks.NewWebhook(t.Secret)
	if err != nil || t.Secret == "" {
		return fmt.Errorf("targets: the secret of %s must be whsec_ and base64", t.Name)
	}
	r.targets[t.Name] = endpoint{verifier: verifier}
	return nil
}

// ServeHTTP serves /hooks/{target} and the control API.
func (r *Receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	r.mux.ServeHTTP(w, req)
}

func (r *Receiver) routes() *http.ServeMux {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /hooks/{target}", r.receive)
	mux.HandleFunc("POST /hooks/{target}/{path...}", r.receive)
	r.controlRoutes(mux)
	return mux
}

func (r *Receiver) receive(w http.ResponseWriter, req *http.Request) {
	target := req.PathValue("target")
	endpoint, known := r.targets[target]
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
	answer := r.arrive(endpoint.arrival(target, req, body, r.now()))
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
	if endpoint.verifier == nil && answer.Status == http.StatusOK {
		_, _ = io.WriteString(w, accepted) // a sender that has left does not matter
	}
}

// accepted is how WeCom, DingTalk, Feishu and Stripe answer what they accept; to the
// others any answer is one.
const accepted = `{"errcode":0,"code":0}`

func (e endpoint) arrival(target string, req *http.Request, body []byte, at time.Time) Arrival {
	switch {
	case e.chat:
		return newChat(target, body, at)
	case e.verifier == nil:
		return newUnsigned(target, body, at)
	}
	valid := e.verifier.Verify(body, req.Header) == nil
	return newArrival(target, req.Header.Get(standardwebhooks.HeaderWebhookID), body, valid, at)
}
