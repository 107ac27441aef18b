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
}

// Help explains by examples.
func (checkCommand) Help() string {
	return `One line each: the configuration, Redis, targets that are held, Temporal with its retention, search attributes and
workers, the ledger, and for each app its sweep, the record API with the configured credentials, and the registered
callback. A check that failed comes with its cure. Nothing is changed. The exit code is 3 when a check failed.

Examples:

  aftercall check
  aftercall check --output json | jq -r '.[] | select(.ok | not) | .detail'`
}

// Run checks everything and prints what was found.
func (c checkCommand) Run(ctx context.Context, p Process, d *ops.Deps) error {
	found, err := d.Check(ctx)
	if found == nil {
		return err
	}
	return errors.Join(c.Print(
		p, found,
		func(w io.Writer) error { return writeCSV(w, found, checkColumns) },
		func(s screen) {
			writeTable(s, found, checkColumns)
			if err == nil {
				fmt.Fprintf(s, "\n%s\n", s.green(fmt.Sprintf("All %d checks passed.", len(found))))
			}
		},
	), err)
}

var checkColumns = []column[ops.Finding]{
	{
		key: "ok", title: " ",
		value: func(f ops.Finding) string { return strconv.FormatBool(f.OK) },
		text: func(f ops.Finding) string {
			if f.OK {
				return "ok"
			}
			return "FAIL"
		},
		paint: func(s screen, f ops.Finding, cell string) string {
			if f.OK {
				return s.green(cell)
			}
			return s.red(cell)
		},
	},
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
