// Package activities is the thin layer between Temporal and the packages that
// do the work: it gives errors their type and their next attempt, and knows
// which app and which target is meant.
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

// Records reads call records; *tencent.Client does.
type Records interface {
	Record(ctx context.Context, callID string) (tencent.CallRecord, error)
}

// Ledger keeps charges; *ledger.Ledger does.
type Ledger interface {
	Charge(ctx context.Context, e ledger.Entry) (stored ledger.Entry, inserted bool, err error)
}

// Sender takes events; *notify.Webhook does.
type Sender interface {
	Send(ctx context.Context, messageID string, event notify.Event) error
}

// Target is somebody who is notified of what it wants to hear of.
type Target struct {
	Receiver
	Subscription notify.Subscription
	Sender       Sender
}

// App is what the activities need to know of one SDKAppID.
type App struct {
	ID      tencent.SDKAppID
	Name    string
	Records Records
	Rater   *billing.Rater
	// Relay is nil unless callbacks are passed on.
	Relay *Relay
}

// Activities are the activities of the workflow AfterCall. Each is idempotent
// and makes one attempt; trying again is the workflow's business.
type Activities struct {
	apps    map[tencent.SDKAppID]App
	ledger  Ledger
	targets []Target
	metrics *metrics
	now     func() time.Time
}

// New returns the activities for apps, which book into l and send to targets.
func New(apps []App, l Ledger, targets []Target, reg prometheus.Registerer) *Activities {
	a := &Activities{
		apps: make(map[tencent.SDKAppID]App, len(apps)), ledger: l, targets: targets,
		metrics: newMetrics(reg), now: time.Now,
	}
	for _, app := range apps {
		a.apps[app.ID] = app
		a.metrics.preset(app.Name)
	}
	for _, target := range targets {
		a.metrics.presetTarget(target.Name)
	}
	return a
}

func (a *Activities) app(id tencent.SDKAppID) (App, error) {
	app, ok := a.apps[id]
	if !ok {
		return App{}, retry(AppNotConfigured, errors.New("SDKAppID "+id.String()+" is not in this worker's configuration"), jitter(operatorPause))
	}
	return app, nil
}

func (a *Activities) target(name string) (Target, error) {
	for _, target := range a.targets {
		if target.Name == name {
			return target, nil
		}
	}
	return Target{}, retry(TargetNotConfigured, errors.New("target "+name+" is not configured on this worker"), jitter(operatorPause))
}

// subscribers are the names of the targets to which an event is sent, in the
// order of the configuration.
func (a *Activities) subscribers(event notify.Event) []string {
	all := make([]notify.Subscriber, len(a.targets))
	for i, target := range a.targets {
		all[i] = notify.Subscriber{Name: target.Name, Subscription: target.Subscription}
	}
	return notify.Subscribers(all, event)
}
