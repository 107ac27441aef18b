package workflows_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/workflow"

	"aftercall/internal/notify"
	"aftercall/workflows"
)

// opensReviews signals reviews at a time of the workflow's clock.
func (e *env) opensReviews(after time.Duration, callIDs ...string) {
	e.RegisterDelayedCallback(func() {
		for _, id := range callIDs {
			e.SignalWorkflow(workflows.SignalReview, id)
		}
	}, after)
}

// reports collects what is delivered.
func (e *env) reports() *[]workflows.DeliverParams {
	var reports []workflows.DeliverParams
	e.OnWorkflow(workflows.DeliverName, mock.Anything, mock.Anything).Return(
		func(_ workflow.Context, p workflows.DeliverParams) (workflows.DeliverResult, error) {
			reports = append(reports, p)
			return workflows.DeliverResult{}, nil
		}).Maybe()
	return &reports
}

// fold runs FoldReviews; next is nil unless it continues as new.
func (e *env) fold(p workflows.FoldReviewsParams) (result workflows.FoldReviewsResult, next *workflows.FoldReviewsParams) {
	e.t.Helper()
	p.SDKAppID, p.App, p.Window = 1400000000, "clinic", 10*time.Minute
	e.ExecuteWorkflow(workflows.FoldReviewsName, p)
	err := e.GetWorkflowError()
	var again *workflow.ContinueAsNewError
	if errors.As(err, &again) {
		next = &workflows.FoldReviewsParams{}
		require.NoError(e.t, converter.GetDefaultDataConverter().FromPayloads(again.Input, next))
		return result, next
	}
	require.NoError(e.t, err)
	require.NoError(e.t, e.GetWorkflowResult(&result))
	return result, nil
}

func callIDs(n int) []string {
	ids := make([]string, n)
	for i := range ids {
		ids[i] = fmt.Sprintf("forged-%d", i+1)
	}
	return ids
}

// TestABurstIsOneMessage: of 50 forged calls the first has a message of its own, and
// the others have one together.
func TestABurstIsOneMessage(t *testing.T) {
	e := newEnv(t)
	reports := e.reports()
	e.opensReviews(time.Minute, callIDs(20)...)
	e.opensReviews(9*time.Minute, callIDs(49)...) // 20 of them again, after retries
	e.opensReviews(15*time.Minute, "later")
	result, next := e.fold(workflows.FoldReviewsParams{})
	require.Nil(t, next)
	require.Equal(t, workflows.FoldReviewsResult{Reported: 2}, result)
	require.Equal(t, endedAt.Add(30*time.Minute), e.Now().UTC(), "after a window without any")
	require.Len(t, *reports, 2)
	first, second := (*reports)[0], (*reports)[1]
	require.Equal(t, notify.EventReviewBurst, first.Event.Type)
	require.Equal(t, &notify.BurstData{
		App: "clinic", SDKAppID: 1400000000, Reviews: 49, Examples: callIDs(5), From: endedAt, To: endedAt.Add(10 * time.Minute),
		Command: "aftercall review decide --all --reason-kind no-record --verdict waive --dry-run --operator NAME --reason TEXT --app clinic",
	}, first.Event.Burst)
	require.Empty(t, first.Targets, "the worker's configuration decides which")
	require.NotEmpty(t, first.MessageID)
	require.Equal(t, []string{"later"}, second.Event.Burst.Examples)
	require.Equal(t, endedAt.Add(10*time.Minute), second.Event.Burst.From)
	require.NotEqual(t, first.MessageID, second.MessageID)
}

func TestAReviewAloneIsNotReportedAgain(t *testing.T) {
	e := newEnv(t)
	reports := e.reports()
	result, next := e.fold(workflows.FoldReviewsParams{})
	require.Nil(t, next)
	require.Zero(t, result)
	require.Empty(t, *reports)
	require.Equal(t, endedAt.Add(10*time.Minute), e.Now().UTC())
}

// TestAFloodDoesNotFillAHistory: the run continues as new with what it has counted,
// and the window ends when it would have.
func TestAFloodDoesNotFillAHistory(t *testing.T) {
	e := newEnv(t)
	reports := e.reports()
	e.opensReviews(time.Minute, "forged-1")
	e.RegisterDelayedCallback(func() {
		e.SetContinueAsNewSuggested(true)
		e.SignalWorkflow(workflows.SignalReview, "forged-2")
	}, 4*time.Minute)
	_, next := e.fold(workflows.FoldReviewsParams{})
	require.Empty(t, *reports)
	require.Equal(t, workflows.FoldedReviews{From: endedAt, Count: 2, Examples: callIDs(2)}, next.Reviews)
	require.Zero(t, next.Number)

	e = newEnv(t)
	e.SetStartTime(endedAt.Add(4 * time.Minute))
	reports = e.reports()
	e.opensReviews(time.Minute, "forged-3")
	e.fold(*next)
	require.Equal(t, 3, (*reports)[0].Event.Burst.Reviews)
	require.Equal(t, endedAt.Add(10*time.Minute), (*reports)[0].Event.Burst.To)
}

func TestACancelledBurstIsReported(t *testing.T) {
	e := newEnv(t)
	reports := e.reports()
	e.opensReviews(time.Minute, "forged-1")
	e.RegisterDelayedCallback(e.CancelWorkflow, 2*time.Minute)
	e.ExecuteWorkflow(workflows.FoldReviewsName, workflows.FoldReviewsParams{SDKAppID: 1400000000, App: "clinic", Window: 10 * time.Minute})
	require.True(t, temporal.IsCanceledError(e.GetWorkflowError()))
	require.Equal(t, 1, (*reports)[0].Event.Burst.Reviews)
}

func TestABurstWhoseReportCannotBeStarted(t *testing.T) {
	e := newEnv(t)
	e.OnWorkflow(workflows.DeliverName, mock.Anything, mock.Anything).Return(workflows.DeliverResult{}, testsuite.ErrMockStartChildWorkflowFailed).Once()
	e.opensReviews(time.Minute, "forged-1")
	e.fold(workflows.FoldReviewsParams{})
	require.Contains(t, e.logs.String(), "no target is notified of the reviews")
}
