package main

import (
	"context"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/Shopify/toxiproxy/v2/stream"
	"github.com/Shopify/toxiproxy/v2/toxics"
	"github.com/stretchr/testify/require"

	"aftercall/dev/local"
	"aftercall/dev/tencentsim"
)

// TestOnlyWhatHasAnEffectCounts: a fault is prolonged, while calls end, until its effect
// is seen, and it is not counted if there is none.
func TestOnlyWhatHasAnEffectCounts(t *testing.T) {
	for name, test := range map[string]struct {
		shows func(*world)
		took  time.Duration
		calls bool
		want  int
	}{
		"by its nature": {shows: func(*world) {}, took: 2 * time.Second, want: 1},
		"seen at once": {shows: func(w *world) {
			w.shows(func(context.Context) (string, error) { return "seen", nil })
		}, took: 2 * time.Second, want: 1},
		"seen late": {shows: func(w *world) {
			began := time.Now()
			w.shows(func(context.Context) (string, error) {
				if time.Since(began) < 10*time.Second {
					return "", nil
				}
				return "seen", nil
			})
		}, took: 10 * time.Second, calls: true, want: 1},
		"never seen": {shows: func(w *world) {
			w.shows(func(context.Context) (string, error) { return "", nil })
		}, took: 2*time.Second + unseen + time.Second, calls: true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				tencent, err := tencentsim.New(t.Context(), tencentsim.Options{Apps: []tencentsim.App{{SDKAppID: clinic, SecretKey: "key"}, {SDKAppID: seminar, SecretKey: "key"}}, Logger: slog.New(slog.DiscardHandler)})
				require.NoError(t, err)
				defer tencent.Close()
				w := &world{stack: &local.Stack{Tencent: tencent}}
				began, over := time.Now(), false
				f := fault{"fault", "part", func(context.Context, *world) (end, error) {
					test.shows(w)
					return func(context.Context) error { over = true; return nil }, nil
				}}
				require.NoError(t, f.run(t.Context(), w, 2*time.Second))
				require.True(t, over)
				require.Len(t, w.injected, test.want)
				require.Equal(t, test.calls, len(w.placed) > 0)
				require.Equal(t, test.took, time.Since(began))
			})
		})
	}
}

func TestCounts(t *testing.T) {
	n := 7
	effect, err := counts("requests", func(context.Context) (int, error) { return n, nil })(t.Context())
	require.NoError(t, err)
	seen, err := effect(t.Context())
	require.NoError(t, err)
	require.Empty(t, seen)
	n = 9
	seen, err = effect(t.Context())
	require.NoError(t, err)
	require.Equal(t, "2 requests", seen)
}

func TestWatch(t *testing.T) {
	in, out := make(chan *stream.StreamChunk), make(chan *stream.StreamChunk, 9)
	stub, watcher := toxics.NewToxicStub(in, out), &watchToxic{}
	stub.State = watcher.NewState()
	done := make(chan struct{})
	go func() { watcher.Pipe(stub); close(done) }()
	for range 3 {
		in <- &stream.StreamChunk{Data: make([]byte, cutBytes-100)}
	}
	in <- &stream.StreamChunk{Data: append(append([]byte{}, inserted...), idle...)}
	close(in)
	<-done
	require.Len(t, out, 4, "everything passes")
	require.EqualValues(t, 3*(cutBytes-100)+len(inserted)+len(idle), watcher.bytes.Load())
	require.EqualValues(t, 1, watcher.long.Load(), "of one connection")
	require.EqualValues(t, 1, watcher.commits.Load())
}

func TestComplaintsShowAnEffect(t *testing.T) {
	c := complaints{"starter: callback refused: caller: must be a text": 2}
	require.Empty(t, c.about(complaintOfLedger))
	c["worker: a call that ended has no workflow: the ledger has no entry"]++
	require.Empty(t, c.about(complaintOfLedger))
	c["worker: Activity error.: ledger: attempt to write a readonly database (8)"]++
	require.Contains(t, c.about(complaintOfLedger), "readonly database")
	require.Empty(t, complaints{"starter: conflict: a duplicate callback differs from the first one; the call record decides": 1}.about(complaintOfConnection))
	require.NotEmpty(t, complaints{"starter: a dependency does not work: dial tcp 127.0.0.1:1: connect: connection refused": 1}.about(complaintOfConnection))
	require.Equal(t, 3, errorsIn("# Errorstats\r\nerrorstat_ERR:count=1\r\nerrorstat_OOM:count=3\r\n", "OOM"))
	require.Zero(t, errorsIn("# Errorstats\r\n", "OOM"))
}
