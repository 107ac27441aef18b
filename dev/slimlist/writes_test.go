package slimlist

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// writes are what the rows of calls cost a list.
type writes struct {
	// wal and file are bytes a call, written to the write-ahead log and kept in the file.
	wal, file int64
	time      time.Duration
}

// writeCalls writes the rows of calls as the server does, one statement for the start
// of a call and one for its end, while others run.
func writeCalls(tb testing.TB, path string, calls int) (w writes) {
	tb.Helper()
	fields := strings.Split("namespace_id run_id workflow_type_name workflow_id start_time execution_time status close_time history_length history_size_bytes "+
		"execution_duration state_transition_count memo encoding task_queue search_attributes root_workflow_id root_run_id _version", " ")
	var set []string
	for _, f := range fields {
		set = append(set, f+" = excluded."+f)
	}
	upsert := "INSERT INTO " + table + " (" + strings.Join(fields, ", ") + ") VALUES (?" + strings.Repeat(", ?", len(fields)-1) + ") " +
		"ON CONFLICT (namespace_id, run_id) DO UPDATE SET " + strings.Join(set, ", ") + " WHERE " + table + "._version < excluded._version"
	db := open(tb, path)
	exec := func(statement string, args ...any) {
		_, err := db.ExecContext(tb.Context(), statement, args...)
		require.NoError(tb, err)
	}
	size := func(suffix string) int64 {
		info, err := os.Stat(path + suffix)
		require.NoError(tb, err)
		return info.Size()
	}
	for _, pragma := range []string{"journal_mode=WAL", "wal_autocheckpoint=1000000", "wal_checkpoint(TRUNCATE)"} {
		exec("PRAGMA " + pragma)
	}
	empty, began := size(""), time.Date(2026, 11, 27, 0, 0, 0, 0, time.UTC)
	row := func(i int, closed bool) {
		at := func(after time.Duration) string {
			return began.Add(time.Duration(i)*10*time.Millisecond + after).Format("2006-01-02 15:04:05.999999+00:00")
		}
		id, run := fmt.Sprintf("call:1400000%03d:ca179d84-8811-4f03-8701-%012x", i%32, i*2654435761%(1<<40)), fmt.Sprintf("01a21a42-%04x-7b2a-b677-%012x", i/16, i*40503%(1<<40))
		attributes := `"Keyword03":"SingleCall","Keyword04":"NormalEnd","Keyword05":"Audio","Keyword06":"app-4","Keyword07":"callback"}`
		status, closedAt, numbers, version := 1, any(nil), []any{nil, nil, nil, nil}, 2*i+1
		if closed {
			attributes = `"BuildIds":"unversioned♡unversioned:206dfdadb9b9af76a46042f1db202601",` + attributes
			status, closedAt, numbers, version = 2, at(2*time.Second), []any{8, 4427, 1374832807 + i, 4}, version+1
		}
		args := append([]any{"01a21a42-a013-76ec-acd1-8960c4f47cec", run, "AfterCall", id, at(0), at(time.Second), status, closedAt}, numbers...)
		exec(upsert, append(args, []byte(strings.Repeat("m", 86)), "Proto3", "aftercall", "{"+attributes, id, run, version)...)
	}
	const open = 200
	start := time.Now()
	for i := range calls + open {
		if i < calls {
			row(i, false)
		}
		if i >= open {
			row(i-open, true)
		}
	}
	w = writes{time: time.Since(start) / time.Duration(calls), wal: size("-wal") / int64(calls)}
	exec("PRAGMA wal_checkpoint(TRUNCATE)")
	w.file = (size("") - empty) / int64(calls)
	return w
}

// slimColumns are the columns of the attributes that writeCalls writes.
var slimColumns = Columns{"CallStage": "Keyword01", "CallId": "Keyword02", "CallType": "Keyword03", "CallResult": "Keyword04", "CallMedia": "Keyword05", "CallApp": "Keyword06", "CallSource": "Keyword07"}

// TestSlimListWritesLess counts bytes, which are the same on every machine.
func TestSlimListWritesLess(t *testing.T) {
	stock, slim := file(t, "server-1.29.1.sql"), file(t, "server-1.29.1.sql")
	_, err := Make(t.Context(), slim, slimColumns)
	require.NoError(t, err)
	of, with := writeCalls(t, stock, 500), writeCalls(t, slim, 500)
	t.Logf("a call: %d bytes of write-ahead log against %d, %d bytes in the file against %d", with.wal, of.wal, with.file, of.file)
	require.Less(t, with.wal, of.wal/5)
	require.Less(t, with.file, of.file/3)
}

// BenchmarkWrites measures the two writes of a call.
func BenchmarkWrites(b *testing.B) {
	for schema := range schemas {
		for _, list := range []string{"stock", "slim"} {
			b.Run(list+" "+schema, func(b *testing.B) {
				path := file(b, schema)
				if list == "slim" {
					_, err := Make(b.Context(), path, slimColumns)
					require.NoError(b, err)
				}
				w := writeCalls(b, path, b.N)
				b.ReportMetric(float64(w.time), "ns/op")
				b.ReportMetric(float64(w.wal), "WAL-bytes/op")
				b.ReportMetric(float64(w.file), "file-bytes/op")
			})
		}
	}
}
