package main

import (
	"fmt"
	"strings"
)

// The statuses of a mutant, as gremlins names them.
const (
	killed     = "KILLED"
	lived      = "LIVED"
	timedOut   = "TIMED OUT"
	notCovered = "NOT COVERED"
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

// String returns the mutant as one line that editors can jump to.
func (m mutant) String() string {
	return fmt.Sprintf("%s:%d:%d: %s %s: %s", m.File, m.Line, m.Column, strings.ToLower(m.Status), m.Type, strings.TrimSpace(m.Code))
}

// counts are numbers of mutants by status.
type counts struct{ killed, lived, timedOut, notCovered int }

func count(mutants []mutant) (c counts) {
	for _, m := range mutants {
		switch m.Status {
		case killed:
			c.killed++
		case lived:
			c.lived++
		case timedOut:
			c.timedOut++
		case notCovered:
			c.notCovered++
		}
	}
	return c
}

func (c *counts) add(other counts) {
	c.killed += other.killed
	c.lived += other.lived
	c.timedOut += other.timedOut
	c.notCovered += other.notCovered
}

// String names the share of killed mutants among those that were tried. A test
// run that took too long noticed the change, too: it usually made a loop endless.
func (c counts) String() string {
	noticed := c.killed + c.timedOut
	percent := 100.0
	if tried := noticed + c.lived; tried > 0 {
		percent = 100 * float64(noticed) / float64(tried)
	}
	return fmt.Sprintf("%d killed, %d timed out, %d lived (%.1f %% noticed), %d not covered",
		c.killed, c.timedOut, c.lived, percent, c.notCovered)
}
