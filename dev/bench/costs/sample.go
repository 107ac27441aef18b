package costs

import (
	"context"
	"errors"
	"slices"
	"time"

	"go.temporal.io/api/serviceerror"

	"aftercall/dev/local"
)

// sampled is how many calls are read from Temporal.
const sampled = 20

// sample reads some calls from Temporal. On a busy machine some have more events than
// others, because a workflow task took long: the figures are those of most of them.
func (r *run) sample(ctx context.Context, m *Measurement) error {
	sizes := map[local.Cost][]int64{}
	for i := r.sentFrom; i < len(r.placed); i += max(1, r.Calls/sampled) {
		cost, size, err := r.costOf(ctx, local.WorkflowID(r.placed[i]))
		if errors.As(err, new(*serviceerror.NotFound)) {
			continue // its callback was refused
		}
		if err != nil {
			return err
		}
		sizes[cost] = append(sizes[cost], size)
		m.Temporal.Sampled++
	}
	for cost, bytes := range sizes {
		if n := int64(len(bytes)); n > m.Temporal.Alike {
			slices.Sort(bytes)
			m.Temporal = Temporal{
				Events: cost.Events, Transitions: cost.Transitions, Actions: cost.Actions, HistoryBytes: bytes[n/2],
				Sampled: m.Temporal.Sampled, Alike: n,
			}
		}
	}
	return nil
}

func (r *run) costOf(ctx context.Context, id string) (cost local.Cost, historyBytes int64, err error) {
	if err := r.stack.Temporal.GetWorkflow(ctx, id, "").Get(ctx, nil); err != nil {
		return cost, 0, err
	}
	description, err := r.stack.Temporal.DescribeWorkflowExecution(ctx, id, "")
	if err != nil {
		return cost, 0, err
	}
	info := description.GetWorkflowExecutionInfo()
	cost, err = local.CostOf(ctx, r.stack.Temporal, local.Execution{
		WorkflowID: id, RunID: info.GetExecution().GetRunId(), Events: info.GetHistoryLength(), Transitions: info.GetStateTransitionCount(),
	})
	return cost, info.GetHistorySizeBytes(), err
}

// listings is how often the calls of an app are listed, so that the CPU time is many ticks
// of the clock.
const listings = 10

// sweep lists the calls of one app as a sweep does. What it costs to list a time without
// calls is subtracted.
func (r *run) sweep(ctx context.Context, m *Measurement) error {
	now := time.Now()
	full, requests, err := r.list(ctx, now.Add(-time.Hour), now)
	if err != nil {
		return err
	}
	empty, _, err := r.list(ctx, now.Add(-26*time.Hour), now.Add(-25*time.Hour))
	if err != nil {
		return err
	}
	listed := int64(len(r.placed) / apps)
	perThousand := func(part string) int64 {
		return max(0, (full[part]-empty[part]).Microseconds()*1000/(listings*listed))
	}
	m.Sweep = Sweep{
		Listed: listed, RecordAPI: requests * 1000 / (listings * listed),
		Worker: perThousand("worker"), Ledger: perThousand("postgres " + local.LedgerDatabase),
	}
	return nil
}

// list lists a time again and again, and returns the CPU time of each part and the
// requests to Tencent.
func (r *run) list(ctx context.Context, from, to time.Time) (cpu map[string]time.Duration, requests int64, err error) {
	sent := r.requests()
	_, before, err := r.cpuNow()
	if err != nil {
		return nil, 0, err
	}
	for range listings {
		if err := r.stack.Command(ctx, "backfill", "--app", "app-0", "--dry-run",
			"--from", from.UTC().Format(time.RFC3339), "--to", to.UTC().Format(time.RFC3339)).Err(); err != nil {
			return nil, 0, err
		}
	}
	_, cpu, err = r.cpuNow()
	for part := range cpu {
		cpu[part] -= before[part]
	}
	return cpu, int64(r.requests() - sent), err
}
