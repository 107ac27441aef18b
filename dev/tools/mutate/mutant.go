package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// The statuses of a mutant, as gremlins names them.
const (
	killed     = "KILLED"
	lived      = "LIVED"
	timedOut   = "TIMED OUT"
	notCovered = "NOT COVERED"
	notViable  = "NOT VIABLE" // does not compile
)

// mutant is one changed operator and what the tests made of it.
type mutant struct {
	File   string // below the module's root
	Line   int
	Column int
	// Type is gremlins' name of the change, such as CONDITIONALS_BOUNDARY.
	Type   string
	Status string
	// Code is the line of source.
	Code string
}

func (m mutant) position() position { return position{m.Line, m.Column} }

// String returns the mutant as one line that editors can jump to.
func (m mutant) String() string {
	return fmt.Sprintf("%s:%d:%d: %s %s: %s", m.File, m.Line, m.Column, strings.ToLower(m.Status), m.Type, m.Code)
}

// inOrder sorts mutants as they are in the source.
func inOrder(mutants []mutant) {
	slices.SortFunc(mutants, func(a, b mutant) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column), cmp.Compare(a.Type, b.Type))
	})
}

// counts are numbers of mutants by status.
type counts map[string]int

func (c counts) add(mutants []mutant) {
	for _, m := range mutants {
		c[m.Status]++
	}
}

// String names the share of noticed mutants among those that were tried. Tests
// that hang have noticed the change, too: it usually made a loop endless.
func (c counts) String() string {
	noticed := c[killed] + c[timedOut]
	percent := 100.0
	if tried := noticed + c[lived]; tried > 0 {
		percent = 100 * float64(noticed) / float64(tried)
	}
	return fmt.Sprintf("%d killed, %d timed out, %d lived (%.1f %% noticed), %d not covered, %d do not compile",
		c[killed], c[timedOut], c[lived], percent, c[notCovered], c[notViable])
}
