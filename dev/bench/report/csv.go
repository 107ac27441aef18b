package report

import (
	"encoding/csv"
	"io"
	"strconv"

	"aftercall/dev/bench/harness"
)

// csvColumns are the columns of the CSV file, which has a row for each run. Times
// are in ms, CPU times in ms per call, memory is in MiB.
var csvColumns = []struct {
	name  string
	value func(harness.Result) float64
}{
	{"calls", func(r harness.Result) float64 { return float64(r.Load.Calls) }},
	{"rate", func(r harness.Result) float64 { return float64(r.Load.Rate) }},
	{"deliveries", func(r harness.Result) float64 { return float64(r.Load.Copies) }},
	{"calls_per_second", func(r harness.Result) float64 { return r.PerSecond }},
	{"elapsed_ms", func(r harness.Result) float64 { return ms(r.Elapsed) }},
	{"ack_p50", func(r harness.Result) float64 { return ms(r.Ack.P50) }},
	{"ack_p99", func(r harness.Result) float64 { return ms(r.Ack.P99) }},
	{"ack_max", func(r harness.Result) float64 { return ms(r.Ack.Max) }},
	{"late_p50", func(r harness.Result) float64 { return ms(r.WebhookDelay.P50) }},
	{"late_p99", func(r harness.Result) float64 { return ms(r.WebhookDelay.P99) }},
	{"late_max", func(r harness.Result) float64 { return ms(r.WebhookDelay.Max) }},
	{"service_cpu", func(r harness.Result) float64 { return ms(r.ServiceCPU) }},
	{"server_cpu", func(r harness.Result) float64 { return ms(r.ServerCPU) }},
	{"service_memory", func(r harness.Result) float64 { return mib(r.ServiceMemory) }},
	{"server_memory", func(r harness.Result) float64 { return mib(r.ServerMemory) }},
	{"refused", func(r harness.Result) float64 { return float64(r.Refused) }},
	{"uncharged", func(r harness.Result) float64 { return float64(r.Verification.Uncharged) }},
	{"unnotified", func(r harness.Result) float64 { return float64(r.Verification.Unnotified) }},
	{"charged_twice", func(r harness.Result) float64 { return float64(r.Verification.ChargedTwice) }},
	{"notified_twice", func(r harness.Result) float64 { return float64(r.Verification.NotifiedTwice) }},
	{"repeated_messages", func(r harness.Result) float64 { return float64(r.Verification.Repeated) }},
}

// WriteCSV writes every run as a row.
func (s Set) WriteCSV(out io.Writer) error {
	w := csv.NewWriter(out)
	header := []string{"contestant", "load"}
	for _, c := range csvColumns {
		header = append(header, c.name)
	}
	rows := [][]string{header}
	for _, r := range s {
		row := []string{r.Contestant, r.Load.Name}
		for _, c := range csvColumns {
			row = append(row, strconv.FormatFloat(c.value(r), 'f', -1, 64))
		}
		rows = append(rows, row)
	}
	return w.WriteAll(rows)
}
