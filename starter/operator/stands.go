package operator

import (
	"fmt"
	"io"
	"strings"
	"time"

	cli "aftercall/internal/oldcli"
	"aftercall/workflows"
)

// write is the report for a person who was woken by it.
func (r callReport) write(w io.Writer) {
	fields := [][2]string{
		{"Call", fmt.Sprintf("%s of %s (%s)", r.CallID, r.App, r.SDKAppID)},
		{"Stands", r.stands()},
		{"Redis", r.redisWords()},
	}
	fields = append(fields, r.workflowFields()...)
	fields = append(fields, r.ledgerFields()...)
	fields = append(fields, r.deliveryFields()...)
	cli.Fields(w, fields...)
}

// stands is the whole in one line.
func (r callReport) stands() string {
	switch {
	case r.Workflow != nil && r.Workflow.State == "running":
		return r.Workflow.where()
	case len(r.Ledger) > 0:
		return "done: " + r.Ledger[len(r.Ledger)-1].Kind + " of " + r.Ledger[len(r.Ledger)-1].sum
	case r.Workflow != nil && r.Workflow.State == "failed":
		return "NOT CHARGED: its workflow failed"
	case r.Workflow != nil:
		return "not in the ledger, although its workflow is " + r.Workflow.State
	case len(r.Problems) > 0:
		return "not known: not everybody answers"
	default:
		return "NOT CHARGED: Redis remembers a start, but there is neither a workflow nor a ledger entry; starter start starts it"
	}
}

// where is the stage of a running workflow, and what it waits for.
func (w *workflowReport) where() string {
	if w.Status == nil {
		return "under way"
	}
	s := w.Status
	switch {
	case s.Stage == workflows.StageReview && s.Review != nil:
		return fmt.Sprintf("waits for a person's decision since %s: %s", s.Review.Since.Format(time.RFC3339), s.Review.Reason)
	case s.WaitingFor != "":
		return fmt.Sprintf("at %s, waits since %s for %s", s.Stage, s.Since.Format(time.RFC3339), s.WaitingFor)
	default:
		return fmt.Sprintf("under way, at %s", s.Stage)
	}
}

func (r callReport) redisWords() string {
	switch {
	case r.Redis == nil:
		return "does not answer"
	case !r.Redis.Known:
		return "does not remember it"
	case !r.Redis.Started:
		return "a start is under way, or broke off"
	}
	return "remembers its callback for another " + coarse(time.Duration(r.Redis.ExpiresSeconds)*time.Second)
}

func (r callReport) workflowFields() [][2]string {
	w := r.Workflow
	switch {
	case w == nil && !r.temporalAnswers:
		return [][2]string{{"Workflow", "Temporal does not answer"}}
	case w == nil:
		return [][2]string{{"Workflow", "none, or forgotten by the namespace"}}
	}
	lines := []string{w.State + ", started " + w.Started.Format(time.RFC3339) + " by " + w.Source}
	if !w.Closed.IsZero() {
		lines[0] += ", closed " + w.Closed.Format(time.RFC3339)
	}
	if w.Failure != "" {
		lines = append(lines, w.Failure)
	}
	lines = append(lines, w.ID)
	if w.Link != "" {
		lines = append(lines, w.Link)
	}
	fields := [][2]string{{"Workflow", strings.Join(lines, "\n")}}
	for _, p := range w.Pending {
		line := fmt.Sprintf("%s, attempt %d", p.Activity, p.Attempt)
		if !p.Next.IsZero() {
			line += ", next at " + p.Next.Format(time.RFC3339)
		}
		if p.LastFailure != "" {
			line += "\nlast failure: " + p.LastFailure
		}
		fields = append(fields, [2]string{"Pending", line})
	}
	return fields
}

func (r callReport) ledgerFields() [][2]string {
	switch {
	case !r.ledgerAnswers:
		return [][2]string{{"Ledger", "does not answer"}}
	case len(r.Ledger) == 0:
		return [][2]string{{"Ledger", "no entry"}}
	}
	var fields [][2]string
	for _, e := range r.Ledger {
		line := fmt.Sprintf("%s: %s, by tariff %s, booked %s", e.Key, e.sum, e.Tariff, e.BookedAt.Format(time.RFC3339))
		if e.Operator != "" {
			line += fmt.Sprintf("\nby %s: %s", e.Operator, e.Reason)
		}
		fields = append(fields, [2]string{"Ledger", line})
	}
	return fields
}

func (r callReport) deliveryFields() [][2]string {
	var fields [][2]string
	if r.Workflow != nil && r.Workflow.Status != nil {
		for _, d := range r.Workflow.Status.Deliveries {
			fields = append(fields, [2]string{"Delivery", deliveryWords(d)})
		}
	}
	for _, d := range r.Deliveries {
		lines := []string{d.ID + ", " + d.State}
		for _, target := range d.Targets {
			lines = append(lines, deliveryWords(target))
		}
		fields = append(fields, [2]string{"Told later", strings.Join(lines, "\n")})
	}
	return fields
}

func deliveryWords(d workflows.DeliveryStatus) string {
	words := fmt.Sprintf("%s: %s since %s", d.Target, d.State, d.Since.Format(time.RFC3339))
	if d.Reason != "" {
		words += "\n" + d.Reason
	}
	return words
}
