package ledger_test

import (
	"context"
	"net/url"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"aftercall/internal/ledger"
	"aftercall/internal/ledgerlog"
	"aftercall/internal/testenv"

	"github.com/stretchr/testify/require"
)

func documentation(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("../../docs/ledger.md")
	require.NoError(t, err)
	return string(text)
}

// TestDocumentedRoles runs the recipe of docs/ledger.md, and does with each role
// what it is for, and what it must not do.
func TestDocumentedRoles(t *testing.T) {
	databaseURL, ok := testenv.Postgres(t)
	if !ok {
		return
	}
	// Roles are those of the whole server, which may not be the test's own.
	suffix := "_" + strconv.Itoa(os.Getpid())
	rename := strings.NewReplacer("aftercall_owner", "aftercall_owner"+suffix, "aftercall_run", "aftercall_run"+suffix, "aftercall_audit", "aftercall_audit"+suffix)
	recipe := func(name string) string {
		block := regexp.MustCompile("(?s)<!-- roles: " + name + " -->\n```sql\n(.*?)```").FindStringSubmatch(documentation(t))
		require.NotNil(t, block)
		return rename.Replace(block[1])
	}
	as := func(role string) string {
		u, err := url.Parse(databaseURL)
		require.NoError(t, err)
		u.User = url.User(role + suffix)
		return u.String()
	}
	ctx := context.Background()
	super := openSQL(t, databaseURL)
	t.Cleanup(func() {
		for _, role := range []string{"aftercall_owner", "aftercall_run", "aftercall_audit"} {
			execute(t, super, "DROP OWNED BY "+role+suffix, "DROP ROLE "+role+suffix)
		}
	})
	execute(t, super, recipe("before"))
	owner, err := ledger.Open(ctx, as("aftercall_owner"), ledger.Options{})
	require.NoError(t, err)
	require.NoError(t, owner.Close())
	execute(t, super, recipe("after"))

	l, err := ledger.Open(ctx, as("aftercall_run"), ledger.Options{})
	require.NoError(t, err)
	first := charge(t, l, entry(t, "call-1", "run-1", "0.05"))
	_, _, err = l.Reverse(ctx, first.Key, mistake)
	require.NoError(t, err)
	now := time.Now().Add(-time.Hour).Truncate(time.Second)
	require.NoError(t, l.SetSweptTo(ctx, testApp, now, time.Minute))
	require.NoError(t, l.SetSweptTo(ctx, testApp, now.Add(time.Minute), time.Minute))
	require.NoError(t, l.ForgetSweptTo(ctx, testApp, now.Add(time.Minute)))
	require.NoError(t, l.HoldBack(ctx, testApp, ledger.Held{Key: ledger.HeldCallKey("call-2"), CallID: "call-2", Reason: "r", Item: "{}"}))
	require.NoError(t, l.Release(ctx, testApp, ledger.HeldCallKey("call-2")))
	_, err = l.NewIntegrator().Integrate(ctx)
	require.NoError(t, err)
	_, closed, err := l.CloseMonth(ctx, february, ledgerlog.Key{})
	require.NoError(t, err)
	require.True(t, closed)
	require.NoError(t, l.Close())

	audit, err := ledger.OpenReadOnly(ctx, as("aftercall_audit"))
	require.NoError(t, err)
	v, findings := verify(t, audit)
	require.Empty(t, findings)
	require.EqualValues(t, 2, v.Entries)
	require.Empty(t, afterClose(t, audit, ledger.Filter{}))
	for _, err := range audit.ListByPayer(ctx, ledger.Filter{}) {
		require.NoError(t, err, "a statement needs only SELECT")
	}
	logged, err := page(audit, ledger.Filter{}, 0, 2)
	require.NoError(t, err)
	require.Len(t, keysIn(t, logged), 2)
	require.NoError(t, audit.Close())

	for role, refused := range map[string][]string{
		"aftercall_run": {
			"UPDATE ledger_entries SET amount = '0'", "DELETE FROM ledger_entries", "TRUNCATE ledger_entries", "UPDATE ledger_tariffs SET edition = ''",
			"UPDATE ledger_log SET size = 0", "DELETE FROM ledger_checkpoints", "DELETE FROM ledger_closes", "DROP TRIGGER ledger_entries_append_only ON ledger_entries",
			"ALTER TABLE ledger_entries DISABLE TRIGGER ALL", "INSERT INTO ledger_migrations (version_id, is_applied) VALUES (999, true)",
			"INSERT INTO ledger_versions (version, oldest) VALUES (999, 1)", "CREATE TABLE mine (x int)",
		},
		"aftercall_audit": {
			"INSERT INTO ledger_sweeps (sdk_app_id, swept_to) VALUES (1, 1)", "DELETE FROM ledger_entries", "INSERT INTO ledger_tariffs (hash, edition) VALUES (repeat('a', 64), '')",
		},
	} {
		db := openSQL(t, as(role))
		for _, statement := range refused {
			_, err := db.ExecContext(ctx, statement)
			require.ErrorContains(t, err, "SQLSTATE 42501", "%s as %s: insufficient privilege", statement, role)
		}
		require.NoError(t, db.Close())
	}
}

// testBytesPerEntry compares what entries take with what docs/ledger.md says.
func testBytesPerEntry(t *testing.T, databaseURL string) {
	l := open(t, databaseURL)
	const n = 2000
	for i := range n {
		// The lengths are those of Tencent's and Temporal's IDs.
		id := "055662e1-bc8a-469c-a334-" + strconv.Itoa(1e11+i*7919%n)
		e := entry(t, id, "0190163f-9c3e-7b0a-8d6e-"+strconv.Itoa(1e11+i), "0.05")
		e.Differences = nil
		charge(t, l, e)
	}
	integrator := l.NewIntegrator()
	for more := true; more; {
		var err error
		more, err = integrator.Integrate(context.Background())
		require.NoError(t, err)
	}
	var size int64
	require.NoError(t, openSQL(t, databaseURL).QueryRowContext(t.Context(), engineOf(t, databaseURL).size).Scan(&size))
	documented := regexp.MustCompile(`An entry takes about ([0-9.]+) kB`).FindStringSubmatch(documentation(t))
	require.NotNil(t, documented)
	kB, err := strconv.ParseFloat(documented[1], 64)
	require.NoError(t, err)
	require.InEpsilon(t, 1000*kB, float64(size)/n, 0.2)
}
