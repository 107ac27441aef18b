// Package activities is the thin layer between Temporal and the packages that
// do the work: it gives errors their type (errors.go) and retry delay (retry.go),
// and finds the app or target of an activity in the configuration.
package activities

import (
	"context"
	"errors"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"aftercall/internal/billing"
	"aftercall/internal/ledger"
	"aftercall/internal/notify"
	"aftercall/internal/tencent"
)

// Records reads call records; *tencent.Client implements it.
type Records interface {
	Record(ctx context.Context, callID string) (tencent.CallRecord, error)
}

// Ledger stores charges; *ledger.Ledger implements it.
type Ledger interface {
	Charge(ctx context.Context, e ledger.Entry) (stored ledger.Entry, inserted bool, err error)
	Get(ctx context.Context, app tencent.SDKAppID, callID string) ([]ledger.Entry, error)
}

// Sender sends events to a target; the channels of notify implement it.
type Sender interface {
	Send(ctx context.Context, messageID string, event notify.Event) error
}

// Target is a configured receiver of the events that it subscribes to.
type Target struct {
	Receiver
	Subscription notify.Subscription
	Sender       Sender
}

// App is what the activities need of one SDKAppID.
type App struct {
	ID      tencent.SDKAppID
	Name    string
	Records Records
	Rater   *billing.Rater
	// WithoutRecord is what becomes of calls that have no record.
	WithoutRecord billing.Unrecorded
	// Relay is nil unless callbacks are relayed.
	Relay *Relay
}

// Activities are the activities of the workflows AfterCall, Deliver and
// RelayCallback. Each is idempotent and makes one attempt; retrying is left to
// the workflow and the server.
type Activities struct {
	apps    map[tencent.SDKAppID]App
	ledger  Ledger
	targets []Target
	// subscribers are the targets again, with their subscriptions.
	subscribers []notify.Subscriber
	forget      ForgetCallbacks
	fold        FoldReview
	// evidence is nil unless it is read.
	evidence     Evidence
	evidenceWait time.Duration
	metrics      *metrics
	operators    operatorLog
	now          func() time.Time
}

// ForgetCallbacks makes the starters forget the callbacks of a call, so that they
// ask Temporal about the next one.
type ForgetCallbacks func(ctx context.Context, app tencent.SDKAppID, callID string) error

// FoldReview joins the review of a call with others of its app: folded means that
// they are reported together, in one message some minutes later. It is not if no
// other one was opened in the last minutes.
type FoldReview func(ctx context.Context, app App, callID string) (folded bool, err error)

// New returns the activities for apps, which charge into l and notify targets.
func New(apps []App, l Ledger, targets []Target, forget ForgetCallbacks, fold FoldReview, reg prometheus.Registerer) *Activities {
	a := &Activities{
		apps: make(map[tencent.SDKAppID]App, len(apps)), ledger: l, targets: targets, forget: forget, fold: fold,
		metrics: newMetrics(reg), now: time.Now,
	}
	for _, app := range apps {
		a.apps[app.ID] = app
		a.metrics.initApp(app.Name)
	}
	for _, target := range targets {
		a.subscribers = append(a.subscribers, notify.Subscriber{Name: target.Name, Subscription: target.Subscription})
		a.metrics.initTarget(target.Name)
	}
	return a
}

// UseClock takes the time from now in place of this process's clock. Call it before the
// first activity.
func (a *Activities) UseClock(now func() time.Time) { a.now = now }

func (a *Activities) app(ctx context.Context, id tencent.SDKAppID) (App, error) {
	app, ok := a.apps[id]
	if !ok {
		err := appNotConfigured(id)
		a.operators.observe(ctx, a.now(), id.String(), err, err)
		return App{}, err
	}
	return app, nil
}

func (a *Activities) target(name string) (Target, error) {
	for _, target := range a.targets {
		if target.Name == name {
			return target, nil
		}
	}
	return Target{}, retryAfter(jitter(operatorDelay), TargetNotConfigured, errors.New("target "+name+" is not in this worker's configuration"))
}

func appNotConfigured(id tencent.SDKAppID) error {
	return retryAfter(jitter(operatorDelay), AppNotConfigured, errors.New("SDKAppID "+id.String()+" is not in this worker's configuration"))
}
