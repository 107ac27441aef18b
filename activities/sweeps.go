package activities

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.temporal.io/sdk/activity"

	"aftercall/internal/ledger"
	"aftercall/internal/sweep"
	"aftercall/internal/tencent"
)

// SweepLedger is what a sweep needs of the ledger; *ledger.Ledger implements it.
type SweepLedger interface {
	Known(ctx context.Context, app tencent.SDKAppID, callIDs []string) (map[string]bool, error)
	// Now is the clock of all sweeps, whatever those of the workers say.
	Now(ctx context.Context) (time.Time, error)
	SweptTo(ctx context.Context, app tencent.SDKAppID) (time.Time, error)
	SetSweptTo(ctx context.Context, app tencent.SDKAppID, to time.Time, settle time.Duration) error
	ForgetSweptTo(ctx context.Context, app tencent.SDKAppID, sweptTo time.Time) error
	// EnsureFirstStart is when a worker first ran the app; the zero time if that was
	// never recorded.
	EnsureFirstStart(ctx context.Context, app tencent.SDKAppID) (time.Time, error)
	HoldBack(ctx context.Context, app tencent.SDKAppID, h ledger.Held) error
	HeldBack(ctx context.Context, app tencent.SDKAppID) ([]ledger.Held, error)
	CountHeldBack(ctx context.Context, app tencent.SDKAppID) (int, error)
	Dismissed(ctx context.Context, app tencent.SDKAppID) ([]ledger.Held, error)
	Release(ctx context.Context, app tencent.SDKAppID, key string) error
}

// SweepApp is what sweeps need of one SDKAppID.
type SweepApp struct {
	ID       tencent.SDKAppID
	Name     string
	Records  sweep.Lister
	Settings sweep.Settings
	// Every is the period of the sweep, 0 if it is off.
	Every time.Duration
	// GoLive is where the first sweep begins. Calls that ended before it are not
	// charged by a sweep or backfill. Without it, sweeps begin at the app's first
	// start, and backfills have no limit.
	GoLive time.Time
	// RecordDeadline is a parameter of the workflows that are started.
	RecordDeadline time.Duration
}

// Sweeps are the activities of the workflow Sweep.
type Sweeps struct {
	apps    map[tencent.SDKAppID]SweepApp
	ledger  SweepLedger
	calls   SweepCalls
	metrics *sweepMetrics
	// baselines are the apps whose progress has been exported by the ledger's clock.
	// Only ExportProgress uses it.
	baselines map[tencent.SDKAppID]bool
}

// NewSweeps returns the activities of the sweeps of apps, which compare
// Tencent's records with l and calls.
func NewSweeps(apps []SweepApp, l SweepLedger, calls SweepCalls, reg prometheus.Registerer) *Sweeps {
	s := &Sweeps{
		apps: make(map[tencent.SDKAppID]SweepApp, len(apps)), ledger: l, calls: calls, metrics: newSweepMetrics(reg), baselines: map[tencent.SDKAppID]bool{},
	}
	for _, app := range apps {
		s.apps[app.ID] = app
		s.metrics.initApp(app)
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

// beginning is when the app began to charge: a call that ended before is not
// started. The zero time sets no limit. An operator who runs a backfill has decided
// about the time before the first start, but not about that before go_live.
func (s *Sweeps) beginning(ctx context.Context, app SweepApp, backfill bool) (time.Time, error) {
	if backfill || !app.GoLive.IsZero() {
		return app.GoLive, nil
	}
	return s.ledger.EnsureFirstStart(ctx, app.ID)
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
	// CorrectedFrom is the progress that was found in the future, and discarded;
	// the zero time if none was.
	CorrectedFrom time.Time `json:"corrected_from,omitzero"`
}

// PlanSweep returns the windows to list: from the end of the last sweep minus
// the overlap, until now minus the settle setting, by the ledger's clock. Progress
// in the future says nothing about what was listed, so it is discarded, and the
// sweep lists everything that Tencent still has. Errors: AppNotConfigured,
// LedgerUnavailable.
func (s *Sweeps) PlanSweep(ctx context.Context, p PlanSweepParams) (PlanSweepResult, error) {
	app, err := s.app(p.SDKAppID)
	if err != nil {
		return PlanSweepResult{}, err
	}
	now, err := s.ledger.Now(ctx)
	if err != nil {
		return PlanSweepResult{}, defaultType(err, LedgerUnavailable)
	}
	if p.TimeRange != nil {
		return PlanSweepResult{Windows: sweep.BackfillWindows(*p.TimeRange, now, app.Settings)}, nil
	}
	sweptTo, err := s.ledger.SweptTo(ctx, app.ID)
	if err != nil {
		return PlanSweepResult{}, defaultType(err, LedgerUnavailable)
	}
	var result PlanSweepResult
	if sweptTo.After(now) {
		if err := s.ledger.ForgetSweptTo(ctx, app.ID, sweptTo); err != nil {
			return PlanSweepResult{}, defaultType(err, LedgerUnavailable)
		}
		activity.GetLogger(ctx).Error("the progress of the sweep was in the future and is discarded: everything that Tencent still has is listed again",
			"app", app.Name, "swept_to", sweptTo, "now", now)
		s.metrics.corrected.WithLabelValues(app.Name).Inc()
		result.CorrectedFrom, sweptTo = sweptTo, time.Time{}
	}
	beginning, err := s.beginning(ctx, app, false)
	if err != nil {
		return PlanSweepResult{}, defaultType(err, LedgerUnavailable)
	}
	result.Windows = sweep.Windows(sweptTo, beginning, now, app.Settings)
	return result, nil
}
