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
// of the callback that started it, so that a later delivery can be compared
// with the first even when Redis has forgotten it.
const MemoFingerprint = "callback_fingerprint"

// AfterCallID is the workflow ID of a call. The SDKAppID is all digits, so no
// CallId can make two calls share an ID.
func AfterCallID(app tencent.SDKAppID, callID string) string {
	return "call:" + app.String() + ":" + callID
}

// ParseAfterCallID tells the call of a workflow ID; ok is false when it is not
// that of an AfterCall.
func ParseAfterCallID(id string) (app tencent.SDKAppID, callID string, ok bool) {
	number, callID, found := strings.Cut(strings.TrimPrefix(id, "call:"), ":")
	app, err := tencent.ParseSDKAppID(number)
	return app, callID, found && err == nil && strings.HasPrefix(id, "call:")
}

// CallIDOf finds the CallId in the workflow ID of a call; ok is false for
// other workflows.
func CallIDOf(workflowID string) (callID string, ok bool) {
	_, callID, ok = ParseAfterCallID(workflowID)
	return callID, ok
}

// AfterCallOptions are the options that start AfterCall exactly once: a second
// start fails with an error that temporal.IsWorkflowExecutionAlreadyStartedError
// knows, while the first runs and as long as the namespace retains it.
//
// now is the starter's clock; it decides only how long the server holds the
// first workflow task back, an economy. The workflow enforces the wait itself.
func AfterCallOptions(p AfterCallParams, taskQueue, fingerprint string, now time.Time) client.StartWorkflowOptions {
	o := client.StartWorkflowOptions{
		ID:                                       AfterCallID(p.SDKAppID, p.CallID),
		TaskQueue:                                taskQueue,
		WorkflowIDReusePolicy:                    enumspb.WORKFLOW_ID_REUSE_POLICY_REJECT_DUPLICATE,
		WorkflowExecutionErrorWhenAlreadyStarted: true,
		StartDelay:                               max(p.waitAt(now)-p.Lead, 0),
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

// recordAttributes are the search attributes that a record gives.
func recordAttributes(r tencent.CallRecord) []temporal.SearchAttributeUpdate {
	return []temporal.SearchAttributeUpdate{
		AttributeResult.ValueSet(known(r.Result)),
		AttributeMedia.ValueSet(known(r.MediaType)),
		AttributeType.ValueSet(known(r.CallType)),
	}
}

// known keeps text that only looks like a documented value out of search
// attributes and summaries: it is the sender's, and of any length.
func known[T interface {
	~string
	Known() bool
}](v T) string {
	if v.Known() {
		return string(v)
	}
	return "Unknown"
}
