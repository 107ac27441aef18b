package workflows

import (
	"strings"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"

	"aftercall/internal/tencent"
)

// MemoFingerprint is the memo key under which a workflow keeps the fingerprint
// of the callback that started it, so that a duplicate can be compared with the
// first callback even when Redis no longer has it.
const MemoFingerprint = "callback_fingerprint"

// StartedCall is how far a call is whose workflow was started before.
type StartedCall struct {
	// Fingerprint is that of the callback that started it, empty if none did.
	Fingerprint string
	// Stage is where it waits or has waited last, empty if it never had to.
	Stage Stage
}

// LacksRecord reports whether the call may be waiting for its record, or for a
// person because there was none: then another callback of it is news.
func (s StartedCall) LacksRecord() bool { return s.Stage == StageRecord || s.Stage == StageReview }

// AfterCallID is the workflow ID of a call. The SDKAppID is all digits and
// escapeCallID is injective, so no CallId can make two calls share an ID.
func AfterCallID(app tencent.SDKAppID, callID string) string {
	return "call:" + app.String() + ":" + escapeCallID(callID)
}

// ParseAfterCallID returns the call of a workflow ID, with the CallId as Tencent
// writes it; ok is false if the ID is not that of an AfterCall.
func ParseAfterCallID(id string) (app tencent.SDKAppID, callID string, ok bool) {
	return parseCall(strings.CutPrefix(id, "call:"))
}

// parseCall parses the end of a workflow ID, <SDKAppID>:<CallId>.
func parseCall(id string, isCall bool) (app tencent.SDKAppID, callID string, ok bool) {
	number, callID, found := strings.Cut(id, ":")
	app, err := tencent.ParseSDKAppID(number)
	return app, unescapeCallID(callID), isCall && found && err == nil
}

// CallIDOf returns the CallId in the workflow ID of a call; ok is false for
// other workflows.
func CallIDOf(workflowID string) (callID string, ok bool) {
	_, callID, ok = ParseAfterCallID(workflowID)
	return callID, ok
}

// AfterCallOptions are the options that start AfterCall exactly once: while the
// first workflow runs, and for as long as the namespace retains it, a second
// start fails with an error that temporal.IsWorkflowExecutionAlreadyStartedError
// recognizes. now is the starter's clock, from which the start delay is
// computed; see wait.go.
func AfterCallOptions(p AfterCallParams, taskQueue, fingerprint string, now time.Time) client.StartWorkflowOptions {
	o := client.StartWorkflowOptions{
		ID:                                       AfterCallID(p.SDKAppID, p.CallID),
		TaskQueue:                                taskQueue,
		WorkflowIDReusePolicy:                    enumspb.WORKFLOW_ID_REUSE_POLICY_REJECT_DUPLICATE,
		WorkflowExecutionErrorWhenAlreadyStarted: true,
		StartDelay:                               p.startDelay(now),
		StaticSummary:                            "Call of " + p.App,
	}
	attributes := []temporal.SearchAttributeUpdate{
		AttributeApp.ValueSet(p.App),
		AttributeSource.ValueSet(string(p.Source)),
	}
	if hint := p.hint(); hint != nil {
		attributes = append(attributes, recordAttributes(*hint)...)
		o.StaticSummary = summarize(*hint)
		o.StaticDetails = details(p.Source, *hint)
	}
	if fingerprint != "" {
		o.Memo = map[string]any{MemoFingerprint: fingerprint}
	}
	o.TypedSearchAttributes = temporal.NewSearchAttributes(attributes...)
	return o
}

// recordAttributes are the search attributes that come from a record.
func recordAttributes(r tencent.CallRecord) []temporal.SearchAttributeUpdate {
	return []temporal.SearchAttributeUpdate{
		AttributeResult.ValueSet(documentedOrUnknown(r.Result)),
		AttributeMedia.ValueSet(documentedOrUnknown(r.MediaType)),
		AttributeType.ValueSet(documentedOrUnknown(r.CallType)),
	}
}

// documentedOrUnknown returns a value that Tencent documents as it is, and
// "Unknown" for any other, which the sender of a callback may have chosen: such
// text must not get into search attributes and summaries.
func documentedOrUnknown[T interface {
	~string
	Known() bool
}](v T) string {
	if v.Known() {
		return string(v)
	}
	return "Unknown"
}
