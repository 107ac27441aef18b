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

// SweepLedger is what a sweep asks of the ledger; *ledger.Ledger does it.
type SweepLedger interface {
	Known(ctx context.Context, app tencent.SDKAppID, callIDs []string) (map[string]bool, error)
	SweptTo(ctx context.Context, app tencent.SDKAppID) (time.Time, error)
	SetSweptTo(ctx context.Context, app tencent.SDKAppID, to time.Time) error
}

// SweepCalls knows and starts the workflows of calls.
type SweepCalls interface {
	// HaveWorkflow tells which calls have a workflow, as far as the list of
	// workflows knows, which may be some seconds behind.
	HaveWorkflow(ctx context.Context, app tencent.SDKAppID, callIDs []string) (map[string]bool, error)
	// StartListed starts the workflow of a call that a sweep found. already
	// reports that there was one.
	StartListed(ctx context.Context, app SweepApp, record tencent.CallRecord) (already bool, err error)
}

// SweepApp is what sweeps need to know of one SDKAppID.
type SweepApp struct {
	ID       tencent.SDKAppID
	Name     string
	Records  sweep.Lister
	Settings sweep.Settings
	// GoLive is before which calls are nobody's business: never charged by a
	// sweep, and where the first one begins. The zero time means the beginning.
	GoLive time.Time
	// RecordDeadline is for the workflows that are started.
	RecordDeadline time.Duration
}

// Sweeps are the activities of the workflow Reconcile.
type Sweeps struct {
	apps   map[tencent.SDKAppID]SweepApp
	ledger SweepLedger
	calls  SweepCalls
	seen   *prometheus.CounterVec
	swept  *prometheus.GaugeVec
	now    func() time.Time
}

// NewSweeps returns the activities that reconcile apps with l.
func NewSweeps(apps []SweepApp, l SweepLedger, calls SweepCalls, reg prometheus.Registerer) *Sweeps {
	factory := promauto.With(reg)
	s := &Sweeps{
		apps: make(map[tencent.SDKAppID]SweepApp, len(apps)), ledger: l, calls: calls, now: time.Now,
		seen: factory.NewCounterVec(prometheus.CounterOpts{
			Name: "aftercall_sweep_calls_total",
			Help: "Calls seen by sweeps and backfills, by app and outcome: known, recovered (by a sweep: their callback was lost), backfilled, failed, before_go_live.",
		}, []string{"app", "outcome"}),
		swept: factory.NewGaugeVec(prometheus.GaugeOpts{
			Name: "aftercall_swept_to_timestamp_seconds",
			Help: "Up to when all calls of an app were listed by the sweep, in Unix seconds.",
		}, []string{"app"}),
	}
	for _, app := range apps {
		s.apps[app.ID] = app
		// Present from the start, so that an alert sees the first recovered call.
		for _, outcome := range []string{"known", "recovered", "backfilled", "failed", "before_go_live"} {
			s.seen.WithLabelValues(app.Name, outcome)
		}
	}
	return s
}

func (s *Sweeps) app(id tencent.SDKAppID) (SweepApp, error) {
	app, ok := s.apps[id]
	if !ok {
		return SweepApp{}, retry(AppNotConfigured, errors.New("SDKAppID "+id.String()+" is not in this worker's configuration"), jitter(operatorPause))
	}
	return app, nil
}

// PlanSweepParams ask which windows to list.
type PlanSweepParams struct {
	SDKAppID tencent.SDKAppID `json:"sdk_app_id"`
	// Between, if set, is listed whatever was listed before: a backfill.
	Between *sweep.Window `json:"between,omitempty"`
}

// PlanSweepResult are the windows to list, in order.
type PlanSweepResult struct {
	Windows []sweep.Window `json:"windows"`
}

// PlanSweep says what to list: from where the last sweep ended, less the
// overlap, to what has settled. Errors: AppNotConfigured, LedgerUnavailable.
func (s *Sweeps) PlanSweep(ctx context.Context, p PlanSweepParams) (PlanSweepResult, error) {
	app, err := s.app(p.SDKAppID)
	if err != nil {
		return PlanSweepResult{}, err
	}
	if p.Between != nil {
		return PlanSweepResult{Windows: sweep.BackfillWindows(*p.Between, s.now(), app.Settings)}, nil
	}
	sweptTo, err := s.ledger.SweptTo(ctx, app.ID)
	if err != nil {
		return PlanSweepResult{}, orElse(err, LedgerUnavailable)
	}
	if !sweptTo.IsZero() { // so that a worker tells also before it has listed anything itself
		s.swept.WithLabelValues(app.Name).Set(float64(sweptTo.Unix()))
	}
	return PlanSweepResult{Windows: sweep.Windows(sweptTo, app.GoLive, s.now(), app.Settings)}, nil
}

// SweepWindowParams are a window to list and reconcile.
type SweepWindowParams struct {
	SDKAppID tencent.SDKAppID `json:"sdk_app_id"`
	Window   sweep.Window     `json:"window"`
	// Advance moves the app's progress to the end of the window.
	Advance bool `json:"advance"`
	// DryRun starts nothing.
	DryRun bool `json:"dry_run"`
}

// backfill reports whether an operator asked for it: then what is recovered
// does not mean that a callback was lost.
func (p SweepWindowParams) backfill() bool { return !p.Advance }

// SweepCounts say what became of the calls of one or more windows.
type SweepCounts struct {
	Listed int `json:"listed"`
	// Known calls were in the ledger, or had a workflow.
	Known int `json:"known"`
	// Recovered calls were started, or would be by a run that is not dry.
	Recovered int `json:"recovered"`
	// Failed calls could not be started; the next sweep tries again.
	Failed int `json:"failed"`
	// BeforeGoLive calls ended before the app's go_live.
	BeforeGoLive int `json:"before_go_live"`
}

// Add sums up.
func (c SweepCounts) Add(o SweepCounts) SweepCounts {
	return SweepCounts{
		Listed: c.Listed + o.Listed, Known: c.Known + o.Known, Recovered: c.Recovered + o.Recovered,
		Failed: c.Failed + o.Failed, BeforeGoLive: c.BeforeGoLive + o.BeforeGoLive,
	}
}

// SweepWindowResult is what was found in a window.
type SweepWindowResult struct {
	Counts SweepCounts `json:"counts"`
	// Split is set when the window could not be listed whole: list these instead.
	Split []sweep.Window `json:"split,omitempty"`
	// Examples are some of the CallIds that count as recovered.
	Examples []string `json:"examples,omitempty"`
}

// maxExamples keeps a result small enough to be read.
const maxExamples = 20

// SweepWindow lists a window and starts what nobody has handled. The ledger
// decides first: a namespace may have forgotten a workflow. Errors as of
// FetchRecord, and LedgerUnavailable.
func (s *Sweeps) SweepWindow(ctx context.Context, p SweepWindowParams) (result SweepWindowResult, err error) {
	app, err := s.app(p.SDKAppID)
	if err != nil {
		return result, err
	}
	run := newWindowRun(ctx, s, app, p)
	records, err := sweep.List(ctx, app.Records, p.Window, func() { activity.RecordHeartbeat(ctx, run.started) })
	if errors.Is(err, sweep.ErrWindowTooLarge) {
		if halves, ok := p.Window.Halves(); ok {
			return SweepWindowResult{Split: halves}, nil
		}
		err = fmt.Errorf("one second of calls could not be listed whole, although it cannot be split: %w", err)
	}
	if err != nil {
		return result, orElse(classify(err), RecordAPIUnavailable)
	}
	run.result.Counts.Listed = len(records)
	unknown, err := run.unknown(ctx, records)
	if err != nil {
		return result, orElse(err, LedgerUnavailable)
	}
	if unknown, err = run.withoutWorkflow(ctx, unknown); err != nil {
		return result, err
	}
	for _, record := range unknown {
		run.recover(ctx, record)
	}
	if p.DryRun {
		return run.result, nil
	}
	run.count()
	if p.Advance && run.result.Counts.Failed == 0 {
		if err := s.ledger.SetSweptTo(ctx, app.ID, p.Window.To); err != nil {
			return result, orElse(err, LedgerUnavailable)
		}
		s.swept.WithLabelValues(app.Name).Set(float64(p.Window.To.Unix()))
	}
	return run.result, nil
}
