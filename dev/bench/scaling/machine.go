package scaling

import (
	"fmt"

	"github.com/jedib0t/go-pretty/v6/table"

	"aftercall/dev/bench/costs"
)

// Machine is what one machine with Temporal on SQLite has to do.
type Machine struct {
	// CallsADay are on average, PeakRate calls a second in the busiest hour, in
	// thousandths. Busy is that in percent of what the machine can do.
	CallsADay, PeakRate, Busy int64
	// StoreBytes and RedisBytes are held, LedgerBytes are added every year.
	StoreBytes, RedisBytes, LedgerBytes int64
}

// Machine computes it from what was measured on the development stack.
func (in Inputs) Machine(m costs.Measurement, callsADay int64) Machine {
	peak := ceil(callsADay*in.Peak*1000, secondsPerDay)
	return Machine{
		CallsADay: callsADay, PeakRate: peak, Busy: ceil(peak, m.BurnDownPerSecond*10),
		StoreBytes:  callsADay * in.Retention * (m.Storage.TemporalBytes + m.Storage.VisibilityBytes),
		RedisBytes:  callsADay * in.remembered() / secondsPerDay * m.Storage.RedisBytes,
		LedgerBytes: callsADay * 365 * m.Storage.LedgerBytes,
	}
}

// machineCalls are the calls a day of the table.
var machineCalls = []int64{10_000, 100_000, 500_000, 1_000_000, 2_000_000}

// Machines is the table of one machine.
func (in Inputs) Machines(m costs.Measurement) table.Writer {
	header := []any{"calls a day"}
	var machines []Machine
	for _, calls := range machineCalls {
		header = append(header, thousands(calls))
		machines = append(machines, in.Machine(m, calls))
	}
	t := newTable(header...)
	figure := func(name string, value func(Machine) string) { row(t, name, machines, value) }
	figure("calls/s in the busiest hour", func(m Machine) string { return perThousand(m.PeakRate) })
	figure(fmt.Sprintf("of %d calls/s", m.BurnDownPerSecond), func(m Machine) string { return fmt.Sprintf("%d %%", m.Busy) })
	figure("Temporal's file", func(m Machine) string { return bytes(m.StoreBytes) })
	figure("memory of Redis", func(m Machine) string { return bytes(m.RedisBytes) })
	figure("ledger, growth a year", func(m Machine) string { return bytes(m.LedgerBytes) })
	return t
}
