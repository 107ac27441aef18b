package workflows

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"go.temporal.io/sdk/workflow"

	"aftercall/activities"
	"aftercall/internal/tencent"
)

// QueryStatus is the query that returns a Status.
const QueryStatus = "status"

// Status is where a call, or a Deliver, stands. The query QueryStatus returns it as JSON, and
// the workflow's page in the Web UI shows it as a table. It names nobody.
type Status struct {
	Stage Stage `json:"stage"`
	// Since is when the call came into the stage.
	Since time.Time `json:"since"`
	// WaitingFor is what must happen before the call goes on, with the failure
	// that led to the wait; empty while nothing holds it up.
	WaitingFor string `json:"waiting_for,omitempty"`
	// Record is nil until the call record has been read.
	Record *RecordStatus `json:"record,omitempty"`
	// Review is nil unless the call came into review. It is open while Stage is
	// StageReview.
	Review *ReviewStatus `json:"review,omitempty"`
	// Charge is nil until the call is in the ledger.
	Charge *ChargeStatus `json:"charge,omitempty"`
	// Deliveries are one for each target, in the order of the configuration.
	Deliveries []DeliveryStatus `json:"deliveries,omitempty"`
	// Failure is why the call could not be charged; the workflow has failed with it.
	Failure string `json:"failure,omitempty"`
}

// RecordStatus is what the call record says.
type RecordStatus struct {
	Summary string `json:"summary"`
	// CallbackDiffers are the fields in which the callback claimed something else.
	CallbackDiffers []string `json:"callback_differs,omitempty"`
}

// ReviewStatus is why a person must decide, and what was decided.
type ReviewStatus struct {
	Reason string    `json:"reason"`
	Since  time.Time `json:"since"`
	// NoRecord says that Tencent had no record of the call.
	NoRecord bool `json:"no_record,omitempty"`
	// Decided is nil while nobody has.
	Decided *DecideParams `json:"decided,omitempty"`
}

// ChargeStatus is the ledger's entry with its steps.
type ChargeStatus struct {
	ConnectedSeconds int64    `json:"connected_seconds"`
	BilledSeconds    int64    `json:"billed_seconds"`
	Amount           string   `json:"amount"`
	Currency         string   `json:"currency"`
	Steps            []string `json:"steps"`
	LedgerKey        string   `json:"ledger_key"`
	// AlreadyHandled says that an earlier workflow had charged the call.
	AlreadyHandled bool `json:"already_handled,omitempty"`
}

// DeliveryState is how far the notification of a target is.
type DeliveryState string

// The states of a delivery.
const (
	// DeliveryPending: the first attempt is under way.
	DeliveryPending DeliveryState = "pending"
	// DeliveryWaiting: an attempt failed, others follow.
	DeliveryWaiting DeliveryState = "waiting"
	// DeliveryDone: the target has taken it.
	DeliveryDone DeliveryState = "delivered"
	// DeliveryFailed: it is given up.
	DeliveryFailed DeliveryState = "failed"
)

// DeliveryStatus is how far the notification of one target is.
type DeliveryStatus struct {
	Target string        `json:"target"`
	State  DeliveryState `json:"state"`
	// Since is when it came into the state.
	Since time.Time `json:"since"`
	// Reason is why it waits or failed.
	Reason string `json:"reason,omitempty"`
}

func newRecordStatus(r tencent.CallRecord, differences []tencent.Difference) *RecordStatus {
	s := &RecordStatus{Summary: summarize(r)}
	for _, d := range differences {
		s.CallbackDiffers = append(s.CallbackDiffers, d.Field)
	}
	return s
}

func newChargeStatus(c activities.ChargeResult) *ChargeStatus {
	data := c.Event.Call
	return &ChargeStatus{
		ConnectedSeconds: data.ConnectedSeconds, BilledSeconds: data.BilledSeconds, Amount: data.Amount, Currency: data.Currency,
		Steps: data.Explanation, LedgerKey: c.LedgerKey, AlreadyHandled: c.AlreadyHandled,
	}
}

// tracker keeps the status of a workflow and shows it.
type tracker struct {
	status Status
	// listed is the stage that the list of workflows shows, empty while the
	// workflow has stayed nowhere.
	listed Stage
}

// enter moves the workflow to a stage. The list of workflows hears of it only
// when the workflow stays there: see stay.
func (t *tracker) enter(ctx workflow.Context, stage Stage) {
	t.status.Stage, t.status.Since, t.status.WaitingFor = stage, workflow.Now(ctx).UTC(), ""
	t.show(ctx)
}

// stay shows that the workflow waits in its stage, and for what, on its page and
// in the list of workflows.
func (t *tracker) stay(ctx workflow.Context, stage Stage, waitingFor string) {
	if t.status.Stage != stage {
		t.enter(ctx, stage)
	}
	t.status.WaitingFor = waitingFor
	t.show(ctx)
	t.list(ctx, stage)
}

// list sets the search attribute of the stage, unless it is set.
func (t *tracker) list(ctx workflow.Context, stage Stage) {
	if t.listed == stage {
		return
	}
	t.listed = stage
	if err := workflow.UpsertTypedSearchAttributes(ctx, AttributeStage.ValueSet(string(stage))); err != nil {
		workflow.GetLogger(ctx).Error("the list of workflows does not show where the workflow is", "stage", stage, "error", err)
	}
}

// finish shows the end. The list hears of it if the workflow ever stayed, or if
// a target was not told, so that it can be found.
func (t *tracker) finish(ctx workflow.Context, deliveries []Delivery) {
	stage := StageDone
	if slices.ContainsFunc(deliveries, func(d Delivery) bool { return !d.Delivered }) {
		stage = StageUndelivered
	}
	t.enter(ctx, stage)
	if t.listed != "" || stage != StageDone {
		t.list(ctx, stage)
	}
}

// stuck is told of the first failure of a step, which is tried again.
func (t *tracker) stuck(ctx workflow.Context, stage Stage, what string) func(error) {
	return func(err error) { t.stay(ctx, stage, what+": "+reason(err)) }
}

// show puts the status on the workflow's page in the Web UI.
func (t *tracker) show(ctx workflow.Context) { workflow.SetCurrentDetails(ctx, t.status.markdown()) }

// notify tells every target at once, and shows how far each is.
func (t *tracker) notify(ctx workflow.Context, p DeliverParams) []Delivery {
	t.status.Deliveries = make([]DeliveryStatus, len(p.Targets))
	t.enter(ctx, StageNotify)
	return deliver(ctx, p, func(i int, s DeliveryStatus) {
		t.status.Deliveries[i] = s
		t.show(ctx)
		if s.State == DeliveryWaiting {
			t.list(ctx, StageNotify)
		}
	})
}

// answer makes the workflow answer to QueryStatus.
func (t *tracker) answer(ctx workflow.Context) error {
	return workflow.SetQueryHandlerWithOptions(ctx, QueryStatus, func() (Status, error) { return t.status, nil }, workflow.QueryHandlerOptions{
		Description: "Where it stands: record, charge with its steps, deliveries, what it waits for and since when.",
	})
}

// markdown is the status as a table.
func (s Status) markdown() string {
	rows := [][2]string{{"Stage", "**" + string(s.Stage) + "** since " + at(s.Since)}}
	add := func(name, text string) { rows = append(rows, [2]string{name, text}) }
	if s.WaitingFor != "" {
		add("Waiting for", s.WaitingFor)
	}
	if s.Failure != "" {
		add("Failed", "**"+s.Failure+"**")
	}
	if r := s.Record; r != nil {
		add("Record", r.Summary)
		if len(r.CallbackDiffers) > 0 {
			add("Callback differed in", strings.Join(r.CallbackDiffers, ", "))
		}
	}
	if r := s.Review; r != nil {
		add("Review", "since "+at(r.Since)+": "+r.Reason)
		if d := r.Decided; d != nil {
			add("Decided", fmt.Sprintf("**%s** by %s: %s", d.Verdict, d.By, d.Reason))
		}
	}
	if c := s.Charge; c != nil {
		add("Charge", fmt.Sprintf("**%s %s** for %s, connected %s", c.Amount, c.Currency, clock(c.BilledSeconds), clock(c.ConnectedSeconds)))
		for _, step := range c.Steps {
			add("", step)
		}
		if c.AlreadyHandled {
			add("Already handled", "by an earlier workflow or a correction: not charged and not notified again")
		}
	}
	for _, d := range s.Deliveries {
		add("Notify "+d.Target, d.text())
	}
	return table(rows)
}

func (d DeliveryStatus) text() string {
	text := string(d.State)
	if d.State != DeliveryDone {
		text = "**" + text + "** since " + at(d.Since)
	}
	if d.Reason != "" {
		text += ": " + d.Reason
	}
	return text
}

func at(t time.Time) string { return instant(t.Unix()) }
