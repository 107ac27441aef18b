package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	historypb "go.temporal.io/api/history/v1"
	"go.temporal.io/api/temporalproto"
	"go.temporal.io/sdk/client"

	"aftercall/dev/local"
	"aftercall/internal/sweep"
	"aftercall/workflows"
)

type historiesCommand struct{}

// Run writes the history of every sample, of calls that wait as no sample does or have no
// record, of a call that was started without a start delay, of a burst of reviews, of a sweep, and of an audit to workflows/testdata.
func (historiesCommand) Run(ctx context.Context, p project) error {
	o, remove, err := p.isolated(ctx, local.Dev)
	if err != nil {
		return err
	}
	backend, err := startRelayBackend(ctx)
	if err != nil {
		return err
	}
	defer backend.server.Close()
	if err := backend.withRelay(&o); err != nil {
		return err
	}
	if err := with(ctx, o, func(s *local.Stack) error {
		return errors.Join(record(ctx, p, s), recordRelay(ctx, p, s, backend), recordWaiting(ctx, p, s), recordAudit(ctx, p, s))
	}); err != nil {
		return err
	}
	return remove()
}

func record(ctx context.Context, p project, s *local.Stack) error {
	ran, others, err := s.RunSamples(ctx, local.Samples())
	if err != nil {
		return err
	}
	if deviations := local.Deviations(ran, others); len(deviations) > 0 {
		return fmt.Errorf("histories are only recorded of samples without deviations: %s", strings.Join(deviations, "; "))
	}
	for _, r := range ran {
		if err := write(ctx, p, s, r.Name, r.Execution.WorkflowID); err != nil {
			return err
		}
		for _, resent := range r.Resent {
			if err := write(ctx, p, s, "deliver", resent); err != nil {
				return err
			}
		}
	}
	// The same call again, under another ID and without a start delay: its
	// workflow waits with a timer, and finds that the call was already handled.
	params := workflows.AfterCallParams{
		SDKAppID: ran[0].Call.SDKAppID, App: "clinic", CallID: ran[0].Call.Record.CallID,
		Source: workflows.SourceCallback, Callback: &ran[0].Call.Record, RecordDeadline: time.Minute,
	}
	hint := *params.Callback
	hint.EndTime = time.Now().Unix()
	params.Callback = &hint
	options := workflows.AfterCallOptions(params, "aftercall", "", time.Now())
	options.ID += ":again"
	options.StartDelay = 0
	run, err := s.Temporal.ExecuteWorkflow(ctx, options, workflows.AfterCallName, params)
	if err != nil {
		return err
	}
	if err := run.Get(ctx, nil); err != nil {
		return err
	}
	if err := write(ctx, p, s, "timer, already handled", options.ID); err != nil {
		return err
	}
	if err := recordReviews(ctx, p, s); err != nil {
		return err
	}
	return recordSweep(ctx, p, s)
}

// recordSweep records a sweep over the calls of the samples, which are all known.
func recordSweep(ctx context.Context, p project, s *local.Stack) error {
	now := time.Now().Truncate(time.Second)
	run, err := s.Temporal.ExecuteWorkflow(ctx, client.StartWorkflowOptions{
		ID: "sweep:recorded", TaskQueue: "aftercall", StaticSummary: "Sweep of " + s.Config.Apps[0].Name,
	},
		workflows.SweepName, workflows.SweepParams{
			SDKAppID: s.Config.Apps[0].SDKAppID, App: s.Config.Apps[0].Name,
			TimeRange: &sweep.Window{From: now.Add(-3 * time.Hour), To: now},
		})
	if err != nil {
		return err
	}
	if err := run.Get(ctx, nil); err != nil {
		return err
	}
	return write(ctx, p, s, "sweep", run.GetID())
}

var notInFileNames = regexp.MustCompile(`[^a-z0-9]+`)

func write(ctx context.Context, p project, s *local.Stack, name, workflowID string) error {
	history := &historypb.History{}
	events := s.Temporal.GetWorkflowHistory(ctx, workflowID, "", false, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	for events.HasNext() {
		event, err := events.Next()
		if err != nil {
			return fmt.Errorf("history of %s: %w", workflowID, err)
		}
		history.Events = append(history.Events, event)
	}
	data, err := temporalproto.CustomJSONMarshalOptions{Indent: "  "}.Marshal(history)
	if err != nil {
		return fmt.Errorf("history of %s: %w", workflowID, err)
	}
	path := filepath.Join(p.root, "workflows", "testdata", strings.Trim(notInFileNames.ReplaceAllString(strings.ToLower(name), "-"), "-")+".json")
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(path, append(data, '\n'), 0o644); err != nil {
		return err
	}
	fmt.Fprintf(p.out, "recorded %s (%d events)\n", path, len(history.Events))
	return nil
}
