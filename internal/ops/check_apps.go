package ops

import (
	"context"
	"fmt"
	"strings"
	"time"

	"aftercall/internal/config"
	"aftercall/internal/tencent"
	"aftercall/workflows"
)

// probeTariff checks that a version of the tariff is in force, and stays so.
func probeTariff(ctx context.Context, d *Deps, app *config.App) (string, error) {
	return judgeTariff(app, d.now(ctx))
}

// judgeTariff is what probeTariff finds at now.
func judgeTariff(app *config.App, now time.Time) (string, error) {
	rater, err := app.Rater()
	if err != nil {
		return "", err
	}
	name, from := rater.InForce(now)
	found := fmt.Sprintf("%s, the version of %s is in force", name, from.Format(time.RFC3339))
	for _, next := range app.Tariff.Ordered() {
		if next.EffectiveFrom.After(now) {
			found += fmt.Sprintf(", then %s from %s", next.Name, next.EffectiveFrom.UTC().Format(time.RFC3339))
		}
	}
	for _, gap := range rater.Gaps() {
		switch {
		case !gap.To.After(now):
		case !gap.From.After(now):
			return "", Errorf(Failed, "add one whose effective_from has passed, and restart the workers; until then every call goes to review", "%s", gap)
		default:
			return "", warn("add a version to "+gap.Tariff+" that begins by then, and restart the workers",
				"%s; but then calls go to review: %s", found, gap)
		}
	}
	return found, nil
}

// probeSweep checks that the sweep is scheduled and not behind.
func probeSweep(ctx context.Context, d *Deps, app *config.App) (string, error) {
	s := SweepStatus{App: app.Name, SDKAppID: app.SDKAppID}
	if err := d.readSchedule(ctx, app, &s); err != nil {
		return "", err
	}
	if s.State == SweepOff {
		return "off, as configured: calls whose callback is lost are not found", nil
	}
	if err := s.scheduleError(); err != nil {
		return "", err
	}
	if err := d.readProgress(ctx, app, &s); err != nil {
		return "", err
	}
	// Without it, the progress still says whether anything is wrong.
	runErr := d.readLastRun(ctx, &s)
	detail, err := s.progress()
	if err == nil && runErr != nil {
		return "", cannotTell(noAnswerCure, "%w", runErr)
	}
	return detail, err
}

// progress says up to when calls are listed; an error, if that is too long ago, or
// if the last run has found that the ledger lost entries.
func (s *SweepStatus) progress() (string, error) {
	every := time.Duration(s.EverySeconds) * time.Second
	cure := "look at the runs of " + workflows.SweepID(s.SDKAppID) + " in Temporal's Web UI; the next run that succeeds lists what is missing"
	reason := ""
	if s.LastRun != nil && s.LastRun.Failure != "" {
		reason = "; the last run: " + s.LastRun.Failure
	}
	switch {
	case s.SweptTo.IsZero() && s.Behind:
		return "", Errorf(Failed, cure, "no run has listed a window since the schedule was created at %s%s", s.CreatedAt.Format(time.RFC3339), reason)
	case s.SweptTo.IsZero():
		return fmt.Sprintf("every %s, no run has ended yet", every), nil
	case s.LagSeconds < 0:
		return "", Errorf(Failed, "the next run corrects it; compare the clocks of the database and the workers",
			"the progress %s is in the future, so calls are not listed%s", s.SweptTo.Format(time.RFC3339), reason)
	case s.Behind:
		return "", Errorf(Failed, cure, "calls are listed only up to %s, %s ago%s",
			s.SweptTo.Format(time.RFC3339), (time.Duration(s.LagSeconds) * time.Second).Round(time.Second), reason)
	case s.LastRun != nil && s.LastRun.StartedAgain > 0:
		return "", Errorf(Failed, "if the ledger was restored, run aftercall backfill over the last seven days, then aftercall ledger verify --records",
			"the last run charged %d calls again: their workflows had ended, but the ledger has no entries", s.LastRun.StartedAgain)
	}
	return fmt.Sprintf("every %s, all calls up to %s are listed", every, s.SweptTo.Format(time.RFC3339)), nil
}

// probeRecordAPI asks for the calls of the last minute, which needs all that
// reading a record needs.
func probeRecordAPI(ctx context.Context, d *Deps, app *config.App) (string, error) {
	api, err := d.Tencent(app)
	if err != nil {
		return "", err
	}
	now, start := d.now(ctx), time.Now()
	if _, err := ask(ctx, func(ctx context.Context) (tencent.RecordPage, error) {
		return api.Records(ctx, tencent.RecordFilter{
			StartTime: now.Add(-time.Minute).Unix(), EndTime: now.Unix(), Page: 1, NumberPerPage: 1,
		})
	}); err != nil {
		return "", tencentError(app, err)
	}
	return fmt.Sprintf("%s answers in %s and accepts the credentials", app.APIBaseURL(), time.Since(start).Round(time.Millisecond)), nil
}

// probeCallback compares the registered callback with the configured one.
func probeCallback(ctx context.Context, d *Deps, app *config.App) (string, error) {
	r, err := d.registration(ctx, app, configuredCallback(app))
	if err != nil {
		return "", err
	}
	return r.check()
}

// check is the result of probeCallback. An old secret is accepted while a new one
// replaces it, and is not an error.
func (r registration) check() (string, error) {
	switch differences := r.differences(false); {
	case len(differences) == 1 && r.usesOldSecret():
		return callbackURL(r.app, r.registered.URL, false) + " is still registered; register the new one with: " + r.cure(), nil
	case len(differences) > 0:
		return "", Errorf(Failed, r.cure(), "%s", strings.Join(differences, "; "))
	}
	return callbackURL(r.app, r.registered.URL, false), nil
}
