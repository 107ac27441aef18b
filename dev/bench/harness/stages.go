package harness

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	historypb "go.temporal.io/api/history/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"

	"aftercall/workflows"
)

// StageNames are the stages of a call, in order, and at last the whole delay.
var StageNames = []string{
	"started: from the callback to the start of its workflow",
	"due: from the end of the start delay to the first workflow task",
	"handed out: until the server gives the task to a worker",
	"received: until the worker has the task",
	"record: from then, or from when the record is ready, until it is read",
	"booked: until the charge is in the ledger",
	"sent: until the receiver has answered the webhook",
	"**webhook delay**: from when the record is ready to the webhook",
}

// Stages are how long each stage of each call took, by the index of StageNames.
type Stages struct {
	Calls [][]time.Duration
	// Others is how many calls had another history than one without trouble.
	Others int
}

// Stages measures the stages of aftercall's calls under a load, by their histories.
func (b *Bench) Stages(ctx context.Context, load Load) (found Stages, err error) {
	d, err := b.start(ctx, aftercall)
	if err != nil {
		return found, err
	}
	defer func() { err = errors.Join(err, d.stop()) }()
	if _, err := d.run(ctx, Load{Name: "warm-up", Calls: warmUp, Rate: load.Rate, Copies: 1}); err != nil {
		return found, err
	}
	r, err := d.run(ctx, load)
	if err == nil && !r.Verification.Clean() {
		err = fmt.Errorf("%+v", r.Verification)
	}
	if err != nil {
		return found, err
	}
	c, err := client.DialContext(ctx, client.Options{HostPort: d.address, Logger: discardLogger{}})
	if err != nil {
		return found, err
	}
	defer c.Close()
	stages := make([][]time.Duration, len(d.sender.calls))
	if _, err := inParallel(len(stages), func(i int) (err error) {
		stages[i], err = d.stagesOf(ctx, c, i)
		return err
	}); err != nil {
		return found, err
	}
	found.Calls = slices.DeleteFunc(stages, func(s []time.Duration) bool { return s == nil })
	found.Others = len(stages) - len(found.Calls)
	return found, nil
}

// stagesOf returns the stages of a call of the last load, nil if it had trouble.
func (d *deployment) stagesOf(ctx context.Context, c client.Client, i int) ([]time.Duration, error) {
	call := d.sender.calls[i]
	id := workflows.AfterCallID(call.app, call.id)
	if err := c.GetWorkflow(ctx, id, "").Get(ctx, nil); err != nil {
		return nil, err
	}
	var events []*historypb.HistoryEvent
	history := c.GetWorkflowHistory(ctx, id, "", false, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	for history.HasNext() {
		event, err := history.Next()
		if err != nil {
			return nil, err
		}
		events = append(events, event)
	}
	m, err := readMoments(events)
	if err != nil || !m.ordinary() {
		return nil, err
	}
	d.simulators.webhooks.mu.Lock()
	arrived := d.simulators.webhooks.calls[call.id].first
	d.simulators.webhooks.mu.Unlock()
	return m.stages(d.sender.sentAt[i], call.readyAt, arrived), nil
}

// moments are when a call reached what, by its history.
type moments struct {
	started, due, scheduled, handedOut time.Time
	// record, booked and sent are when the local activities ended. The SDK computes them
	// by the server's clock, as if the worker had had the task when it was handed out.
	record, booked, sent time.Time
}

func readMoments(events []*historypb.HistoryEvent) (m moments, err error) {
	first := func(t *time.Time, event *historypb.HistoryEvent) {
		if t.IsZero() {
			*t = event.GetEventTime().AsTime()
		}
	}
	for _, event := range events {
		switch event.GetEventType() {
		case enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_STARTED:
			first(&m.started, event)
			m.due = m.started.Add(event.GetWorkflowExecutionStartedEventAttributes().GetFirstWorkflowTaskBackoff().AsDuration())
		case enumspb.EVENT_TYPE_WORKFLOW_TASK_SCHEDULED:
			first(&m.scheduled, event)
		case enumspb.EVENT_TYPE_WORKFLOW_TASK_STARTED:
			first(&m.handedOut, event)
		case enumspb.EVENT_TYPE_MARKER_RECORDED:
			var local struct {
				ActivityType string
				ReplayTime   time.Time
			}
			if err := converter.GetDefaultDataConverter().FromPayloads(event.GetMarkerRecordedEventAttributes().GetDetails()["data"], &local); err != nil {
				return m, fmt.Errorf("marker of a local activity: %w", err)
			}
			if t := map[string]*time.Time{"FetchRecord": &m.record, "Charge": &m.booked, "Notify": &m.sent}[local.ActivityType]; t != nil {
				*t = local.ReplayTime
			}
		default: // no stage begins or ends
		}
	}
	return m, nil
}

// ordinary reports whether the call did all in its first task.
func (m moments) ordinary() bool {
	return !m.record.IsZero() && !m.booked.IsZero() && !m.sent.IsZero()
}

// stages are in the order of StageNames.
func (m moments) stages(posted, ready, arrived time.Time) []time.Duration {
	recordFrom := m.handedOut
	if ready.After(recordFrom) {
		recordFrom = ready
	}
	return []time.Duration{
		m.started.Sub(posted), m.scheduled.Sub(m.due), m.handedOut.Sub(m.scheduled),
		// The webhook came later than by the history, by as much as the worker had the
		// task later. Its answer takes some tenths of a millisecond, which are left out.
		arrived.Sub(m.sent),
		m.record.Sub(recordFrom), m.booked.Sub(m.record), m.sent.Sub(m.booked),
		arrived.Sub(ready),
	}
}

// Buckets are the upper bounds of a histogram; what is longer than the last is the rest.
var Buckets = []time.Duration{
	time.Millisecond, 2 * time.Millisecond, 5 * time.Millisecond, 10 * time.Millisecond, 20 * time.Millisecond, 50 * time.Millisecond,
}

// Summary returns, for a stage, its percentiles, its histogram by Buckets in calls, and
// its mean in the hundredth of calls with the longest delay.
func (s Stages) Summary(stage int) (p Percentiles, histogram []int, slowest time.Duration) {
	histogram = make([]int, len(Buckets)+1)
	times := make([]time.Duration, len(s.Calls))
	for i, call := range s.Calls {
		times[i] = call[stage]
		bucket, _ := slices.BinarySearch(Buckets, call[stage])
		histogram[bucket]++
	}
	delay := len(StageNames) - 1
	byDelay := slices.SortedFunc(slices.Values(s.Calls), func(a, b []time.Duration) int { return int(b[delay] - a[delay]) })
	last := (len(byDelay) + 99) / 100
	for _, call := range byDelay[:last] {
		slowest += call[stage] / time.Duration(last)
	}
	return percentiles(times), histogram, slowest
}
