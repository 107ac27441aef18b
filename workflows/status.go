package workflows

import (
	"fmt"
	"strings"
	"time"

	"aftercall/activities"
	"aftercall/internal/tencent"
)

// QueryStatus is the query that returns a Status.
const QueryStatus = "status"

// Status is the state of an AfterCall or a Deliver. The query QueryStatus
// returns it as JSON, and the workflow's page in the Web UI shows it as a table.
// Only Review contains accounts, in fields that the table leaves out.
type Status struct {
	Stage Stage `json:"stage"`
	// Since is when the call entered the stage.
	Since time.Time `json:"since"`
	// WaitingFor is what must happen before the call continues, with the failure
	// that caused the wait; empty while it is not waiting.
	WaitingFor string `json:"waiting_for,omitempty"`
	// WaitingType is the type of that failure, as in package activities; empty for none.
	WaitingType string `json:"waiting_type,omitempty"`
	// Record is nil until the call record has been read.
	Record *RecordStatus `json:"record,omitempty"`
	// Review is nil unless the call needs a review or had one. It is open while
	// Stage is StageReview.
	Review *ReviewStatus `json:"review,omitempty"`
	// Charge is nil until the call is in the ledger.
	Charge *ChargeStatus `json:"charge,omitempty"`
	// Deliveries has one element for each target, in the order of the configuration.
	Deliveries []DeliveryStatus `json:"deliveries,omitempty"`
	// Failure is why the call could not be charged; the workflow failed with it.
	Failure string `json:"failure,omitempty"`
}

// RecordStatus summarizes the call record.
type RecordStatus struct {
	Summary string `json:"summary"`
	// Members says so if there are so many members that not all of them are carried.
	Members string `json:"members,omitempty"`
	// CallbackDiffers are the fields in which the callback differed from the record.
	CallbackDiffers []string `json:"callback_differs,omitempty"`
}

// ReviewStatus is why a person must decide, and the decision.
type ReviewStatus struct {
	Reason string    `json:"reason"`
	Since  time.Time `json:"since"`
	// NoRecord means that Tencent had no record of the call.
	NoRecord bool `json:"no_record,omitempty"`
	// Claimed is what callbacks say of a call that Tencent has not confirmed.
	Claimed *ClaimedCall `json:"claimed,omitempty"`
	// Unreadable are the fields of the record that could not be read, and Raw is
	// Tencent's JSON, capped, for the person who decides. It may contain accounts.
	Unreadable []tencent.FieldError `json:"unreadable,omitempty"`
	Raw        string               `json:"raw,omitempty"`
	// Rechecks counts how often the record was looked for again since, and
	// RecheckedAt is when it was last.
	Rechecks    int       `json:"rechecks,omitempty"`
	RecheckedAt time.Time `json:"rechecked_at,omitzero"`
	// Decided is nil until the decision is in the ledger.
	Decided *DecideParams `json:"decided,omitempty"`
}

// ClaimedCall is what callbacks say. Anyone who knows the callback URL may have
// sent it.
type ClaimedCall struct {
	Caller  string `json:"caller"`
	Summary string `json:"summary"`
}

// ChargeStatus is the ledger entry with the steps of its calculation.
type ChargeStatus struct {
	ConnectedSeconds int64    `json:"connected_seconds"`
	BilledSeconds    int64    `json:"billed_seconds"`
	Amount           string   `json:"amount"`
	Currency         string   `json:"currency"`
	Steps            []string `json:"steps"`
	LedgerKey        string   `json:"ledger_key"`
	// AlreadyHandled means that an earlier workflow had charged the call.
	AlreadyHandled bool `json:"already_handled,omitempty"`
	// Recomputed is what the call would be charged now, where an earlier attempt of
	// the workflow has charged it another sum.
	Recomputed string `json:"recomputed,omitempty"`
}

// DeliveryState is the state of the delivery to one target.
type DeliveryState string

// The states of a delivery.
const (
	// DeliveryPending: the first attempt is in progress.
	DeliveryPending DeliveryState = "pending"
	// DeliveryWaiting: an attempt failed and will be retried.
	DeliveryWaiting DeliveryState = "waiting"
	// DeliveryDone: the target accepted the event.
	DeliveryDone DeliveryState = "delivered"
	// DeliveryFailed: it will not be retried.
	DeliveryFailed DeliveryState = "failed"
)

// DeliveryStatus is the delivery to one target.
type DeliveryStatus struct {
	Target string        `json:"target"`
	State  DeliveryState `json:"state"`
	// Since is when it entered the state.
	Since time.Time `json:"since"`
	// Reason is the failure of the last attempt.
	Reason string `json:"reason,omitempty"`
}

func newRecordStatus(r tencent.CallRecord, differences []tencent.Difference) *RecordStatus {
	s := &RecordStatus{Summary: summarize(r)}
	if r.MembersTotal > 0 {
		s.Members = fmt.Sprintf("%d, too many for an event: events have the first %d, the ledger has all", r.MembersTotal, len(r.Members))
	}
	for _, d := range differences {
		s.CallbackDiffers = append(s.CallbackDiffers, d.Field)
	}
	return s
}

func newChargeStatus(c activities.ChargeResult) *ChargeStatus {
	data := c.Event.Call
	return &ChargeStatus{
		ConnectedSeconds: data.ConnectedSeconds, BilledSeconds: data.BilledSeconds, Amount: data.Amount, Currency: data.Currency,
		Steps: data.Explanation, LedgerKey: c.LedgerKey, AlreadyHandled: c.AlreadyHandled, Recomputed: c.Recomputed,
	}
}

// markdown is the status as a table.
func (s Status) markdown() string {
	rows := [][2]string{{"Stage", "**" + string(s.Stage) + "** since " + formatTime(s.Since)}}
	add := func(name, text string) { rows = append(rows, [2]string{name, text}) }
	switch {
	case s.Stage == StageReview: // the command to decide, as code
		add("Waiting for", s.WaitingFor)
	case s.WaitingFor != "":
		add("Waiting for", plain(s.WaitingFor))
	}
	if s.Failure != "" {
		add("Failed", "**"+plain(s.Failure)+"**")
	}
	if r := s.Record; r != nil {
		add("Record", plain(r.Summary))
		if r.Members != "" {
			add("Members", r.Members)
		}
		if len(r.CallbackDiffers) > 0 {
			add("Callback differed in", strings.Join(r.CallbackDiffers, ", "))
		}
	}
	if r := s.Review; r != nil {
		add("Review", "since "+formatTime(r.Since)+": "+plain(r.Reason))
		if r.Claimed != nil {
			add("Claimed by callbacks, not confirmed by Tencent", plain(r.Claimed.Summary))
		}
		if d := r.Decided; d != nil {
			add("Decided", fmt.Sprintf("**%s** by %s: %s", d.Verdict, plain(d.By), plain(d.Reason)))
		}
	}
	if c := s.Charge; c != nil {
		add("Charge", fmt.Sprintf("**%s %s** for %s, connected %s", c.Amount, c.Currency, formatDuration(c.BilledSeconds), formatDuration(c.ConnectedSeconds)))
		for _, step := range c.Steps {
			add("", plain(step))
		}
		if c.Recomputed != "" {
			add("Would be now", "**"+c.Recomputed+"**; the charge stays as an earlier attempt of this workflow booked it")
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
		text = "**" + text + "** since " + formatTime(d.Since)
	}
	if d.Reason != "" {
		text += ": " + plain(d.Reason)
	}
	return text
}
