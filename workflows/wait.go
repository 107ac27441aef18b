package workflows

import (
	"time"

	"go.temporal.io/sdk/workflow"
)

// The wait for the call record, in the order in which it happens:
//
//  1. recordReadyAt: Tencent has the record RecordDelay after the call ended.
//  2. startDelay: the starter asks the server to hold the first workflow task
//     back until StartLead before that. A start delay costs no timer, no event
//     and no billed action.
//  3. waitForRecord: the workflow computes what is left by its own clock. More
//     than the lead, as after a start without a delay, is waited with a timer.
//  4. The last milliseconds are waited by FetchRecord itself
//     (FetchRecordParams.InitialDelay), for which a timer would cost more than
//     it waits.
//
// Only a call that is charged by what was seen of it waits once more, with a timer before
// its charge: see waitForEvidence.

const (
	// RecordDelay is how long after the end of a call its record can be
	// queried. D:68930
	RecordDelay = 5 * time.Second

	// StartLead is about how long a server takes to hand out the first workflow
	// task once the start delay is over. Without it every call would be late by
	// that much.
	StartLead = 10 * time.Millisecond

	// minShownWait is the shortest wait that is shown in the list of workflows.
	// A shorter one comes from clocks that differ slightly, and is not worth the
	// cost of a search attribute.
	minShownWait = 2 * time.Second
)

// recordReadyAt is when the record can be queried, according to the hint; the
// zero time if the end of the call is unknown.
func (p AfterCallParams) recordReadyAt() time.Time {
	if !p.EndedAt.IsZero() {
		return p.EndedAt.Add(RecordDelay)
	}
	hint := p.hint()
	if hint == nil {
		return time.Time{}
	}
	return hint.EndedAt().Add(RecordDelay)
}

// remainingWait is how long to wait from now until the record can be queried,
// between 0 and RecordDelay: the end of the call was read from another clock,
// and a wrong one must neither shorten the wait of other calls nor prolong it
// without bound.
func (p AfterCallParams) remainingWait(now time.Time) time.Duration {
	ready := p.recordReadyAt()
	if ready.IsZero() {
		return 0
	}
	return min(max(ready.Sub(now), 0), RecordDelay)
}

// startDelay is how long the server holds back the first workflow task of a
// workflow that is started now.
func (p AfterCallParams) startDelay(now time.Time) time.Duration {
	return max(p.remainingWait(now)-p.Lead, 0)
}

// waitForRecord waits until the record can be queried, except for a rest of at
// most the lead, which it leaves in c.remainingWait for FetchRecord.
func (c *call) waitForRecord(ctx workflow.Context) error {
	wait := c.params.remainingWait(workflow.Now(ctx))
	if wait <= c.params.Lead {
		c.remainingWait = wait
		return nil
	}
	if wait > minShownWait {
		c.setWaiting(ctx, StageWaiting, "the call record, which can be queried five seconds after the end of the call")
	}
	return workflow.NewTimerWithOptions(ctx, wait, workflow.TimerOptions{
		Summary: "until the call record can be queried",
	}).Get(ctx, nil)
}

// waitForEvidence waits for what can still come of what was seen of the call. Like the
// wait for the record it shows as no stage of its own in the list of workflows.
func (c *call) waitForEvidence(ctx workflow.Context, wait time.Duration) error {
	c.awaitedEvidence = true
	c.status.WaitingFor = "late evidence of who was in the call"
	c.show(ctx)
	err := workflow.NewTimerWithOptions(ctx, wait, workflow.TimerOptions{Summary: "until late evidence has come"}).Get(ctx, nil)
	c.status.WaitingFor = ""
	c.show(ctx)
	return err
}
