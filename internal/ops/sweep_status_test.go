package ops

import (
	"context"
	"errors"
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
	app := testApp("")
	now, err := l.Now(ctx)
	require.NoError(t, err)
	now = now.Truncate(time.Second)
	d := New(ctx, map[string]string{"LEDGER_URL": url}, t.Output())
	defer d.Close()
	progress := func(run *SweepRun, created time.Duration) (string, error) {
		s := SweepStatus{
			App: app.Name, SDKAppID: app.SDKAppID, State: SweepOn, EverySeconds: 300, LastRun: run, CreatedAt: time.Now().Add(-created),
		}
		require.NoError(t, d.readProgress(ctx, app, &s))
		return s.progress()
	}

	detail, err := progress(nil, time.Minute)
	require.NoError(t, err)
	require.Equal(t, "every 5m0s, no run has ended yet", detail)
	_, err = progress(&SweepRun{Failure: "no route to host"}, 18*time.Minute)
	require.ErrorContains(t, err, "no run has listed a window since the schedule was created at ")
	require.ErrorContains(t, err, "; the last run: no route to host")

	// An app's progress never goes back.
	at := now.Add(-18 * time.Minute)
	require.NoError(t, l.SetSweptTo(ctx, app.SDKAppID, at, 0))
	_, err = progress(&SweepRun{Failure: "no route to host"}, time.Hour)
	require.ErrorContains(t, err, "calls are listed only up to "+at.Format(time.RFC3339)+", 18m")
	require.ErrorContains(t, err, " ago; the last run: no route to host")
	require.NotEmpty(t, cureOf(err))

	at = now.Add(-14 * time.Minute)
	require.NoError(t, l.SetSweptTo(ctx, app.SDKAppID, at, 0))
	detail, err = progress(&SweepRun{}, time.Hour)
	require.NoError(t, err, "less than two and a half periods and the settle delay")
	require.Equal(t, "every 5m0s, all calls up to "+at.Format(time.RFC3339)+" are listed", detail)
	_, err = progress(&SweepRun{BackfillCounts: BackfillCounts{StartedAgain: 60}}, time.Hour)
	require.ErrorContains(t, err, "the last run charged 60 calls again")
	require.ErrorContains(t, errors.New(cureOf(err)), "aftercall backfill")
}
