package local

import (
	"context"
	"path/filepath"

	"aftercall/dev/tencentsim"
)

// openTencent plays Tencent for the configured apps.
func (s *Stack) openTencent() error {
	apps := make([]tencentsim.App, len(s.Config.Apps))
	for i, app := range s.Config.Apps {
		apps[i] = tencentsim.App{
			SDKAppID: app.SDKAppID, SecretKey: app.SecretKey.Reveal(),
			Administrator: app.Identifier, CallbackToken: app.Callback.Token.Reveal(),
		}
	}
	sim, err := tencentsim.New(context.Background(), tencentsim.Options{
		Apps: apps, Logger: s.logger, JournalPath: filepath.Join(s.dir, "tencent.jsonl"),
	})
	if err != nil {
		return err
	}
	s.Tencent = sim
	s.onStop("Tencent, simulated", func(context.Context) error { return sim.Close() })
	return nil
}

// NamedLink is something to look at.
type NamedLink struct{ Name, Where string }

// Links are what a person may want to look at.
func (s *Stack) Links() []NamedLink {
	links := []NamedLink{{"Temporal Web UI", httpURL(s.ports.TemporalUI) + "/namespaces/default/workflows"}}
	for _, app := range s.Config.Apps {
		links = append(links, NamedLink{"callback of " + app.Name, s.CallbackURL(app)})
	}
	return append(
		links,
		NamedLink{"metrics of starter", s.MetricsURL()},
		NamedLink{"metrics of worker", httpURL(s.ports.WorkerAdmin) + "/metrics"},
		NamedLink{"ledger", s.LedgerPath()},
		NamedLink{"Tencent, simulated", httpURL(s.ports.Tencent) + "/control/calls"},
		NamedLink{"Redis", s.redisURL + " (" + s.RedisKind + ")"},
		NamedLink{"logs", filepath.Join(s.dir, "logs")},
	)
}

// MetricsURL is the starter's.
func (s *Stack) MetricsURL() string { return httpURL(s.ports.StarterAdmin) + "/metrics" }

// Link is the page of a workflow in the Web UI.
func (s *Stack) Link(f Followed) string { return link(s.ports, f) }
