package workflows_test

import (
	"testing"

	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"

	"aftercall/activities"
	"aftercall/internal/tencent"
	"aftercall/workflows"
)

func forward() activities.ForwardParams {
	return activities.ForwardParams{
		SDKAppID: 1400000000, App: "clinic", Command: tencent.CommandAfterStartCall, CallID: "call-1", Query: "a=b", Body: []byte(`{"x":1}`),
	}
}

func TestRelay(t *testing.T) {
	for name, tt := range map[string]struct {
		failures int
		refused  bool
	}{"at once": {}, "later": {failures: 5}, "never": {refused: true}} {
		t.Run(name, func(t *testing.T) {
			e := newEnv(t)
			p := forward()
			p.Since = endedAt
			if tt.failures > 0 {
				e.OnActivity("Forward", mock.Anything, p).Return(errBroken).Times(tt.failures)
			}
			if tt.refused {
				e.OnActivity("Forward", mock.Anything, p).Return(errHopeless).Once()
			} else {
				e.OnActivity("Forward", mock.Anything, p).Return(nil).Once()
			}
			e.ExecuteWorkflow(workflows.RelayName, forward())
			require.Equal(t, tt.refused, e.GetWorkflowError() != nil)
		})
	}
}

func TestRelayIDs(t *testing.T) {
	ids := map[string]bool{}
	add := func(change func(*activities.ForwardParams)) {
		p := forward()
		change(&p)
		ids[workflows.RelayID(p)] = true
	}
	add(func(*activities.ForwardParams) {})
	add(func(p *activities.ForwardParams) { p.Query = "RequestTime=2" })
	require.Len(t, ids, 1, "the same callback, sent again")
	add(func(p *activities.ForwardParams) { p.SDKAppID++ })
	add(func(p *activities.ForwardParams) { p.Command = tencent.CommandAfterMemberChanged })
	add(func(p *activities.ForwardParams) { p.CallID = "call-2" })
	add(func(p *activities.ForwardParams) { p.Body = []byte(`{"x":2}`) })
	require.Len(t, ids, 5)
	o := workflows.RelayOptions(forward(), "queue")
	require.Equal(t, enumspb.WORKFLOW_ID_REUSE_POLICY_REJECT_DUPLICATE, o.WorkflowIDReusePolicy)
}
