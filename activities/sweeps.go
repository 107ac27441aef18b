package activities

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
	"go.temporal.io/sdk/activity"

	"aftercall/internal/sweep"
	"aftercall/internal/tencent"
)

// SweepLedger is what a sweep needs of the ledger; *ledger.Ledger implements it.
type SweepLedger interface {
	Known(ctx context.Context, app tencent.SDKAppID, callIDs []string) (map[string]bool, error)
	SweptTo(ctx context.Context, app tencent.SDKAppID) (time.Time, error)
	SetSweptTo(ctx context.Context, app tencent.SDKAppID, to time.Time) error
}

// SweepCalls finds and starts the workflows of calls.
type SweepCalls interface {
	// HaveWorkflow returns which calls have a workflow according to the list of
	// workflows, which may be some seconds behind.
	HaveWorkflow(ctx context.Context, app tencent.SDKAppID, callIDs []string) (map[string]bool, error)
	// StartListed starts the workflow of a call that a sweep found. already
	// means that it had been started before.
	StartListed(ctx context.Context, app SweepApp, record tencent.CallRecord) (already bool, err error)
}

// SweepApp is what sweeps need of one SDKAppID.
type SweepApp struct {
	ID       tencent.SDKAppID
	Name     string
	Records  sweep.Lister
	Settings sweep.Settings
	// GoLive is where the first sweep begins. Calls that ended before it are
	// not charged by a sweep. The zero time sets no limit.
	GoLive time.Time
	// RecordDeadline is a parameter of the workflows that are started.
	RecordDeadline time.Duration
}

// Sweeps are the activities of the workflow Sweep.
type Sweeps struct {
	apps   map[tencent.SDKAppID]SweepApp
	ledger SweepLedger
	calls  SweepCalls
	seen   *prometheus.CounterVec
	swept  *prometheus.GaugeVec
	now    func() time.Time
}

// NewSweeps returns the activities of the sweeps of apps, which compare
// Tencent's records with l and calls.
func NewSweeps(apps []SweepApp, l SweepLedger, calls SweepCalls, reg prometheus.Registerer) *Sweeps {
	factory := promauto.With(reg)
	s := &Sweeps{
		apps: make(map[tencent.SDKAppID]SweepApp, len(apps)), ledger: l, calls: calls, now: time.Now,
		seen: factory.NewCounterVec(prometheus.CounterOpts{
			Name: "aftercall_sweep_calls_total",
			Help: "Calls listed by sweeps and backfills, by app and outcome: known, recovered (by a sweep: their callback was lost), backfilled, failed, before_go_live.",
		}, []string{"app", "outcome"}),
		swept: factory.NewGaugeVec(prometheus.GaugeOpts{
			Name: "aftercall_swept_to_timestamp_seconds",
			Help: "Time up to which the sweep has listed all calls of an app, in Unix seconds.",
		}, []string{"app"}),
	}
	for _, app := range apps {
		s.apps[app.ID] = app
		// Exported from the start, so that an alert sees the first recovered call.
		for _, outcome := range []string{"known", "recovered", "backfilled", "failed", "before_go_live"} {
			s.seen.WithLabelValues(app.Name, outcome)
		}
	}
	return s
}

func (s *Sweeps) app(id tencent.SDKAppID) (SweepApp, error) {
	app, ok := s.apps[id]
	if !ok {
		return SweepApp{}, appNotConfigured(id)
	}
	return app, nil
}

// PlanSweepParams names the app.
type PlanSweepParams struct {
	SDKAppID tencent.SDKAppID `json:"sdk_app_id"`
	// TimeRange, if set, is the time range of a backfill, which is listed
	// whatever was listed before.
	TimeRange *sweep.Window `json:"between,omitempty"`
}

// PlanSweepResult are the windows to list, in order.
type PlanSweepResult struct {
	Windows []sweep.Window `json:"windows"`
}

// PlanSweep returns the windows to list: from the end of the last sweep minus
// the overlap, until now minus the settle setting. Errors: AppNotConfigured,
// LedgerUnavailable.
func (s *Sweeps) PlanSweep(ctx context.Context, p PlanSweepParams) (PlanSweepResult, error) {
	app, err := s.app(p.SDKAppID)
	if err != nil {
		return PlanSweepResult{}, err
	}
	if p.TimeRange != nil {
		return PlanSweepResult{Windows: sweep.BackfillWindows(*p.TimeRange, s.now(), app.Settings)}, nil
	}
	sweptTo, err := s.ledger.SweptTo(ctx, app.ID)
	if err != nil {
		return PlanSweepResult{}, defaultType(err, LedgerUnavailable)
	}
	if !sweptTo.IsZero() { // so that a worker exports it before it has listed a window itself
		s.swept.WithLabelValues(app.Name).Set(float64(sweptTo.Unix()))
	}
	return PlanSweepResult{Windows: sweep.Windows(sweptTo, app.GoLive, s.now(), app.Settings)}, nil
}

// SweepWindowParams is a window to list.
type SweepWindowParams struct {
	SDKAppID tencent.SDKAppID `json:"sdk_app_id"`
	Window   sweep.Window     `json:"window"`
	// Advance moves the app's progress to the end of the window.
	Advance bool `json:"advance"`
	// DryRun starts nothing.
	DryRun bool `json:"dry_run"`
}

// backfill reports whether an operator started it: then a recovered call does
// not mean that a callback was lost.
func (p SweepWindowParams) backfill() bool { return !p.Advance }

// SweepCounts are the calls of one or more windows by outcome.
type SweepCounts struct {
	Listed int `json:"listed"`
	// Known calls were in the ledger, or had a workflow.
	Known int `json:"known"`
	// Recovered calls were started, or would be started if it were no dry run.
	Recovered int `json:"recovered"`
	// Failed calls could not be started; the next sweep retries them.
	Failed int `json:"failed"`
	// BeforeGoLive calls ended before the app's go_live.
	BeforeGoLive int `json:"before_go_live"`
}

// Add returns the sum.
func (c SweepCounts) Add(o SweepCounts) SweepCounts {
	return SweepCounts{
		Listed: c.Listed + o.Listed, Known: c.Known + o.Known, Recovered: c.Recovered + o.Recovered,
		Failed: c.Failed + o.Failed, BeforeGoLive: c.BeforeGoLive + o.BeforeGoLive,
	}
}

// SweepWindowResult are the calls of a window.
type SweepWindowResult struct {
	Counts SweepCounts `json:"counts"`
	// Split is set if the window could not be listed completely: list these instead.
	Split []sweep.Window `json:"split,omitempty"`
	// Examples are the CallIds of some recovered calls.
	Examples []string `json:"examples,omitempty"`
}

// maxExamples limits the size of a result.
const maxExamples = 20

// SweepWindow lists a window and starts the calls that have neither a ledger
// entry nor a workflow. The ledger is asked first, because it keeps a call
// longer than the namespace. Errors: those of FetchRecord, LedgerUnavailable.
func (s *Sweeps) SweepWindow(ctx context.Context, p SweepWindowParams) (result SweepWindowResult, err error) {
	app, err := s.app(p.SDKAppID)
	if err != nil {
		return result, err
	}
	run := newWindowRun(ctx, s, app, p)
	listing, err := sweep.List(ctx, app.Records, p.Window, func() { activity.RecordHeartbeat(ctx, run.started) })
	if errors.Is(err, sweep.ErrWindowTooLarge) {
		if halves, ok := p.Window.Halves(); ok {
			return SweepWindowResult{Split: halves}, nil
		}
		err = fmt.Errorf("one second of calls could not be listed completely and cannot be split: %w", err)
	}
	if err != nil {
		return result, defaultType(classify(err), RecordAPIUnavailable)
	}
	records := listing.Records()
	run.result.Counts.Listed = len(records)
	unhandled, err := run.notInLedger(ctx, records)
	if err != nil {
		return result, defaultType(err, LedgerUnavailable)
	}
	if unhandled, err = run.withoutWorkflow(ctx, unhandled); err != nil {
		return result, err
	}
	for _, record := range unhandled {
		run.start(ctx, record)
	}
	if p.DryRun {
		return run.result, nil
	}
	run.count()
	if p.Advance && run.result.Counts.Failed == 0 {
		if err := s.ledger.SetSweptTo(ctx, app.ID, p.Window.To); err != nil {
			return result, defaultType(err, LedgerUnavailable)
		}
		s.swept.WithLabelValues(app.Name).Set(float64(p.Window.To.Unix()))
	}
	return run.result, nil
}
