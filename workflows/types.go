package workflows

import (
	"cmp"
	"time"

	"go.temporal.io/sdk/temporal"

	"aftercall/activities"
	"aftercall/internal/tencent"
)

// Source is what started a workflow.
type Source string

// The sources of AfterCall.
const (
	// SourceCallback: Call.CallbackAfterEndCall.
	SourceCallback Source = "callback"
	// SourceSweep: a sweep or backfill found a call without ledger entry and workflow.
	SourceSweep Source = "sweep"
	// SourceManual: an operator started it.
	SourceManual Source = "manual"
)

// AfterCallParams starts AfterCall.
type AfterCallParams struct {
	SDKAppID tencent.SDKAppID `json:"sdk_app_id"`
	// App is the configured name of the app.
	App    string `json:"app"`
	CallID string `json:"call_id"`
	Source Source `json:"source"`
	// Callback is the hint of the callback, nil if there was none. It is never charged.
	Callback *tencent.CallRecord `json:"callback,omitempty"`
	// EndedAt is the end of the call as precisely as the callback has it, see
	// tencent.Callback; the zero time without a callback.
	EndedAt time.Time `json:"ended_at,omitzero"`
	// Listed is the record as a sweep or an operator found it, if there was no
	// callback. The record that is charged is read again.
	Listed *tencent.CallRecord `json:"listed,omitempty"`
	// Seen is what was seen of a call that an operator started, although there was neither a
	// callback about its end nor a record. It is never charged: a person decides.
	Seen *tencent.CallRecord `json:"seen,omitempty"`
	// RecordDeadline is how long a record is waited for after Tencent has first
	// answered that there is none.
	RecordDeadline time.Duration `json:"record_deadline"`
	// Notified is set if an earlier workflow of the call, which has completed, has
	// notified the targets of the charge: the ledger has lost its entry since. They
	// are not notified again.
	Notified bool `json:"notified,omitempty"`
	// Lead is how long before the end of the wait for the record the first
	// workflow task is requested; see wait.go.
	Lead time.Duration `json:"lead,omitempty"`
}

// Shortened returns the parameters as Temporal can carry them: with hints that do
// not have more members than it takes to compare them.
func (p AfterCallParams) Shortened() AfterCallParams {
	p.Callback, p.Listed, p.Seen = activities.ShortenHint(p.Callback), activities.ShortenHint(p.Listed), activities.ShortenHint(p.Seen)
	return p
}

// hint is what is known about the call before its record is read; nil for nothing.
func (p AfterCallParams) hint() *tencent.CallRecord {
	return cmp.Or(p.Callback, p.Listed, p.Seen)
}

// Outcome is how an AfterCall ended.
type Outcome string

// The outcomes of AfterCall.
const (
	// OutcomeCharged: the call is in the ledger with an amount.
	OutcomeCharged Outcome = "charged"
	// OutcomeFree: the call is in the ledger with amount 0.
	OutcomeFree Outcome = "free"
	// OutcomeWaived: a person decided in a review to charge nothing.
	OutcomeWaived Outcome = "waived"
	// OutcomeAlreadyHandled: an earlier workflow had charged the call. Nothing was
	// charged or notified again.
	OutcomeAlreadyHandled Outcome = "already_handled"
)

// AfterCallResult is how a call was handled, for people and programs.
type AfterCallResult struct {
	Outcome          Outcome `json:"outcome"`
	ConnectedSeconds int64   `json:"connected_seconds"`
	BilledSeconds    int64   `json:"billed_seconds"`
	Amount           string  `json:"amount"`
	Currency         string  `json:"currency"`
	LedgerKey        string  `json:"ledger_key"`
	// Deliveries include those about a review, if there was one.
	Deliveries []Delivery `json:"deliveries"`
	// Decided is the decision, if the call was reviewed.
	Decided *DecideParams `json:"decided,omitempty"`
}

// The search attributes of a call. Their values are never encrypted, so they
// contain no account.
var (
	AttributeApp    = temporal.NewSearchAttributeKeyKeyword("CallApp")
	AttributeResult = temporal.NewSearchAttributeKeyKeyword("CallResult")
	AttributeMedia  = temporal.NewSearchAttributeKeyKeyword("CallMedia")
	AttributeType   = temporal.NewSearchAttributeKeyKeyword("CallType")
	AttributeSource = temporal.NewSearchAttributeKeyKeyword("CallSource")
	// AttributeCallID is set only where the workflow ID does not begin with the
	// call, so that the Deliver workflows of a call can be found.
	AttributeCallID = temporal.NewSearchAttributeKeyKeyword("CallId")
	// AttributeStage is set only when a call has to wait; see Stage.
	AttributeStage = temporal.NewSearchAttributeKeyKeyword("CallStage")
)

// Stage is where a call is. As a search attribute it is set only when the call
// has to wait in a stage, because setting it costs an action, and from then on
// until the call is done.
type Stage string

// The stages of AfterCall.
const (
	// StageWaiting: until the record can be queried.
	StageWaiting Stage = "waiting"
	// StageRecord: until the record has been read.
	StageRecord Stage = "record"
	// StageCharge: until the call is in the ledger.
	StageCharge Stage = "charge"
	// StageReview: until a person has decided.
	StageReview Stage = "review"
	// StageNotify: until every delivery has ended.
	StageNotify Stage = "notify"
	// StageUndelivered: the workflow has ended, and a target did not accept an event.
	StageUndelivered Stage = "undelivered"
	// StageDone: the workflow has ended.
	StageDone Stage = "done"
)

// WaitingStages are the stages in which a call can wait.
var WaitingStages = []Stage{StageWaiting, StageRecord, StageCharge, StageReview, StageNotify}

// WaitingQuery is the List Filter of the running calls in a stage. The one of
// StageWaiting also matches calls whose stage has not been set.
func WaitingQuery(stage Stage) string {
	attribute := AttributeStage.GetName()
	condition := attribute + " = '" + string(stage) + "'"
	if stage == StageWaiting {
		condition = "(" + condition + " OR " + attribute + " IS NULL)"
	}
	return "WorkflowType = '" + AfterCallName + "' AND ExecutionStatus = 'Running' AND " + condition
}

// SearchAttributes are those that must be registered in the namespace before a
// workflow can start.
var SearchAttributes = []temporal.SearchAttributeKeyKeyword{
	AttributeApp, AttributeResult, AttributeMedia, AttributeType, AttributeSource, AttributeStage, AttributeCallID,
}
