package ledger_test

import (
	"database/sql"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"aftercall/internal/ledger"
	"aftercall/internal/testenv"

	"github.com/stretchr/testify/require"
)

// testEngine is an engine as the tests need it.
type testEngine struct {
	name string
	// create makes an empty database that is removed after the test. ok is false
	// where the machine lacks the engine.
	create func(t testing.TB) (url string, ok bool)
	// driver and source open the same database past the ledger.
	driver string
	source func(url string) string
	// explain is how it explains the plan of a query, after statements that let it
	// use an index although the table is small.
	explain []string
	// usesCallIndex matches a plan in which the index finds calls by their CallId.
	usesCallIndex string
	// size is the query of how many bytes the ledger takes.
	size string
}

// testEngines are the engines that the suite runs on.
var testEngines = []testEngine{
	{
		"sqlite", createSQLite, "sqlite", func(url string) string { return "file:" + strings.TrimPrefix(url, "sqlite://") + "?_foreign_keys=1" },
		[]string{"EXPLAIN QUERY PLAN "},
		`USING INDEX ledger_entries_call \(call_id=\?`,
		"SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()",
	},
	{
		"postgresql", testenv.Postgres, "pgx", func(url string) string { return url },
		[]string{"SET enable_seqscan = off", "EXPLAIN "},
		`ledger_entries_call on ledger_entries .*\n *Index Cond: \(+call_id = `,
		"SELECT sum(pg_total_relation_size(oid)) FROM pg_class WHERE relkind = 'r' AND relname LIKE 'ledger%'",
	},
}

// conformance is what every engine must do.
var conformance = []struct {
	name string
	test func(t *testing.T, url string)
}{
	{"schema", testSchema},
	{"charge", testCharge},
	{"second charge", testSecondCharge},
	{"same sum in other digits", testSameSumInOtherDigits},
	{"charge errors", testChargeErrors},
	{"unusual call IDs", testUnusualCallIDs},
	{"foreign text", testForeignText},
	{"known calls in batches", testKnownInBatches},
	{"reopen", testReopen},
	{"open with a canceled context", testOpenCanceled},
	{"migration log", testMigrationLog},
	{"open tables of a later release", testLaterRelease},
	{"migrations say who can work with them", testVersionsDeclared},
	{"open read-only", testOpenReadOnly},
	{"reverse", testReverse},
	{"reverse a free charge", testReverseFreeCharge},
	{"replace", testReplace},
	{"reverse a replaced charge", testReverseReplacedCharge},
	{"reinstate", testReinstate},
	{"replace a reversed charge", testReplaceReversedCharge},
	{"correction errors", testCorrectionErrors},
	{"charge after a correction", testChargeAfterCorrection},
	{"adjust", testAdjust},
	{"adjust once", testAdjustOnce},
	{"adjust errors", testAdjustErrors},
	{"adjust below zero", testAdjustBelowZero},
	{"reverse an adjusted charge", testReverseAdjustedCharge},
	{"reverse an adjusted charge or nothing", testReverseAllOrNothing},
	{"replace an adjusted charge", testReplaceAdjustedCharge},
	{"charge after an adjustment", testChargeAfterAdjustment},
	{"adjust, compared with a model", testAdjustModel},
	{"verify adjustments", testVerifyAdjustments},
	{"adjust in an existing ledger", testAdjustExisting},
	{"an older release reverses an adjusted charge", testOlderReleaseReverses},
	{"list filters", testListFilters},
	{"used values", testUsedValues},
	{"find a call by an index", testCallIndex},
	{"bytes per entry", testBytesPerEntry},
	{"records", testRecords},
	{"report", testReport},
	{"report by two dimensions", testReportByTwo},
	{"report of adjustments", testReportOfAdjustments},
	{"report adds exactly", testReportAddsExactly},
	{"export", testExport},
	{"editions", testEditions},
	{"editions of before", testEditionsOfBefore},
	{"edited tariffs", testEditedTariffs},
	{"removed edition", testRemovedEdition},
	{"swept to", testSweptTo},
	{"swept to in the future", testSweptToInTheFuture},
	{"first start", testFirstStart},
	{"first start of existing apps", testFirstStartOfExistingApps},
	{"calls ended", testCallsEnded},
	{"held back", testHeldBack},
	{"held window", testHeldWindow},
	{"dismiss", testDismiss},
	{"try a write", testTryWrite},
	{"traces", testTraces},
	{"evidence", testEvidence},
	{"altered evidence", testAlteredEvidence},
	{"payer", testPayer},
	{"altered payer", testAlteredPayer},
	{"verify a clean ledger", testVerifyClean},
	{"verify an edited version", testVerifyEditedVersion},
	{"verify under load", testVerifyUnderLoad},
	{"verify findings", testVerifyFindings},
	{"schema file", testSchemaFile},
	{"integrate", testIntegrate},
	{"integrate what was there", testIntegrateExisting},
	{"integrate a late entry", testIntegrateLateEntry},
	{"integrate concurrently", testIntegrateConcurrently},
	{"list the log", testListLogged},
	{"list the log while it grows", testListLoggedConcurrently},
	{"prove", testProve},
	{"close a month", testCloseMonth},
	{"close a month of an empty log", testCloseOfAnEmptyLog},
	{"close a month before a late entry", testCloseBeforeALateEntry},
	{"close a month concurrently", testCloseConcurrently},
	{"alterations", testAlterations},
	{"rewritten log", testRewrittenLog},
	{"signed checkpoints", testSignedCheckpoints},
	{"altered schema", testAlteredSchema},
	{"refuses changes", testRefusesChanges},
	{"refuses invalid rows", testRefusesInvalidRows},
	{"concurrent charges", testConcurrentCharges},
	{"concurrent reversals", testConcurrentReversals},
	{"concurrent corrections", testConcurrentCorrections},
	{"concurrent adjustments", testConcurrentAdjustments},
	{"concurrent opens", testConcurrentOpens},
	{"processes", testProcesses},
}

// TestConformance runs the suite on every engine. To run it on one:
// go test ./internal/ledger -run TestConformance/sqlite
func TestConformance(t *testing.T) {
	for _, engine := range testEngines {
		t.Run(engine.name, func(t *testing.T) {
			for _, c := range conformance {
				t.Run(c.name, func(t *testing.T) {
					t.Parallel()
					if url, ok := engine.create(t); ok {
						c.test(t, url)
					}
				})
			}
		})
	}
}

// TestEveryEngineIsTested fails for an engine that the suite leaves out.
func TestEveryEngineIsTested(t *testing.T) {
	var tested []string
	for _, engine := range testEngines {
		tested = append(tested, engine.name)
	}
	require.ElementsMatch(t, ledger.EngineNames(), tested)
}

// testSchema compares the columns that the migrations make with those that the
// ledger writes and reads, so that no engine lacks one or has one more.
func testSchema(t *testing.T, url string) {
	open(t, url)
	db := openSQL(t, url)
	for table, want := range ledger.Columns() {
		require.Equal(t, slices.Sorted(slices.Values(want)), columnsOf(t, db, table), table)
	}
}

func columnsOf(t *testing.T, db *sql.DB, table string) []string {
	t.Helper()
	rows, err := db.QueryContext(t.Context(), "SELECT * FROM "+table)
	require.NoError(t, err)
	defer rows.Close()
	columns, err := rows.Columns()
	require.NoError(t, err)
	require.NoError(t, rows.Err())
	return slices.Sorted(slices.Values(columns))
}

func createSQLite(t testing.TB) (url string, ok bool) {
	return "sqlite://" + filepath.Join(t.TempDir(), "ledger.db"), true
}

// openSQL opens the database past the ledger.
func openSQL(t testing.TB, url string) *sql.DB {
	t.Helper()
	engine := engineOf(t, url)
	db, err := sql.Open(engine.driver, engine.source(url))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	return db
}

func engineOf(t testing.TB, url string) testEngine {
	t.Helper()
	scheme, _, _ := strings.Cut(url, ":")
	i := slices.IndexFunc(testEngines, func(e testEngine) bool { return strings.HasPrefix(e.name, scheme) })
	require.GreaterOrEqual(t, i, 0, "no engine has URLs like %s", scheme)
	return testEngines[i]
}
