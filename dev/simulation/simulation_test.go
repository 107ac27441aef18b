package simulation

import (
	"flag"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"aftercall/dev/docsection"
	"aftercall/dev/faults/checker"
)

var (
	seed     = flag.Uint64("seed", 0, "the one seed of TestSeed")
	seeds    = flag.String("seeds", "1..100", "the seeds of TestNights")
	calls    = flag.Int("calls", 20, "calls in a night")
	until    = flag.String("until", "", "end TestNights with the first finding of this kind")
	document = flag.String("document", "", "the file whose table TestNights writes")
)

// found are seeds that have found something, in the product or in the simulation, and
// how many calls they had then. What a seed draws changes with the simulation, so the
// cause has a test of its own as well.
var found = map[uint64]int{
	5:  60, // the message about a burst of reviews was cancelled as soon as it began
	16: 60, // a malformed callback starts the workflow of a call that never was
}

// TestSeed tells everything about one seed: go test ./dev/simulation -run TestSeed -seed 42 -v.
// Without -seed it runs those that have found something.
func TestSeed(t *testing.T) {
	if *seed == 0 {
		for seed, calls := range found {
			Run(t, seed, Options{Calls: calls}).require(t)
		}
		return
	}
	result := Run(t, *seed, Options{Calls: *calls})
	t.Logf("%d calls, %d entries, %d messages, %s simulated, faults %v", result.Placed, result.Entries, result.Messages, result.Simulated, result.Faults)
	result.require(t)
}

// TestNights simulates a night for each seed.
func TestNights(t *testing.T) {
	var from, to uint64
	_, err := fmt.Sscanf(*seeds, "%d..%d", &from, &to)
	require.NoError(t, err, "-seeds must be like 1..100")
	total := newTotals(from, to)
	for s := from; s <= to; s++ {
		result := Run(t, s, Options{Calls: *calls})
		total.add(result)
		if len(result.Findings) > 0 {
			result.explain(t)
			if slices.ContainsFunc(result.Findings, func(f checker.Finding) bool { return f.Kind == *until }) {
				t.FailNow()
			}
		}
	}
	t.Logf("%d calls, %d entries, %d messages, %.0f days simulated", total.calls, total.entries, total.messages, total.simulated.Hours()/24)
	if *document != "" {
		require.NoError(t, docsection.Update(*document, docsection.Section{Name: "simulation", Text: total.table()}))
	}
}

// TestSameSeedSameTrace: a seed that has found something finds it again.
func TestSameSeedSameTrace(t *testing.T) {
	for _, s := range []uint64{2, 7, 11} { // the first is a week
		first, second := Run(t, s, Options{Calls: 20}), Run(t, s, Options{Calls: 20})
		requireSame(t, first.Trace(""), second.Trace(""))
		require.Equal(t, first.Faults, second.Faults)
	}
}

// requireSame shows where two traces begin to differ.
func requireSame(t *testing.T, a, b []string) {
	t.Helper()
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			require.Equal(t, a[max(i-8, 0):min(i+12, len(a))], b[max(i-8, 0):min(i+12, len(b))], "line %d", i)
		}
	}
	require.Len(t, a, len(b))
}

// require fails the test if there is a finding.
func (r Result) require(t *testing.T) {
	t.Helper()
	r.explain(t)
	require.Empty(t, r.Findings)
}

// explain fails the test with the findings, the outages of the night and the whole
// story of each call.
func (r Result) explain(t *testing.T) {
	t.Helper()
	if len(r.Findings) == 0 {
		return
	}
	t.Errorf("seed %d: %d findings; go test ./dev/simulation -run TestSeed -seed %d -calls %d -v repeats it", r.Seed, len(r.Findings), r.Seed, r.Calls)
	told := map[string]bool{"": true}
	for _, f := range r.Findings {
		t.Logf("finding: %s", f)
		if !told[f.CallID] {
			told[f.CallID] = true
			t.Log("\n" + strings.Join(r.Trace(f.CallID), "\n"))
		}
	}
	t.Log("the night:\n" + strings.Join(r.Trace("system: "), "\n"))
}

// totals are the sums over many seeds.
type totals struct {
	from, to                 uint64
	calls, entries, messages int
	simulated                time.Duration
	faults                   map[Fault]int
	findings                 map[string]int
}

func newTotals(from, to uint64) *totals {
	return &totals{from: from, to: to, faults: map[Fault]int{}, findings: map[string]int{}}
}

func (n *totals) add(r Result) {
	n.calls, n.entries, n.messages, n.simulated = n.calls+r.Placed, n.entries+r.Entries, n.messages+r.Messages, n.simulated+r.Simulated
	for fault, count := range r.Faults {
		n.faults[fault] += count
	}
	for _, f := range r.Findings {
		n.findings[f.Kind]++
	}
}

// table is what docs/reliability.md shows.
func (n *totals) table() string {
	var b strings.Builder
	others := 0
	for kind, count := range n.findings {
		if kind != checker.Lost && kind != checker.Doubled {
			others += count
		}
	}
	fmt.Fprintf(&b, "Seeds %d to %d: %d calls, %d entries of the ledger, %d messages, %.0f days of simulated time.\n\n",
		n.from, n.to, n.calls, n.entries, n.messages, n.simulated.Hours()/24)
	fmt.Fprintf(&b, "**Lost: %d. Doubled: %d. Other findings: %d.**\n\n| fault | times |\n|---|--:|\n", n.findings[checker.Lost], n.findings[checker.Doubled], others)
	for _, fault := range Faults() {
		fmt.Fprintf(&b, "| %s | %d |\n", fault, n.faults[fault])
	}
	return b.String()
}
