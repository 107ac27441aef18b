package ops

import (
	"context"

	"aftercall/activities"
	"aftercall/internal/config"
	"aftercall/internal/notify"
)

// The names of probes that others need.
const (
	redisProbe         = "redis"
	temporalProbe      = "temporal"
	workersProbe       = "workers"
	ledgerProbe        = "ledger"
	startersProbe      = "starters"
	clockProbe         = "clock"
	processClocksProbe = "process clocks"
	recordAPIProbe     = "record api"
	callbackProbe      = "callback"
	tariffProbe        = "tariff"
	evidenceProbe      = "evidence"
)

// sharedProbes check what all apps share.
func sharedProbes() []probe {
	return []probe{
		{name: redisProbe, run: probeRedis},
		{name: startersProbe, needs: []string{redisProbe}, run: probeStarters},
		{name: temporalProbe, run: probeTemporal},
		{name: clockProbe, needs: []string{temporalProbe}, run: probeClock},
		{name: processClocksProbe, needs: []string{redisProbe}, run: probeProcessClocks},
		{name: "retention", needs: []string{temporalProbe}, run: probeRetention},
		{name: "search attributes", needs: []string{temporalProbe}, run: probeSearchAttributes},
		{name: workersProbe, needs: []string{temporalProbe}, run: probeWorkers},
		{name: ledgerProbe, run: probeLedger},
		{name: "tariff versions", needs: []string{ledgerProbe}, run: probeEditions},
		{name: "held back", needs: []string{ledgerProbe}, run: probeHeld},
		{name: "failed calls", needs: []string{temporalProbe, ledgerProbe}, run: probeConflicts},
		{name: "reviews", needs: []string{temporalProbe}, run: probeReviews},
		{name: "deliveries", needs: []string{temporalProbe}, run: probeDeliveries},
		{name: "targets", needs: []string{redisProbe}, run: probeTargets},
	}
}

// receiverProbes connect to every target and relay.
func receiverProbes(cfg *config.Config) []probe {
	var all []probe
	add := func(name string, connect func(context.Context) error) {
		all = append(all, probe{name: "target " + name, run: func(ctx context.Context, _ *Deps) (string, error) {
			if err := connect(ctx); err != nil {
				return "", Errorf(Failed, "correct its address or the receiver; its deliveries wait until then", "%w", err)
			}
			return "its server can be reached", nil
		}})
	}
	for _, t := range cfg.Targets {
		add(t.Name, func(ctx context.Context) error { return notify.Connect(ctx, t.Options) })
	}
	for _, app := range cfg.Apps {
		if app.Relay != nil {
			add(activities.RelayReceiver(app.Name), func(ctx context.Context) error {
				return notify.ConnectTo(ctx, app.Relay.URL, app.Relay.Network())
			})
		}
	}
	return all
}

// appProbes check one app.
func appProbes(app *config.App, p CheckParams) []probe {
	of := func(run func(context.Context, *Deps, *config.App) (string, error)) func(context.Context, *Deps) (string, error) {
		return func(ctx context.Context, d *Deps) (string, error) { return run(ctx, d, app) }
	}
	all := []probe{
		{name: tariffProbe, app: app.Name, run: of(probeTariff)},
		{name: "sweep", app: app.Name, needs: []string{temporalProbe, ledgerProbe}, run: of(probeSweep)},
		{name: recordAPIProbe, app: app.Name, run: of(probeRecordAPI)},
		{name: "beginning", app: app.Name, needs: []string{ledgerProbe, recordAPIProbe}, run: of(probeBeginning)},
		{name: callbackProbe, app: app.Name, needs: []string{recordAPIProbe}, run: of(probeCallback)},
		{name: "answers", app: app.Name, needs: []string{redisProbe}, run: of(probeAnswers)},
		{name: "calls", app: app.Name, needs: []string{temporalProbe, workersProbe, ledgerProbe, recordAPIProbe, tariffProbe}, run: of(probeCalls)},
	}
	if app.Evidence.On() {
		all = append(all, probe{name: "events", app: app.Name, needs: []string{evidenceProbe, ledgerProbe}, run: of(probeEvents)})
	}
	if app.Evidence.Rooms() {
		all = append(all, probe{name: "rooms", app: app.Name, needs: []string{evidenceProbe, ledgerProbe, recordAPIProbe}, run: of(probeRooms)})
	}
	if p.Probe {
		all = append(all, probe{name: "probe", app: app.Name, needs: []string{temporalProbe, workersProbe}, explainedBy: startersProbe, run: of(probeStarter)})
	}
	return all
}
