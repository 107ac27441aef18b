package local

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	commonpb "go.temporal.io/api/common/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"

	"aftercall/dev/tencentsim"
	"aftercall/internal/dedupe"
	"aftercall/internal/redisguard"
)

// ForgetInRedis makes Redis forget a call, as the end of the dedupe_window would.
func (s *Stack) ForgetInRedis(ctx context.Context, call tencentsim.Call) error {
	rdb, err := redisguard.NewClient(s.redisURL, redisguard.PatientTimeout)
	if err != nil {
		return err
	}
	defer rdb.Close()
	guard := redisguard.New(ctx, rdb, prometheus.NewRegistry(), slog.New(slog.DiscardHandler))
	defer guard.Close()
	return dedupe.Forget(ctx, guard, time.Now(), call.SDKAppID, call.Record.CallID)
}

// Forget deletes a call from Redis and from Temporal, as expiry and retention would.
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
