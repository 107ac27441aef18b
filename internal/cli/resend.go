package cli

import (
	"context"
	"errors"
	"strings"
	"time"

	"aftercall/internal/notify"
	"aftercall/internal/ops"
)

type resendCommand struct {
	ListFormat
	CallID string             `arg:"" optional:"" name:"CALLID" help:"The call."`
	App    string             `help:"Name or SDKAppID of the app; without it, all apps are searched." placeholder:"APP"`
	Target []string           `help:"Names of targets; without it, with a CallId those subscribed to the event, with --failed those that did not get it." placeholder:"NAME"`
	Event  []notify.EventType `help:"Events, such as call.charged; without it, all that the ledger has." placeholder:"EVENT"`
	NewID  bool               `name:"new-id" help:"Give the messages new IDs, so that a receiver does not drop them as duplicates."`
	Failed bool               `help:"Send what was not delivered, instead of one call."`
	Since  time.Duration      `help:"With --failed: how far back to look, by when the delivery was given up." default:"24h"`
	DryRun bool               `help:"Say what would be sent, and send nothing."`
}

// Help explains by examples.
func (resendCommand) Help() string {
	return `Sends events of a call again. They are made from the ledger, are the same byte for byte, and have the same message
IDs: a receiver that has one drops it, unless --new-id gives it another. Nothing is charged or changed. Each run is a separate delivery, so it can be repeated.

With --failed, everything that targets refused, or did not accept within their retry_window, is sent again, except what
another run has delivered since, and the events of calls whose workflow has failed although they are in the ledger.

Examples:

  aftercall resend 055662e1-bc8a-469c-a334-1126c8c17d58
  aftercall resend 055662e1-bc8a-469c-a334-1126c8c17d58 --target crm --new-id
  aftercall resend --failed --since 72h --target crm --dry-run`
}

// Run sends again.
func (c resendCommand) Run(ctx context.Context, p Process, d *ops.Deps) error {
	resent, err := d.Resend(ctx, ops.ResendParams{
		CallID: c.CallID, App: c.App, Targets: c.Target, Events: c.Event, NewID: c.NewID, Failed: c.Failed, Since: c.Since, DryRun: c.DryRun,
	})
	if resent == nil {
		return err
	}
	return errors.Join(printList(p, c.ListFormat, resent, resendColumns, "Nothing is undelivered."), err)
}

var resendColumns = []column[ops.Resent]{
	{key: "app", value: func(r ops.Resent) string { return r.App }, drop: 2},
	{key: "call_id", title: "call", value: func(r ops.Resent) string { return r.CallID }, foreign: true},
	{key: "event", value: func(r ops.Resent) string { return string(r.Event) }},
	{key: "targets", value: func(r ops.Resent) string { return strings.Join(r.Targets, " ") }, csvOnly: true},
	{key: "result", value: resendResult, text: func(r ops.Resent) string { return strings.ReplaceAll(resendResult(r), "; ", "\n") }, wrap: true, paint: paintResend},
	{key: "message_id", title: "message", value: func(r ops.Resent) string { return r.MessageID }, drop: 1},
	{key: "ledger_key", value: func(r ops.Resent) string { return r.LedgerKey }, csvOnly: true},
	{key: "workflow_id", value: func(r ops.Resent) string { return r.WorkflowID }, csvOnly: true},
}

// resendResult is the outcome of each target's delivery.
func resendResult(r ops.Resent) string {
	results := make([]string, 0, len(r.Targets))
	for _, d := range r.Deliveries {
		result := d.Target + ": delivered"
		if !d.Delivered {
			result = d.Target + ": " + d.Error
		}
		results = append(results, result)
	}
	if len(results) > 0 {
		return strings.Join(results, "; ")
	}
	state := "being sent"
	if r.WorkflowID == "" {
		state = "would be sent"
	}
	return strings.Join(r.Targets, ", ") + ": " + state
}

func paintResend(s screen, r ops.Resent, cell string) string {
	if len(r.Deliveries) == 0 {
		return cell
	}
	for _, d := range r.Deliveries {
		if !d.Delivered {
			return s.red(cell)
		}
	}
	return s.green(cell)
}
