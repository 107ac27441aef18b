package service

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/mocks"
	"go.temporal.io/sdk/temporal"

	"aftercall/internal/config"
)

const (
	scheduleID       = "sweep:1400000000"
	formerScheduleID = "reconcile:1400000000"
)

func sweptApp(every time.Duration) config.App {
	app := config.App{Name: "clinic", SDKAppID: 1400000000}
	app.Sweep.Every = config.Interval(every)
	return app
}

// schedules expects that the schedules with these IDs are deleted.
func schedules(t *testing.T, result error, deleted ...string) *mocks.ScheduleClient {
	t.Helper()
	c := mocks.NewScheduleClient(t)
	for _, id := range deleted {
		handle := mocks.NewScheduleHandle(t)
		handle.On("Delete", mock.Anything).Return(result).Once()
		c.On("GetHandle", mock.Anything, id).Return(handle).Once()
	}
	return c
}

func TestScheduleReplacesItsFormerOne(t *testing.T) {
	c := schedules(t, nil, formerScheduleID)
	c.On("Create", mock.Anything, mock.MatchedBy(func(o client.ScheduleOptions) bool {
		action, ok := o.Action.(*client.ScheduleWorkflowAction)
		return ok && o.ID == scheduleID && action.ID == scheduleID && action.Workflow == "Sweep" && o.Spec.Intervals[0].Every == time.Minute
	})).Return(mocks.NewScheduleHandle(t), nil).Once()
	require.NoError(t, ensureSchedule(t.Context(), c, sweptApp(time.Minute), "queue"))
}

func TestScheduleIsUpdated(t *testing.T) {
	c := schedules(t, serviceerror.NewNotFound("no such schedule"), formerScheduleID)
	c.On("Create", mock.Anything, mock.Anything).Return(nil, temporal.ErrScheduleAlreadyRunning).Once()
	handle := mocks.NewScheduleHandle(t)
	handle.On("Update", mock.Anything, mock.MatchedBy(func(o client.ScheduleUpdateOptions) bool {
		update, err := o.DoUpdate(client.ScheduleUpdateInput{})
		return err == nil && update.Schedule.Spec.Intervals[0].Every == time.Hour && update.Schedule.Policy.CatchupWindow == catchupWindow
	})).Return(nil).Once()
	c.On("GetHandle", mock.Anything, scheduleID).Return(handle).Once()
	require.NoError(t, ensureSchedule(t.Context(), c, sweptApp(time.Hour), "queue"))
}

func TestScheduleIsDeletedWhenSweepsAreOff(t *testing.T) {
	require.NoError(t, ensureSchedule(t.Context(), schedules(t, nil, scheduleID, formerScheduleID), sweptApp(0), "queue"))
	require.NoError(t, ensureSchedule(t.Context(), schedules(t, serviceerror.NewNotFound("no such schedule"), scheduleID, formerScheduleID), sweptApp(0), "queue"))
	down := errors.New("Temporal is down")
	require.ErrorIs(t, ensureSchedule(t.Context(), schedules(t, down, scheduleID), sweptApp(0), "queue"), down)
}

func TestFormerScheduleStaysUntilTheNewOneExists(t *testing.T) {
	down := errors.New("Temporal is down")
	c := schedules(t, nil)
	c.On("Create", mock.Anything, mock.Anything).Return(nil, down).Once()
	require.ErrorIs(t, ensureSchedule(t.Context(), c, sweptApp(time.Minute), "queue"), down)
}
