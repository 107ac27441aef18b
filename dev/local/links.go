package local

import (
	"path/filepath"
)

// NamedLink is a URL or a path that a person may want to open.
type NamedLink struct{ Name, Location string }

// Links returns the URLs and paths of the stack.
func (s *Stack) Links() []NamedLink {
	links := []NamedLink{{"Temporal Web UI", s.ListLink()}}
	for _, app := range s.Config.Apps {
		links = append(links, NamedLink{"callback URL, " + app.Name, s.CallbackURL(app)})
	}
	if endpoint := s.CodecURL(); endpoint != "" {
		links = append(
			links,
			NamedLink{"codec server", endpoint + "/ (open it once, then in the Web UI's data encoder settings: include cross-origin credentials)"},
			NamedLink{"codec token", s.encryption["AFTERCALL_CODEC_TOKEN"]},
		)
	}
	for i, port := range s.ports.StarterAdmins {
		links = append(links, NamedLink{numbered("starter", i) + " metrics", metricsURL(port)})
	}
	for i, port := range s.ports.WorkerAdmins {
		links = append(links, NamedLink{numbered("worker", i) + " metrics", metricsURL(port)})
	}
	return append(
		links,
		NamedLink{"ledger", s.LedgerURL()},
		NamedLink{"simulated Tencent", httpURL(s.ports.Tencent) + "/control/calls"},
		NamedLink{"Redis", s.redisURL + " (" + s.RedisKind + ")"},
		NamedLink{"logs", filepath.Join(s.dir, "logs")},
	)
}

// MetricsURL returns the URL of the first starter's metrics.
func (s *Stack) MetricsURL() string { return metricsURL(s.ports.StarterAdmins[0]) }

// WorkerMetricsURL returns the URL of the first worker's metrics.
func (s *Stack) WorkerMetricsURL() string { return metricsURL(s.ports.WorkerAdmins[0]) }

func metricsURL(adminPort int) string { return httpURL(adminPort) + "/metrics" }

// ListLink returns the URL of the list of all workflows in the Web UI.
func (s *Stack) ListLink() string {
	return httpURL(s.ports.TemporalUI) + "/namespaces/default/workflows"
}

// Link returns the URL of a workflow's page in the Web UI.
func (s *Stack) Link(f Execution) string { return link(s.ports, f) }
