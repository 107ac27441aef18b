package service

import (
	"errors"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/mocks"

	"aftercall/internal/billing"
	"aftercall/internal/config"
	"aftercall/internal/ledger"
	"aftercall/internal/notify"
	"aftercall/internal/tencent"
	"aftercall/workflows"
	"aftercall/workflows/launch"
)

// keptLog is the log of a ledger with one entry, of which a target wants checkpoints.
func keptLog(t *testing.T, c client.Client, opened *ledger.Ledger) *ledgerLog {
	t.Helper()
	l := newLedgerLog(
		config.WorkerSettings{CheckpointEvery: time.Hour},
		&config.Config{Targets: []config.Target{{Events: []notify.EventType{notify.EventLedgerCheckpoint}}}},
		launch.NewCalls(c, "queue"), prometheus.NewRegistry(), slog.New(slog.DiscardHandler),
	)
	l.ledger, l.integrator = opened, opened.NewIntegrator()
	return l
}

func chargeOne(t *testing.T, l *ledger.Ledger, callID string) {
	t.Helper()
	price, err := billing.ParseDecimal("0.12")
	require.NoError(t, err)
	ended := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	record := tencent.CallRecord{
		CallID: callID, Caller: "alice", MediaType: tencent.MediaAudio, CallType: tencent.CallTypeSingle, Result: tencent.ResultNormalEnd,
		StartTime: ended.Unix() - 70, AcceptTime: ended.Unix() - 61, EndTime: ended.Unix(),
	}
	charge, err := billing.Rate(record, "standard", billing.Tariff{Currency: "USD", Versions: []billing.Version{{
		EffectiveFrom: time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC),
		Rules:         []billing.Rule{{RatePerMinute: price, FirstInterval: 60, NextInterval: 60}},
	}}}, ended)
	require.NoError(t, err)
	_, _, err = l.Charge(t.Context(), ledger.Entry{
		SDKAppID: 1400000000, App: "clinic", Record: record, Charge: charge, WorkflowID: "call:" + callID, FirstRunID: "run",
	})
	require.NoError(t, err)
}

// sends expects that the delivery of a checkpoint is started, and keeps its ID.
func sends(c *mocks.Client, id *string, err error) *mock.Call {
	return c.On("ExecuteWorkflow", mock.Anything, mock.Anything, workflows.DeliverName, mock.Anything).
		Run(func(args mock.Arguments) { *id = args.Get(1).(client.StartWorkflowOptions).ID }).
		Return(nil, err)
}

// TestCheckpointsAreSent: the first is made at once, then one an interval; a
// worker that starts again sends the last one again under the same ID.
func TestCheckpointsAreSent(t *testing.T) {
	opened, err := ledger.Open(t.Context(), "sqlite:"+filepath.Join(t.TempDir(), "ledger.db"), ledger.Options{})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, opened.Close()) })
	c := mocks.NewClient(t)
	l := keptLog(t, c, opened)
	require.NoError(t, l.pass(t.Context()))
	require.Zero(t, testutil.ToFloat64(l.metrics.entries), "nothing to make a checkpoint of")

	var first, again, next string
	chargeOne(t, opened, "call-1")
	unreachable := sends(c, &first, errors.New("unreachable")).Once()
	l.report(t.Context(), l.pass(t.Context()))
	require.EqualValues(t, 1, testutil.ToFloat64(l.metrics.failing))
	require.EqualValues(t, 1, testutil.ToFloat64(l.metrics.entries), "taken in all the same")
	require.EqualValues(t, 1, testutil.ToFloat64(l.metrics.checkpointEntries))
	sends(c, &again, nil).Once().NotBefore(unreachable)
	l.report(t.Context(), l.pass(t.Context()))
	require.Zero(t, testutil.ToFloat64(l.metrics.failing))
	require.NoError(t, l.pass(t.Context()), "is not sent again")
	require.Equal(t, first, again)

	l = keptLog(t, c, opened)
	sends(c, &again, serviceerror.NewWorkflowExecutionAlreadyStarted("", "", "")).Once()
	chargeOne(t, opened, "call-2")
	require.NoError(t, l.pass(t.Context()))
	require.Equal(t, first, again)
	last, err := opened.LastCheckpoint(t.Context())
	require.NoError(t, err)
	require.EqualValues(t, 1, last.Size, "the hour is not over")
	require.EqualValues(t, 2, testutil.ToFloat64(l.metrics.entries))

	l.every = 0
	sends(c, &next, nil).Once()
	require.NoError(t, l.pass(t.Context()))
	require.NotEqual(t, first, next)
	require.EqualValues(t, 2, testutil.ToFloat64(l.metrics.checkpointEntries))
}

// TestCheckpointsWithoutSubscribers: they are made, and no workflow is started.
func TestCheckpointsWithoutSubscribers(t *testing.T) {
	opened, err := ledger.Open(t.Context(), "sqlite:"+filepath.Join(t.TempDir(), "ledger.db"), ledger.Options{})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, opened.Close()) })
	l := keptLog(t, mocks.NewClient(t), opened)
	l.subscribed = false
	chargeOne(t, opened, "call-1")
	require.NoError(t, l.pass(t.Context()))
	last, err := opened.LastCheckpoint(t.Context())
	require.NoError(t, err)
	require.EqualValues(t, 1, last.Size)
}
