package service

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"aftercall/internal/config"
	"aftercall/internal/evidence"
	"aftercall/internal/testenv"
)

// TestEvidenceIsReadOnceItsDatabaseWorks: until then it is not known what was seen, which
// is something else than nothing.
func TestEvidenceIsReadOnceItsDatabaseWorks(t *testing.T) {
	t.Parallel()
	folder := filepath.Join(t.TempDir(), "later")
	logs := &testenv.Log{}
	p := &pendingEvidence{url: "sqlite:" + filepath.Join(folder, "evidence.db"), logger: slog.New(slog.NewTextHandler(logs, nil))}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		p.open(ctx)
	}()
	require.Eventually(t, func() bool { return len(logs.String()) > 0 }, 30*time.Second, 10*time.Millisecond)
	_, err := p.OfCall(ctx, evidence.Call{SDKAppID: 1400000000, CallID: "c"})
	require.ErrorIs(t, err, errEvidenceNotOpen)
	require.Error(t, p.checks()[0].Run(ctx))
	require.True(t, p.checks()[0].Optional)

	require.NoError(t, os.Mkdir(folder, 0o700))
	<-done
	events, err := p.OfCall(ctx, evidence.Call{SDKAppID: 1400000000, CallID: "c"})
	require.NoError(t, err)
	require.Empty(t, events)
	require.NoError(t, p.checks()[0].Run(ctx))
	require.Contains(t, logs.String(), "the store of the evidence is open")
	require.NoError(t, p.close())
	cancel()
}

// TestEvidenceThatNobodyNeeds is not opened.
func TestEvidenceThatNobodyNeeds(t *testing.T) {
	t.Parallel()
	p := newPendingEvidence(&config.Config{}, config.ConnectionURL{}, slog.New(slog.DiscardHandler))
	require.Nil(t, p.reader())
	p.open(t.Context())
	require.Empty(t, p.checks())
	require.NoError(t, p.close())
}
