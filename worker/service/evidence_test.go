package service

import (
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/require"

	"aftercall/internal/evidence"
	"aftercall/internal/ledger"
)

// TestRetention deletes several batches of what is too old, and nothing else.
func TestRetention(t *testing.T) {
	t.Parallel()
	url := "sqlite:" + filepath.Join(t.TempDir(), "ledger.db")
	store, err := evidence.Open(t.Context(), url, ledger.Options{})
	require.NoError(t, err)
	defer store.Close()
	now := time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC)
	var events []evidence.Event
	for i := range 1103 {
		events = append(events, evidence.Event{
			SDKAppID: 1400000000, Source: evidence.SourceCallback, CallID: "c", User: "u", Kind: evidence.KindJoined,
			At: now.Add(-48 * time.Hour).Add(time.Duration(i-1100) * time.Second),
		})
	}
	_, err = store.Insert(t.Context(), events)
	require.NoError(t, err)
	r := newRetention(url, 48*time.Hour, func() time.Time { return now }, prometheus.NewRegistry(), slog.New(slog.DiscardHandler))
	r.report(t.Context(), r.pass(t.Context()))
	left, err := store.OfCall(t.Context(), evidence.Call{SDKAppID: 1400000000, CallID: "c"})
	require.NoError(t, err)
	require.Len(t, left, 3)
	require.InDelta(t, 1100, testutil.ToFloat64(r.deleted), 0)
	require.Zero(t, testutil.ToFloat64(r.failing))

	r.url = "sqlite:/nowhere/ledger.db"
	r.report(t.Context(), r.pass(t.Context()))
	require.InDelta(t, 1, testutil.ToFloat64(r.failing), 0)
}
