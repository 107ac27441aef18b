// Package waiting measures how many calls wait, in which stage, and for how
// long, by asking Temporal's visibility. Every worker asks, and all get the
// same answer: take the maximum over workers, never the sum.
package waiting

import (
	"context"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
	"go.temporal.io/api/workflowservice/v1"

	"aftercall/workflows"
)

const (
	// every is how often Temporal is asked.
	every = 15 * time.Second
	// timeout bounds one round of questions.
	timeout = 10 * time.Second
	// page is how many calls are listed at the most; more are counted, and the
	// oldest of them is searched for.
	page = 100
	// precision of the age of the oldest of more than a page, as a share of it.
	precision = 20
)

// Visibility answers which workflows there are; client.Client does.
type Visibility interface {
	CountWorkflow(ctx context.Context, r *workflowservice.CountWorkflowExecutionsRequest) (*workflowservice.CountWorkflowExecutionsResponse, error)
	ListWorkflow(ctx context.Context, r *workflowservice.ListWorkflowExecutionsRequest) (*workflowservice.ListWorkflowExecutionsResponse, error)
}

// Calls are the calls that wait in a namespace, as metrics.
type Calls struct {
	visibility Visibility
	logger     *slog.Logger
	count      *prometheus.GaugeVec
	oldest     *prometheus.GaugeVec
	now        func() time.Time
	failing    bool
}

// New returns Calls that have not been asked for yet.
func New(v Visibility, reg prometheus.Registerer, logger *slog.Logger) *Calls {
	factory := promauto.With(reg)
	return &Calls{
		visibility: v, logger: logger, now: time.Now,
		count: factory.NewGaugeVec(prometheus.GaugeOpts{
			Name: "aftercall_waiting_calls",
			Help: "Calls that are not done, by stage; the stage waiting includes those that are being worked on. The same from every worker.",
		}, []string{"stage"}),
		oldest: factory.NewGaugeVec(prometheus.GaugeOpts{
			Name: "aftercall_waiting_oldest_seconds",
			Help: "Time since the oldest call of a stage was started, 0 if there is none. The same from every worker.",
		}, []string{"stage"}),
	}
}

// Run asks again and again until ctx ends.
func (c *Calls) Run(ctx context.Context) {
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		err := c.Ask(ctx)
		if err != nil && ctx.Err() == nil && !c.failing {
			c.logger.Warn("Temporal does not say which calls wait, their metrics are gone until it does", "error", err)
		}
		c.failing = err != nil
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// Ask brings the metrics up to date. On an error there are none, because old
// ones would hide that calls wait.
func (c *Calls) Ask(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	for _, stage := range workflows.WaitingStages {
		n, since, err := c.stage(ctx, stage)
		if err != nil {
			c.count.Reset()
			c.oldest.Reset()
			return err
		}
		age := 0.0
		if n > 0 {
			age = max(0, c.now().Sub(since).Seconds())
		}
		c.count.WithLabelValues(string(stage)).Set(float64(n))
		c.oldest.WithLabelValues(string(stage)).Set(age)
	}
	return nil
}

// stage counts the calls of a stage, and says since when the oldest one runs.
func (c *Calls) stage(ctx context.Context, stage workflows.Stage) (n int64, since time.Time, err error) {
	query := workflows.WaitingQuery(stage)
	starts, more, err := c.list(ctx, query, page)
	if err != nil || len(starts) == 0 {
		return 0, time.Time{}, err
	}
	if !more {
		return int64(len(starts)), starts[len(starts)-1], nil
	}
	counted, err := c.visibility.CountWorkflow(ctx, &workflowservice.CountWorkflowExecutionsRequest{Query: query})
	if err != nil {
		return 0, time.Time{}, err
	}
	since, err = c.search(ctx, query, starts[len(starts)-1])
	return counted.GetCount(), since, err
}

// search finds the oldest call, of which a younger one is known, to a share of
// its age. Visibility lists the newest first and nothing else, so it is asked
// for the newest one that is older than some time: first in leaps, then between.
func (c *Calls) search(ctx context.Context, query string, known time.Time) (time.Time, error) {
	now := c.now()
	older := func(than time.Time) (time.Time, bool, error) {
		starts, _, err := c.list(ctx, query+" AND StartTime < '"+than.UTC().Format(time.RFC3339Nano)+"'", 1)
		if err != nil || len(starts) == 0 {
			return time.Time{}, false, err
		}
		return starts[0], true, nil
	}
	none := known // before which there is nothing
	for {
		none = now.Add(-2*now.Sub(none) - time.Second)
		start, found, err := older(none)
		if err != nil {
			return known, err
		}
		if !found {
			break
		}
		known, none = start, start
	}
	for known.Sub(none) > max(time.Second, now.Sub(known)/precision) {
		middle := none.Add(known.Sub(none) / 2)
		start, found, err := older(middle)
		if err != nil {
			return known, err
		}
		if found {
			known = start
		} else {
			none = middle
		}
	}
	return known, nil
}

// list returns when the newest calls of a query were started, newest first.
func (c *Calls) list(ctx context.Context, query string, size int32) (starts []time.Time, more bool, err error) {
	answer, err := c.visibility.ListWorkflow(ctx, &workflowservice.ListWorkflowExecutionsRequest{Query: query, PageSize: size})
	if err != nil {
		return nil, false, err
	}
	for _, e := range answer.GetExecutions() {
		starts = append(starts, e.GetStartTime().AsTime())
	}
	return starts, len(answer.GetNextPageToken()) > 0, nil
}
