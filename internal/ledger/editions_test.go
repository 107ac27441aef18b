package ledger_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"aftercall/internal/billing"
	"aftercall/internal/ledger"

	"github.com/stretchr/testify/require"
)

// usedVersions are the editions as names, first keys and prices.
func usedVersions(t *testing.T, l *ledger.Ledger) (used [][2]string) {
	t.Helper()
	editions, err := l.Editions(context.Background())
	require.NoError(t, err)
	for _, e := range editions {
		_, err := e.Tariff.Restore()
		require.NoError(t, err)
		require.WithinDuration(t, time.Now(), e.FirstAt, time.Hour)
		used = append(used, [2]string{e.Tariff.Name, e.FirstKey})
	}
	return used
}

func testEditions(t *testing.T, url string) {
	ctx := context.Background()
	l := open(t, url)
	require.Empty(t, usedVersions(t, l))
	require.NoError(t, l.TryWrite(ctx))
	charge(t, l, entry(t, "call-1", "run-1", "0.05"))
	charge(t, l, entry(t, "call-2", "run-2", "0.05"))
	charge(t, l, entry(t, "call-3", "run-3", "0.06"))
	_, _, err := l.Charge(ctx, entry(t, "call-3", "run-4", "0.07"))
	require.ErrorAs(t, err, new(*ledger.ConflictError), "0.07 charged nothing")
	other := entry(t, "call-4", "run-5", "0.05")
	other.Charge.Tariff.Name = "special"
	charge(t, l, other)
	_, _, err = l.Reverse(ctx, "charge:1400000000:call-1", ledger.Correction{Reason: "wrong number", Operator: "alice"})
	require.NoError(t, err)
	require.Equal(t, [][2]string{{"standard", "charge:1400000000:call-1"}, {"standard", "charge:1400000000:call-3"}, {"special", "charge:1400000000:call-4"}}, usedVersions(t, l))

	db := openSQL(t, url)
	for _, statement := range []string{"DELETE FROM ledger_tariff_uses", "UPDATE ledger_tariff_uses SET tariff = 'x'"} {
		_, err := db.ExecContext(ctx, statement)
		require.ErrorContains(t, err, "append-only", statement)
	}
	read, err := ledger.OpenReadOnly(ctx, url)
	require.NoError(t, err)
	defer read.Close()
	require.Len(t, usedVersions(t, read), 3)
}

// testEditionsOfBefore migrates a ledger with entries of a release that did not know the
// table, and goes on writing with such a release.
func testEditionsOfBefore(t *testing.T, url string) {
	ctx := context.Background()
	require.NoError(t, ledger.MigrateTo(ctx, url, 9))
	db := openSQL(t, url)
	e := entry(t, "call-1", "run-1", "0.05")
	execute(t, db, "INSERT INTO ledger_tariffs (hash, edition) VALUES ('"+e.Charge.Tariff.Hash+"', '"+string(e.Charge.Tariff.VersionJSON)+"')")
	insert := func(callID, tariff string) {
		t.Helper()
		execute(t, db, `INSERT INTO ledger_entries (key, kind, revision, sdk_app_id, app, call_id, payer, media_type, call_type, result, start_time, accept_time,
  end_time, connected_seconds, billed_seconds, participants, amount, currency, tariff, tariff_from, tariff_hash, steps, record, differences, workflow_id, first_run_id, reason, operator)
VALUES ('`+callID+`', 'charge', 1, 1400000000, 'clinic', '`+callID+`', '10001', 'Audio', 'SingleCall', 'NormalEnd', 1, 2, 3, 1, 60, 1, '0.05', 'USD', '`+tariff+`',
  '2023-11-14T22:13:20Z', '`+e.Charge.Tariff.Hash+`', '[]', '{}', 'null', 'call:1', 'run', '', '')`)
	}
	insert("call-1", "standard")
	insert("call-2", "standard")
	insert("call-3", "special")
	l := open(t, url)
	want := [][2]string{{"standard", "call-1"}, {"special", "call-3"}}
	require.Equal(t, want, usedVersions(t, l))
	insert("call-4", "standard")
	insert("call-5", "new")
	require.Equal(t, append(want, [2]string{"new", "call-5"}), usedVersions(t, l))
}

func testEditedTariffs(t *testing.T, url string) {
	l := open(t, url)
	edited := func(tariffs map[string]billing.Tariff) error {
		t.Helper()
		found, err := l.EditedTariffs(context.Background(), tariffs)
		require.NoError(t, err)
		if len(found) == 0 {
			return nil
		}
		return &ledger.EditedError{Edited: found}
	}
	now := map[string]billing.Tariff{"standard": tariffAt(t, "0.06"), "unused": tariffAt(t, "1")}
	require.NoError(t, edited(now), "nothing was charged")
	stored := charge(t, l, entry(t, "call-1", "run-1", "0.05"))
	err := edited(now)
	require.EqualError(t, err, "tariff standard, version of 2023-11-14T22:13:20Z: was edited after calls were charged by it: rules[0].rate_per_minute is 0.06, not 0.05 "+
		"(edition "+stored.Charge.Tariff.Hash[:12]+", first in charge:1400000000:call-1, booked "+stored.CreatedAt.Format(time.RFC3339)+"): "+
		"undo it, and add a version with a new effective_from instead; or accept a deliberate edit with --accept-edited-tariff standard or AFTERCALL_ACCEPT_EDITED_TARIFF")
	var refused *ledger.EditedError
	require.True(t, errors.As(err, &refused))
	require.Equal(t, 2, refused.ExitCode())
	euros := tariffAt(t, "0.05")
	euros.Currency = "EUR"
	require.ErrorContains(t, edited(map[string]billing.Tariff{"standard": euros}), "tariff standard: was edited after calls were charged by it: currency is EUR, not USD")
	require.NoError(t, edited(map[string]billing.Tariff{"standard": tariffAt(t, "0.05")}))
	require.NoError(t, edited(map[string]billing.Tariff{"renamed": tariffAt(t, "0.06")}))
	// Somebody has accepted it, and charged a call by it.
	charge(t, l, entry(t, "call-2", "run-2", "0.06"))
	require.NoError(t, edited(now))
}

// testRemovedEdition: who hides a version in use from the check of workers is found.
func testRemovedEdition(t *testing.T, url string) {
	l := open(t, url)
	stored := charge(t, l, entry(t, "call-1", "run-1", "0.05"))
	charge(t, l, entry(t, "call-2", "run-2", "0.06"))
	db := openSQL(t, url)
	unguarded := map[string]string{
		"sqlite": "DROP TRIGGER ledger_tariff_uses_no_delete", "postgresql": "ALTER TABLE ledger_tariff_uses DISABLE TRIGGER ledger_tariff_uses_append_only",
	}
	execute(t, db, unguarded[engineOf(t, url).name], "DELETE FROM ledger_tariff_uses WHERE first_key = 'charge:1400000000:call-1'")
	var found []string
	_, err := l.Verify(context.Background(), ledger.Evidence{}, func(f ledger.Finding) { found = append(found, f.Problem) }, nil)
	require.NoError(t, err)
	require.Contains(t, found, "the table ledger_tariff_uses does not list that calls were charged by edition "+stored.Charge.Tariff.Hash[:12]+
		" of tariff standard: an edit of it would not be refused")
	require.Len(t, found, 2, "and the trigger: %q", found)
}
