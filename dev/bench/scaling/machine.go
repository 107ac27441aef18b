package scaling

import (
	"encoding/csv"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"github.com/jedib0t/go-pretty/v6/table"

	"aftercall/dev/bench/costs"
)

// benchmarksFile has the runs of `make bench`, which are those of a quiet machine.
const benchmarksFile = "docs/benchmarks.csv"

// ReadBurnDown returns the median of the calls per second of the published burn-downs,
// rounded down.
func ReadBurnDown(root string) (int64, error) {
	file, err := os.Open(filepath.Join(root, benchmarksFile))
	if err != nil {
		return 0, err
	}
	defer file.Close()
	rows, err := csv.NewReader(file).ReadAll()
	if err != nil {
		return 0, fmt.Errorf("%s: %w", benchmarksFile, err)
	}
	column := slices.Index(rows[0], "calls_per_second")
	var found []float64
	for _, row := range rows[1:] {
		if row[0] != "aftercall" || row[1] != "burn-down" || column < 0 {
			continue
		}
		perSecond, err := strconv.ParseFloat(row[column], 64)
		if err != nil {
			return 0, fmt.Errorf("%s: %w", benchmarksFile, err)
		}
		found = append(found, perSecond)
	}
	if len(found) == 0 {
		return 0, fmt.Errorf("%s has no burn-down of aftercall", benchmarksFile)
	}
	slices.Sort(found)
	return int64(found[len(found)/2]), nil
}

// Machine is what one machine with Temporal on SQLite has to do.
type Machine struct {
	// CallsADay are on average, PeakRate calls a second in the busiest hour, in
	// thousandths. Busy is that in percent of what the machine can do.
	CallsADay, PeakRate, Busy int64
	// StoreBytes and RedisBytes are held, LedgerBytes are added every year.
	StoreBytes, RedisBytes, LedgerBytes int64
}

// Machine computes it from what a call costs on the development stack, and from how many
// calls a second it can handle.
func (in Inputs) Machine(m costs.Measurement, capacity, callsADay int64) Machine {
	peak := ceil(callsADay*in.Peak*1000, secondsPerDay)
	return Machine{
		CallsADay: callsADay, PeakRate: peak, Busy: ceil(peak, capacity*10),
		StoreBytes:  callsADay * in.Retention * (m.Storage.TemporalBytes + m.Storage.VisibilityBytes),
		RedisBytes:  callsADay * in.remembered() / secondsPerDay * m.Storage.RedisBytes,
		LedgerBytes: callsADay * 365 * m.Storage.LedgerBytes,
	}
}

// machineCalls are the calls a day of the table.
var machineCalls = []int64{10_000, 100_000, 500_000, 1_000_000, 2_000_000}

// Machines is the table of one machine.
func (in Inputs) Machines(m costs.Measurement, capacity int64) table.Writer {
	header := []any{"calls a day"}
	var machines []Machine
	for _, calls := range machineCalls {
		header = append(header, thousands(calls))
		machines = append(machines, in.Machine(m, capacity, calls))
	}
	t := newTable(header...)
	figure := func(name string, value func(Machine) string) { row(t, name, machines, value) }
	figure("calls/s in the busiest hour", func(m Machine) string { return perThousand(m.PeakRate) })
	figure(fmt.Sprintf("of %d calls/s", capacity), func(m Machine) string { return fmt.Sprintf("%d %%", m.Busy) })
	figure("Temporal's file", func(m Machine) string { return bytes(m.StoreBytes) })
	figure("memory of Redis", func(m Machine) string { return bytes(m.RedisBytes) })
	figure("ledger, growth a year", func(m Machine) string { return bytes(m.LedgerBytes) })
	return t
}
