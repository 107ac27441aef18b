package activities

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
	"go.temporal.io/sdk/activity"

	"aftercall/internal/audit"
	"aftercall/internal/sweep"
	"aftercall/internal/tencent"
)

// AuditLedger is what an audit needs of the ledger; *ledger.Ledger implements it.
type AuditLedger interface {
	audit.Ledger
	Now(ctx context.Context) (time.Time, error)
}

// AuditStore is the store of the events of rooms; *evidence.Store implements it.
type AuditStore interface {
	audit.Rooms
	Close() error
}

// AuditApp is what audits need of one SDKAppID whose rooms are received.
type AuditApp struct {
	ID      tencent.SDKAppID
	Name    string
	Records sweep.Lister
	// Settings say how to list its records.
	Settings sweep.Settings
}

// Audits are the activities of the workflow Audit.
type Audits struct {
	apps   map[tencent.SDKAppID]AuditApp
	ledger AuditLedger
	open   func(context.Context) (AuditStore, error)
	// reach is how far back rooms can be compared.
	reach   time.Duration
	metrics auditMetrics
}

// NewAudits returns the activities of the audits of apps. open opens the store of the
// events, for each audit anew.
func NewAudits(apps []AuditApp, l AuditLedger, open func(context.Context) (AuditStore, error), reach time.Duration, reg prometheus.Registerer) *Audits {
	a := &Audits{apps: make(map[tencent.SDKAppID]AuditApp, len(apps)), ledger: l, open: open, reach: reach, metrics: newAuditMetrics(reg)}
	for _, app := range apps {
		a.apps[app.ID] = app
		a.metrics.initApp(app.Name)
	}
	return a
}

// auditMetrics are the metrics of all audits.
type auditMetrics struct {
	audits, unexplained, seconds *prometheus.CounterVec
}

func newAuditMetrics(reg prometheus.Registerer) auditMetrics {
	factory := promauto.With(reg)
	return auditMetrics{
		audits: factory.NewCounterVec(prometheus.CounterOpts{
			Name: "aftercall_audits_total",
			Help: "Audits of an hour of rooms, by app and outcome: done, failed (retried).",
		}, []string{"app", "outcome"}),
		unexplained: factory.NewCounterVec(prometheus.CounterOpts{
			Name: "aftercall_audit_unexplained_total",
			Help: "How often a room was in use without an entry in the ledger or a record of a call, by app; also for a time that is not known.",
		}, []string{"app"}),
		seconds: factory.NewCounterVec(prometheus.CounterOpts{
			Name: "aftercall_audit_room_seconds_total",
			Help: "Seconds in which rooms had two members or more, by app and outcome of the audit: explained (by an entry in the ledger or a record), unexplained (a call without a record).",
		}, []string{"app", "outcome"}),
	}
}

// initApp exports the metrics of an app from the start, so that an alert sees the first
// increase.
func (m auditMetrics) initApp(app string) {
	for _, outcome := range []string{"done", "failed"} {
		m.audits.WithLabelValues(app, outcome)
	}
	m.unexplained.WithLabelValues(app)
	for _, outcome := range []string{"explained", "unexplained"} {
		m.seconds.WithLabelValues(app, outcome)
	}
}

// AuditRoomsParams is the time to audit, at most a few hours.
type AuditRoomsParams struct {
	SDKAppID tencent.SDKAppID `json:"sdk_app_id"`
	From     time.Time        `json:"from"`
	To       time.Time        `json:"to"`
}

// AuditRoomsResult is what an audit has found.
type AuditRoomsResult struct {
	// Uses is how often a room was in use, Seconds for how long together.
	Uses    int   `json:"uses"`
	Seconds int64 `json:"seconds"`
	// Unexplained is how often one was without a record, UnexplainedSeconds for how long,
	// and Examples are the first ones.
	Unexplained        int          `json:"unexplained"`
	UnexplainedSeconds int64        `json:"unexplained_seconds"`
	Examples           []audit.Span `json:"examples,omitempty"`
}

// AuditRooms compares the rooms that everybody had left between From, inclusive, and To,
// exclusive, with the ledger and with Tencent's records. Errors: AppNotConfigured,
// LedgerUnavailable, EvidenceUnavailable, AuditTooLate, those of FetchRecord.
func (a *Audits) AuditRooms(ctx context.Context, p AuditRoomsParams) (AuditRoomsResult, error) {
	app, ok := a.apps[p.SDKAppID]
	if !ok {
		return AuditRoomsResult{}, appNotConfigured(p.SDKAppID)
	}
	found, err := a.run(ctx, app, p)
	if err != nil {
		a.metrics.audits.WithLabelValues(app.Name, "failed").Inc()
		return AuditRoomsResult{}, err
	}
	a.metrics.audits.WithLabelValues(app.Name, "done").Inc()
	a.metrics.unexplained.WithLabelValues(app.Name).Add(float64(len(found.Unexplained)))
	a.metrics.seconds.WithLabelValues(app.Name, "explained").Add(float64(max(found.Seconds-found.UnexplainedSeconds, 0)))
	a.metrics.seconds.WithLabelValues(app.Name, "unexplained").Add(float64(found.UnexplainedSeconds))
	if n := len(found.Unexplained); n > 0 {
		activity.GetLogger(ctx).Warn("rooms were in use without a record of a call: aftercall audit lists them",
			"app", app.Name, "from", p.From, "to", p.To, "times", n, "seconds", found.UnexplainedSeconds)
	}
	return AuditRoomsResult{
		Uses: found.Uses, Seconds: found.Seconds, Unexplained: len(found.Unexplained), UnexplainedSeconds: found.UnexplainedSeconds,
		Examples: found.Unexplained[:min(len(found.Unexplained), maxExamples)],
	}, nil
}

func (a *Audits) run(ctx context.Context, app AuditApp, p AuditRoomsParams) (audit.Result, error) {
	now, err := a.ledger.Now(ctx)
	if err != nil {
		return audit.Result{}, defaultType(err, LedgerUnavailable)
	}
	if now.Sub(p.From) > a.reach {
		return audit.Result{}, permanent(AuditTooLate, fmt.Errorf("rooms of %s cannot be compared any more: Tencent's records and the events reach back for %s",
			p.From.UTC().Format(time.RFC3339), a.reach))
	}
	store, err := a.open(ctx)
	if err != nil {
		return audit.Result{}, defaultType(err, EvidenceUnavailable)
	}
	defer store.Close() // whose errors change nothing that was read
	var unlisted *audit.RecordsError
	found, err := audit.Audit{
		App: app.ID, Rooms: store, Ledger: a.ledger, Records: app.Records, Sweep: app.Settings, Now: now,
		Progress: func() { activity.RecordHeartbeat(ctx) },
	}.Run(ctx, p.From, p.To)
	switch {
	case errors.As(err, &unlisted) && unlisted.Final:
		activity.GetLogger(ctx).Warn("some of Tencent's records cannot be read, or are not listed: the rooms of their calls are called unexplained", "app", app.Name, "from", p.From, "to", p.To, "error", err)
	case unlisted != nil:
		return found, defaultType(classify(err), RecordAPIUnavailable)
	case errors.As(err, new(*audit.RoomsError)):
		return found, defaultType(err, EvidenceUnavailable)
	case err != nil:
		return found, defaultType(err, LedgerUnavailable)
	}
	return found, nil
}
