package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"

	"aftercall/internal/ops"
)

type checkCommand struct {
	ListFormat
	Probe bool `help:"Also post a probe to the callback URL of each app, and check that it arrives at a starter. It is never a call."`
}

// Help explains by examples.
func (checkCommand) Help() string {
	return `One line each: the configuration, Redis, starters, Temporal with its retention, search attributes and workers, the clocks
of this machine and of all starters and workers, the ledger and the store of the evidence (which must take a write), what waits for a person or a target, whether each target can be reached, and for each app its
tariff, its sweep, since when calls are charged, the record API with the configured credentials, the registered callback,
how callbacks were answered in the last 15 minutes, the last events that say who was in a call, rooms that were in use without a
record, and calls that wait for too long. Nothing is changed: the write
to the ledger is rolled back.

FAIL is wrong, and its cure is printed; warn works but needs attention; ? cannot be checked until another line is fixed.
The exit code is 3 if a check failed, 5 if none failed but some could not be completed, and 0 otherwise.

Examples:

  aftercall check
  aftercall check --probe
  aftercall check --output json | jq -r '.[] | select(.status == "failed") | .detail'`
}

// Run checks everything and prints what was found.
func (c checkCommand) Run(ctx context.Context, p Process, d *ops.Deps) error {
	found, err := d.Check(ctx, ops.CheckParams{Probe: c.Probe})
	if found == nil {
		return err
	}
	return errors.Join(c.Print(
		p, found,
		func(w io.Writer) error { return writeCSV(w, found, checkColumns) },
		func(s screen) {
			writeTable(s, found, checkColumns)
			if err == nil {
				fmt.Fprintf(s, "\n%s\n", s.green(passedWords(found)))
			}
		},
	), err)
}

// passedWords sums up findings of which none failed.
func passedWords(found []ops.Finding) string {
	warnings := 0
	for _, f := range found {
		if f.Status == ops.FindingWarning {
			warnings++
		}
	}
	if warnings > 0 {
		return fmt.Sprintf("All %d checks passed, %d of them with a warning.", len(found), warnings)
	}
	return fmt.Sprintf("All %d checks passed.", len(found))
}

// findingWords are the statuses for people.
var findingWords = map[ops.FindingStatus]string{
	ops.FindingOK: "ok", ops.FindingWarning: "warn", ops.FindingFailed: "FAIL", ops.FindingUnknown: "?",
}

var checkColumns = []column[ops.Finding]{
	{
		key: "ok", title: " ",
		value: func(f ops.Finding) string { return strconv.FormatBool(f.OK) },
		text:  func(f ops.Finding) string { return findingWords[f.Status] },
		paint: func(s screen, f ops.Finding, cell string) string {
			switch f.Status {
			case ops.FindingOK:
				return s.green(cell)
			case ops.FindingFailed:
				return s.red(cell)
			case ops.FindingWarning, ops.FindingUnknown:
			}
			return s.yellow(cell)
		},
	},
	{key: "status", value: func(f ops.Finding) string { return string(f.Status) }, csvOnly: true},
	{key: "check", value: func(f ops.Finding) string { return f.Check }},
	{key: "app", value: func(f ops.Finding) string { return f.App }},
	{
		key: "detail", title: "found", wrap: true, foreign: true,
		value: func(f ops.Finding) string { return f.Detail },
		text: func(f ops.Finding) string {
			if f.Cure == "" {
				return f.Detail
			}
			return f.Detail + "\n→ " + f.Cure
		},
	},
	{key: "cure", value: func(f ops.Finding) string { return f.Cure }, csvOnly: true},
}
