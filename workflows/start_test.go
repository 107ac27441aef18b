package workflows_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"
	"pgregory.net/rapid"

	"aftercall/activities"
	"aftercall/internal/notify"
	"aftercall/internal/tencent"
	"aftercall/workflows"
)

func TestAfterCallOptions(t *testing.T) {
	o := workflows.AfterCallOptions(params(), "queue", "fp", endedAt.Add(2*time.Second))
	require.Equal(t, "call:1400000000:call-1", o.ID)
	require.Equal(t, "queue", o.TaskQueue)
	require.Equal(t, enumspb.WORKFLOW_ID_REUSE_POLICY_REJECT_DUPLICATE, o.WorkflowIDReusePolicy)
	require.True(t, o.WorkflowExecutionErrorWhenAlreadyStarted)
	require.Equal(t, 3*time.Second, o.StartDelay)
	require.Equal(t, "Video · one to one · 2:10 connected · NormalEnd", o.StaticSummary)
	require.Equal(t, map[string]any{workflows.MemoFingerprint: "fp"}, o.Memo)
	require.Zero(t, o.WorkflowRunTimeout)
	require.Zero(t, o.WorkflowExecutionTimeout)
	require.Nil(t, o.RetryPolicy)
	result, ok := o.TypedSearchAttributes.GetKeyword(workflows.AttributeResult)
	require.True(t, ok)
	require.Equal(t, "NormalEnd", result)
	require.Equal(t, len(workflows.SearchAttributes)-2, o.TypedSearchAttributes.Size(), "all but the stage and the CallId, which is in the workflow ID")
	for _, text := range []string{o.ID, o.StaticSummary, o.StaticDetails} {
		require.NotContains(t, text, "patient-1001")
		require.NotContains(t, text, "doctor-17")
	}
}

// TestMillisecondsOfTheEnd waits for the end of the call, which the
// callback gives more exactly than its record, within the same bounds.
func TestMillisecondsOfTheEnd(t *testing.T) {
	p := params()
	p.EndedAt = endedAt.Add(250 * time.Millisecond)
	require.Equal(t, 3250*time.Millisecond, workflows.AfterCallOptions(p, "queue", "", endedAt.Add(2*time.Second)).StartDelay)
	p.Lead = 250 * time.Millisecond
	require.Equal(t, 3*time.Second, workflows.AfterCallOptions(p, "queue", "", endedAt.Add(2*time.Second)).StartDelay)
	require.Zero(t, workflows.AfterCallOptions(p, "queue", "", endedAt.Add(5*time.Second)).StartDelay)
	p.Lead = 0
	p.EndedAt = endedAt.Add(time.Hour)
	require.Equal(t, workflows.RecordDelay, workflows.AfterCallOptions(p, "queue", "", endedAt).StartDelay)
}

// TestForeignValuesStayOut keeps what a sender makes up out of search
// attributes and summaries.
func TestForeignValuesStayOut(t *testing.T) {
	p := params()
	p.Callback.MediaType, p.Callback.Result, p.Callback.CallType = "patient-1001", "| evil |", "<b>"
	o := workflows.AfterCallOptions(p, "queue", "", endedAt)
	require.Equal(t, "Unknown · group of 2 · 2:10 connected · Unknown", o.StaticSummary)
	media, _ := o.TypedSearchAttributes.GetKeyword(workflows.AttributeMedia)
	require.Equal(t, "Unknown", media)
	require.NotContains(t, o.StaticDetails, "evil")
	require.Empty(t, o.Memo)
}

// TestNoHint starts from nothing but a CallId, as an operator may.
func TestNoHint(t *testing.T) {
	p := params()
	p.Callback = nil
	o := workflows.AfterCallOptions(p, "queue", "", endedAt)
	require.Zero(t, o.StartDelay)
	require.Equal(t, "Call of clinic", o.StaticSummary)
}

func TestStartDelayIsAlwaysBounded(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := params()
		p.Callback.EndTime = rapid.Int64Range(-1<<40, 1<<40).Draw(t, "end")
		delay := workflows.AfterCallOptions(p, "queue", "", endedAt).StartDelay
		if delay < 0 || delay > workflows.RecordDelay {
			t.Fatalf("start delay %s", delay)
		}
	})
}

func TestIDsDoNotCollide(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		type call struct {
			app tencent.SDKAppID
			id  string
		}
		draw := func(name string) call {
			return call{
				tencent.SDKAppID(rapid.Uint64Range(1, 2000).Draw(t, name+" app")),
				rapid.StringMatching(`[0-9:a%F é]{1,6}`).Draw(t, name+" id"),
			}
		}
		a, b := draw("one"), draw("other")
		same := workflows.AfterCallID(a.app, a.id) == workflows.AfterCallID(b.app, b.id)
		if same != (a == b) {
			t.Fatalf("%v and %v", a, b)
		}
	})
}

func TestParseAfterCallID(t *testing.T) {
	for _, callID := range []string{"call-1", "a:b", ":", "call:1:x", "", "通话-1", "é", "\u00a0", "100%", "%41", "%C3%A9", "a b~", "\u007f"} {
		app, parsed, ok := workflows.ParseAfterCallID(workflows.AfterCallID(1400000000, callID))
		require.True(t, ok)
		require.EqualValues(t, 1400000000, app)
		require.Equal(t, callID, parsed)
		parsed, ok = workflows.CallIDOf(workflows.AfterCallID(1400000000, callID))
		require.True(t, ok)
		require.Equal(t, callID, parsed)
	}
	for _, id := range []string{"", "call:", "call:12", "call:x:y", "relay:1:x", "1400000000:call-1"} {
		_, _, ok := workflows.ParseAfterCallID(id)
		require.False(t, ok, id)
		_, ok = workflows.CallIDOf(id)
		require.False(t, ok, id)
	}
}

// TestIDsArePrintableASCII: the SDK sends the ID as a gRPC header.
func TestIDsArePrintableASCII(t *testing.T) {
	for callID, want := range map[string]string{
		"055662e1-bc8a-469c-a334-1126c8c17d58": "055662e1-bc8a-469c-a334-1126c8c17d58",
		"a b!~:/?'\"\\":                        "a b!~:/?'\"\\",
		"通话-1":                                 "%E9%80%9A%E8%AF%9D-1",
		"é":                                    "%C3%A9",
		"\u00a0":                               "%C2%A0",
		"100%":                                 "100%25",
		"%C3%A9":                               "%25C3%25A9",
	} {
		require.Equal(t, "call:1400000000:"+want, workflows.AfterCallID(1400000000, callID))
		event := notify.Event{Type: notify.EventCallCharged, Call: &notify.CallData{SDKAppID: 1400000000, CallID: callID}}
		deliver := workflows.DeliverID(event, "resend-1")
		require.Equal(t, "deliver:call.charged.resend-1:1400000000:"+want, deliver)
		app, parsed, ok := workflows.ParseDeliverID(deliver)
		require.True(t, ok)
		require.Equal(t, callID, parsed)
		require.EqualValues(t, 1400000000, app)
		relay := workflows.RelayID(activities.RelayCallbackParams{SDKAppID: 1400000000, Command: "Call.é", CallID: callID})
		require.Contains(t, relay, "relay:1400000000:Call.%C3%A9:"+want+":")
	}
	_, callID, ok := workflows.ParseAfterCallID("call:1400000000:100%")
	require.True(t, ok)
	require.Equal(t, "100%", callID, "an ID from before CallIds were escaped")
	require.LessOrEqual(t, len(workflows.AfterCallID(1<<63, strings.Repeat("通", tencent.MaxCallIDLength/3))), 500, "Temporal takes 1,000 bytes")
}
