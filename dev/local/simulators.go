package local

import (
	"context"
	"fmt"
	"io"
	"path/filepath"
	"sync"
	"time"

	"aftercall/dev/tencentsim"
	"aftercall/dev/webhookreceiver"
	"aftercall/internal/config"
	"aftercall/internal/notify"
	"aftercall/internal/tencent"
	"aftercall/starter/callback"
)

// SimulatedApps are the configured apps, for a simulated Tencent.
func SimulatedApps(cfg *config.Config) []tencentsim.App {
	apps := make([]tencentsim.App, len(cfg.Apps))
	for i, app := range cfg.Apps {
		apps[i] = tencentsim.App{
			SDKAppID: app.SDKAppID, SecretKey: app.SecretKey.Reveal(),
			Administrator: app.Identifier, CallbackToken: app.Callback.Token.Reveal(),
		}
	}
	return apps
}

// SimulatedTargets are the configured webhook and Slack targets, for a webhook receiver.
func SimulatedTargets(cfg *config.Config) []webhookreceiver.Target {
	var targets []webhookreceiver.Target
	for _, target := range cfg.Targets {
		if webhook, ok := target.Options.(*notify.WebhookOptions); ok {
			targets = append(targets, webhookreceiver.Target{Name: target.Name, Secret: webhook.Secrets[0].Reveal()})
		} else if target.Type == notify.TypeSlack {
			targets = append(targets, webhookreceiver.Target{Name: target.Name, Chat: true})
		}
	}
	return targets
}

// RegisterCallbacks registers the callback URLs at Tencent, as an operator would.
// publicURL is what is before the path of a callback URL.
func RegisterCallbacks(ctx context.Context, cfg *config.Config, publicURL string) error {
	for i := range cfg.Apps {
		app := &cfg.Apps[i]
		c := tencent.NewClient(tencent.ClientOptions{
			SDKAppID: app.SDKAppID, BaseURL: app.APIBaseURL(), Identifier: app.Identifier,
			SecretKey: app.SecretKey.Reveal(), HTTP: tencent.NewHTTPClient(1),
		})
		if err := c.SetCallback(ctx, tencent.CallbackConfig{
			URL: publicURL + callback.PathPrefix + app.Callback.Secret.Reveal(), Commands: app.CallbackCommands(),
		}); err != nil {
			return fmt.Errorf("register the callback URL of %s: %w", app.Name, err)
		}
	}
	return nil
}

// RegisterRooms sets where the simulated Tencent posts the webhooks of rooms, as an
// operator would in the RTC console, for apps that receive them.
func RegisterRooms(sim *tencentsim.Simulator, cfg *config.Config, publicURL string) error {
	for i := range cfg.Apps {
		app := &cfg.Apps[i]
		if len(app.Evidence.AllRoomKeys()) == 0 {
			continue
		}
		if err := sim.SetRoomWebhook(app.SDKAppID, &tencentsim.RoomWebhook{
			URL: publicURL + callback.RoomPathPrefix + app.Callback.Secret.Reveal(), Key: app.Evidence.RoomKey.Reveal(),
		}); err != nil {
			return fmt.Errorf("set the webhook of the rooms of %s: %w", app.Name, err)
		}
	}
	return nil
}

// openTencent makes a simulated Tencent for the configured apps.
func (s *Stack) openTencent() error {
	o := tencentsim.Options{Apps: SimulatedApps(s.Config), Logger: s.logger, JournalPath: filepath.Join(s.dir, "tencent.jsonl"), Callbacks: s.options.Callbacks}
	if s.options.AnswerTimeout > 0 {
		o.CallbackTimeout = s.options.AnswerTimeout + time.Second
	}
	sim, err := tencentsim.New(context.Background(), o)
	if err != nil {
		return err
	}
	s.Tencent = sim
	s.onStop("simulated Tencent", func(context.Context) error { return sim.Close() })
	return nil
}

// openWebhookReceiver receives the events of all configured webhook and Slack targets,
// or, with a user's own configuration, those of its stand-ins.
func (s *Stack) openWebhookReceiver() error {
	var targets []webhookreceiver.Target
	if s.Own == nil {
		targets = SimulatedTargets(s.Config)
	} else {
		for _, standIn := range s.Own.StandIns {
			if !standIn.Mail {
				targets = append(targets, webhookreceiver.Target{Name: standIn.Name, Secret: standIn.Secret, Unsigned: standIn.Secret == ""})
			}
		}
	}
	receiver, err := webhookreceiver.New(webhookreceiver.Options{Targets: targets, Lines: &s.arrivals})
	if err != nil {
		return err
	}
	s.Webhooks = receiver
	return nil
}

// Arrivals counts the requests about a call that a target received with a
// valid signature, repeated deliveries included.
func (s *Stack) Arrivals(target, callID string) int {
	n := 0
	for _, m := range s.Webhooks.Messages(webhookreceiver.Filter{Target: target, CallID: callID}) {
		n += m.Attempts
	}
	return n
}

// ShowArrivals prints a line for every notification that arrives from now on.
func (s *Stack) ShowArrivals(out io.Writer) { s.arrivals.set(out) }

// redirectableWriter discards what is written until it has a destination.
type redirectableWriter struct {
	mu  sync.Mutex
	out io.Writer
}

func (w *redirectableWriter) set(out io.Writer) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.out = out
}

// Write implements io.Writer.
func (w *redirectableWriter) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.out == nil {
		return len(p), nil
	}
	return w.out.Write(p)
}
