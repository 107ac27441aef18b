package ops

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"aftercall/internal/config"
	"aftercall/internal/ledger"
)

// fewBytes is when little space is left for the ledger: some hundred thousand calls.
const fewBytes = 1 << 30

// probeLedger tries a write, which it takes back.
func probeLedger(ctx context.Context, d *Deps) (string, error) {
	l, err := d.Ledger(ctx)
	if err != nil {
		return "", err
	}
	if _, err := ask(ctx, func(ctx context.Context) (struct{}, error) { return struct{}{}, l.TryWrite(ctx) }); err != nil {
		return "", d.ledgerRefuses(err)
	}
	free, known := l.FreeBytes()
	return judgeLedger(d.settings.LedgerURL.String()+", this release can use its tables, takes a write", l.Exposed(), free, known)
}

// judgeLedger judges a ledger that works: found is what is known of it, exposed is how
// others could change it, and free are the bytes that are left, if that is known.
func judgeLedger(found, exposed string, free uint64, known bool) (string, error) {
	switch {
	case exposed != "":
		return "", warn("add sslmode=verify-full to LEDGER_URL, and sslrootcert=FILE if the server's CA is your own", "%s, but %s: others in the network could read and change it", found, exposed)
	case known && free < fewBytes:
		return "", warn("free space there before the ledger takes no charge any more", "%s, but only %d MiB are free", found, free>>20)
	case known:
		found += fmt.Sprintf(", %d GiB free", free>>30)
	}
	return found, nil
}

// ledgerRefuses explains a write that failed.
func (d *Deps) ledgerRefuses(err error) error {
	problem, cure := ledger.Describe(err)
	if problem == "" {
		return Errorf(Failed, "look at the log of the database", "%s takes no write: %w", d.settings.LedgerURL, err)
	}
	return Errorf(Failed, cure+"; calls wait for the charge until then", "%s takes no write: %s", d.settings.LedgerURL, problem)
}

// probeEditions compares the tariffs with those by which calls were charged, as a worker
// does when it starts.
func probeEditions(ctx context.Context, d *Deps) (string, error) {
	cfg, err := d.Config()
	if err != nil {
		return "", err
	}
	l, err := d.Ledger(ctx)
	if err != nil {
		return "", err
	}
	edited, err := ask(ctx, func(ctx context.Context) ([]ledger.EditedTariff, error) { return l.EditedTariffs(ctx, cfg.Tariffs) })
	if err != nil {
		return "", d.ledgerRefuses(err)
	}
	accepted := config.AcceptedTariffs(d.environ)
	refused := slices.DeleteFunc(slices.Clone(edited), func(e ledger.EditedTariff) bool { return slices.Contains(accepted, e.Tariff.Name) })
	switch {
	case len(refused) > 0:
		return "", Errorf(Failed, "a worker that is started now refuses to run; those that run go on with the tariffs that they have read",
			"%w", &ledger.EditedError{Edited: refused})
	case len(edited) > 0:
		return "", warn("once a call was charged by it, remove "+config.AcceptEditedVariable, "accepted: %w", &ledger.EditedError{Edited: edited})
	}
	return "none was edited after calls were charged by it", nil
}

// probeHeld finds what sweeps could not start.
func probeHeld(ctx context.Context, d *Deps) (string, error) {
	apps, err := d.Apps("")
	if err != nil {
		return "", err
	}
	var lines []string
	for _, app := range apps {
		held, err := d.heldBack(ctx, app)
		if err != nil {
			return "", err
		}
		if len(held) > 0 {
			lines = append(lines, fmt.Sprintf("%d of %s, the oldest since %s: %s", len(held), app.Name, held[0].Since.Format(time.RFC3339), held[0].Reason))
		}
	}
	if len(lines) > 0 {
		return "", Errorf(Failed, "aftercall sweep status lists them. They are not charged; each is tried again by itself, and leaves the list once it is started or in the ledger, or with aftercall sweep dismiss",
			"calls that cannot be started: %s", strings.Join(lines, "; "))
	}
	return "no call that the sweeps cannot start", nil
}
