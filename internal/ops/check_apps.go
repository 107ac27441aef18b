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

// appProbes run for every app.
var appProbes = []appProbe{
	{"sweep", probeSweep},
	{"record api", probeRecordAPI},
	{"callback", probeCallback},
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
	return s.progress()
}

// progress says up to when calls are listed; an error, if that is too long ago.
func (s *SweepStatus) progress() (string, error) {
	every := time.Duration(s.EverySeconds) * time.Second
	switch {
	case s.SweptTo.IsZero():
		return fmt.Sprintf("every %s, no run has ended yet", every), nil
	case s.Behind:
		return "", Errorf(Failed, "look at the runs of "+workflows.SweepID(s.SDKAppID)+" in Temporal's Web UI; the next run that succeeds lists what is missing",
			"calls are listed only up to %s, %s ago", s.SweptTo.Format(time.RFC3339), (time.Duration(s.LagSeconds) * time.Second).Round(time.Minute))
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
	start := time.Now()
	if _, err := ask(ctx, func(ctx context.Context) (tencent.RecordPage, error) {
		return api.Records(ctx, tencent.RecordFilter{
			StartTime: start.Add(-time.Minute).Unix(), EndTime: start.Unix(), Page: 1, NumberPerPage: 1,
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
	if differences := r.differences(false); len(differences) > 0 {
		return "", Errorf(Failed, "aftercall callback set --app "+app.Name, "%s", strings.Join(differences, "; "))
	}
	return callbackURL(app, r.registered.URL, false), nil
}
