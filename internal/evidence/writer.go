package evidence

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"aftercall/internal/tencent"
)

const (
	// maxRequests is how many requests of an app wait to be written at once. Each app
	// has its own, so that one does not wait behind the burst of another.
	maxRequests = 64
	// maxEventsOfApp is about how many events of an app one transaction writes, so that
	// the events of others are not in a long one.
	maxEventsOfApp = 500
	// writeTimeout bounds one transaction.
	writeTimeout = 2 * time.Second
	// minOpenDelay and maxOpenDelay are between attempts to open the store.
	minOpenDelay = 200 * time.Millisecond
	maxOpenDelay = 5 * time.Second
	// openTimeout bounds one attempt, which may have to migrate.
	openTimeout = time.Minute
)

// ErrUnavailable is returned while the store cannot be opened or has too much to do.
var ErrUnavailable = errors.New("the store of the evidence is not available")

// Inserter is what a Writer writes to; *Store implements it.
type Inserter interface {
	Insert(ctx context.Context, events []Event) (added []bool, err error)
	Ping(ctx context.Context) error
	Close() error
}

// Writer writes the events of many requests in few transactions: those that come while
// one is written share the next. It opens the store by itself, as soon as it can.
// It is safe for concurrent use.
type Writer struct {
	open   func(context.Context) (Inserter, error)
	logger *slog.Logger
	cancel context.CancelFunc
	done   chan struct{}
	wake   chan struct{} // has room for one

	mu      sync.Mutex
	queues  map[tencent.SDKAppID][]*request
	places  map[tencent.SDKAppID]chan struct{}
	store   Inserter // nil until it is open
	problem error    // of the last attempt to open the store or to write
}

// request are the events of one request, which are of one app.
type request struct {
	ctx    context.Context //nolint:containedctx // whether anybody waits for it
	events []Event
	added  []bool
	done   chan error // has room for one
}

// NewWriter returns a Writer that works until Close, whenever ctx ends.
func NewWriter(ctx context.Context, open func(context.Context) (Inserter, error), logger *slog.Logger) *Writer {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	w := &Writer{
		open: open, logger: logger, cancel: cancel, done: make(chan struct{}), wake: make(chan struct{}, 1),
		queues: map[tencent.SDKAppID][]*request{}, places: map[tencent.SDKAppID]chan struct{}{},
	}
	go w.run(ctx)
	return w
}

// Keep returns once the events, which are of one app, are kept durably, and says of each
// whether it is new. It fails when ctx ends, and at once while the store is not open.
// An event that cannot be kept is a *tencent.FieldError. After any other error it is
// unknown whether the events were kept: the same ones can be kept again.
func (w *Writer) Keep(ctx context.Context, events []Event) (added []bool, err error) {
	if len(events) == 0 {
		return nil, nil
	}
	for _, e := range events {
		if err := e.Validate(); err != nil {
			return nil, err
		}
	}
	app := events[0].SDKAppID
	place, err := w.placeOf(app)
	if err != nil {
		return nil, err
	}
	select {
	case place <- struct{}{}:
		defer func() { <-place }()
	case <-ctx.Done():
		return nil, errors.Join(ErrUnavailable, ctx.Err())
	}
	r := &request{ctx: ctx, events: events, done: make(chan error, 1)}
	w.mu.Lock()
	w.queues[app] = append(w.queues[app], r)
	w.mu.Unlock()
	select {
	case w.wake <- struct{}{}:
	default:
	}
	select {
	case err := <-r.done:
		if err != nil {
			return nil, err
		}
		return r.added, nil
	case <-ctx.Done():
		return nil, errors.Join(ErrUnavailable, ctx.Err())
	}
}

// placeOf returns the places of an app, or ErrUnavailable.
func (w *Writer) placeOf(app tencent.SDKAppID) (chan struct{}, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.store == nil {
		return nil, errors.Join(ErrUnavailable, w.problem)
	}
	if w.places[app] == nil {
		w.places[app] = make(chan struct{}, maxRequests)
	}
	return w.places[app], nil
}

// Ready reports what keeps the writer from keeping events; nil if nothing does.
func (w *Writer) Ready(ctx context.Context) error {
	w.mu.Lock()
	store, problem := w.store, w.problem
	w.mu.Unlock()
	switch {
	case problem != nil:
		return problem
	case store == nil:
		return ErrUnavailable
	}
	return store.Ping(ctx)
}

// Close ends the writer. What waits is not kept, so call it after the last Keep.
func (w *Writer) Close() error {
	w.cancel()
	<-w.done
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.store == nil {
		return nil
	}
	store := w.store
	w.store = nil
	return store.Close()
}

func (w *Writer) run(ctx context.Context) {
	defer close(w.done)
	store := w.opened(ctx)
	if store == nil {
		return
	}
	for {
		select {
		case <-ctx.Done():
			return
		case <-w.wake:
		}
		for batch := w.take(); len(batch) > 0; batch = w.take() {
			w.write(ctx, store, batch)
		}
	}
}

// opened opens the store, and tries again until it can or ctx ends; then it is nil. An
// outage is logged once, and its end.
func (w *Writer) opened(ctx context.Context) Inserter {
	for delay := minOpenDelay; ; delay = min(2*delay, maxOpenDelay) {
		openCtx, cancel := context.WithTimeout(ctx, openTimeout)
		store, err := w.open(openCtx)
		cancel()
		if err == nil {
			w.mu.Lock()
			w.store = store
			w.mu.Unlock()
			w.report(ctx, nil)
			return store
		}
		w.report(ctx, err)
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(delay):
		}
	}
}

// report logs the first failure of several, and their end.
func (w *Writer) report(ctx context.Context, err error) {
	w.mu.Lock()
	before := w.problem
	w.problem = err
	w.mu.Unlock()
	switch {
	case ctx.Err() != nil:
	case err != nil && before == nil:
		w.logger.Error("evidence cannot be kept until its database works: Tencent's events are answered 503", "error", err)
	case err == nil && before != nil:
		w.logger.Info("evidence is kept again")
	}
}

// take removes what the next transaction writes: of each app the oldest requests, and
// nothing that nobody waits for any more.
func (w *Writer) take() []*request {
	w.mu.Lock()
	defer w.mu.Unlock()
	var batch []*request
	for app, queue := range w.queues {
		events := 0
		for len(queue) > 0 && events < maxEventsOfApp {
			if queue[0].ctx.Err() == nil {
				batch = append(batch, queue[0])
				events += len(queue[0].events)
			}
			queue = queue[1:]
		}
		if w.queues[app] = queue; len(queue) == 0 {
			delete(w.queues, app)
		}
	}
	return batch
}

// write writes the requests in one transaction and answers them.
func (w *Writer) write(ctx context.Context, store Inserter, batch []*request) {
	var events []Event
	for _, r := range batch {
		events = append(events, r.events...)
	}
	writeCtx, cancel := context.WithTimeout(ctx, writeTimeout)
	added, err := store.Insert(writeCtx, events)
	cancel()
	w.report(ctx, err)
	for _, r := range batch {
		if err == nil {
			r.added, added = added[:len(r.events)], added[len(r.events):]
		}
		r.done <- err
	}
}
