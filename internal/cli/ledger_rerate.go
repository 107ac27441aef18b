package cli

import (
	"context"
	"errors"
	"fmt"
	"io"

	"aftercall/internal/ops"
)

type ledgerRerateCommand struct {
	ListFormat
	queryFlags
	UseTariff string `help:"Charge by this tariff of the configuration instead of those of the apps." placeholder:"TARIFF"`
	PriceList string `hidden:""`
	Apply     bool   `help:"Book the corrections. Without it nothing is booked."`
	signatureFlags
}

// Help explains what the command does and does not do.
func (ledgerRerateCommand) Help() string {
	return `Rates the selected calls again, from the record that the ledger keeps and by the tariff that the configuration now assigns
to their app at the end of the call, and prints the calls whose amount differs. Without --apply that is all.

With --apply every difference is booked: the reversal of the old charge and the new charge, both or none. The targets get
call.reversed and, with the next revision, call.charged. Calls that the tariff does not charge without a person's decision
are skipped. Adjustments of a call remain; a call that would cost less than nothing with them is skipped. Repeating the command is safe: a corrected call no longer differs.

Examples:

  aftercall ledger rerate --app clinic --from 2026-03-01 --to 2026-03-31
  aftercall ledger rerate --app clinic --from 2026-03-01 --to 2026-03-31 --apply --operator alice --reason "ticket 4711"`
}

// Run compares, and corrects with --apply.
func (c ledgerRerateCommand) Run(ctx context.Context, p Process, d *ops.Deps) error {
	if c.PriceList != "" {
		return ops.Errorf(ops.Usage, "write --use-tariff "+c.PriceList, "--price-list is now called --use-tariff")
	}
	r, err := d.Rerate(ctx, ops.RerateParams{Query: c.query(), Tariff: c.UseTariff, Apply: c.Apply, Signature: c.signature()})
	if r == nil {
		return err
	}
	printed := c.Print(
		p, r,
		func(w io.Writer) error { return writeCSV(w, r.Differences, differenceColumns(true)) },
		func(s screen) { writeRerating(s, r) },
	)
	if err == nil && printed == nil && !c.Apply && len(r.Differences) > 0 {
		fmt.Fprintln(p.Stderr, "note: nothing was booked; --apply --operator NAME --reason TEXT books it")
	}
	return errors.Join(err, printed)
}

// differenceColumns has the keys of the booked charges if there are any.
func differenceColumns(booked bool) []column[ops.Difference] {
	columns := []column[ops.Difference]{
		{key: "call_id", value: func(d ops.Difference) string { return d.CallID }, foreign: true},
		{key: "sdk_app_id", value: func(d ops.Difference) string { return d.SDKAppID.String() }, csvOnly: true},
		{key: "app", value: func(d ops.Difference) string { return d.App }, foreign: true, drop: 3},
		{key: "payer", value: func(d ops.Difference) string { return d.Payer }, foreign: true, drop: 2},
		{key: "old_amount", value: func(d ops.Difference) string { return d.OldAmount }, csvOnly: true},
		{key: "old_currency", value: func(d ops.Difference) string { return d.OldCurrency }, csvOnly: true},
		{key: "new_amount", value: func(d ops.Difference) string { return d.NewAmount }, csvOnly: true},
		{key: "new_currency", value: func(d ops.Difference) string { return d.NewCurrency }, csvOnly: true},
		{title: "old", value: func(d ops.Difference) string { return d.OldAmount + " " + d.OldCurrency }, right: true, tableOnly: true},
		{title: "new", value: func(d ops.Difference) string { return d.NewAmount + " " + d.NewCurrency }, right: true, tableOnly: true},
		{key: "difference", value: func(d ops.Difference) string { return d.Difference }, right: true, paint: func(s screen, d ops.Difference, cell string) string {
			return paintAmount(s, d.Difference, cell)
		}},
	}
	if booked {
		columns = append(
			columns,
			column[ops.Difference]{key: "reversal_key", value: func(d ops.Difference) string { return d.ReversalKey }, foreign: true, csvOnly: true},
			column[ops.Difference]{key: "charge_key", value: func(d ops.Difference) string { return d.ChargeKey }, foreign: true, drop: 1},
		)
	}
	return columns
}

func writeRerating(s screen, r *ops.Rerating) {
	if len(r.Differences) > 0 {
		writeTable(s, r.Differences, differenceColumns(r.Applied))
		fmt.Fprintln(s)
	}
	for _, c := range r.Skipped {
		writeParagraph(s, "skipped: ", c.CallID+": "+c.Reason)
	}
	if r.Compared == 0 && len(r.Skipped) > 0 {
		fmt.Fprintln(s, "Nothing was compared: all these charges were reversed.")
		return
	}
	fmt.Fprintf(s, "Compared %d charges: %d differ.\n", r.Compared, len(r.Differences))
	for _, t := range r.Totals {
		fmt.Fprintf(s, "Total in %s: %s before, %s now, difference %s.\n", t.Currency, t.OldAmount, t.NewAmount, t.Difference)
	}
	if r.NotNotified > 0 {
		fmt.Fprintln(s, s.red(fmt.Sprintf("The targets were not notified of %d corrections.", r.NotNotified)))
	}
}
