package launch_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"
	taskqueuepb "go.temporal.io/api/taskqueue/v1"
	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/protobuf/types/known/timestamppb"

	"aftercall/workflows"
)

// TestWrongClock has a Temporal whose clock is ten minutes behind, or ahead: its clock counts.
func TestWrongClock(t *testing.T) {
	for _, behind := range []time.Duration{10 * time.Minute, -10 * time.Minute} {
		c, calls := newTemporal(t)
		now := time.Now().Add(-behind)
		calls = calls.WithClock(func() time.Time { return now })

		c.On("DescribeTaskQueue", mock.Anything, "aftercall", enumspb.TASK_QUEUE_TYPE_WORKFLOW).Return(&workflowservice.DescribeTaskQueueResponse{
			Pollers: []*taskqueuepb.PollerInfo{
				{Identity: "alive", LastAccessTime: timestamppb.New(now.Add(-time.Minute))},
				{Identity: "ended", LastAccessTime: timestamppb.New(now.Add(-3 * time.Minute))},
			},
		}, nil).Once()
		workers, err := calls.Workers(t.Context())
		require.NoError(t, err)
		require.Equal(t, 1, workers)

		c.answersStart(nil)
		p := params()
		p.EndedAt = now.Add(-time.Second)
		_, err = calls.Start(t.Context(), p, "")
		require.NoError(t, err)
		require.InDelta(t, workflows.RecordDelay-workflows.StartLead-time.Second, c.starts[0].StartDelay, float64(time.Second))
	}
}
