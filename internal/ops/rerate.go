package ops

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"

	"github.com/bojanz/currency"

	"aftercall/internal/billing"
	"aftercall/internal/config"
	"aftercall/internal/evidence"
	"aftercall/internal/ledger"
	"aftercall/internal/tencent"
	"aftercall/workflows/launch"
)

// RerateParams say which calls are rated again, and how.
type RerateParams struct {
	Query EntryQuery
	// Tariff replaces the tariffs of the calls' apps; empty means the app's own.
	Tariff string
	// Apply books the differences. Otherwise nothing is booked.
	Apply bool
	// Signature is needed to apply.
	Signature Signature
}

// Rerating is the result of rating calls again.
type Rerating struct {
	Applied     bool         `json:"applied"`
	Compared    int          `json:"compared"`
	Differences []Difference `json:"differences"`
	Skipped     []Skipped    `json:"skipped"`
	// Totals are the sums of the differing calls, one for each currency.
	Totals []DifferenceTotal `json:"totals"`
	// NotNotified counts booked corrections whose notification was not started.
	NotNotified int `json:"not_notified"`
}

// Difference is a call whose amount would be, or was, corrected.
type Difference struct {
	CallID      string           `json:"call_id"`
	SDKAppID    tencent.SDKAppID `json:"sdk_app_id"`
	App         string           `json:"app"`
	Payer       string           `json:"payer"`
	OldAmount   string           `json:"old_amount"`
	OldCurrency string           `json:"old_currency"`
	NewAmount   string           `json:"new_amount"`
	NewCurrency string           `json:"new_currency"`
	// Difference is the new amount less the old one, with its sign; empty if the
	// currency changed.
	Difference string `json:"difference"`
	// ReversalKey and ChargeKey are the entries of the correction; empty if
	// nothing was booked.
	ReversalKey string `json:"reversal_key"`
	ChargeKey   string `json:"charge_key"`
}

// Skipped is a call that was not compared or corrected.
type Skipped struct {
	CallID   string           `json:"call_id"`
	SDKAppID tencent.SDKAppID `json:"sdk_app_id"`
	App      string           `json:"app"`
	Reason   string           `json:"reason"`
}

// DifferenceTotal is the sum of the differing calls in one currency.
type DifferenceTotal struct {
	Currency   string `json:"currency"`
	OldAmount  string `json:"old_amount"`
	NewAmount  string `json:"new_amount"`
	Difference string `json:"difference"`
}

// Rerate rates the calls of a query again, by the configured tariffs and from
// the stored records, and books the differences if p.Apply. The result is
// returned with an error, too, if something was compared: what was booked before
// a failure is in it.
func (d *Deps) Rerate(ctx context.Context, p RerateParams) (*Rerating, error) {
	r, err := d.newRerater(ctx, p)
	if err != nil {
		return nil, err
	}
	q := p.Query
	q.Live, q.Kind = true, ledger.KindCharge
	entries, err := d.entries(ctx, q)
	if err != nil {
		return nil, err
	}
	for e, err := range entries {
		if err == nil {
			err = r.rerate(ctx, e)
		}
		if err != nil {
			return r.finish(), err
		}
	}
	if err := d.explainReversed(ctx, r, q); err != nil {
		return r.finish(), err
	}
	if r.notifyErr != nil {
		return r.finish(), notNotified(r.notifyErr)
	}
	return r.finish(), nil
}

// newRerater opens what p needs.
func (d *Deps) newRerater(ctx context.Context, p RerateParams) (*rerater, error) {
	cfg, err := d.Config()
	if err != nil {
		return nil, err
	}
	if _, ok := cfg.Tariffs[p.Tariff]; !ok && p.Tariff != "" {
		known := strings.Join(slices.Sorted(maps.Keys(cfg.Tariffs)), ", ")
		return nil, Errorf(Usage, "tariffs are: "+known, "--use-tariff: there is no tariff %q", p.Tariff)
	}
	r := &rerater{Deps: d, cfg: cfg, tariff: p.Tariff, raters: map[tencent.SDKAppID]*billing.Rater{}, oldSums: sums{}, newSums: sums{}}
	r.result = Rerating{Applied: p.Apply, Differences: []Difference{}, Skipped: []Skipped{}}
	if !p.Apply {
		r.ledger, err = d.Ledger(ctx)
		return r, err
	}
	if r.signed, err = p.Signature.correction(); err != nil {
		return nil, err
	}
	if r.calls, err = d.starts(); err != nil {
		return nil, err
	}
	r.ledger, err = d.WritableLedger(ctx)
	return r, err
}

// rerater rates calls again, one at a time.
type rerater struct {
	*Deps
	cfg    *config.Config
	tariff string
	raters map[tencent.SDKAppID]*billing.Rater
	ledger *ledger.Ledger
	// seen is the evidence, open once a call needs it.
	seen *evidence.Store
	// calls and signed are set only to apply corrections.
	calls  launch.Calls
	signed ledger.Correction

	result           Rerating
	oldSums, newSums sums
	notifyErr        error
}

// rerate compares one charge, and corrects it if it differs and that is wanted.
func (r *rerater) rerate(ctx context.Context, e ledger.Entry) error {
	r.result.Compared++
	app, ok := r.cfg.App(e.SDKAppID)
	if !ok {
		r.skip(e, "its app is not in the configuration")
		return nil
	}
	rater, err := r.rater(app)
	if err != nil {
		return err
	}
	rated, unknown, err := r.withEvidence(ctx, e, rater)
	if err != nil {
		return err
	}
	if unknown != "" {
		r.skip(e, unknown)
		return nil
	}
	charge, err := rated.Recompute(rater)
	var review *billing.ReviewError
	if errors.As(err, &review) {
		r.skip(e, review.Error())
		return nil
	}
	if err != nil {
		return err
	}
	rated.Charge = charge
	if rated.SameSum(e) {
		return r.notifyAgain(ctx, e)
	}
	return r.difference(ctx, e, charge)
}

// rater returns the rater of the chosen tariff, or that of the app, which charges each
// call by the tariff that is assigned at its end.
func (r *rerater) rater(app *config.App) (*billing.Rater, error) {
	if known := r.raters[app.SDKAppID]; known != nil {
		return known, nil
	}
	rater, err := app.Rater()
	if r.tariff != "" {
		rater, err = billing.NewRater(r.tariff, r.cfg.Tariffs[r.tariff])
	}
	r.raters[app.SDKAppID] = rater
	return rater, err
}

func (r *rerater) skip(e ledger.Entry, reason string) {
	r.result.Skipped = append(r.result.Skipped, Skipped{CallID: e.CallID(), SDKAppID: e.SDKAppID, App: e.App, Reason: reason})
}

// finish returns the result with its totals.
func (r *rerater) finish() *Rerating {
	r.result.Totals = r.totals()
	return &r.result
}

// sums are amounts by currency.
type sums map[string]currency.Amount

func (s sums) add(a currency.Amount) { s[a.CurrencyCode()] = add(s[a.CurrencyCode()], a) }

func (r *rerater) totals() []DifferenceTotal {
	codes := map[string]bool{}
	for code := range r.oldSums {
		codes[code] = true
	}
	for code := range r.newSums {
		codes[code] = true
	}
	totals := []DifferenceTotal{}
	for _, code := range slices.Sorted(maps.Keys(codes)) {
		zero, _ := currency.NewAmount("0", code) // the code is that of an amount
		before, after := add(zero, r.oldSums[code]), add(zero, r.newSums[code])
		change, _ := after.Sub(before) // both have the code
		totals = append(totals, DifferenceTotal{Currency: code, OldAmount: before.Number(), NewAmount: after.Number(), Difference: withSign(change)})
	}
	return totals
}

// withSign is an amount without its currency, with + if it is positive.
func withSign(a currency.Amount) string {
	if a.IsPositive() {
		return "+" + a.Number()
	}
	return a.Number()
}
