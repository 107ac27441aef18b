package service

import (
	"context"

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
			GoLive: app.GoLive, RecordDeadline: app.RecordDeadline,
		}
	}
	return apps
}

// sweepCalls implements activities.SweepCalls.
type sweepCalls struct{ launch.Calls }

// StartListed starts the workflow of a call that a sweep found.
func (c sweepCalls) StartListed(ctx context.Context, app activities.SweepApp, record tencent.CallRecord) (already bool, err error) {
	return c.Start(ctx, workflows.AfterCallParams{
		SDKAppID: app.ID, App: app.Name, CallID: record.CallID, Source: workflows.SourceSweep,
		Listed: &record, RecordDeadline: app.RecordDeadline,
	}, "")
}
