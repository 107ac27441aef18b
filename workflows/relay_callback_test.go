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

func relayParams() activities.RelayCallbackParams {
	return activities.RelayCallbackParams{
		SDKAppID: 1400000000, App: "clinic", Command: tencent.CommandAfterStartCall, CallID: "call-1", Query: "a=b", Body: []byte(`{"x":1}`),
	}
}

func TestRelayCallback(t *testing.T) {
	for name, tt := range map[string]struct {
		failures int
		refused  bool
	}{"at once": {}, "later": {failures: 5}, "never": {refused: true}} {
		t.Run(name, func(t *testing.T) {
			e := newEnv(t)
			p := relayParams()
			p.Since = endedAt
			if tt.failures > 0 {
				e.OnActivity("RelayCallback", mock.Anything, p).Return(errBroken).Times(tt.failures)
			}
			if tt.refused {
				e.OnActivity("RelayCallback", mock.Anything, p).Return(errHopeless).Once()
			} else {
				e.OnActivity("RelayCallback", mock.Anything, p).Return(nil).Once()
			}
			e.ExecuteWorkflow(workflows.RelayCallbackName, relayParams())
			require.Equal(t, tt.refused, e.GetWorkflowError() != nil)
		})
	}
}

func TestRelayIDs(t *testing.T) {
	ids := map[string]bool{}
	add := func(change func(*activities.RelayCallbackParams)) {
		p := relayParams()
		change(&p)
		ids[workflows.RelayID(p)] = true
	}
	add(func(*activities.RelayCallbackParams) {})
	add(func(p *activities.RelayCallbackParams) { p.Query = "RequestTime=2" })
	require.Len(t, ids, 1, "the same callback, sent again")
	add(func(p *activities.RelayCallbackParams) { p.SDKAppID++ })
	add(func(p *activities.RelayCallbackParams) { p.Command = tencent.CommandAfterMemberChanged })
	add(func(p *activities.RelayCallbackParams) { p.CallID = "call-2" })
	add(func(p *activities.RelayCallbackParams) { p.Body = []byte(`{"x":2}`) })
	require.Len(t, ids, 5)
	o := workflows.RelayOptions(relayParams(), "queue")
	require.Equal(t, enumspb.WORKFLOW_ID_REUSE_POLICY_REJECT_DUPLICATE, o.WorkflowIDReusePolicy)
}
