package ledger_test

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"aftercall/internal/ledger"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"
)

// entriesVariable is how many entries BenchmarkVerify verifies.
const entriesVariable = "AFTERCALL_BENCH_ENTRIES"

// benchOnEachEngine runs the benchmark on a new database of every engine.
func benchOnEachEngine(b *testing.B, bench func(b *testing.B, url string)) {
	for _, engine := range testEngines {
		b.Run(engine.name, func(b *testing.B) {
			if url, ok := engine.create(b); ok {
				bench(b, url)
			}
		})
	}
}

// BenchmarkCharge books new calls, one after the other. SQLite syncs each to
// the disk; the test's own PostgreSQL does not.
func BenchmarkCharge(b *testing.B) {
	benchOnEachEngine(b, func(b *testing.B, url string) {
		l := open(b, url)
		e := entry(b, "call", "run", "0.05")
		for i := 0; b.Loop(); i++ {
			e.Record.CallID = strconv.Itoa(i)
			if _, inserted, err := l.Charge(context.Background(), e); err != nil || !inserted {
				b.Fatal(inserted, err)
			}
		}
	})
}

// BenchmarkChargeAndLog books new calls by several goroutines, by turns alone and
// while entries are taken into the log every quarter of a second, twenty times as
// often as a worker does it. slower-% is the median of how much longer the same
// number of calls then takes.
func BenchmarkChargeAndLog(b *testing.B) {
	const chargers, calls = 8, 400
	benchOnEachEngine(b, func(b *testing.B, url string) {
		l := open(b, url)
		in := l.NewIntegrator()
		booked := 0
		book := func() time.Duration {
			booked++
			begin := time.Now()
			var group errgroup.Group
			for c := range chargers {
				group.Go(func() error {
					e := entry(b, "call", "run", "0.05")
					for i := range calls {
						e.Record.CallID = fmt.Sprintf("%d-%d-%d", booked, c, i)
						if _, _, err := l.Charge(context.Background(), e); err != nil {
							return err
						}
					}
					return nil
				})
			}
			require.NoError(b, group.Wait())
			return time.Since(begin)
		}
		var slower []float64
		for b.Loop() {
			alone := book()
			integrate(b, in)
			ctx, cancel := context.WithCancel(context.Background())
			var logging errgroup.Group
			logging.Go(func() error {
				ticker := time.NewTicker(250 * time.Millisecond)
				defer ticker.Stop()
				for {
					select {
					case <-ctx.Done():
						return nil
					case <-ticker.C:
						if _, err := in.Integrate(context.Background()); err != nil {
							return err
						}
					}
				}
			})
			logged := book()
			cancel()
			require.NoError(b, logging.Wait())
			integrate(b, in)
			slower = append(slower, 100*(logged.Seconds()/alone.Seconds()-1))
		}
		slices.Sort(slower)
		b.ReportMetric(slower[len(slower)/2], "slower-%")
	})
}

// BenchmarkVerify takes a ledger of 10 000 entries into the log, or as many as
// AFTERCALL_BENCH_ENTRIES says, and verifies it.
func BenchmarkVerify(b *testing.B) {
	n := 10_000
	if text := os.Getenv(entriesVariable); text != "" {
		var err error
		n, err = strconv.Atoi(text)
		require.NoError(b, err)
	}
	benchOnEachEngine(b, func(b *testing.B, url string) {
		l := open(b, url)
		charge(b, l, entry(b, "seed", "run-1", "0.05"))
		_, err := openSQL(b, url).ExecContext(context.Background(), copies("0.10", n-1))
		require.NoError(b, err)
		peak := watchHeap()
		begin := time.Now()
		integrate(b, l.NewIntegrator())
		integrating := time.Since(begin)
		for b.Loop() {
			v, err := l.Verify(context.Background(), ledger.Evidence{}, func(f ledger.Finding) { b.Fatal(f) }, nil)
			if err != nil || v.Entries != int64(n) {
				b.Fatal(v, err)
			}
		}
		b.ReportMetric(float64(n)/integrating.Seconds(), "integrated/s")
		b.ReportMetric(float64(peak())/(1<<20), "peak-heap-MB")
		b.ReportMetric(float64(n)*float64(b.N)/b.Elapsed().Seconds(), "entries/s")
		if resident, ok := residentPeak(); ok {
			b.ReportMetric(resident, "peak-process-MB")
		}
	})
}

// watchHeap samples the heap until the function it returns is called, which
// returns the most that was seen.
func watchHeap() (peak func() uint64) {
	var most atomic.Uint64
	stop, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		ticker := time.NewTicker(10 * time.Millisecond)
		defer ticker.Stop()
		for {
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			most.Store(max(most.Load(), m.HeapAlloc))
			select {
			case <-stop:
				return
			case <-ticker.C:
			}
		}
	}()
	return func() uint64 {
		close(stop)
		<-done
		return most.Load()
	}
}

// residentPeak is the most memory that this process ever had, if the system
// reports it: SQLite's own memory is not on Go's heap.
func residentPeak() (megabytes float64, ok bool) {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0, false
	}
	_, after, ok := strings.Cut(string(status), "VmHWM:")
	if !ok {
		return 0, false
	}
	var kilobytes float64
	_, err = fmt.Sscan(after, &kilobytes)
	return kilobytes / 1024, err == nil
}

// TestVerifyHoldsOneEntryAtATime verifies ten times as many entries in the same
// memory. It is not part of the suite, whose tests run in parallel.
func TestVerifyHoldsOneEntryAtATime(t *testing.T) {
	for _, engine := range testEngines {
		t.Run(engine.name, func(t *testing.T) {
			if url, ok := engine.create(t); ok {
				testVerifyMemory(t, url)
			}
		})
	}
}

// testVerifyMemory makes every copy wrong, so that the heap can be measured while
// findings are reported.
func testVerifyMemory(t *testing.T, url string) {
	l := open(t, url)
	charge(t, l, entry(t, "seed", "run-1", "0.05"))
	db := openSQL(t, url)
	live := func() (most uint64) {
		findings := 0
		_, err := l.Verify(context.Background(), ledger.Evidence{}, func(ledger.Finding) {
			if findings++; findings%400 == 0 {
				var m runtime.MemStats
				runtime.GC()
				runtime.ReadMemStats(&m)
				most = max(most, m.HeapAlloc)
			}
		}, nil)
		require.NoError(t, err)
		require.Positive(t, most)
		return most
	}
	execute(t, db, copies("0.11", 800))
	few := live()
	execute(t, db, copies("0.11", 8000)+" ON CONFLICT DO NOTHING")
	many := live()
	require.Less(t, many, few+1<<20, "less than a megabyte more for ten times as many")
}
