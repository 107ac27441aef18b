package service

import (
	"context"
	"time"

	"aftercall/activities"
	"aftercall/internal/config"
	"aftercall/internal/tencent"
	"aftercall/workflows"
	"aftercall/workflows/launch"
)

// sweepApps are what the sweeps need of the configured apps.
func sweepApps(cfg *config.Config, clients map[tencent.SDKAppID]*tencent.Client) []activities.SweepApp {
	apps := make([]activities.SweepApp, len(cfg.Apps))
	for i, app := range cfg.Apps {
		apps[i] = activities.SweepApp{
			ID: app.SDKAppID, Name: app.Name, Records: clients[app.SDKAppID], Settings: app.Sweep.Settings(),
			Every: time.Duration(app.Sweep.Every), GoLive: app.GoLive, RecordDeadline: app.RecordDeadline,
		}
	}
	return apps
}

// sweepCalls implements activities.SweepCalls.
type sweepCalls struct{ launch.Calls }

// StartListed starts the workflow of a call that a sweep found.
func (c sweepCalls) StartListed(
	ctx context.Context, app activities.SweepApp, record tencent.CallRecord, again activities.StartAgain,
) (activities.StartOutcome, error) {
	return c.StartUncharged(ctx, workflows.AfterCallParams{
		SDKAppID: app.ID, App: app.Name, CallID: record.CallID, Source: workflows.SourceSweep,
		Listed: &record, RecordDeadline: app.RecordDeadline,
	}, again)
}

// Recheck makes a call in review that has a record look for it again.
func (c sweepCalls) Recheck(ctx context.Context, app tencent.SDKAppID, callID string) error {
	return c.RecheckListed(ctx, app, callID)
}
