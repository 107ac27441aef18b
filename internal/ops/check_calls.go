package ops

import (
	"context"
	"fmt"
	"strings"
	"time"
)

// heldProbe finds what sweeps could not start.
var heldProbe = probe{name: "held back", needs: ledgerProbe.name, run: func(ctx context.Context, d *Deps) (string, error) {
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
}}

// probeConflicts finds calls whose workflow has failed.
func probeConflicts(ctx context.Context, d *Deps) (string, error) {
	apps, err := d.Apps("")
	if err != nil {
		return "", err
	}
	open, err := d.conflicts(ctx, apps, d.now().Add(-conflictsShown))
	if err != nil {
		return "", err
	}
	if len(open) > 0 {
		return "", Errorf(Failed, open[0].Cure, "the workflows of %d calls have failed; the last is %s of %s: %s", len(open), open[0].CallID, open[0].App, open[0].Failure)
	}
	return "no workflow of a call has failed in the last " + inDays(conflictsShown), nil
}
