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
	"aftercall/internal/cli"
	"aftercall/internal/config"
	"aftercall/internal/ledger"
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

// rerater compares call by call.
type rerater struct {
	rerating
	command rerateCommand
	cfg     *config.Config
	book    *ledger.Ledger
	tell    *announcer
	signed  ledger.Correction
	raters  map[string]*billing.Rater
	was     sums
	now     sums
	untold  error
}

// open opens the ledger, to correct it if that is wanted.
func (r *rerater) open(ctx context.Context, p cli.Process) (book *ledger.Ledger, err error) {
	if name := r.command.PriceList; name != "" {
		if _, ok := r.cfg.Tariffs[name]; !ok {
			return nil, cli.Errorf(cli.Usage, "write one of "+fmt.Sprint(slices.Sorted(maps.Keys(r.cfg.Tariffs))), "--price-list: the configuration has no tariff %q", name)
		}
	}
	if !r.command.Apply {
		return openLedger(ctx, p)
	}
	if r.signed, err = r.command.ledger(); err != nil {
		return nil, err
	}
	if book, err = openLedgerToCorrect(ctx, p); err != nil {
		return nil, err
	}
	if r.tell, err = newAnnouncer(p); err != nil {
		return nil, errors.Join(err, book.Close())
	}
	return book, nil
}

func (r *rerater) run(ctx context.Context, f ledger.Filter) error {
	for e, err := range r.book.List(ctx, f) {
		if err != nil {
			return err
		}
		if err := r.call(ctx, e); err != nil {
			return err
		}
	}
	return nil
}

func (r *rerater) call(ctx context.Context, e ledger.Entry) error {
	r.Compared++
	rater, err := r.rater(e)
	if err != nil {
		return err
	}
	if rater == nil {
		r.leave(e, "its app is not in the configuration")
		return nil
	}
	charge, err := e.Recompute(rater)
	var review *billing.ReviewError
	if errors.As(err, &review) {
		r.leave(e, review.Error())
		return nil
	}
	if err != nil {
		return err
	}
	again := e
	again.Charge = charge
	if again.SameSum(e) {
		return r.tellAgain(ctx, e)
	}
	return r.differ(ctx, e, charge)
}

// rater is that of the entry's app, nil if there is none.
func (r *rerater) rater(e ledger.Entry) (*billing.Rater, error) {
	app, ok := r.cfg.App(e.SDKAppID)
	if !ok {
		return nil, nil
	}
	name := app.Tariff
	if r.command.PriceList != "" {
		name = r.command.PriceList
	}
	if r.raters[name] == nil {
		rater, err := billing.NewRater(name, r.cfg.Tariffs[name])
		if err != nil {
			return nil, err
		}
		r.raters[name] = rater
	}
	return r.raters[name], nil
}

func (r *rerater) leave(e ledger.Entry, why string) {
	r.LeftAlone = append(r.LeftAlone, leftAlone{CallID: e.CallID(), SDKAppID: e.SDKAppID, Reason: why})
}

// differ notes a difference, and books it if that is wanted.
func (r *rerater) differ(ctx context.Context, e ledger.Entry, charge billing.Charge) error {
	d := difference{CallID: e.CallID(), SDKAppID: e.SDKAppID, App: e.App, Was: e.Charge.Amount.String(), Now: charge.Amount.String()}
	if diff, err := charge.Amount.Sub(e.Charge.Amount); err == nil {
		d.Difference = signed(diff)
	}
	if r.command.Apply {
		replaced, _, err := r.book.Replace(ctx, e.Key, charge, r.signed)
		if errors.As(err, new(*ledger.CorrectedError)) {
			r.leave(e, err.Error())
			return nil
		}
		if err != nil {
			return err
		}
		d.Booked = []string{replaced.Reversal.Key, replaced.Charge.Key}
		r.announce(ctx, replaced.Reversal, replaced.Charge)
	}
	r.was.add(e.Charge.Amount)
	r.now.add(charge.Amount)
	r.Differences = append(r.Differences, d)
	return nil
}

// tellAgain announces what an earlier run of the same command has booked,
// perhaps without having been able to tell. What was told is not told again.
func (r *rerater) tellAgain(ctx context.Context, e ledger.Entry) error {
	if !r.command.Apply || !e.Correction() || e.Operator != r.signed.Operator || e.Reason != r.signed.Reason {
		return nil
	}
	entries, err := r.book.Get(ctx, e.SDKAppID, e.CallID())
	if err != nil {
		return err
	}
	for _, reversal := range entries {
		if reversal.Kind == ledger.KindReversal && reversal.Revision == e.Revision-1 {
			r.announce(ctx, reversal, e)
		}
	}
	return nil
}

// announce tells of a correction. Once Temporal has not answered it is not
// asked again for every call.
func (r *rerater) announce(ctx context.Context, entries ...ledger.Entry) {
	if r.untold == nil {
		r.untold = r.tell.announce(ctx, entries...)
	}
	if r.untold != nil {
		r.NotAnnounced++
	}
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
