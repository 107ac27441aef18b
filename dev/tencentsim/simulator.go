package tencentsim

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"time"

	"aftercall/internal/tencent"
)

// Tencent's behaviour.
const (
	// RequestsPerSecond is the limit per API and SDKAppID. D:68926
	RequestsPerSecond = 200
	// RecordDelay is how long after its end a call has no record. D:68930
	RecordDelay = 5 * time.Second
	// Retention is how long a record is kept after the end. D:68931
	Retention = 7 * 24 * time.Hour
	// DefaultCallbackTimeout is inferred from Tencent's other products.
	DefaultCallbackTimeout = 2 * time.Second
	// DefaultAdministrator is the account that signs REST requests.
	DefaultAdministrator = "administrator"
)

// ErrClosed is returned by a Simulator after Close.
var ErrClosed = errors.New("the simulator is closed")

// App is one SDKAppID that the simulator serves.
type App struct {
	SDKAppID  tencent.SDKAppID
	SecretKey string
	// Administrator is the only account that may use the REST API;
	// DefaultAdministrator when empty.
	Administrator string
	// CallbackToken makes callbacks carry Sign and RequestTime; empty means unsigned.
	CallbackToken string
}

// Options are the settings of a Simulator.
type Options struct {
	Apps   []App
	Logger *slog.Logger
	// JournalPath is a file in which calls and callback configurations survive
	// a restart; empty for none.
	JournalPath string
	// Callbacks posts the callbacks; nil posts them over the network.
	Callbacks http.RoundTripper
	// CallbackTimeout is how long a receiver may take to answer a callback;
	// DefaultCallbackTimeout when 0.
	CallbackTimeout time.Duration
	// RoomRetry is between two attempts to post a room's webhook; DefaultRoomRetry when 0.
	RoomRetry time.Duration
}

// Simulator is a simulated Tencent. It is an http.Handler and safe for concurrent use.
type Simulator struct {
	apps map[tencent.SDKAppID]App
	log  *slog.Logger
	// now is the clock of the calls: their times, EventTime, when records
	// appear and expire. wall is the clock of everything else: UserSigs,
	// RequestTime, rate limits, latencies. Tests move them separately.
	now, wall func() time.Time
	limit     int
	http      *http.Client
	timeout   time.Duration // for the answer to a callback
	control   http.Handler
	journal   *journal
	roomRetry time.Duration

	ctx    context.Context // ends with Close; callbacks not yet posted are dropped
	cancel context.CancelFunc
	jobs   sync.WaitGroup

	mu        sync.Mutex
	closed    bool
	random    *rand.Rand
	loss      *rand.Rand
	calls     map[callKey]*call
	order     []*call // in order of placing
	callbacks map[tencent.SDKAppID]tencent.CallbackConfig
	roomHooks map[tencent.SDKAppID]RoomWebhook
	faults    Faults
	rules     FilterRules
	meters    map[meterKey]*meter
	received  map[tencent.SDKAppID]*window
	sent      CallbackStats
	requests  uint64
	pending   int
	idle      chan struct{} // closed when pending is 0
}

type callKey struct {
	app    tencent.SDKAppID
	callID string
}

// New returns a Simulator with the content of its journal, if it has one.
// Callbacks that have not been posted are dropped when ctx ends; Close must
// still be called.
func New(ctx context.Context, o Options) (*Simulator, error) {
	s := &Simulator{
		apps:      map[tencent.SDKAppID]App{},
		log:       o.Logger,
		now:       time.Now,
		wall:      time.Now,
		limit:     RequestsPerSecond,
		http:      newCallbackClient(),
		timeout:   cmp.Or(o.CallbackTimeout, DefaultCallbackTimeout),
		random:    rand.New(rand.NewPCG(1, 1)),
		calls:     map[callKey]*call{},
		callbacks: map[tencent.SDKAppID]tencent.CallbackConfig{},
		roomHooks: map[tencent.SDKAppID]RoomWebhook{},
		roomRetry: cmp.Or(o.RoomRetry, DefaultRoomRetry),
		meters:    map[meterKey]*meter{},
		received:  map[tencent.SDKAppID]*window{},
		idle:      make(chan struct{}),
	}
	close(s.idle)
	if o.Callbacks != nil {
		s.http.Transport = o.Callbacks
	}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	for _, app := range o.Apps {
		if err := s.addApp(app); err != nil {
			return nil, err
		}
	}
	if len(s.apps) == 0 {
		return nil, errors.New("apps: at least one SDKAppID is needed")
	}
	if err := s.SetFilterRules(FilterRules{}); err != nil {
		return nil, err
	}
	if err := s.SetFaults(Faults{}); err != nil {
		return nil, err
	}
	if o.JournalPath != "" {
		j, err := openJournal(o.JournalPath, s.restore)
		if err != nil {
			return nil, err
		}
		s.journal = j
	}
	s.ctx, s.cancel = context.WithCancel(ctx)
	s.control = s.controlAPI()
	return s, nil
}

func (s *Simulator) addApp(app App) error {
	switch _, twice := s.apps[app.SDKAppID]; {
	case app.SDKAppID == 0:
		return errors.New("apps: SDKAppID must not be 0")
	case app.SecretKey == "":
		return fmt.Errorf("apps: %s needs a SecretKey", app.SDKAppID)
	case twice:
		return fmt.Errorf("apps: %s is listed twice", app.SDKAppID)
	}
	if app.Administrator == "" {
		app.Administrator = DefaultAdministrator
	}
	s.apps[app.SDKAppID] = app
	return nil
}

// ServeHTTP serves Tencent's REST API and, below /control/, the control API.
func (s *Simulator) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if strings.HasPrefix(r.URL.Path, "/control/") {
		s.control.ServeHTTP(w, r)
		return
	}
	s.serveREST(w, r)
}

// Wait returns when no callback is scheduled or in progress.
func (s *Simulator) Wait(ctx context.Context) error {
	for {
		s.mu.Lock()
		pending, idle := s.pending, s.idle
		s.mu.Unlock()
		if pending == 0 {
			return nil
		}
		select {
		case <-idle:
		case <-ctx.Done():
			return fmt.Errorf("%d callbacks are still pending: %w", pending, ctx.Err())
		}
	}
}

// Close drops the callbacks that have not been posted, waits for those in
// progress (at most the timeout of callbacks), and closes the journal.
func (s *Simulator) Close() error {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return nil
	}
	s.closed = true
	s.cancel()
	s.mu.Unlock()

	s.jobs.Wait()
	s.http.CloseIdleConnections()
	return s.journal.close()
}

func orDefault[T comparable](value, fallback T) T {
	var zero T
	if value == zero {
		return fallback
	}
	return value
}
