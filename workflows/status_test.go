package workflows_test

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"
	sdkpb "go.temporal.io/api/sdk/v1"

	"aftercall/activities"
	"aftercall/workflows"
)

// page is what the Web UI shows as the current details.
func (e *env) page() string {
	e.t.Helper()
	value, err := e.QueryWorkflow("__temporal_workflow_metadata")
	require.NoError(e.t, err)
	var metadata sdkpb.WorkflowMetadata
	require.NoError(e.t, value.Get(&metadata))
	return metadata.GetCurrentDetails()
}

// TestStatus follows a call that has trouble at every step, and compares what
// the query returns with the page.
func TestStatus(t *testing.T) {
	e := newEnv(t)
	e.fetches(activities.FetchRecordResult{}, errNotYet).Once()
	e.fetches(found, nil).Once()
	e.charges(activities.ChargeResult{}, errBroken).Once()
	e.charges(charged("crm", "audit", "slow"), nil).Once()
	e.notifies("crm", nil).Once()
	e.notifies("audit", errHopeless).Once()
	e.notifies("slow", errBroken).Once()
	e.notifies("slow", nil).Once()

	ready := endedAt.Add(workflows.RecordDelay)
	read := ready.Add(2 * time.Second)
	booked := read.Add(time.Second)
	type moment struct {
		at    time.Time
		check func(workflows.Status)
	}
	for _, m := range []moment{
		{ready.Add(-time.Second), func(s workflows.Status) {
			require.Equal(t, workflows.StageWaiting, s.Stage)
			require.Equal(t, endedAt, s.Since)
			require.Contains(t, s.WaitingFor, "five seconds after the end")
			require.Nil(t, s.Record)
		}},
		{ready.Add(time.Second), func(s workflows.Status) {
			require.Equal(t, workflows.StageRecord, s.Stage)
			require.Equal(t, ready, s.Since)
			require.Equal(t, "the call record: not yet", s.WaitingFor)
		}},
		{read.Add(time.Second / 2), func(s workflows.Status) {
			require.Equal(t, workflows.StageCharge, s.Stage)
			require.Equal(t, read, s.Since)
			require.Equal(t, "the ledger: broken", s.WaitingFor)
			require.NotEmpty(t, s.WaitingType)
			require.Equal(t, "Video · one to one · 2:10 connected · NormalEnd", s.Record.Summary)
			require.Nil(t, s.Charge)
		}},
		{booked.Add(time.Second), func(s workflows.Status) {
			require.Equal(t, workflows.StageNotify, s.Stage)
			require.Empty(t, s.WaitingFor)
			require.Empty(t, s.WaitingType)
			require.Equal(t, "0.66", s.Charge.Amount)
			require.Equal(t, []string{"132 s at 0.30 a minute"}, s.Charge.Steps)
			require.Equal(t, []workflows.DeliveryStatus{
				{Target: "crm", State: workflows.DeliveryDone, Since: booked},
				{Target: "audit", State: workflows.DeliveryFailed, Since: booked, Reason: "hopeless"},
				{Target: "slow", State: workflows.DeliveryWaiting, Since: booked, Reason: "broken"},
			}, s.Deliveries)
		}},
	} {
		e.RegisterDelayedCallback(func() {
			m.check(e.status())
			e.requireSamePage()
		}, m.at.Sub(endedAt))
	}
	_, err := e.run()
	require.NoError(t, err)
	require.Equal(t, workflows.StageUndelivered, e.status().Stage, "audit was not notified")
	e.requireSamePage()
}

// requireSamePage finds every text of the status on the page, and every
// time but the ones of what is settled.
func (e *env) requireSamePage() {
	e.t.Helper()
	data, err := json.Marshal(e.status())
	require.NoError(e.t, err)
	var status map[string]any
	require.NoError(e.t, json.Unmarshal(data, &status))
	page := e.page()
	var walk func(name string, v any)
	walk = func(name string, v any) {
		switch v := v.(type) {
		case map[string]any:
			for name, v := range v {
				walk(name, v)
			}
		case []any:
			for _, v := range v {
				walk(name, v)
			}
		case string:
			if name != "ledger_key" && name != "since" && name != "waiting_type" {
				require.Contains(e.t, page, v, name)
			}
		}
	}
	walk("", status)
	require.Contains(e.t, page, e.status().Since.Format("2006-01-02 15:04:05 UTC"))
	for _, private := range []string{"patient-1001", "doctor-17"} {
		require.NotContains(e.t, page+string(data), private)
	}
}

// TestEverythingHasASummary reads the golden histories: the Web UI must not
// list anything by its type alone.
func TestEverythingHasASummary(t *testing.T) {
	histories, err := filepath.Glob("testdata/*.json")
	require.NoError(t, err)
	summarized := 0
	for _, path := range histories {
		for _, event := range readHistory(t, path).GetEvents() {
			if event.GetMarkerRecordedEventAttributes().GetMarkerName() == "Version" { // of GetVersion, which takes none
				continue
			}
			switch event.GetEventType() {
			case enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_STARTED, enumspb.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED,
				enumspb.EVENT_TYPE_TIMER_STARTED, enumspb.EVENT_TYPE_MARKER_RECORDED:
				summary := strings.Trim(string(event.GetUserMetadata().GetSummary().GetData()), `"`)
				require.NotEmpty(t, summary, "%s of event %d in %s", event.GetEventType(), event.GetEventId(), path)
				summarized++
			default:
			}
		}
	}
	require.Greater(t, summarized, len(histories))
}
