package operator

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"

	"github.com/bojanz/currency"

	"aftercall/internal/billing"
	cli "aftercall/internal/oldcli"
	"aftercall/internal/config"
	"aftercall/internal/tencent"
)

type rerateCommand struct {
	cli.Output
	selection
	PriceList string `help:"Charge by this tariff of the configuration instead of the app's own." placeholder:"TARIFF"`
	Apply     bool   `help:"Book the corrections. Without it nothing is booked."`
	correction
}

// Help explains what it does and what not.
func (rerateCommand) Help() string {
	return `Charges the chosen calls again, by the tariff that their app has in the configuration now and from the record that the ledger
keeps, and prints where the sum differs. That is all it does without --apply.

With --apply every difference is booked: the reversal of the old charge and the new charge, both or none. The targets hear
of it as call.reversed and, with the next revision, call.charged. Calls that the tariff does not charge without a person are
left alone. Repeating the command is safe: what is corrected no longer differs.

Examples:

  worker ledger rerate --app clinic --from 2026-03-01 --to 2026-03-31
  worker ledger rerate --app clinic --from 2026-03-01 --to 2026-03-31 --apply --operator alice --reason "ticket 4711: old price list"`
}

// difference is a call that would be, or was, charged another sum.
type difference struct {
	CallID   string           `json:"call_id"`
	SDKAppID tencent.SDKAppID `json:"sdk_app_id"`
	App      string           `json:"app"`
	Was      string           `json:"was"`
	Now      string           `json:"now"`
	// Difference is empty where the currency changed.
	Difference string `json:"difference,omitempty"`
	// Booked are the keys of the correction.
	Booked []string `json:"booked,omitempty"`
}

// leftAlone is a call that was not compared or corrected, and why.
type leftAlone struct {
	CallID   string           `json:"call_id"`
	SDKAppID tencent.SDKAppID `json:"sdk_app_id"`
	Reason   string           `json:"reason"`
}

// change is the difference of one currency.
type change struct {
	Currency   string `json:"currency"`
	Was        string `json:"was"`
	Now        string `json:"now"`
	Difference string `json:"difference"`
}

// rerating is the comparison as a whole.
type rerating struct {
	Applied     bool         `json:"applied"`
	Compared    int          `json:"compared"`
	Differences []difference `json:"differences"`
	LeftAlone   []leftAlone  `json:"left_alone"`
	Totals      []change     `json:"totals"`
	// NotAnnounced counts corrections that are booked but nobody was told of.
	NotAnnounced int `json:"not_announced"`
}

// Run compares, and corrects if it is told to.
func (c rerateCommand) Run(ctx context.Context, p cli.Process) error {
	r := rerater{command: c, was: sums{}, now: sums{}, raters: map[string]*billing.Rater{}}
	r.Applied, r.Differences, r.LeftAlone = c.Apply, []difference{}, []leftAlone{}
	f, _, err := c.filter()
	if err != nil {
		return err
	}
	f.Live = true
	if _, r.cfg, err = config.Worker(p.Environ); err != nil {
		return usage(err)
	}
	if r.book, err = r.open(ctx, p); err != nil {
		return err
	}
	defer r.book.Close()
	if r.tell != nil {
		defer r.tell.close()
	}
	failed := r.run(ctx, f)
	r.Totals = r.changes()
	// What was booked before a failure is printed too.
	if err := c.Print(p.Stdout, r.rerating, r.print); err != nil || failed != nil {
		return errors.Join(failed, err)
	}
	switch {
	case r.untold != nil:
		return notAnnounced(r.untold)
	case !c.Apply && len(r.Differences) > 0:
		fmt.Fprintln(p.Stderr, "Nothing was booked. To book it, repeat the command with --apply --operator NAME --reason TEXT")
	}
	return nil
}

// sums are the amounts of each currency.
type sums map[string]currency.Amount

func (s sums) add(a currency.Amount) { s[a.CurrencyCode()] = plus(s[a.CurrencyCode()], a) }

func (r *rerater) changes() []change {
	codes := map[string]bool{}
	for code := range r.was {
		codes[code] = true
	}
	for code := range r.now {
		codes[code] = true
	}
	changes := []change{}
	for _, code := range slices.Sorted(maps.Keys(codes)) {
		zero, _ := currency.NewAmount("0", code) // it is a currency: amounts are of it
		was, now := plus(zero, r.was[code]), plus(zero, r.now[code])
		diff, _ := now.Sub(was) // both are of it
		changes = append(changes, change{Currency: code, Was: was.Number(), Now: now.Number(), Difference: signed(diff)})
	}
	return changes
}

// signed is a difference with its sign.
func signed(a currency.Amount) string {
	if a.IsPositive() {
		return "+" + a.Number()
	}
	return a.Number()
}

func (r *rerater) print(w io.Writer) {
	if len(r.Differences) > 0 {
		rows := make([][]string, 0, len(r.Differences))
		for _, d := range r.Differences {
			row := []string{printable(d.CallID), printable(d.App), d.Was, d.Now, d.Difference}
			if r.Applied {
				row = append(row, printable(d.Booked[len(d.Booked)-1]))
			}
			rows = append(rows, row)
		}
		header := []string{"call", "app", "was", "now", "difference"}
		if r.Applied {
			header = append(header, "booked")
		}
		cli.Table(w, header, rows...)
		fmt.Fprintln(w)
	}
	for _, l := range r.LeftAlone {
		fmt.Fprintf(w, "left alone: %s: %s\n", printable(l.CallID), printable(l.Reason))
	}
	fmt.Fprintf(w, "Compared %d charges: %d differ.\n", r.Compared, len(r.Differences))
	for _, t := range r.Totals {
		fmt.Fprintf(w, "In total they were %s %s and come to %s %s: %s.\n", t.Was, t.Currency, t.Now, t.Currency, t.Difference)
	}
	if r.NotAnnounced > 0 {
		fmt.Fprintf(w, "Of %d corrections nobody was told.\n", r.NotAnnounced)
	}
}
