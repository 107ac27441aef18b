package main

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"aftercall/dev/faults/checker"
)

// tables are the results for docs/reliability.md: one row for each run, and how often
// each fault was injected.
func tables(results []result) string {
	var b strings.Builder
	b.WriteString("| topology | seed | faults | calls | callbacks | lost | doubled | other findings | recovered in |\n|---|---|---|---|---|---|---|---|---|\n")
	injected := map[string]int{}
	for _, r := range results {
		lost, doubled := count(r.findings, checker.Lost), count(r.findings, checker.Doubled)
		fmt.Fprintf(&b, "| %s | %d | %d | %d | %d | %d | %d | %d | %s |\n", r.topology, r.plan.seed, len(r.injected), len(r.plan.calls),
			r.delivered, lost, doubled, len(r.findings)-lost-doubled, r.recovered.Round(time.Second))
		for _, f := range r.injected {
			injected[f.String()]++
		}
	}
	b.WriteString("\n| fault | times |\n|---|---|\n")
	for _, name := range slices.SortedFunc(maps.Keys(injected), func(a, b string) int { return cmp.Compare(a, b) }) {
		fmt.Fprintf(&b, "| %s | %d |\n", name, injected[name])
	}
	return b.String()
}

func count(findings []checker.Finding, kind string) (n int) {
	for _, f := range findings {
		if f.Kind == kind {
			n++
		}
	}
	return n
}
