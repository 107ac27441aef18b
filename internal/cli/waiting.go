package cli

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"aftercall/internal/ops"
	"aftercall/workflows"
)

type waitingCommands struct {
	List  waitingListCommand  `cmd:"" default:"withargs" help:"List the calls that wait, and for what. May be left out."`
	Retry waitingRetryCommand `cmd:"" help:"Make calls that wait for their next attempt try again now."`
}

type waitingListCommand struct {
	ListFormat
	App   string          `help:"Name or SDKAppID of the app; without it, calls of all apps are listed." placeholder:"APP"`
	Stage workflows.Stage `help:"Only calls in this stage: waiting, record, charge, review or notify." placeholder:"STAGE"`
	Limit int             `help:"List at most so many calls, the oldest first." default:"50"`
}

// Help explains by examples.
func (waitingListCommand) Help() string {
	return `Lists the calls that are not done: in which stage they are and since when, what they wait for, and when the next
attempt is. The stage is "waiting" before the record is read, also for calls that ended a moment ago. Details come from
the calls' workflows, which need a running worker to answer; without one, the exit code is 5.

Examples:

  aftercall waiting
  aftercall waiting --app clinic --stage notify
  aftercall waiting --limit 1000 --output csv > waiting.csv`
}

// Run lists the calls.
func (c waitingListCommand) Run(ctx context.Context, p Process, d *ops.Deps) error {
	calls, total, err := d.Waiting(ctx, ops.WaitingParams{App: c.App, Stage: c.Stage, Limit: c.Limit})
	if calls == nil {
		return err
	}
	err = errors.Join(printList(p, c.ListFormat, calls, waitingColumns, "No call is waiting."), err)
	if total > len(calls) {
		fmt.Fprintf(p.Stderr, "note: these are the oldest %d of %d calls; --limit lists more\n", len(calls), total)
	}
	return err
}

var waitingColumns = []column[ops.WaitingCall]{
	{key: "app", value: func(w ops.WaitingCall) string { return w.App }, drop: 2},
	{key: "sdk_app_id", value: func(w ops.WaitingCall) string { return w.SDKAppID.String() }, csvOnly: true},
	{key: "call_id", title: "call", value: func(w ops.WaitingCall) string { return w.CallID }, foreign: true},
	{key: "stage", value: func(w ops.WaitingCall) string { return string(w.Stage) }},
	{key: "started_at", value: func(w ops.WaitingCall) string { return csvTime(w.StartedAt) }, csvOnly: true},
	{key: "since", title: "since (UTC)", value: func(w ops.WaitingCall) string { return csvTime(w.Since) }, text: func(w ops.WaitingCall) string { return shortTime(w.Since) }, drop: 1},
	{
		key: "waiting_for", value: func(w ops.WaitingCall) string { return w.WaitingFor }, wrap: true, foreign: true,
		text: func(w ops.WaitingCall) string {
			if w.Problem != "" {
				return w.Problem
			}
			return w.WaitingFor
		},
		paint: func(s screen, w ops.WaitingCall, cell string) string {
			if w.Problem != "" {
				return s.red(cell)
			}
			return cell
		},
	},
	{key: "activity", value: func(w ops.WaitingCall) string { return attempt(w).Activity }, drop: 5},
	{key: "attempt", value: func(w ops.WaitingCall) string {
		if w.Attempt() == nil {
			return ""
		}
		return strconv.Itoa(int(attempt(w).Attempt))
	}, right: true, drop: 4},
	{key: "next_attempt_at", title: "next (UTC)", value: func(w ops.WaitingCall) string { return csvTime(attempt(w).NextAttemptAt) }, text: func(w ops.WaitingCall) string { return shortTime(attempt(w).NextAttemptAt) }, drop: 3},
	{key: "last_failure", value: func(w ops.WaitingCall) string { return attempt(w).LastFailure }, foreign: true, csvOnly: true},
	{key: "workflow_id", value: func(w ops.WaitingCall) string { return w.WorkflowID }, foreign: true, csvOnly: true},
	{key: "problem", value: func(w ops.WaitingCall) string { return w.Problem }, csvOnly: true},
}

func attempt(w ops.WaitingCall) ops.PendingActivity {
	if next := w.Attempt(); next != nil {
		return *next
	}
	return ops.PendingActivity{}
}

// csvTime is a time in RFC 3339 and UTC, empty for none.
func csvTime(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

// shortTime is a time for people in UTC, empty for none.
func shortTime(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("01-02 15:04:05")
}
