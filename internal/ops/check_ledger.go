package ops

import (
	"context"
	"fmt"
	"strings"
	"time"

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
	found := d.settings.LedgerURL.String() + ", this release can use its tables, takes a write"
	free, known := l.FreeBytes()
	exposed := l.Exposed()
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
