package workflows

import (
	"time"

	"go.temporal.io/sdk/temporal"

	"aftercall/internal/tencent"
)

// AfterCallName is the registered name of the workflow AfterCall.
const AfterCallName = "AfterCall"

// Source says what made a workflow start.
type Source string

// The sources of AfterCall.
const (
	// SourceCallback: Call.CallbackAfterEndCall.
	SourceCallback Source = "callback"
	// SourceSweep: a sweep or backfill found a call that nobody had handled.
	SourceSweep Source = "sweep"
	// SourceManual: an operator named the call.
	SourceManual Source = "manual"
)

// RecordSettleTime is how long after its end the record of a call can be
// queried. D:68930
const RecordSettleTime = 5 * time.Second

// AfterCallParams starts AfterCall.
type AfterCallParams struct {
	SDKAppID tencent.SDKAppID `json:"sdk_app_id"`
	// App is the configured name of the app, for people.
	App    string `json:"app"`
	CallID string `json:"call_id"`
	Source Source `json:"source"`
	// Callback is what the callback claimed. Nothing of it is charged.
	Callback *tencent.CallRecord `json:"callback,omitempty"`
	// EndedAt is the end of the call as exactly as the callback tells it, see
	// tencent.Callback; the zero time where there was none.
	EndedAt time.Time `json:"ended_at,omitzero"`
	// Listed is the record as a sweep or an operator found it, where there was
	// no callback. The record that is charged is read again.
	Listed *tencent.CallRecord `json:"listed,omitempty"`
	// RecordDeadline is how long a record is waited for once Tencent has said
	// that there is none.
	RecordDeadline time.Duration `json:"record_deadline"`
	// Lead is how long before the end of the wait the first workflow task is
	// asked for, see StartLead. A task that comes sooner than that waits with a
	// timer, which costs more.
	Lead time.Duration `json:"lead,omitempty"`
}

// StartLead is about what a server takes to hand out the first workflow task
// once the start delay is over. What is left of it when the task is there is
// waited in the first step.
const StartLead = 10 * time.Millisecond

// hint is what is known of the call before its record is read; nil for nothing.
func (p AfterCallParams) hint() *tencent.CallRecord {
	if p.Callback != nil {
		return p.Callback
	}
	return p.Listed
}

// readyAt is when the record can be queried, by what is known of the call's
// end; the zero time when nothing is.
func (p AfterCallParams) readyAt() time.Time {
	if !p.EndedAt.IsZero() {
		return p.EndedAt.Add(RecordSettleTime)
	}
	hint := p.hint()
	if hint == nil {
		return time.Time{}
	}
	return hint.EndedAt().Add(RecordSettleTime)
}

// waitAt is how long to wait at now until the record can be queried, within
// 0..RecordSettleTime: the end of a call comes from another clock, and a wrong
// one must neither hurry a call nor hold it up.
func (p AfterCallParams) waitAt(now time.Time) time.Duration {
	ready := p.readyAt()
	if ready.IsZero() {
		return 0
	}
	return min(max(ready.Sub(now), 0), RecordSettleTime)
}

// Outcome is how an AfterCall ended.
type Outcome string

// The outcomes of AfterCall.
const (
	// OutcomeCharged: the call is in the ledger with an amount.
	OutcomeCharged Outcome = "charged"
	// OutcomeFree: the call is in the ledger, and there was nothing to charge.
	OutcomeFree Outcome = "free"
	// OutcomeWaived: the call was reviewed, and a person decided to charge nothing.
	OutcomeWaived Outcome = "waived"
	// OutcomeAlreadyHandled: an earlier workflow had charged the call. Nothing
	// was charged or notified again.
	OutcomeAlreadyHandled Outcome = "already_handled"
)

// AfterCallResult is what became of a call, for people and programs.
type AfterCallResult struct {
	Outcome          Outcome `json:"outcome"`
	ConnectedSeconds int64   `json:"connected_seconds"`
	BilledSeconds    int64   `json:"billed_seconds"`
	Amount           string  `json:"amount"`
	Currency         string  `json:"currency"`
	LedgerKey        string  `json:"ledger_key"`
	// Deliveries are of a review too, if there was one.
	Deliveries []Delivery `json:"deliveries"`
	// Decided is what a person decided, if the call was reviewed.
	Decided *DecideParams `json:"decided,omitempty"`
}

// The search attributes of a call. Their values are plain text to everybody
// who may use the Web UI, so no account is named in them.
var (
	AttributeApp    = temporal.NewSearchAttributeKeyKeyword("CallApp")
	AttributeResult = temporal.NewSearchAttributeKeyKeyword("CallResult")
	AttributeMedia  = temporal.NewSearchAttributeKeyKeyword("CallMedia")
	AttributeType   = temporal.NewSearchAttributeKeyKeyword("CallType")
	AttributeSource = temporal.NewSearchAttributeKeyKeyword("CallSource")
	// AttributeCallID is set only where the workflow ID does not begin with the
	// call, so that the deliveries of a call can be found.
	AttributeCallID = temporal.NewSearchAttributeKeyKeyword("CallId")
	// AttributeStage is set only of a call that stays somewhere; see Stage.
	AttributeStage = temporal.NewSearchAttributeKeyKeyword("CallStage")
)

// Stage is where a call is. As a search attribute it is set only of a call that
// stays somewhere, and then says so also when the call is done.
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
	// StageNotify: until every target was told.
	StageNotify Stage = "notify"
	// StageUndelivered: nothing is left to do, and a target did not take what
	// it was to be told.
	StageUndelivered Stage = "undelivered"
	// StageDone: nothing is left to do.
	StageDone Stage = "done"
)

// WaitingStages are the stages in which a call can wait.
var WaitingStages = []Stage{StageWaiting, StageRecord, StageCharge, StageReview, StageNotify}

// WaitingQuery is the List Filter of the calls that are in a stage. That of
// StageWaiting finds also those that have stayed nowhere yet.
func WaitingQuery(stage Stage) string {
	attribute := AttributeStage.GetName()
	condition := attribute + " = '" + string(stage) + "'"
	if stage == StageWaiting {
		condition = "(" + condition + " OR " + attribute + " IS NULL)"
	}
	return "WorkflowType = '" + AfterCallName + "' AND ExecutionStatus = 'Running' AND " + condition
}

// SearchAttributes are all that must be registered in the namespace before a
// workflow can start.
var SearchAttributes = []temporal.SearchAttributeKeyKeyword{
	AttributeApp, AttributeResult, AttributeMedia, AttributeType, AttributeSource, AttributeStage, AttributeCallID,
}
