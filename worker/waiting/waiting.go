// Package waiting measures how many calls wait, in which stage, and for how
// long, by querying Temporal's visibility. Every worker exports the same values:
// take their maximum, never their sum.
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
	// interval is how often the metrics are refreshed.
	interval = 15 * time.Second
	// timeout limits one refresh.
	timeout = 10 * time.Second
	// page is how many calls of a stage are listed. If there are more, they are
	// counted, and the oldest is searched.
	page = 100
	// ageFraction is the precision of the age of the oldest call, if there are
	// more than a page: 1/ageFraction of the age.
	ageFraction = 20
)

// Visibility lists and counts workflows; client.Client implements it.
type Visibility interface {
	CountWorkflow(ctx context.Context, r *workflowservice.CountWorkflowExecutionsRequest) (*workflowservice.CountWorkflowExecutionsResponse, error)
	ListWorkflow(ctx context.Context, r *workflowservice.ListWorkflowExecutionsRequest) (*workflowservice.ListWorkflowExecutionsResponse, error)
}

// Calls exports the waiting calls of a namespace as metrics.
type Calls struct {
	visibility Visibility
	logger     *slog.Logger
	count      *prometheus.GaugeVec
	oldest     *prometheus.GaugeVec
	now        func() time.Time
	failing    bool
}

// New registers the metrics. They have no values before the first Refresh. now is the
// time by Temporal's clock.
func New(v Visibility, now func() time.Time, reg prometheus.Registerer, logger *slog.Logger) *Calls {
	factory := promauto.With(reg)
	return &Calls{
		visibility: v, logger: logger, now: now,
		count: factory.NewGaugeVec(prometheus.GaugeOpts{
			Name: "aftercall_waiting_calls",
			Help: "Unfinished calls by stage; the stage waiting includes calls that are being processed. The same from every worker.",
		}, []string{"stage"}),
		oldest: factory.NewGaugeVec(prometheus.GaugeOpts{
			Name: "aftercall_waiting_oldest_seconds",
			Help: "Time since the start of the oldest call of a stage, 0 if there is none. The same from every worker.",
		}, []string{"stage"}),
	}
}

// Run refreshes the metrics periodically until ctx ends.
func (c *Calls) Run(ctx context.Context) {
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	for {
		err := c.Refresh(ctx)
		if err != nil && ctx.Err() == nil && !c.failing {
			c.logger.Warn("waiting calls cannot be queried: their metrics are not exported until they can", "error", err)
		}
		c.failing = err != nil
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// Refresh updates the metrics. After an error there are none, because outdated
// ones would hide waiting calls.
func (c *Calls) Refresh(ctx context.Context) error {
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

// stage returns the number of calls in a stage and the start of the oldest.
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
	since, err = c.findOldest(ctx, query, starts[len(starts)-1])
	return counted.GetCount(), since, err
}

// findOldest returns the start of the oldest call to within 1/ageFraction of
// its age; known is the start of some call. Visibility lists the newest first and
// in no other order, so it is asked for the newest call that is older than some
// time: first in doubling steps, then by bisection.
func (c *Calls) findOldest(ctx context.Context, query string, known time.Time) (time.Time, error) {
	now := c.now()
	older := func(than time.Time) (time.Time, bool, error) {
		starts, _, err := c.list(ctx, query+" AND StartTime < '"+than.UTC().Format(time.RFC3339Nano)+"'", 1)
		if err != nil || len(starts) == 0 {
			return time.Time{}, false, err
		}
		return starts[0], true, nil
	}
	none := known // no call has started before this
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
	for known.Sub(none) > max(time.Second, now.Sub(known)/ageFraction) {
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
