package ops

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"

	"aftercall/internal/config"
	"aftercall/internal/ledger"
	"aftercall/internal/tencent"
	"aftercall/workflows"
)

func TestCallSummary(t *testing.T) {
	since := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	running := func(s *workflows.Status) *WorkflowStatus { return &WorkflowStatus{State: "running", Status: s} }
	charge := []LedgerEntry{{Kind: ledger.KindCharge, Amount: "0.24", Currency: "USD", BilledSeconds: 120}}
	for want, s := range map[string]CallStatus{
		"done: charge of 0.24 USD for 120 s": {Ledger: charge, Workflow: &WorkflowStatus{State: "completed"}},
		"NOT CHARGED: its workflow failed; the ledger has no entry of it now, so this charges it: temporal workflow reset --type LastWorkflowTask --reason \"not charged\" -w w": {Workflow: &WorkflowStatus{WorkflowID: "w", State: "failed"}},
		"NOT NOTIFIED: its workflow failed, 0.24 USD for 120 s are in the ledger; aftercall call c shows both sums. If the ledger is right: aftercall resend c, which notifies the targets; if it is wrong: aftercall ledger reverse or rerate": {
			CallID: "c", Ledger: charge, Workflow: &WorkflowStatus{State: "failed", ClosedAt: since},
			Deliveries: []DeliveryWorkflow{{State: "completed", StartedAt: since.Add(-time.Minute)}, {State: "running", StartedAt: since.Add(time.Minute)}},
		},
		"done: corrected, costs 0.14 USD now": {
			Ledger: append(charge, LedgerEntry{Kind: ledger.KindAdjustment, Amount: "-0.10", Currency: "USD"}), Costs: &Costs{"0.14", "USD"},
			Workflow: &WorkflowStatus{State: "failed", ClosedAt: since},
		},
		"done: charge of 0.24 USD for 120 s (resent)": {
			Ledger: charge, Workflow: &WorkflowStatus{State: "failed", ClosedAt: since},
			Deliveries: []DeliveryWorkflow{{State: "completed", StartedAt: since.Add(time.Minute)}},
		},
		"NOT CHARGED: not in the ledger, although its workflow is terminated; start it with aftercall start": {Workflow: &WorkflowStatus{State: "terminated"}},
		"unknown: not every system answers": {Problems: []string{"Temporal does not answer"}},
		"running":                           {Workflow: running(nil)},
		"running, in stage notify":          {Workflow: running(&workflows.Status{Stage: workflows.StageNotify}), Ledger: charge},
		"in stage charge, waits since 2026-03-01T12:00:00Z for the ledger: no answer":                                             {Workflow: running(&workflows.Status{Stage: workflows.StageCharge, Since: since, WaitingFor: "the ledger: no answer"})},
		"waits for a person's decision since 2026-03-01T12:00:00Z: too long":                                                      {Workflow: running(&workflows.Status{Stage: workflows.StageReview, Review: &workflows.ReviewStatus{Since: since, Reason: "too long"}})},
		"NOT CHARGED: Redis remembers a start, but there is neither a workflow nor a ledger entry; start it with aftercall start": {Redis: &RedisStatus{Known: true, Started: true}},
	} {
		require.Equal(t, strings.TrimSuffix(want, " (resent)"), s.summarize())
	}
}

func TestChooseCall(t *testing.T) {
	unknown, known := CallStatus{App: "clinic"}, CallStatus{App: "tutoring", Redis: &RedisStatus{Known: true}}
	found, err := chooseCall([]CallStatus{unknown, known}, "c")
	require.NoError(t, err)
	require.Equal(t, "tutoring", found.App)
	for want, tt := range map[string]struct {
		all  []CallStatus
		kind Kind
	}{
		"several apps have a call with this CallId: tutoring, tutoring":                                        {[]CallStatus{known, known}, Usage},
		"the call c is unknown: its callback never arrived, or belongs to another app, or the CallId is wrong": {[]CallStatus{unknown, unknown}, NotFound},
		"no system that answers knows the call c; but Temporal does not answer":                                {[]CallStatus{{App: "clinic", Problems: []string{"Temporal does not answer"}}}, Incomplete},
	} {
		found, err := chooseCall(tt.all, "c")
		require.Nil(t, found)
		require.EqualError(t, err, want)
		var detailed *Error
		require.ErrorAs(t, err, &detailed)
		require.Equal(t, tt.kind, detailed.Kind)
		require.NotEmpty(t, detailed.Cure)
	}
}

func TestTemporalError(t *testing.T) {
	d := New(t.Context(), map[string]string{}, t.Output())
	defer d.Close()
	for want, err := range map[string]error{
		"Temporal does not answer: connection refused":                             serviceerror.NewUnavailable("connection refused"),
		"Temporal refuses the request: WorkflowId length exceeds limit.":           serviceerror.NewInvalidArgument("WorkflowId length exceeds limit."),
		"Temporal refuses the request: Namespace has no such search attribute":     serviceerror.NewInvalidArgument("Namespace has no such search attribute"),
		"Temporal refuses the request: received message larger than max (5 vs. 4)": serviceerror.NewResourceExhausted(enumspb.RESOURCE_EXHAUSTED_CAUSE_UNSPECIFIED, "received message larger than max (5 vs. 4)"),
		"Temporal is busy: namespace rate limit exceeded":                          serviceerror.NewResourceExhausted(enumspb.RESOURCE_EXHAUSTED_CAUSE_RPS_LIMIT, "namespace rate limit exceeded"),
		"Temporal: there is no namespace default":                                  serviceerror.NewNamespaceNotFound("default"),
		"Temporal: workflow not found":                                             serviceerror.NewNotFound("workflow not found"),
	} {
		got := d.temporalError(fmt.Errorf("%w", err))
		require.EqualError(t, got, want)
		require.Equal(t, strings.Contains(want, "not answer"), strings.Contains(cureOf(got), "is Temporal up"), want)
	}
}

func TestTencentError(t *testing.T) {
	app := testApp("")
	app.API = "singapore"
	for want, err := range map[string]error{
		"clinic: the app belongs to another region (Tencent answers 60026, wrong domain, RequestId r1)": &tencent.APIError{Code: 60026, Info: "wrong domain", RequestID: "r1"},
		"clinic: https://adminapisgp.im.qcloud.com answers HTTP status 502":                             &tencent.HTTPError{Status: 502},
		"clinic: the app's limit of 200 requests per second is reached: the request was not sent":       &tencent.BusyError{},
		"clinic: no route to host": errors.New("no route to host"),
	} {
		got := tencentError(app, err)
		require.EqualError(t, got, want)
		require.NotEmpty(t, cureOf(got))
	}
}

func TestWaitingFor(t *testing.T) {
	for want, s := range map[string]workflows.Status{
		"":                        {Stage: workflows.StageWaiting},
		"the call record: 101001": {Stage: workflows.StageRecord, WaitingFor: "the call record: 101001"},
		"a decision: too long":    {Stage: workflows.StageReview, WaitingFor: "a decision", Review: &workflows.ReviewStatus{Reason: "too long"}},
		"crm: status 503; erp: status 500": {Stage: workflows.StageNotify, Deliveries: []workflows.DeliveryStatus{
			{Target: "crm", State: workflows.DeliveryWaiting, Reason: "status 503"},
			{Target: "ok", State: workflows.DeliveryDone},
			{Target: "erp", State: workflows.DeliveryWaiting, Reason: "status 500"},
		}},
	} {
		require.Equal(t, want, waitingFor(&s))
	}
}

func TestNextAttempt(t *testing.T) {
	require.Nil(t, WaitingCall{}.Attempt())
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	call := WaitingCall{Pending: []PendingActivity{{Activity: "Notify", Attempt: 3, NextAttemptAt: at.Add(time.Minute)}, {Activity: "Notify", Attempt: 7, NextAttemptAt: at}}}
	require.Equal(t, int32(7), call.Attempt().Attempt)
}

func TestCallOfWorkflow(t *testing.T) {
	apps := []*config.App{testApp("")}
	for id, want := range map[string]string{
		"call:1400000000:a:b": "a:b", "deliver:call.charged.resend-1:1400000000:a": "a",
		"call:1400000000:caf%C3%A9": "café", "deliver:call.charged:1400000000:100%25": "100%",
		"call:1400000001:a": "", "deliver:sweep.recovered:1400000000": "", "other": "",
	} {
		app, callID, ok := callOfWorkflow(id, apps)
		require.Equal(t, want != "", ok, id)
		require.Equal(t, want, callID, id)
		require.Equal(t, ok, app != nil)
	}
}

// TestDeliveriesQuery has characters that Temporal takes as they are, and some that it
// never finds.
func TestDeliveriesQuery(t *testing.T) {
	const all = "WorkflowType = 'Deliver' AND CallApp = 'clinic'"
	for callID, want := range map[string]string{
		"c":              all + " AND CallId = 'c'",
		"通话 é":           all + " AND CallId = '通话 é'",
		"nb\u00a0sp%41":  all + " AND CallId = 'nb\u00a0sp%41'",
		"zw\u200djoined": all + " AND CallId = 'zw\u200djoined'",
		`q"uo`:           all,
		`q'uo`:           all,
		`back\slash`:     all,
	} {
		require.Equal(t, want, deliveriesQuery("clinic", callID))
	}
}

func TestCureQuotesCallID(t *testing.T) {
	_, err := chooseCall([]CallStatus{{App: "clinic"}}, "$(x)")
	var detailed *Error
	require.ErrorAs(t, err, &detailed)
	require.Contains(t, detailed.Cure, "aftercall start --app clinic '$(x)'")
}
