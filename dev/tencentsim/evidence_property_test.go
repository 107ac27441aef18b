package tencentsim

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"aftercall/internal/dedupe"
	"aftercall/internal/evidence"
	"aftercall/internal/ledger"
	"aftercall/internal/tencent"
	starter "aftercall/starter/callback"
)

// unsteady is a store that fails now and then, before or after it has written.
type unsteady struct {
	*evidence.Store
	calls atomic.Int64
}

var errUnsteady = errors.New("the database does not answer")

func (u *unsteady) Insert(ctx context.Context, events []evidence.Event) ([]bool, error) {
	switch u.calls.Add(1) % 4 {
	case 1:
		return nil, errUnsteady
	case 2:
		_, err := u.Store.Insert(ctx, events)
		return nil, errors.Join(errUnsteady, err)
	}
	return u.Store.Insert(ctx, events)
}

func (*unsteady) Close() error { return nil }

// keeping is a simulator that posts events to a starter, which keeps them in a store
// that fails now and then.
func keeping(t *testing.T, store *evidence.Store) *fixture {
	t.Helper()
	writer := evidence.NewWriter(t.Context(), func(context.Context) (evidence.Inserter, error) { return &unsteady{Store: store}, nil }, slog.New(slog.DiscardHandler))
	t.Cleanup(func() { require.NoError(t, writer.Close()) })
	require.Eventually(t, func() bool { return writer.Ready(context.Background()) == nil }, waitFor, tick)

	reg := prometheus.NewRegistry()
	handler := starter.New(
		[]starter.App{{ID: testApp, Name: "clinic", Secrets: []string{"s3cret"}, Members: true, RoomKeys: []string{roomKey}}},
		dedupe.New(nil, dedupe.DefaultWindow, time.Now, reg), starter.Limits{Answer: waitFor}, nil, reg, slog.New(slog.DiscardHandler),
	)
	t.Cleanup(handler.Close)
	handler.KeepEvidence(writer, reg)
	srv := httptest.NewServer(handler)
	t.Cleanup(srv.Close)

	r := newFixture(t, func(o *Options) { o.RoomRetry = time.Millisecond })
	require.NoError(t, r.sim.SetRoomWebhook(testApp, &RoomWebhook{URL: srv.URL + starter.RoomPathPrefix + "s3cret", Key: roomKey}))
	require.Zero(t, r.post(pathSet, fmt.Sprintf(`{"Url":"%s/tencent/call/s3cret","CallbackCommandList":["Call.CallbackAfterStartCall","Call.CallbackAfterMemberChanged"]}`, srv.URL)).ErrorCode)
	return r
}

// TestEveryEventIsKeptOnce posts the events of random calls, repeated and in another
// order, to a starter whose store fails now and then. Those of rooms are repeated until
// they are answered, so all of them are kept, each once, and nothing else.
func TestEveryEventIsKeptOnce(t *testing.T) {
	store, err := evidence.Open(t.Context(), "sqlite:"+filepath.Join(t.TempDir(), "ledger.db"), ledger.Options{})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, store.Close()) })
	r := keeping(t, store)
	random := rand.New(rand.NewPCG(22, 22))
	var calls []Call
	for i := range 25 {
		spec := CallSpec{
			CallID: fmt.Sprintf("call-%d", i), RoomID: fmt.Sprintf("room-%d", i), Seconds: random.Int64N(600), GroupSize: 2 + random.IntN(5), Robot: random.IntN(4) == 0,
			MemberEvents: EventFaults{Repeat: random.IntN(3), Reorder: true}, RoomEvents: EventFaults{Repeat: random.IntN(3), Reorder: true},
		}
		calls = append(calls, r.place(spec))
	}
	r.wait()

	answered := 0
	for _, placed := range calls {
		call, _ := r.sim.Call(testApp, placed.Record.CallID)
		want := map[string]bool{}
		for _, posted := range call.RoomWebhooks {
			event, err := tencent.DecodeRoomEvent(posted.Body)
			require.NoError(t, err)
			want[written(evidence.FromRoom(testApp, event)[0])] = true
		}
		acknowledged := map[string]bool{}
		possible := map[string]bool{}
		for _, posted := range call.Callbacks {
			var events []evidence.Event
			if posted.Command == tencent.CommandAfterStartCall {
				start, err := tencent.DecodeCallStart(posted.Body)
				require.NoError(t, err)
				events = evidence.FromCallStart(testApp, start)
			} else {
				change, err := tencent.DecodeMemberChange(posted.Body)
				require.NoError(t, err)
				events = evidence.FromMemberChange(testApp, change)
			}
			for _, e := range events {
				possible[written(e)] = true
				acknowledged[written(e)] = acknowledged[written(e)] || posted.Status == http.StatusOK
			}
		}
		kept, err := store.OfCall(t.Context(), evidence.Call{
			SDKAppID: testApp, CallID: call.Record.CallID, RoomID: call.Record.RoomID, RoomIDType: call.Record.RoomIDType,
			From: time.Unix(0, 0), To: time.Unix(testEpoch*2, 0),
		})
		require.NoError(t, err)
		var rooms []string
		for _, e := range kept {
			text := written(e)
			if e.Source == evidence.SourceRoom {
				rooms = append(rooms, text)
				continue
			}
			require.True(t, possible[text], text)
			delete(possible, text) // none twice
			delete(acknowledged, text)
		}
		require.ElementsMatch(t, slices.Collect(maps.Keys(want)), rooms)
		for text, ok := range acknowledged {
			require.False(t, ok, "acknowledged and not kept: %s", text)
		}
		answered += len(rooms)
	}
	require.Greater(t, answered, 100)
	require.Greater(t, r.sim.Stats().Callbacks.RoomPosted, r.sim.Stats().Callbacks.RoomAccepted, "some were answered 503")
}

// written is an event without its ID, which the store chooses.
func written(e evidence.Event) string {
	e.ID = 0
	return fmt.Sprintf("%+v", e)
}
