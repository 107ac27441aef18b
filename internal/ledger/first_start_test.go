package ledger_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"aftercall/internal/ledger"
	"aftercall/internal/tencent"
)

func testFirstStart(t *testing.T, url string) {
	ctx := context.Background()
	l := open(t, url)
	_, known, err := l.FirstStart(ctx, testApp)
	require.NoError(t, err)
	require.False(t, known)
	before, err := l.Now(ctx)
	require.NoError(t, err)
	first, err := l.EnsureFirstStart(ctx, testApp)
	require.NoError(t, err)
	require.False(t, first.Before(before))
	after, err := l.Now(ctx)
	require.NoError(t, err)
	require.False(t, first.After(after))

	// Later starts, and other processes, do not move it.
	require.Eventually(t, func() bool { now, err := l.Now(ctx); return err == nil && now.After(first) }, time.Minute, time.Millisecond)
	again, err := open(t, url).EnsureFirstStart(ctx, testApp)
	require.NoError(t, err)
	require.Equal(t, first, again)
}

// testFirstStartOfExistingApps migrates a ledger in which one app was swept and
// another one was charged: they have no limit.
func testFirstStartOfExistingApps(t *testing.T, url string) {
	ctx := context.Background()
	require.NoError(t, ledger.MigrateTo(ctx, url, 7))
	swept, charged, added := tencent.SDKAppID(1), tencent.SDKAppID(2), tencent.SDKAppID(3)
	db := openSQL(t, url)
	for _, s := range []string{
		"INSERT INTO ledger_sweeps (sdk_app_id, swept_to) VALUES (1, 1772000000)",
		"INSERT INTO ledger_tariffs (hash, edition) VALUES ('" + strings.Repeat("a", 64) + "', '')",
		`INSERT INTO ledger_entries (key, kind, revision, sdk_app_id, app, call_id, payer, media_type, call_type, result, start_time, accept_time, end_time,
connected_seconds, billed_seconds, participants, amount, currency, tariff, tariff_from, tariff_hash, steps, record, differences, workflow_id, first_run_id, reason, operator)
VALUES ('charge:2:call', 'charge', 1, 2, 'clinic', 'call', '', '', '', '', 0, 0, 0, 0, 0, 0, '0', 'USD', '', '', '` + strings.Repeat("a", 64) + `', '', '', '', '', '', '', '')`,
	} {
		_, err := db.ExecContext(ctx, s)
		require.NoError(t, err)
	}

	l := open(t, url)
	for _, app := range []tencent.SDKAppID{swept, charged} {
		at, err := l.EnsureFirstStart(ctx, app)
		require.NoError(t, err)
		require.Zero(t, at, app)
	}
	to, err := l.SweptTo(ctx, swept)
	require.NoError(t, err)
	require.EqualValues(t, 1772000000, to.Unix(), "the progress stays")
	at, err := l.EnsureFirstStart(ctx, added)
	require.NoError(t, err)
	require.NotZero(t, at)
}

func testCallsEnded(t *testing.T, url string) {
	l := open(t, url)
	charge(t, l, entry(t, "call", "run", "0.05"))
	for _, tt := range []struct{ from, to, want int64 }{{ended, ended, 1}, {ended - 1, ended - 1, 0}, {ended + 1, ended + 9, 0}} {
		n, err := l.CallsEnded(t.Context(), testApp, time.Unix(tt.from, 0), time.Unix(tt.to, 0))
		require.NoError(t, err)
		require.EqualValues(t, tt.want, n)
	}
}
