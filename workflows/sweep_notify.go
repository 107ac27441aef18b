package workflows

import (
	"go.temporal.io/sdk/workflow"

	"aftercall/internal/notify"
)

// notifyOfRecovered sends one event about the recovered calls of a sweep or
// backfill to its subscribers. The workflow Deliver does it, so that no target
// delays a sweep.
func (r *sweepRun) notifyOfRecovered(ctx workflow.Context) {
	p, done, info := r.params, r.done, workflow.GetInfo(ctx)
	if done.Recovered == 0 || p.DryRun {
		return
	}
	params := DeliverParams{
		MessageID: notify.MessageID(p.SDKAppID, info.FirstRunID, notify.EventSweepRecovered),
		Event: notify.Event{
			Type: notify.EventSweepRecovered, Version: notify.EventVersion, Timestamp: workflow.Now(ctx).UTC(),
			Sweep: &notify.SweepData{
				App: p.App, SDKAppID: p.SDKAppID, Listed: done.Listed, Known: done.Known, Recovered: done.Recovered, Failed: done.Failed,
				Examples: done.Examples, From: done.From.UTC(), To: done.To.UTC(),
			},
		},
	}
	if err := startDelivery(ctx, params, info.FirstRunID); err != nil {
		workflow.GetLogger(ctx).Error("no target is notified of the recovered calls", "app", p.App, "error", err)
	}
}
