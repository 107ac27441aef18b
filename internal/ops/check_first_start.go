package ops

import (
	"context"
	"fmt"
	"time"

	"aftercall/internal/config"
	"aftercall/internal/ledger"
	"aftercall/internal/sweep"
	"aftercall/internal/tencent"
)

// beginning is when an app began to charge: its go_live or, without it, its first
// start; the zero time if neither is known.
func beginning(ctx context.Context, l *ledger.Ledger, app *config.App) (time.Time, error) {
	if !app.GoLive.IsZero() {
		return app.GoLive, nil
	}
	at, err := ask(ctx, func(ctx context.Context) (time.Time, error) {
		at, _, err := l.FirstStart(ctx, app.SDKAppID)
		return at, err
	})
	if err != nil {
		return at, Errorf(Failed, "is the database up?", "the ledger does not answer: %w", err)
	}
	return at, nil
}

// probeBeginning says from when on the sweeps of an app charge, and what lies before.
func probeBeginning(ctx context.Context, d *Deps, app *config.App) (string, error) {
	if !app.GoLive.IsZero() {
		return "calls are charged that ended since go_live, " + app.GoLive.UTC().Format(time.RFC3339), nil
	}
	l, err := d.Ledger(ctx)
	if err != nil {
		return "", err
	}
	from, err := beginning(ctx, l, app)
	if err != nil {
		return "", err
	}
	now, err := ask(ctx, l.Now)
	if err != nil {
		return "", err
	}
	if from.IsZero() {
		_, known, err := l.FirstStart(ctx, app.SDKAppID)
		if err != nil || known {
			return "all calls are charged: the app was in use before its first start was recorded", err
		}
		return "no worker has run this app yet: sweeps charge calls that end after the first start, unless go_live says otherwise", nil
	}
	detail := "sweeps charge calls that ended since the first start, " + from.Format(time.RFC3339)
	earliest := now.Add(-sweep.Reach).Truncate(time.Second).Add(time.Minute)
	if !earliest.Before(from) {
		return detail, nil
	}
	before, err := d.callsBefore(ctx, l, app, sweep.Window{From: earliest, To: from.Truncate(time.Second).Add(-time.Second)})
	if err != nil || before == "" {
		return detail, err
	}
	return detail + before, nil
}

// callsBefore describes the calls within a window that are not in the ledger, empty
// if there are none. The numbers are those of Tencent's and the ledger's count, so
// that calls that run across an end of the window may be in one of them only.
func (d *Deps) callsBefore(ctx context.Context, l *ledger.Ledger, app *config.App, w sweep.Window) (string, error) {
	api, err := d.Tencent(app)
	if err != nil {
		return "", err
	}
	page, err := ask(ctx, func(ctx context.Context) (tencent.RecordPage, error) {
		return api.Records(ctx, tencent.RecordFilter{StartTime: w.From.Unix(), EndTime: w.To.Unix(), Page: 1, NumberPerPage: 1})
	})
	if err != nil {
		return "", tencentError(app, err)
	}
	charged, err := ask(ctx, func(ctx context.Context) (int, error) { return l.CallsEnded(ctx, app.SDKAppID, w.From, w.To) })
	if err != nil {
		return "", Errorf(Failed, "is the database up?", "the ledger does not answer: %w", err)
	}
	listed := max(page.TotalNum, len(page.Rows))
	if listed <= charged {
		return "", nil
	}
	return fmt.Sprintf("; Tencent has %d records of calls from before, the ledger %d of them, and sweeps leave the others alone. To take them in: aftercall backfill --app %s --from %s --to %s --dry-run, then without --dry-run",
		listed, charged, app.Name, w.From.UTC().Format(time.RFC3339), w.To.UTC().Format(time.RFC3339)), nil
}
