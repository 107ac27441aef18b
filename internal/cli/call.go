package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"aftercall/internal/ops"
	"aftercall/workflows"
)

type callCommand struct {
	Format
	CallID string `arg:"" name:"CALLID" help:"The call."`
	App    string `help:"Name or SDKAppID of the app; without it, all apps are searched." placeholder:"APP"`
	Follow bool   `short:"f" help:"Wait until the call is done, and print each stage."`

	Timeout time.Duration `help:"With --follow: stop after this time, as in 90s or 10m. Without it, the command follows until Ctrl-C." placeholder:"DURATION"`
}

// Help explains by examples.
func (callCommand) Help() string {
	return `Asks Redis, Temporal and the ledger, and says where the call is: what it waits for, what failed last, what was charged,
and which targets were notified. The exit code is 5 if a system does not answer, and 4 if none knows the call.

With --follow, the command waits until the call is charged and its targets are notified, also if that takes a person's
decision. Stages go to stderr as they change, the result is printed at the end. The exit code says how the call ended: 0 if it
is in the ledger and all targets were notified, 3 if it was not charged or a target was not notified, 1 if it is not done
within --timeout or after Ctrl-C, 5 if Temporal did not answer then, and 4 if the call is unknown, which is not waited for.

Examples:

  aftercall call 055662e1-bc8a-469c-a334-1126c8c17d58 --follow --timeout 10m
  aftercall call 055662e1-bc8a-469c-a334-1126c8c17d58
  aftercall call 055662e1-bc8a-469c-a334-1126c8c17d58 --output json | jq .workflow.pending`
}

// Run looks the call up.
func (c callCommand) Run(ctx context.Context, p Process, d *ops.Deps) error {
	status, err := c.lookUp(ctx, p, d)
	if status == nil {
		return err
	}
	return errors.Join(c.Print(p, status, func(s screen) { writeCallStatus(s, status) }), err)
}

func (c callCommand) lookUp(ctx context.Context, p Process, d *ops.Deps) (*ops.CallStatus, error) {
	if c.Follow {
		return d.Follow(ctx, ops.FollowParams{CallID: c.CallID, App: c.App, Timeout: c.Timeout, Observe: func(s ops.CallStage) {
			fmt.Fprintln(p.Stderr, printable(stageWords(s)))
		}})
	}
	if c.Timeout != 0 {
		return nil, ops.Errorf(ops.Usage, "", "--timeout: is for --follow")
	}
	return d.Call(ctx, c.CallID, c.App)
}

// stageWords is one line about a call that is followed.
func stageWords(s ops.CallStage) string {
	if s.Problem != "" {
		return "stage not known: " + s.Problem
	}
	words := "stage " + string(s.Stage)
	if !s.Since.IsZero() {
		words += " since " + s.Since.Format(time.RFC3339)
	}
	if s.WaitingFor != "" {
		words += ", waits for " + s.WaitingFor
	}
	return words
}

func writeCallStatus(s screen, c *ops.CallStatus) {
	summary := field{name: "Status", value: c.Summary}
	switch {
	case strings.HasPrefix(c.Summary, "done"):
		summary.paint = s.green
	case strings.HasPrefix(c.Summary, "NOT "):
		summary.paint = s.red
	}
	fields := []field{
		{name: "Call", value: fmt.Sprintf("%s of %s (%s)", c.CallID, c.App, c.SDKAppID)},
		summary,
		{name: "Redis", value: redisWords(c.Redis)},
	}
	fields = append(fields, workflowFields(c)...)
	fields = append(fields, ledgerFields(c)...)
	fields = append(fields, deliveryFields(c)...)
	writePainted(s, fields...)
}

func redisWords(r *ops.RedisStatus) string {
	switch {
	case r == nil:
		return "does not answer"
	case !r.Known:
		return "does not remember the call"
	case !r.Started:
		return "a start is in progress, or was interrupted"
	}
	return "remembers its callback for another " + inHours(time.Duration(r.ExpiresSeconds)*time.Second)
}

// inHours writes whole hours, and less than one in full.
func inHours(d time.Duration) string {
	if d >= time.Hour {
		return fmt.Sprintf("%d h", d/time.Hour)
	}
	return d.Round(time.Second).String()
}

func workflowFields(c *ops.CallStatus) []field {
	w := c.Workflow
	switch {
	case w == nil && !c.TemporalAnswered:
		return []field{{name: "Workflow", value: "Temporal does not answer"}}
	case w == nil:
		return []field{{name: "Workflow", value: "none, or no longer retained"}}
	}
	lines := []string{w.State + ", started " + w.StartedAt.Format(time.RFC3339) + " by " + w.Source}
	if !w.ClosedAt.IsZero() {
		lines[0] += ", closed " + w.ClosedAt.Format(time.RFC3339)
	}
	if w.Failure != "" {
		lines = append(lines, w.Failure)
	}
	lines = append(lines, w.WorkflowID)
	if w.Link != "" {
		lines = append(lines, w.Link)
	}
	fields := []field{{name: "Workflow", value: strings.Join(lines, "\n")}}
	if w.Status != nil && w.Status.Review != nil && w.Status.Review.Claimed != nil {
		claimed := w.Status.Review.Claimed
		fields = append(fields, field{name: "Caution", value: claimedWords(claimed.Caller, claimed.Summary)})
	}
	if w.Status != nil && w.Status.Charge != nil && w.Status.Charge.Recomputed != "" {
		fields = append(fields, field{name: "Difference", value: "the call would now be " + w.Status.Charge.Recomputed + "; an earlier attempt of its workflow has booked the charge, which stays"})
	}
	for _, p := range w.Pending {
		fields = append(fields, field{name: "Pending", value: pendingWords(p)})
	}
	return fields
}

func pendingWords(p ops.PendingActivity) string {
	words := fmt.Sprintf("%s, attempt %d", p.Activity, p.Attempt)
	if !p.NextAttemptAt.IsZero() {
		words += ", next at " + p.NextAttemptAt.Format(time.RFC3339)
	}
	if p.LastFailure != "" {
		words += "\nlast failure: " + p.LastFailure
	}
	return words
}

func ledgerFields(c *ops.CallStatus) []field {
	switch {
	case c.Ledger == nil:
		return []field{{name: "Ledger", value: "does not answer"}}
	case len(c.Ledger) == 0:
		return []field{{name: "Ledger", value: "no entry"}}
	}
	var fields []field
	for _, e := range c.Ledger {
		words := e.Sum()
		if !e.Adjusts() {
			words += ", by tariff " + e.Tariff
		}
		words += fmt.Sprintf(", booked %s\n%s", e.BookedAt.Format(time.RFC3339), e.Key)
		if e.Operator != "" {
			words += fmt.Sprintf("\nby %s: %s", e.Operator, e.Reason)
		}
		fields = append(fields, field{name: "Ledger", value: words})
	}
	if len(c.Ledger) > 1 {
		fields = append(fields, field{name: "Costs", value: c.Costs.String() + " now"})
	}
	return fields
}

func deliveryFields(c *ops.CallStatus) []field {
	var fields []field
	if c.Workflow != nil && c.Workflow.Status != nil {
		for _, d := range c.Workflow.Status.Deliveries {
			fields = append(fields, field{name: "Delivery", value: deliveryWords(d)})
		}
	}
	for _, d := range c.Deliveries {
		lines := []string{d.WorkflowID + ", " + d.State}
		for _, target := range d.Targets {
			lines = append(lines, deliveryWords(target))
		}
		fields = append(fields, field{name: "Later delivery", value: strings.Join(lines, "\n")})
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
