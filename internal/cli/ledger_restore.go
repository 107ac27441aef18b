package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"

	"aftercall/internal/ops"
)

type ledgerRestoreCommand struct {
	ListFormat
	App    string `help:"Name or SDKAppID of an app." placeholder:"APP"`
	From   string `help:"Workflows that ended at this time or later: a day, as in 2026-03-01, or a time, as in 2026-03-01T12:00." placeholder:"TIME"`
	To     string `help:"Workflows that ended before this time, or until the end of this day." placeholder:"TIME"`
	Zone   string `help:"Time zone of days and of times without an offset, as in Asia/Shanghai." default:"UTC"`
	Apply  bool   `help:"Book what is missing. Without it nothing is booked."`
	Notify bool   `help:"Notify the targets again of what is booked. They get the same messages, with the same IDs."`
}

// Help explains what the command does and does not do.
func (ledgerRestoreCommand) Help() string {
	return `Compares the ledger with the workflows that wrote it, for as long as Temporal retains them, and prints what the ledger
lacks and how to get it back. Without --apply that is all; the exit code is 3 if anything is missing.

With --apply every missing entry is booked as it was: charges by the record, the decision and the amount in the history of
their workflow, also of calls that are older than the seven days for which Tencent keeps records, and corrections by what the
targets were notified of. What the tariffs of the configuration would charge differently now is not booked. The targets were
notified then, and are only notified again with --notify. Neither a worker nor Tencent is needed. Repeating the command is safe.

Examples:

  aftercall ledger restore
  aftercall ledger restore --from 2026-03-01T02:00 --apply`
}

// Run compares, and books with --apply.
func (c ledgerRestoreCommand) Run(ctx context.Context, p Process, d *ops.Deps) error {
	r, err := d.Restore(ctx, ops.RestoreParams{
		App: c.App, Ended: ops.Range{From: c.From, To: c.To, FromFlag: "--from", ToFlag: "--to"}, Zone: c.Zone, Apply: c.Apply, Notify: c.Notify,
	})
	if r == nil {
		return err
	}
	return errors.Join(err, c.Print(
		p, r,
		func(w io.Writer) error { return writeCSV(w, r.Missing, missingColumns) },
		func(s screen) { writeRestoration(s, r) },
	))
}

var missingColumns = []column[ops.MissingEntry]{
	{key: "app", value: func(m ops.MissingEntry) string { return m.App }, foreign: true, drop: 2},
	{key: "sdk_app_id", value: func(m ops.MissingEntry) string { return m.SDKAppID.String() }, csvOnly: true},
	{key: "call_id", value: func(m ops.MissingEntry) string { return m.CallID }, foreign: true},
	{key: "key", value: func(m ops.MissingEntry) string { return m.Key }, foreign: true, csvOnly: true},
	{key: "amount", value: func(m ops.MissingEntry) string { return m.Amount }, csvOnly: true},
	{key: "currency", value: func(m ops.MissingEntry) string { return m.Currency }, csvOnly: true},
	{title: "charged", value: func(m ops.MissingEntry) string { return m.Amount + " " + m.Currency }, right: true, tableOnly: true, drop: 1},
	{key: "booked", value: func(m ops.MissingEntry) string { return strconv.FormatBool(m.Booked) }},
	{key: "problem", value: func(m ops.MissingEntry) string { return m.Problem }, foreign: true},
	{key: "cure", value: func(m ops.MissingEntry) string { return m.Cure }, foreign: true},
}

func writeRestoration(s screen, r *ops.Restoration) {
	if len(r.Missing) > 0 {
		writeTable(s, r.Missing, missingColumns)
		fmt.Fprintln(s)
	}
	fmt.Fprintf(s, "Compared with %d workflows of calls, the ledger has the calls of %d.\n", r.Workflows, r.InLedger)
	switch {
	case r.Open > 0:
		fmt.Fprintf(s, "Booked %d entries, %s.\n", r.Booked, s.red(fmt.Sprintf("%d are missing", r.Open)))
	case r.Booked > 0:
		fmt.Fprintf(s, "Booked %d entries, none is missing.\n", r.Booked)
	default:
		fmt.Fprintln(s, s.green("No entry is missing."))
	}
}
