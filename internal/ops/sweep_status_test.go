package ops

import (
	"context"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"aftercall/internal/ledger"
)

func TestSweepProgress(t *testing.T) {
	ctx := context.Background()
	url := "sqlite:" + filepath.Join(t.TempDir(), "ledger.db")
	l, err := ledger.Open(ctx, url, ledger.Options{})
	require.NoError(t, err)
	defer l.Close()
	app, now := testApp(""), time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC)
	d := New(ctx, map[string]string{"LEDGER_URL": url}, t.Output())
	defer d.Close()
	progress := func(at time.Time) (string, error) {
		d.now = func() time.Time { return at }
		s := SweepStatus{App: app.Name, SDKAppID: app.SDKAppID, State: SweepOn, EverySeconds: 300}
		require.NoError(t, d.readProgress(ctx, app, &s))
		return s.progress()
	}

	detail, err := progress(now)
	require.NoError(t, err)
	require.Equal(t, "every 5m0s, no run has ended yet", detail)
	require.NoError(t, l.SetSweptTo(ctx, app.SDKAppID, now.Add(-3*time.Minute)))
	detail, err = progress(now)
	require.NoError(t, err)
	require.Equal(t, "every 5m0s, all calls up to 2026-03-10T11:57:00Z are listed", detail)
	_, err = progress(now.Add(time.Hour))
	require.EqualError(t, err, "calls are listed only up to 2026-03-10T11:57:00Z, 1h3m0s ago")
}
