package simulation

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"path/filepath"
	"sync"
	"time"

	"github.com/alicebob/miniredis/v2"

	"aftercall/dev/faults/checker"
	"aftercall/dev/simulation/agenda"
	"aftercall/dev/simulation/servermodel"
	"aftercall/dev/tencentsim"
	"aftercall/dev/webhookreceiver"
	"aftercall/internal/config"
	"aftercall/internal/evidence"
	"aftercall/internal/ledger"
	"aftercall/internal/tencent"
	"aftercall/starter/callback"
)

// World is the whole system in one process, with what is outside of it.
type World struct {
	plan   *Plan
	agenda *agenda.Agenda
	trace  *Trace
	config *config.Config
	logger *slog.Logger

	temporal *servermodel.Server
	redis    *redisSeam
	ledger   *ledger.Ledger
	events   *evidence.Store
	tencent  *tencentsim.Simulator
	targets  *webhookreceiver.Receiver

	// starterClock and workerClock are those of the machines.
	starterClock, workerClock *machineClock
	// process is the starter and the worker that run now.
	process *process

	mu sync.Mutex // guards the following
	notes
}

// newWorld opens everything but the processes. folder has empty databases.
func newWorld(ctx context.Context, plan *Plan, night night, folder string) (*World, error) {
	w := &World{plan: plan, agenda: agenda.New(), trace: &Trace{}, logger: slog.New(slog.DiscardHandler), notes: newNotes()}
	w.starterClock, w.workerClock = newMachineClock("starter"), newMachineClock("worker")
	var err error
	if w.config, err = parseConfiguration(night.sweepEvery.String()); err != nil {
		return nil, err
	}
	w.temporal = servermodel.New(servermodel.Options{Agenda: w.agenda, Faults: temporalSeam{plan}, Retention: night.retention, Trace: w.trace.add, Completed: w.completed})
	w.redis = &redisSeam{plan: plan, redis: miniredis.NewMiniRedis(), moved: time.Now()}
	if w.ledger, err = ledger.Open(ctx, ledgerURL(folder), ledger.Options{}); err != nil {
		return nil, err
	}
	if w.events, err = evidence.Open(ctx, eventsURL(folder), ledger.Options{}); err != nil {
		return nil, err
	}
	if err := w.openTencent(ctx, night.pageSize); err != nil {
		return nil, err
	}
	receiver := webhookreceiver.Options{Keep: 1}
	for _, target := range targets {
		receiver.Targets = append(receiver.Targets, webhookreceiver.Target{Name: target.Name, Secret: webhookSecret})
	}
	w.targets, err = webhookreceiver.New(receiver)
	return w, err
}

// openTencent makes a Tencent that posts its callbacks to the starter.
func (w *World) openTencent(ctx context.Context, pageSize int) error {
	options := tencentsim.Options{Callbacks: roundTripper(w.callBack)}
	for _, app := range w.config.Apps {
		options.Apps = append(options.Apps, tencentsim.App{SDKAppID: app.SDKAppID, SecretKey: secretKey})
	}
	var err error
	if w.tencent, err = tencentsim.New(ctx, options); err != nil {
		return err
	}
	if err := w.tencent.SetFilterRules(tencentsim.FilterRules{MaxPageSize: pageSize}); err != nil {
		return err
	}
	for i := range w.config.Apps {
		app := &w.config.Apps[i]
		c := tencent.NewClient(tencent.ClientOptions{
			SDKAppID: app.SDKAppID, BaseURL: app.APIBaseURL(), Identifier: app.Identifier, SecretKey: app.SecretKey.Reveal(),
			HTTP: &http.Client{Transport: roundTripper(func(r *http.Request) (*http.Response, error) { return serve(w.tencent, r), nil })},
		})
		if err := c.SetCallback(ctx, tencent.CallbackConfig{
			URL: "https://starter.example" + callback.PathPrefix + app.Callback.Secret.Reveal(), Commands: app.CallbackCommands(),
		}); err != nil {
			return err
		}
		if app.Evidence.Rooms() {
			hook := tencentsim.RoomWebhook{URL: "https://starter.example" + callback.RoomPathPrefix + app.Callback.Secret.Reveal(), Key: roomKey}
			if err := w.tencent.SetRoomWebhook(app.SDKAppID, &hook); err != nil {
				return err
			}
		}
	}
	return nil
}

// close ends what boot did not begin.
func (w *World) close() error {
	w.temporal.Close()
	if err := w.halt(); err != nil {
		return err
	}
	w.redis.redis.Close()
	if err := w.tencent.Close(); err != nil {
		return err
	}
	return errors.Join(w.events.Close(), w.ledger.Close())
}

// ledgerURL and eventsURL are the databases of one run. Each has its own writer: one that
// waits for another process would let the time pass that it takes.
func ledgerURL(folder string) string { return "sqlite:" + filepath.Join(folder, "ledger.db") }

func eventsURL(folder string) string { return "sqlite:" + filepath.Join(folder, "events.db") }

// idOf names a call for the checker.
func (w *World) idOf(app tencent.SDKAppID, callID string) checker.ID {
	return checker.ID{App: w.appName(app), CallID: callID}
}

// appName is the configured name of an app.
func (w *World) appName(id tencent.SDKAppID) string {
	for _, app := range w.config.Apps {
		if app.SDKAppID == id {
			return app.Name
		}
	}
	return ""
}
