package main

import (
	"context"
	"time"

	"go.temporal.io/sdk/client"

	"aftercall/dev/local"
	"aftercall/internal/audit"
	"aftercall/workflows"
)

// recordAudit records an audit of the rooms of the samples.
func recordAudit(ctx context.Context, p project, s *local.Stack) error {
	to := time.Now().Add(-audit.Settle).Truncate(time.Second).UTC()
	run, err := s.Temporal.ExecuteWorkflow(
		ctx, client.StartWorkflowOptions{ID: "audit:recorded", TaskQueue: "aftercall", StaticSummary: "Audit of tutoring"},
		workflows.AuditName, workflows.AuditParams{SDKAppID: relayedApp, App: "tutoring", From: to.Add(-workflows.AuditEvery), To: to},
	)
	if err != nil {
		return err
	}
	if err := run.Get(ctx, nil); err != nil {
		return err
	}
	return write(ctx, p, s, "audit", run.GetID())
}
