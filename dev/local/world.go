package local

import (
	"context"
	"errors"
	"io"
	"path/filepath"
	"sync"

	commonpb "go.temporal.io/api/common/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"

	"aftercall/dev/tencentsim"
	"aftercall/dev/webhookreceiver"
	"aftercall/internal/dedupe"
	"aftercall/internal/notify"
	"aftercall/internal/redisguard"
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

// openReceiver plays the user's backend behind every configured target.
func (s *Stack) openReceiver() error {
	targets := make([]webhookreceiver.Target, len(s.Config.Targets))
	for i, target := range s.Config.Targets {
		targets[i] = webhookreceiver.Target{Name: target.Name, Chat: target.Type == notify.TypeSlack}
		if len(target.Secrets) > 0 {
			targets[i].Secret = target.Secrets[0].Reveal()
		}
	}
	receiver, err := webhookreceiver.New(webhookreceiver.Options{Targets: targets, Lines: &s.arrivals})
	if err != nil {
		return err
	}
	s.Webhooks = receiver
	return nil
}

// Arrivals counts the notifications of a call that a target received with a
// good signature, repetitions included.
func (s *Stack) Arrivals(target, callID string) int {
	n := 0
	for _, m := range s.Webhooks.Messages(webhookreceiver.Filter{Target: target, CallID: callID}) {
		n += m.Deliveries
	}
	return n
}

// ShowArrivals prints a line for every notification from now on.
func (s *Stack) ShowArrivals(out io.Writer) { s.arrivals.set(out) }

// switchWriter discards until it is told where to write.
type switchWriter struct {
	mu  sync.Mutex
	out io.Writer
}

func (w *switchWriter) set(out io.Writer) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.out = out
}

// Write implements io.Writer.
func (w *switchWriter) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.out == nil {
		return len(p), nil
	}
	return w.out.Write(p)
}

// ForgetInRedis removes a call from Redis.
func (s *Stack) ForgetInRedis(ctx context.Context, call tencentsim.Call) error {
	rdb, err := redisguard.NewClient(s.redisURL, redisguard.PatientTimeout)
	if err != nil {
		return err
	}
	defer rdb.Close()
	return rdb.Del(ctx, dedupe.Key(call.SDKAppID, call.Record.CallID)).Err()
}

// Forget removes a call from Redis and from Temporal, as time does.
func (s *Stack) Forget(ctx context.Context, call tencentsim.Call) error {
	if err := s.ForgetInRedis(ctx, call); err != nil {
		return err
	}
	if _, err := s.Temporal.WorkflowService().DeleteWorkflowExecution(ctx, &workflowservice.DeleteWorkflowExecutionRequest{
		Namespace: client.DefaultNamespace, WorkflowExecution: &commonpb.WorkflowExecution{WorkflowId: WorkflowID(call)},
	}); err != nil {
		return err
	}
	return poll(ctx, func(ctx context.Context) (bool, error) {
		_, err := s.Temporal.DescribeWorkflowExecution(ctx, WorkflowID(call), "")
		if errors.As(err, new(*serviceerror.NotFound)) {
			return true, nil
		}
		return false, err
	})
}

// NamedLink is something to look at.
type NamedLink struct{ Name, Where string }

// Links are what a person may want to look at.
func (s *Stack) Links() []NamedLink {
	links := []NamedLink{{"Temporal Web UI", s.ListLink()}}
	for _, app := range s.Config.Apps {
		links = append(links, NamedLink{"callback of " + app.Name, s.CallbackURL(app)})
	}
	if endpoint := s.CodecURL(); endpoint != "" {
		links = append(
			links,
			NamedLink{"decode in the Web UI", endpoint + "/ (then in the Web UI, at the glasses: include cross-origin credentials)"},
			NamedLink{"codec token", s.encryption["AFTERCALL_CODEC_TOKEN"]},
		)
	}
	return append(
		links,
		NamedLink{"metrics of starter", s.MetricsURL()},
		NamedLink{"metrics of worker", s.WorkerMetricsURL()},
		NamedLink{"ledger", s.LedgerPath()},
		NamedLink{"Tencent, simulated", httpURL(s.ports.Tencent) + "/control/calls"},
		NamedLink{"Redis", s.redisURL + " (" + s.RedisKind + ")"},
		NamedLink{"logs", filepath.Join(s.dir, "logs")},
	)
}

// MetricsURL is the starter's.
func (s *Stack) MetricsURL() string { return httpURL(s.ports.StarterAdmin) + "/metrics" }

// WorkerMetricsURL is the worker's.
func (s *Stack) WorkerMetricsURL() string { return httpURL(s.ports.WorkerAdmin) + "/metrics" }

// ListLink is the list of all workflows in the Web UI.
func (s *Stack) ListLink() string {
	return httpURL(s.ports.TemporalUI) + "/namespaces/default/workflows"
}

// Link is the page of a workflow in the Web UI.
func (s *Stack) Link(f Followed) string { return link(s.ports, f) }
