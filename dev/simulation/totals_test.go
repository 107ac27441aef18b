package simulation

import (
	"fmt"
	"strings"
	"time"

	"aftercall/dev/faults/checker"
)

// totals are the sums over many seeds.
type totals struct {
	From, To                 uint64
	Calls, Entries, Messages int
	Simulated                time.Duration
	Faults                   map[Fault]int
	Findings                 map[string]int // by kind
}

func newTotals(from, to uint64) *totals {
	return &totals{From: from, To: to, Faults: map[Fault]int{}, Findings: map[string]int{}}
}

// add adds the result of a seed.
func (n *totals) add(r Result) {
	one := totals{Calls: r.Placed, Entries: r.Entries, Messages: r.Messages, Simulated: r.Simulated, Faults: r.Faults, Findings: map[string]int{}}
	for _, f := range r.Findings {
		one.Findings[f.Kind]++
	}
	n.sum(one)
}

// sum adds the sums over other seeds.
func (n *totals) sum(other totals) {
	n.Calls, n.Entries, n.Messages, n.Simulated = n.Calls+other.Calls, n.Entries+other.Entries, n.Messages+other.Messages, n.Simulated+other.Simulated
	for fault, count := range other.Faults {
		n.Faults[fault] += count
	}
	for kind, count := range other.Findings {
		n.Findings[kind] += count
	}
}

// found counts the findings of all kinds.
func (n *totals) found() (count int) {
	for _, of := range n.Findings {
		count += of
	}
	return count
}

// table is what docs/reliability.md shows.
func (n *totals) table() string {
	var b strings.Builder
	lost, doubled := n.Findings[checker.Lost], n.Findings[checker.Doubled]
	fmt.Fprintf(&b, "Seeds %d to %d: %d calls, %d entries of the ledger, %d messages, %.0f days of simulated time.\n\n",
		n.From, n.To, n.Calls, n.Entries, n.Messages, n.Simulated.Hours()/24)
	fmt.Fprintf(&b, "**Lost: %d. Doubled: %d. Other findings: %d.**\n\n| fault | times |\n|---|--:|\n", lost, doubled, n.found()-lost-doubled)
	for _, fault := range Faults() {
		fmt.Fprintf(&b, "| %s | %d |\n", fault, n.Faults[fault])
	}
	return b.String()
}
