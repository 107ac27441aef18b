package evidence_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"aftercall/internal/evidence"
	"aftercall/internal/tencent"
)

// patience is for a busy machine.
const patience = 20 * time.Second

func newWriter(t *testing.T, store evidence.Inserter) *evidence.Writer {
	t.Helper()
	return newOpeningWriter(t, func(context.Context) (evidence.Inserter, error) { return store, nil })
}

func newOpeningWriter(t *testing.T, open func(context.Context) (evidence.Inserter, error)) *evidence.Writer {
	t.Helper()
	w := evidence.NewWriter(t.Context(), open, slog.New(slog.DiscardHandler))
	t.Cleanup(func() { require.NoError(t, w.Close()) })
	return w
}

func ready(t *testing.T, w *evidence.Writer) {
	t.Helper()
	require.Eventually(t, func() bool { return w.Ready(context.Background()) == nil }, patience, time.Millisecond)
}

// fakeStore counts transactions, and can be slow or down.
type fakeStore struct {
	mu     sync.Mutex
	sizes  []int
	apps   [][]tencent.SDKAppID
	down   error
	hold   chan struct{} // unless nil, Insert waits until it is closed
	inside atomic.Int32
	closed bool
}

func (f *fakeStore) Insert(ctx context.Context, events []evidence.Event) ([]bool, error) {
	f.inside.Add(1)
	defer f.inside.Add(-1)
	f.mu.Lock()
	hold := f.hold
	f.mu.Unlock()
	if hold != nil {
		select {
		case <-hold:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.down != nil {
		return nil, f.down
	}
	f.sizes = append(f.sizes, len(events))
	var apps []tencent.SDKAppID
	added := make([]bool, len(events))
	for i, e := range events {
		apps = append(apps, e.SDKAppID)
		added[i] = e.User != "known"
	}
	f.apps = append(f.apps, apps)
	return added, nil
}

func (*fakeStore) Ping(context.Context) error { return nil }

func (f *fakeStore) Close() error {
	f.closed = true
	return nil
}

// TestRequestsShareTransactions: what comes while one is written is in the next.
func TestRequestsShareTransactions(t *testing.T) {
	store := &fakeStore{hold: make(chan struct{})}
	w := newWriter(t, store)
	ready(t, w)
	var requests sync.WaitGroup
	keep := func(user string, want bool) {
		requests.Go(func() {
			added, err := w.Keep(t.Context(), []evidence.Event{member(user, evidence.KindJoined, 0)})
			require.NoError(t, err)
			require.Equal(t, []bool{want}, added)
		})
	}
	keep("first", true)
	require.Eventually(t, func() bool { return store.inside.Load() == 1 }, patience, time.Millisecond)
	for i := range 20 {
		keep(fmt.Sprint(i), true)
	}
	keep("known", false)
	require.Eventually(t, func() bool { return w.Waiting(app) == 21 }, patience, time.Millisecond)
	close(store.hold)
	requests.Wait()
	require.Equal(t, []int{1, 21}, store.sizes)
}

// TestOneAppDoesNotHoldUpAnother floods one app.
func TestOneAppDoesNotHoldUpAnother(t *testing.T) {
	store := &fakeStore{hold: make(chan struct{})}
	w := newWriter(t, store)
	ready(t, w)
	var requests sync.WaitGroup
	for i := range 200 {
		requests.Go(func() {
			events := make([]evidence.Event, 300)
			for j := range events {
				events[j] = member(fmt.Sprint(i), evidence.KindJoined, time.Duration(j)*time.Second)
			}
			_, err := w.Keep(t.Context(), events)
			require.NoError(t, err)
		})
	}
	require.Eventually(t, func() bool {
		return w.Waiting(app) == evidence.MaxRequests-1 || w.Waiting(app) == evidence.MaxRequests-2
	}, patience, time.Millisecond)
	requests.Go(func() {
		other := member("bob", evidence.KindJoined, 0)
		other.SDKAppID++
		_, err := w.Keep(t.Context(), []evidence.Event{other})
		require.NoError(t, err)
	})
	require.Eventually(t, func() bool { return w.Waiting(app+1) == 1 }, patience, time.Millisecond)
	close(store.hold)
	requests.Wait()
	require.Contains(t, store.apps[1], app+1, "it is in the next transaction, whatever waits of the other app")
	require.LessOrEqual(t, len(store.apps[1]), 2*300+1)
}

// TestOutage answers at once while the store cannot be opened, fails what it cannot
// write, and recovers.
func TestOutage(t *testing.T) {
	errDown := errors.New("down")
	store := &fakeStore{}
	var up atomic.Bool
	w := newOpeningWriter(t, func(context.Context) (evidence.Inserter, error) {
		if !up.Load() {
			return nil, errDown
		}
		return store, nil
	})
	events := []evidence.Event{member("alice", evidence.KindJoined, 0)}
	_, err := w.Keep(t.Context(), events)
	require.ErrorIs(t, err, evidence.ErrUnavailable)
	require.Eventually(t, func() bool { return errors.Is(w.Ready(t.Context()), errDown) }, patience, time.Millisecond)
	up.Store(true)
	ready(t, w)
	store.mu.Lock()
	store.down = errDown
	store.mu.Unlock()
	_, err = w.Keep(t.Context(), events)
	require.ErrorIs(t, err, errDown)
	require.ErrorIs(t, w.Ready(t.Context()), errDown)
	store.mu.Lock()
	store.down = nil
	store.mu.Unlock()
	_, err = w.Keep(t.Context(), events)
	require.NoError(t, err)
	ready(t, w)
}

// TestNobodyWaitsForASlowStore: a request ends with its context, and what nobody waits
// for any more is not written.
func TestNobodyWaitsForASlowStore(t *testing.T) {
	store := &fakeStore{hold: make(chan struct{})}
	w := newWriter(t, store)
	ready(t, w)
	ctx, cancel := context.WithCancel(t.Context())
	failed := make(chan error, 2)
	keep := func() {
		_, err := w.Keep(ctx, []evidence.Event{member("alice", evidence.KindJoined, 0)})
		failed <- err
	}
	go keep()
	require.Eventually(t, func() bool { return store.inside.Load() == 1 }, patience, time.Millisecond)
	go keep()
	require.Eventually(t, func() bool { return w.Waiting(app) == 1 }, patience, time.Millisecond)
	cancel()
	require.ErrorIs(t, <-failed, context.Canceled)
	require.ErrorIs(t, <-failed, context.Canceled)
	close(store.hold)
	_, err := w.Keep(t.Context(), []evidence.Event{member("bob", evidence.KindJoined, 0)})
	require.NoError(t, err)
	require.Equal(t, []int{1, 1}, store.sizes)
}

func TestWriterRefusesWhatCannotBeKept(t *testing.T) {
	w := newWriter(t, &fakeStore{})
	ready(t, w)
	_, err := w.Keep(t.Context(), []evidence.Event{{}})
	require.ErrorAs(t, err, new(*tencent.FieldError))
	added, err := w.Keep(t.Context(), nil)
	require.NoError(t, err)
	require.Empty(t, added)
}

// testManyWriters has two processes, as far as the database can tell, that get the same
// events in another order, while a third deletes.
func testManyWriters(t *testing.T, url string, _ *sql.DB) {
	a, b, c := open(t, url), open(t, url), open(t, url)
	writers := []*evidence.Writer{newWriter(t, keepOpen{a}), newWriter(t, keepOpen{b})}
	for _, w := range writers {
		ready(t, w)
	}
	const n = 60
	var fresh atomic.Int32
	var requests sync.WaitGroup
	for i := range n {
		for j, w := range writers {
			number := i
			if j == 1 {
				number = n - 1 - i
			}
			requests.Go(func() {
				added, err := w.Keep(t.Context(), []evidence.Event{
					member("alice", evidence.KindJoined, time.Duration(number)*time.Second),
					member("alice", evidence.KindLeft, time.Duration(number)*time.Second+time.Millisecond),
				})
				require.NoError(t, err)
				for _, isNew := range added {
					if isNew {
						fresh.Add(1)
					}
				}
			})
		}
	}
	requests.Go(func() {
		_, err := c.DeleteBefore(t.Context(), noon)
		require.NoError(t, err)
	})
	requests.Wait()
	require.EqualValues(t, 2*n, fresh.Load())
	require.Len(t, all(t, c, evidence.Call{SDKAppID: app, CallID: "call-1"}), 2*n)
}

// keepOpen leaves closing to the test.
type keepOpen struct{ *evidence.Store }

func (keepOpen) Close() error { return nil }
