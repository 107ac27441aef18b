package scaling

import (
	"fmt"
	"slices"
	"strconv"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"

	"aftercall/dev/bench/costs"
	"aftercall/internal/dedupe"
)

// newTable returns a table whose columns but the first are aligned right.
func newTable(header ...any) table.Writer {
	t := table.NewWriter()
	t.SetStyle(table.StyleLight)
	t.Style().Format.Header = text.FormatDefault
	t.AppendHeader(header)
	var columns []table.ColumnConfig
	for i := range header[1:] {
		columns = append(columns, table.ColumnConfig{Number: i + 2, Align: text.AlignRight})
	}
	t.SetColumnConfigs(columns)
	return t
}

// row is a figure with its value in each column.
func row[T any](t table.Writer, name string, of []T, value func(T) string) {
	cells := table.Row{name}
	for _, one := range of {
		cells = append(cells, value(one))
	}
	t.AppendRow(cells)
}

// Costs is the table of what one call costs.
func Costs(all []costs.Measurement) table.Writer {
	header := []any{"a call"}
	for _, m := range all {
		header = append(header, m.Name())
	}
	t := newTable(header...)
	figure := func(name string, value func(costs.Measurement) string) { row(t, name, all, value) }
	number := func(value func(costs.Measurement) int64) func(costs.Measurement) string {
		return func(m costs.Measurement) string { return thousands(value(m)) }
	}
	perCall := func(value func(costs.Measurement) int64) func(costs.Measurement) string {
		return func(m costs.Measurement) string { return perThousand(value(m)) }
	}
	figure("history events", number(func(m costs.Measurement) int64 { return m.Temporal.Events }))
	figure("state transitions", number(func(m costs.Measurement) int64 { return m.Temporal.Transitions }))
	figure("actions of Temporal Cloud", number(func(m costs.Measurement) int64 { return m.Temporal.Actions }))
	figure("bytes of history", number(func(m costs.Measurement) int64 { return m.Temporal.HistoryBytes }))
	figure("rows in the list of workflows", perCall(func(m costs.Measurement) int64 { return m.Storage.VisibilityRows }))
	figure("… written", perCall(func(m costs.Measurement) int64 { return m.Storage.VisibilityWrites }))
	figure("… into indexes", number(func(m costs.Measurement) int64 { return m.Storage.VisibilityIndexes }))
	figure("bytes in that list", number(func(m costs.Measurement) int64 { return m.Storage.VisibilityBytes }))
	figure("bytes in Temporal's other tables", number(func(m costs.Measurement) int64 { return m.Storage.TemporalBytes }))
	figure("bytes in the ledger", number(func(m costs.Measurement) int64 { return m.Storage.LedgerBytes }))
	figure("bytes in Redis", number(func(m costs.Measurement) int64 { return m.Storage.RedisBytes }))
	figure("commands to Redis", perCall(func(m costs.Measurement) int64 { return m.Requests.RedisCommands }))
	figure("transactions of Temporal", perCall(func(m costs.Measurement) int64 { return m.Requests.TemporalCommits }))
	figure("requests to the record API", perCall(func(m costs.Measurement) int64 { return m.Requests.RecordAPI }))
	return t
}

// parts are the parts of a stack in the order of the table, by the name of a
// measurement.
var parts = []struct{ title, part string }{
	{"starter", "starter"},
	{"worker", "worker"},
	{"Temporal", "temporal"},
	{"PostgreSQL, Temporal's tables", "postgres temporal"},
	{"PostgreSQL, list of workflows", "postgres temporal_visibility"},
	{"PostgreSQL, ledger", "postgres aftercall"},
	{"PostgreSQL, write-ahead log and others", "postgres for all"},
	{"Redis", "redis"},
	{"HAProxy", "proxy"},
}

// CPU is the table of the CPU time of each part.
func CPU(all []costs.Measurement) table.Writer {
	header := []any{"CPU ms a call"}
	for _, m := range all {
		header = append(header, m.Name())
	}
	t := newTable(header...)
	for _, p := range parts {
		if !slices.ContainsFunc(all, func(m costs.Measurement) bool { _, ok := m.CPU[p.part]; return ok }) {
			continue
		}
		row(t, p.title, all, func(m costs.Measurement) string {
			cpu, ok := m.CPU[p.part]
			if !ok {
				return ""
			}
			return milliseconds(cpu.PerCall)
		})
	}
	row(t, "all", all, func(m costs.Measurement) string { return milliseconds(m.TotalCPU()) })
	row(t, "all, burn-down", all, func(m costs.Measurement) string { return milliseconds(m.BurnDownCPU()) })
	row(t, "calls/s, burn-down", all, func(m costs.Measurement) string { return thousands(m.BurnDownPerSecond) })
	row(t, "a second without calls", all, func(m costs.Measurement) string { return milliseconds(m.IdleCPU()) })
	row(t, "worker, to list a call once in a sweep", all, func(m costs.Measurement) string { return milliseconds(m.Sweep.Worker / 1000) })
	row(t, "ledger, the same", all, func(m costs.Measurement) string { return milliseconds(m.Sweep.Ledger / 1000) })
	return t
}

// Table is the table of the inputs.
func (in Inputs) Table() table.Writer {
	t := table.NewWriter()
	t.Style().Format.Header = text.FormatDefault
	t.AppendHeader(table.Row{"assumed", "value"})
	for _, line := range [][2]string{
		{"busiest hour, against the average", fmt.Sprintf("%d times", in.Peak)},
		{"processors are busy then", fmt.Sprintf("%d %%", in.Utilization)},
		{"processors of a starter or worker", thousands(in.ProcessCores)},
		{"closed workflows are kept", fmt.Sprintf("%d days", in.Retention)},
		{"Redis remembers a call", fmt.Sprintf("%.0f hours, the `dedupe_window`, and up to %.0f more", in.DedupeWindow.Hours(), dedupe.Period.Hours())},
		{"a state transition occupies its shard", fmt.Sprintf("%d ms; a shard is busy %d %% of the busiest hour; %d shards or more", in.ShardWrite, in.ShardBusy, minShards)},
		{"requests to the record API", fmt.Sprintf("%d a second for each app, %d ms each in a sweep", in.AppRequests, in.PageTime)},
		{"a sweep", fmt.Sprintf("every %.0f minutes, over %.0f hours, %d calls in a window", in.SweepEvery.Minutes(), in.SweepOverlap.Hours(), in.WindowCalls)},
		{"price of Temporal Cloud", fmt.Sprintf("%d USD for a million actions, 0.%05d USD for a GB of closed workflows and an hour", in.ActionPrice, in.StoragePrice/10)},
	} {
		t.AppendRow(table.Row{line[0], line[1]})
	}
	return t
}

// appRates are the rates of the table of single apps.
var appRates = []int64{1, 5, 10, 20, 40, 60}

// Sizes is the table of deployments.
func (in Inputs) Sizes(m costs.Measurement, rates []int64) table.Writer {
	header := []any{"calls/s, on average"}
	var sizes []Size
	for _, rate := range rates {
		header = append(header, thousands(rate))
		sizes = append(sizes, in.Size(m, rate))
	}
	t := newTable(header...)
	figure := func(name string, value func(Size) string) { row(t, name, sizes, value) }
	figure("calls a day", func(s Size) string { return thousands(s.Rate * secondsPerDay) })
	figure("starters", func(s Size) string { return thousands(s.Starters) })
	figure("workers", func(s Size) string { return thousands(s.Workers) })
	figure("processors for Temporal", func(s Size) string { return cores(s.TemporalCores) })
	figure("history shards", func(s Size) string { return thousands(s.Shards) })
	figure("processors for its PostgreSQL", func(s Size) string { return cores(s.StoreCores) })
	figure("its data", func(s Size) string { return bytes(s.StoreBytes) })
	figure("rows in the list of workflows", func(s Size) string { return thousands(s.VisibilityRows) })
	figure("where to keep them", Size.Store)
	figure("processors for the ledger", func(s Size) string { return cores(s.LedgerCores) })
	figure("ledger, growth a year", func(s Size) string { return bytes(s.LedgerBytes) })
	figure("processors for Redis", func(s Size) string { return cores(s.RedisCores) })
	figure("memory of Redis", func(s Size) string { return bytes(s.RedisBytes) })
	figure("apps, at least", func(s Size) string { return thousands(s.Apps) })
	return t
}

// Clouds is the table of Temporal Cloud.
func (in Inputs) Clouds(m costs.Measurement, rates []int64) table.Writer {
	header := []any{"calls/s, on average"}
	var clouds []Cloud
	for _, rate := range rates {
		header = append(header, thousands(rate))
		clouds = append(clouds, in.Cloud(m, rate))
	}
	t := newTable(header...)
	figure := func(name string, value func(Cloud) string) { row(t, name, clouds, value) }
	figure("actions a second, peak", func(c Cloud) string { return thousands(c.PeakActions) })
	figure("million actions a month", func(c Cloud) string { return perThousand(c.Actions / 1000) })
	figure("USD a month for actions", func(c Cloud) string { return thousands(c.ActionUSD) })
	figure("USD a month for storage", func(c Cloud) string { return thousands(c.StorageUSD) })
	figure("USD for 1,000 calls", func(c Cloud) string {
		return cents((c.ActionUSD + c.StorageUSD) * 100 * 1000 / (c.Rate * secondsPerMonth))
	})
	return t
}

// Apps is the table of single apps.
func (in Inputs) Apps(m costs.Measurement, rates []int64) table.Writer {
	header := []any{"calls/s of one app"}
	var apps []App
	for _, rate := range rates {
		header = append(header, thousands(rate))
		apps = append(apps, in.App(m, rate))
	}
	t := newTable(header...)
	figure := func(name string, value func(App) string) { row(t, name, apps, value) }
	figure("requests/s for calls, peak", func(a App) string { return thousands(a.CallRequests) })
	figure("requests/s for sweeps", func(a App) string { return thousands(a.SweepRequests) })
	figure("a sweep takes", func(a App) string { return fmt.Sprintf("%s s", thousands(a.SweepSeconds)) })
	figure("possible", func(a App) string {
		if in.Fits(a) {
			return "yes"
		}
		return "no"
	})
	return t
}

// Indexes is the table of what other indexes of the list of workflows save.
func Indexes(all []costs.Measurement) table.Writer {
	header := []any{"cluster, indexes"}
	for _, m := range all {
		header = append(header, m.Indexes)
	}
	t := newTable(header...)
	figure := func(name string, value func(costs.Measurement) string) { row(t, name, all, value) }
	list := func(m costs.Measurement) int64 { return m.CPU["postgres temporal_visibility"].PerCall }
	figure("indexes", func(m costs.Measurement) string { return thousands(m.Storage.VisibilityIndexes) })
	figure("bytes in the list of workflows a call", func(m costs.Measurement) string { return thousands(m.Storage.VisibilityBytes) })
	figure("CPU ms a call for the list", func(m costs.Measurement) string { return milliseconds(list(m)) })
	figure("CPU ms a call, PostgreSQL", func(m costs.Measurement) string { return milliseconds(m.CPUOf("postgres")) })
	figure("CPU ms a call, all", func(m costs.Measurement) string { return milliseconds(m.TotalCPU()) })
	figure("calls/s, burn-down", func(m costs.Measurement) string { return thousands(m.BurnDownPerSecond) })
	return t
}

// Bursts is the table of what happens in bursts.
func Bursts(outcomes []Outcome) table.Writer {
	t := newTable("burst", "usual calls/s", "capacity", "most that wait", "minutes late", "minutes until over")
	for _, o := range outcomes {
		over := perThousand(o.Over * 1000 / 60)
		if o.Over < 0 {
			over = "more than 45"
		}
		t.AppendRow(table.Row{o.Name, thousands(o.Usual), thousands(o.Capacity), thousands(o.MostWaiting), perThousand(o.Late * 1000 / 60), over})
	}
	return t
}

// thousands writes 1234567 as 1,234,567.
func thousands(n int64) string {
	digits := strconv.FormatInt(n, 10)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}

// perThousand writes thousandths with one decimal, or none if it is 0.
func perThousand(n int64) string {
	tenths := (n + 50) / 100
	if tenths%10 == 0 || tenths >= 1000 {
		return thousands((n + 500) / 1000)
	}
	return fmt.Sprintf("%s.%d", thousands(tenths/10), tenths%10)
}

// milliseconds writes µs as ms with two decimals.
func milliseconds(us int64) string {
	hundredths := (us + 5) / 10
	return fmt.Sprintf("%s.%02d", thousands(hundredths/100), hundredths%100)
}

func cents(n int64) string { return fmt.Sprintf("%d.%02d", n/100, n%100) }

// cores writes thousandths of processors.
func cores(n int64) string {
	if n <= 900 {
		return fmt.Sprintf("0.%d", max(1, ceil(n, 100)))
	}
	return thousands(ceil(n, 1000))
}

// bytes writes a number of bytes with two or three digits.
func bytes(n int64) string {
	units := []string{"B", "kB", "MB", "GB", "TB", "PB"}
	unit, scale := 0, int64(1)
	for unit < len(units)-1 && n/scale >= 1000 {
		unit, scale = unit+1, scale*1000
	}
	if tenths := (n + scale/20) / max(1, scale/10); unit > 0 && tenths < 100 {
		return fmt.Sprintf("%d.%d %s", tenths/10, tenths%10, units[unit])
	}
	return fmt.Sprintf("%d %s", (n+scale/2)/scale, units[unit])
}
