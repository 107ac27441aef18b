package operator

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"aftercall/internal/billing"
	cli "aftercall/internal/oldcli"
	"aftercall/internal/config"
	"aftercall/internal/ledger"
)

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
