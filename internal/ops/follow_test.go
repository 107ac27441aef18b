package ops

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"aftercall/internal/ledger"
	"aftercall/workflows"
)

// TestFollowEnds: how a call that is looked up ended, if it did.
func TestFollowEnds(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	charge := []LedgerEntry{{Kind: ledger.KindCharge, Amount: "0.24", Currency: "USD", BilledSeconds: 120}}
	completed := func(deliveries ...workflows.DeliveryStatus) *WorkflowStatus {
		return &WorkflowStatus{State: "completed", ClosedAt: at, Status: &workflows.Status{Deliveries: deliveries}}
	}
	failed := workflows.DeliveryStatus{Target: "crm", State: workflows.DeliveryFailed, Reason: "status 410"}
	delivered := workflows.DeliveryStatus{Target: "crm", State: workflows.DeliveryDone}
	for name, tt := range map[string]struct {
		status CallStatus
		done   bool
		want   string // the error, empty for a call that is done as it should be
	}{
		"running":                    {status: CallStatus{TemporalAnswered: true, Ledger: charge, Workflow: &WorkflowStatus{State: "running"}}},
		"charged":                    {status: CallStatus{TemporalAnswered: true, Ledger: charge, Workflow: completed(delivered)}, done: true},
		"long ago":                   {status: CallStatus{TemporalAnswered: true, Ledger: charge}, done: true},
		"the start is not confirmed": {status: CallStatus{TemporalAnswered: true, Ledger: []LedgerEntry{}, Redis: &RedisStatus{Known: true}}},
		"Temporal does not answer":   {status: CallStatus{Ledger: charge, Problems: []string{"down"}}},
		"the ledger does not answer": {status: CallStatus{TemporalAnswered: true, Workflow: completed(delivered), Problems: []string{"down"}}},
		"no worker answers":          {status: CallStatus{TemporalAnswered: true, Ledger: charge, Workflow: &WorkflowStatus{State: "completed"}, Problems: []string{"down"}}},
		"not charged": {
			status: CallStatus{TemporalAnswered: true, CallID: "c", Ledger: []LedgerEntry{}, Workflow: &WorkflowStatus{State: "terminated"}, Summary: "NOT CHARGED: x"},
			done:   true, want: "call c of clinic: NOT CHARGED: x",
		},
		"not notified": {
			status: CallStatus{TemporalAnswered: true, CallID: "c", Ledger: charge, Workflow: completed(failed)},
			done:   true, want: "call c of clinic is in the ledger, but crm was not notified: status 410",
		},
		"only the reversal was accepted": {
			status: CallStatus{
				TemporalAnswered: true, CallID: "c", Ledger: charge, Workflow: completed(failed),
				Deliveries: []DeliveryWorkflow{{WorkflowID: "deliver:call.reversed:1400000000:c", Targets: []workflows.DeliveryStatus{delivered}}},
			},
			done: true, want: "call c of clinic is in the ledger, but crm was not notified: status 410",
		},
		"only an adjustment was accepted": {
			status: CallStatus{
				TemporalAnswered: true, CallID: "c", Ledger: charge, Workflow: completed(failed),
				Deliveries: []DeliveryWorkflow{{WorkflowID: "deliver:call.adjusted.1:1400000000:c", Targets: []workflows.DeliveryStatus{delivered}}},
			},
			done: true, want: "call c of clinic is in the ledger, but crm was not notified: status 410",
		},
		"started, and neither workflow nor entry": {
			status: CallStatus{TemporalAnswered: true, CallID: "c", Ledger: []LedgerEntry{}, Redis: &RedisStatus{Known: true, Started: true}, Summary: "NOT CHARGED: x"},
			done:   true, want: "call c of clinic: NOT CHARGED: x",
		},
		"notified later": {
			status: CallStatus{
				TemporalAnswered: true, Ledger: charge, Workflow: completed(failed),
				Deliveries: []DeliveryWorkflow{{State: "completed", StartedAt: at.Add(time.Hour), Targets: []workflows.DeliveryStatus{delivered}}},
			},
			done: true,
		},
	} {
		tt.status.App = "clinic"
		done, err := tt.status.ended()
		require.Equal(t, tt.done, done, name)
		if tt.want == "" {
			require.NoError(t, err, name)
			continue
		}
		require.EqualError(t, err, tt.want, name)
		var detailed *Error
		require.ErrorAs(t, err, &detailed, name)
		require.Equal(t, Refused, detailed.Kind, name)
	}
}

// looks answers one look after another; the last one again and again.
func looks(all ...CallStatus) func(context.Context) (*CallStatus, error) {
	return func(ctx context.Context) (*CallStatus, error) {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		next := all[0]
		if len(all) > 1 {
			all = all[1:]
		}
		return &next, nil
	}
}

func inStage(stage workflows.Stage, waitingFor string) CallStatus {
	return CallStatus{App: "clinic", CallID: "c", TemporalAnswered: true, Summary: "in stage " + string(stage), Workflow: &WorkflowStatus{
		State: "running", Status: &workflows.Status{Stage: stage, WaitingFor: waitingFor},
	}}
}

func TestFollow(t *testing.T) {
	t.Parallel()
	done := CallStatus{App: "clinic", CallID: "c", TemporalAnswered: true, Ledger: []LedgerEntry{{}}, Workflow: &WorkflowStatus{State: "completed", Status: &workflows.Status{Stage: workflows.StageDone}}}
	var seen []string
	observe := func(s CallStage) { seen = append(seen, string(s.Stage)+" "+s.WaitingFor+s.Problem) }
	silent := CallStatus{App: "clinic", CallID: "c", Problems: []string{"Temporal does not answer"}}
	status, err := follow(t.Context(), "c", time.Millisecond, observe, looks(
		inStage(workflows.StageRecord, ""), inStage(workflows.StageRecord, "the call record: not yet"), inStage(workflows.StageRecord, "the call record: not yet"),
		silent, silent, inStage(workflows.StageCharge, ""), done,
	))
	require.NoError(t, err)
	require.Equal(t, done.Workflow, status.Workflow)
	require.Equal(t, []string{"record ", "record the call record: not yet", " Temporal does not answer", "charge ", "done "}, seen)
}

// TestFollowGivesUp: at the deadline, or when a person stops it, the last answer
// says where the call is.
func TestFollowGivesUp(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		look CallStatus
		kind Kind
		want string
	}{
		"waits":  {inStage(workflows.StageReview, "a decision"), Failed, "stopped following call c: it is not done: in stage review"},
		"silent": {CallStatus{App: "clinic", CallID: "c", Problems: []string{"Temporal does not answer"}}, Incomplete, "stopped following call c: Temporal does not answer"},
	} {
		ctx, cancel := context.WithCancel(t.Context())
		observe := func(CallStage) { cancel() }
		status, err := follow(ctx, "c", time.Millisecond, observe, looks(tt.look))
		require.EqualError(t, err, tt.want, name)
		require.NotNil(t, status, name)
		var detailed *Error
		require.ErrorAs(t, err, &detailed, name)
		require.Equal(t, tt.kind, detailed.Kind, name)
		require.NotEmpty(t, detailed.Cure, name)
	}
	unknown := Errorf(NotFound, "", "the call c is unknown")
	_, err := follow(t.Context(), "c", time.Millisecond, func(CallStage) {}, func(context.Context) (*CallStatus, error) { return nil, unknown })
	require.Equal(t, unknown, err, "nothing to follow")
}
