package service

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/mocks"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"aftercall/activities"
	"aftercall/dev/local"
	"aftercall/internal/config"
	"aftercall/internal/temporalclient"
	"aftercall/internal/testenv"
	"aftercall/workflows"
)

const (
	scheduleID       = "sweep:1400000000"
	formerScheduleID = "reconcile:1400000000"
	// within bounds what takes seconds on an idle machine.
	within = 2 * time.Minute
	poll   = 50 * time.Millisecond
)

func sweptApp(every time.Duration) config.App {
	app := config.App{Name: "clinic", SDKAppID: 1400000000}
	app.Sweep.Every = config.Interval(every)
	return app
}

// devServer starts a Temporal server whose port stays the same.
func devServer(t *testing.T, port int) (c client.Client, stop func()) {
	t.Helper()
	path, err := local.TemporalPath(t.Context(), "../..")
	require.NoError(t, err)
	server, err := testsuite.StartDevServer(t.Context(), testsuite.DevServerOptions{
		ExistingPath: path, DBFilename: filepath.Join(t.TempDir(), "temporal.db"),
		ClientOptions: &client.Options{
			HostPort: net.JoinHostPort("127.0.0.1", strconv.Itoa(port)), Logger: log.NewStructuredLogger(slog.New(slog.DiscardHandler)),
			ConnectionOptions: testenv.PatientConnection(),
		},
		Stdout: io.Discard, Stderr: io.Discard,
	})
	require.NoError(t, err)
	return server.Client(), func() {
		server.Client().Close()
		require.NoError(t, server.Stop())
	}
}

// keeper keeps the schedules for workers on a task queue. A queue counts as
// without workers as soon as nothing has polled it for liveFor.
func keeper(c client.Client, taskQueue string, liveFor time.Duration, apps ...config.App) *schedules {
	logger := slog.New(slog.DiscardHandler)
	return &schedules{
		client: c, apps: apps, taskQueue: taskQueue, liveFor: liveFor, interval: poll, retry: poll, logger: logger, now: time.Now,
		prepare: func(ctx context.Context) bool {
			return temporalclient.Prepare(ctx, c, client.DefaultNamespace, logger, workflows.SearchAttributes)
		},
	}
}

// keep runs a keeper until the returned function is called.
func keep(t *testing.T, s *schedules) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		s.keep(ctx)
	}()
	return func() {
		cancel()
		<-ended
	}
}

// sweeper is a worker on a task queue whose sweeps have nothing to do.
func sweeper(t *testing.T, c client.Client, taskQueue string) worker.Worker {
	t.Helper()
	w := worker.New(c, taskQueue, worker.Options{})
	w.RegisterWorkflowWithOptions(func(workflow.Context, workflows.SweepParams) error { return nil }, workflow.RegisterOptions{Name: workflows.SweepName})
	require.NoError(t, w.Start())
	return w
}

// queueOf is the task queue of the schedule, empty if there is no schedule.
func queueOf(t *testing.T, c client.Client) string {
	t.Helper()
	found, err := c.ScheduleClient().GetHandle(t.Context(), scheduleID).Describe(t.Context())
	if errors.As(err, new(*serviceerror.NotFound)) {
		return ""
	}
	require.NoError(t, err)
	return actionQueue(found.Schedule.Action)
}

func awaitQueue(t *testing.T, c client.Client, want string) {
	t.Helper()
	require.Eventually(t, func() bool { return queueOf(t, c) == want }, within, poll)
}

// runs returns how many sweeps of a task queue have a status.
func runs(t *testing.T, c client.Client, taskQueue string, status enumspb.WorkflowExecutionStatus) int {
	t.Helper()
	found, err := c.CountWorkflow(t.Context(), &workflowservice.CountWorkflowExecutionsRequest{Query: fmt.Sprintf("WorkflowType = 'Sweep' AND TaskQueue = '%s' AND ExecutionStatus = '%s'", taskQueue, status)})
	require.NoError(t, err)
	return int(found.GetCount())
}

// TestCanary starts a worker on another task queue once. As in earlier releases, it
// takes the schedule, and ends while a sweep waits for it.
func TestCanary(t *testing.T) {
	t.Parallel()
	c, stop := devServer(t, testenv.FreePort(t))
	defer stop()
	app := sweptApp(time.Second)

	canary := keeper(c, "canary", temporalclient.LiveFor, app)
	canary.take = true
	stopCanary, w := keep(t, canary), sweeper(t, c, "canary")
	awaitQueue(t, c, "canary")
	require.Eventually(t, func() bool { return runs(t, c, "canary", enumspb.WORKFLOW_EXECUTION_STATUS_COMPLETED) > 0 }, within, poll)
	w.Stop()
	require.Eventually(t, func() bool { return runs(t, c, "canary", enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING) > 0 }, within, poll)
	stopCanary()

	right := sweeper(t, c, "aftercall")
	defer right.Stop()
	defer keep(t, keeper(c, "aftercall", 3*time.Second, app))()
	awaitQueue(t, c, "aftercall")
	require.Eventually(t, func() bool { return runs(t, c, "aftercall", enumspb.WORKFLOW_EXECUTION_STATUS_COMPLETED) > 1 }, within, poll)
	require.Eventually(t, func() bool { return runs(t, c, "canary", enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING) == 0 }, within, poll)
}

// TestScheduleStaysWhereWorkersAre has a second worker on another queue. Once the
// queue of the schedule has no worker, the second one takes it.
func TestScheduleStaysWhereWorkersAre(t *testing.T) {
	t.Parallel()
	c, stop := devServer(t, testenv.FreePort(t))
	defer stop()
	app := sweptApp(time.Second)
	first := sweeper(t, c, "first")
	defer first.Stop()
	require.True(t, keeper(c, "first", temporalclient.LiveFor, app).prepare(t.Context()))
	ensure := func(s *schedules) error {
		s.state = map[string]scheduleState{}
		return s.ensure(t.Context(), sweepSchedule(app, s.taskQueue))
	}
	require.NoError(t, ensure(keeper(c, "first", temporalclient.LiveFor, app)))
	require.Eventually(t, func() bool {
		n, err := temporalclient.Workers(t.Context(), c, "first", temporalclient.LiveFor, time.Now())
		require.NoError(t, err)
		return n == 1
	}, within, poll)
	second := keeper(c, "second", temporalclient.LiveFor, app)
	require.NoError(t, ensure(second))
	require.Equal(t, "first", queueOf(t, c))
	require.Equal(t, "first", second.state[scheduleID].foreign)

	second.take = true
	require.NoError(t, ensure(second))
	require.Equal(t, "second", queueOf(t, c))
}

// TestTemporalComesBackEmpty replaces Temporal's database while a worker runs.
func TestTemporalComesBackEmpty(t *testing.T) {
	t.Parallel()
	port := testenv.FreePort(t)
	c, stop := devServer(t, port)
	own, _, err := temporalclient.NewClient(map[string]string{"TEMPORAL_ADDRESS": "127.0.0.1:" + strconv.Itoa(port)}, nil, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	defer own.Close()
	w := sweeper(t, own, "aftercall")
	defer w.Stop()
	defer keep(t, keeper(own, "aftercall", temporalclient.LiveFor, sweptApp(time.Second)))()
	awaitQueue(t, c, "aftercall")
	stop()

	c, stop = devServer(t, port)
	defer stop()
	awaitQueue(t, c, "aftercall")
	require.Eventually(t, func() bool { return runs(t, c, "aftercall", enumspb.WORKFLOW_EXECUTION_STATUS_COMPLETED) > 0 }, within, poll)
}

// TestScheduleFollowsTheConfiguration creates, changes and removes a schedule, and
// that of an earlier version.
func TestScheduleFollowsTheConfiguration(t *testing.T) {
	t.Parallel()
	c, stop := devServer(t, testenv.FreePort(t))
	defer stop()
	s := keeper(c, "aftercall", temporalclient.LiveFor)
	require.True(t, s.prepare(t.Context()))
	former := func() error {
		_, err := c.ScheduleClient().GetHandle(t.Context(), formerScheduleID).Describe(t.Context())
		return err
	}
	action := sweepSchedule(sweptApp(time.Hour), "aftercall").action
	_, err := c.ScheduleClient().Create(t.Context(), client.ScheduleOptions{ID: formerScheduleID, Action: &action})
	require.NoError(t, err)
	for _, every := range []time.Duration{time.Minute, time.Hour} {
		s.state = map[string]scheduleState{} // as after a start
		require.NoError(t, s.ensure(t.Context(), sweepSchedule(sweptApp(every), "aftercall")))
		found, err := c.ScheduleClient().GetHandle(t.Context(), scheduleID).Describe(t.Context())
		require.NoError(t, err)
		require.Equal(t, every, found.Schedule.Spec.Intervals[0].Every)
		require.Equal(t, catchupWindow, found.Schedule.Policy.CatchupWindow)
		action, ok := found.Schedule.Action.(*client.ScheduleWorkflowAction)
		require.True(t, ok)
		require.Equal(t, workflows.SweepRunTimeout, action.WorkflowRunTimeout)
		require.ErrorAs(t, former(), new(*serviceerror.NotFound))
	}
	for range 2 { // the second time there is none
		require.NoError(t, s.ensure(t.Context(), sweepSchedule(sweptApp(0), "aftercall")))
		require.Empty(t, queueOf(t, c))
	}
}

// TestScheduleOfAudits is there for an app whose rooms are received, next to that of its
// sweep, and removed when they are received no more.
func TestScheduleOfAudits(t *testing.T) {
	t.Parallel()
	c, stop := devServer(t, testenv.FreePort(t))
	defer stop()
	received, other := sweptApp(time.Hour), sweptApp(time.Hour)
	received.Evidence.RoomKey = config.NewSecret("ARoomKeyOfTheConsole")
	s := keeper(c, "aftercall", temporalclient.LiveFor)
	require.True(t, s.prepare(t.Context()))
	for _, app := range []config.App{other, received, received, other} {
		s.state = map[string]scheduleState{}
		for _, want := range schedulesOf(app, "aftercall") {
			require.NoError(t, s.ensure(t.Context(), want))
		}
		found, err := c.ScheduleClient().GetHandle(t.Context(), workflows.AuditID(app.SDKAppID)).Describe(t.Context())
		if !app.Evidence.Rooms() {
			require.ErrorAs(t, err, new(*serviceerror.NotFound))
			continue
		}
		require.NoError(t, err)
		require.Equal(t, []client.ScheduleIntervalSpec{{Every: workflows.AuditEvery, Offset: workflows.AuditDelay}}, found.Schedule.Spec.Intervals)
		require.Equal(t, enumspb.SCHEDULE_OVERLAP_POLICY_BUFFER_ALL, found.Schedule.Policy.Overlap)
		action, ok := found.Schedule.Action.(*client.ScheduleWorkflowAction)
		require.True(t, ok)
		require.Equal(t, workflows.AuditRunTimeout, action.WorkflowRunTimeout)
		require.Equal(t, "aftercall", queueOf(t, c), "the sweep stays")
	}
}

// TestMissedAuditsAreMadeUpFor: a run that the schedule starts late audits the hour for
// which it was due.
func TestMissedAuditsAreMadeUpFor(t *testing.T) {
	t.Parallel()
	c, stop := devServer(t, testenv.FreePort(t))
	defer stop()
	s := keeper(c, "aftercall", temporalclient.LiveFor)
	require.True(t, s.prepare(t.Context()))
	s.state = map[string]scheduleState{}
	app := sweptApp(time.Hour)
	app.Evidence.RoomKey = config.NewSecret("ARoomKeyOfTheConsole")
	require.NoError(t, s.ensure(t.Context(), auditSchedule(app, "aftercall")))

	audited := make(chan time.Time, 10)
	w := worker.New(c, "aftercall", worker.Options{})
	w.RegisterWorkflowWithOptions(workflows.Audit, workflow.RegisterOptions{Name: workflows.AuditName})
	w.RegisterActivityWithOptions(func(p activities.AuditRoomsParams) (activities.AuditRoomsResult, error) {
		require.Equal(t, time.Hour, p.To.Sub(p.From))
		audited <- p.From
		return activities.AuditRoomsResult{}, nil
	}, activity.RegisterOptions{Name: "AuditRooms"})
	require.NoError(t, w.Start())
	defer w.Stop()
	hour := time.Now().Add(-30 * time.Hour).Truncate(time.Hour).UTC()
	require.NoError(t, c.ScheduleClient().GetHandle(t.Context(), workflows.AuditID(app.SDKAppID)).Backfill(t.Context(), client.ScheduleBackfillOptions{
		Backfill: []client.ScheduleBackfill{{Start: hour, End: hour.Add(3 * time.Hour), Overlap: enumspb.SCHEDULE_OVERLAP_POLICY_BUFFER_ALL}},
	}))
	for i := range 3 {
		select {
		case from := <-audited:
			require.Equal(t, hour.Add(time.Duration(i-1)*time.Hour), from)
		case <-time.After(within):
			require.Fail(t, "no audit")
		}
	}
}

func TestFormerScheduleStaysUntilTheNewOneExists(t *testing.T) {
	down := errors.New("Temporal is down")
	for _, every := range []time.Duration{0, time.Minute} {
		c, schedule, handle := mocks.NewClient(t), mocks.NewScheduleClient(t), mocks.NewScheduleHandle(t)
		c.On("ScheduleClient").Return(schedule)
		schedule.On("GetHandle", mock.Anything, scheduleID).Return(handle).Once()
		if every == 0 {
			handle.On("Delete", mock.Anything).Return(down).Once()
		} else {
			handle.On("Describe", mock.Anything).Return(nil, down).Once()
		}
		require.ErrorIs(t, keeper(c, "queue", temporalclient.LiveFor).ensure(t.Context(), sweepSchedule(sweptApp(every), "queue")), down)
	}
}
