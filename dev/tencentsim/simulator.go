package tencentsim

import (
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

// The documented behaviour, which Options may change.
const (
	// DefaultRequestsPerSecond is the limit per API and SDKAppID. D:68926
	DefaultRequestsPerSecond = 200
	// DefaultRecordDelay is how long after its end a call has no record. D:68930
	DefaultRecordDelay = 5 * time.Second
	// DefaultRetention is how long a record is kept after the end. D:68931
	DefaultRetention = 7 * 24 * time.Hour
	// DefaultCallbackTimeout is how long an answer to a callback may take,
	// inferred from Tencent's other products.
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

// Options are the settings of a Simulator. Zero values mean Tencent's own.
type Options struct {
	Apps   []App
	Logger *slog.Logger
	// Now is the clock of the calls: their times, when records appear and
	// vanish, EventTime. Tests may move it.
	Now func() time.Time
	// Wall is the clock that is compared with the other side's: expiry of a
	// UserSig, RequestTime, rate windows, latencies. It is apart from Now so
	// that moving Now does not expire signatures.
	Wall func() time.Time
	// RequestsPerSecond is the limit per API and SDKAppID.
	RequestsPerSecond int
	// RecordDelay is how long after its end a call has no record; negative means none.
	RecordDelay     time.Duration
	Retention       time.Duration
	CallbackTimeout time.Duration
	// JournalPath names a file in which calls and callback configurations
	// survive a restart; empty means that they do not.
	JournalPath string
	// Seed makes shuffles and losses repeatable.
	Seed uint64
}

// Simulator is Tencent's side. It is an http.Handler and safe for concurrent use.
type Simulator struct {
	apps    map[tencent.SDKAppID]App
	log     *slog.Logger
	now     func() time.Time
	wall    func() time.Time
	limit   int
	delay   time.Duration
	keep    time.Duration
	http    *http.Client
	control http.Handler
	journal *journal

	ctx    context.Context // ends with Close: what is not yet posted is dropped
	cancel context.CancelFunc
	jobs   sync.WaitGroup

	mu        sync.Mutex
	closed    bool
	random    *rand.Rand
	loss      *rand.Rand
	calls     map[callKey]*call
	order     []*call // in order of placing
	callbacks map[tencent.SDKAppID]tencent.CallbackConfig
	faults    Faults
	rules     FilterRules
	meters    map[meterKey]*meter
	received  map[tencent.SDKAppID]*window
	sent      CallbackStats
	requests  uint64
	held      []*job
	holdTimer *time.Timer
	pending   int
	idle      chan struct{} // closed when pending is 0
}

type callKey struct {
	app    tencent.SDKAppID
	callID string
}

// New returns a Simulator with the content of its journal, if it has one.
// Callbacks that are not yet posted are dropped when ctx ends; Close must be
// called all the same.
func New(ctx context.Context, o Options) (*Simulator, error) {
	s := &Simulator{
		apps:      map[tencent.SDKAppID]App{},
		log:       o.Logger,
		now:       orNow(o.Now),
		wall:      orNow(o.Wall),
		limit:     orDefault(o.RequestsPerSecond, DefaultRequestsPerSecond),
		delay:     max(orDefault(o.RecordDelay, DefaultRecordDelay), 0),
		keep:      orDefault(o.Retention, DefaultRetention),
		http:      newCallbackClient(orDefault(o.CallbackTimeout, DefaultCallbackTimeout)),
		random:    rand.New(rand.NewPCG(o.Seed, 1)),
		calls:     map[callKey]*call{},
		callbacks: map[tencent.SDKAppID]tencent.CallbackConfig{},
		meters:    map[meterKey]*meter{},
		received:  map[tencent.SDKAppID]*window{},
		idle:      make(chan struct{}),
	}
	close(s.idle)
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
		return fmt.Errorf("apps: %s is there twice", app.SDKAppID)
	}
	if app.Administrator == "" {
		app.Administrator = DefaultAdministrator
	}
	s.apps[app.SDKAppID] = app
	return nil
}

// ServeHTTP serves Tencent's REST API and, below /control/, our own.
func (s *Simulator) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if strings.HasPrefix(r.URL.Path, "/control/") {
		s.control.ServeHTTP(w, r)
		return
	}
	s.serveREST(w, r)
}

// Wait returns when no callback is scheduled, held or under way.
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

// Close drops the callbacks that are not yet posted, waits for those that
// are (at most the callback timeout), and closes the journal.
func (s *Simulator) Close() error {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return nil
	}
	s.closed = true
	s.cancel()
	for range s.held {
		s.finish()
	}
	s.held = nil
	s.stopHoldTimer()
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

func orNow(now func() time.Time) func() time.Time {
	if now == nil {
		return time.Now
	}
	return now
}
