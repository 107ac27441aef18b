package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"

	"aftercall/internal/ops"
)

type reviewListCommand struct {
	ListFormat
	App string `help:"Name or SDKAppID of an app." placeholder:"APP"`
}

// Help explains by examples.
func (reviewListCommand) Help() string {
	return `Calls that must not be charged without a person's decision wait for it, without a time limit. The reason comes from the
call's workflow, which needs a running worker to answer.

Examples:

  aftercall review list
  aftercall review list --app clinic --output json`
}

// Run lists the calls in review, the oldest first.
func (c reviewListCommand) Run(ctx context.Context, p Process, d *ops.Deps) error {
	reviews, err := d.ListReviews(ctx, c.App)
	if reviews == nil {
		return err
	}
	return errors.Join(err, c.Print(
		p, reviews,
		func(w io.Writer) error { return writeCSV(w, reviews, reviewColumns) },
		func(s screen) {
			if len(reviews) == 0 {
				fmt.Fprintln(s, "No call is in review.")
				return
			}
			writeTable(s, reviews, reviewColumns)
			fmt.Fprintln(s)
			writeParagraph(s, "Decide with: ", "aftercall review decide CALLID --verdict charge|waive|charge-as --operator NAME --reason TEXT")
		},
	))
}

var reviewColumns = []column[ops.Review]{
	{key: "call_id", value: func(r ops.Review) string { return r.CallID }, foreign: true},
	{key: "sdk_app_id", value: func(r ops.Review) string { return r.SDKAppID.String() }, csvOnly: true},
	{key: "app", value: func(r ops.Review) string { return r.App }, foreign: true, drop: 2},
	{key: "workflow_id", value: func(r ops.Review) string { return r.WorkflowID }, foreign: true, csvOnly: true},
	{
		key: "since", title: "since (UTC)",
		value: func(r ops.Review) string {
			if r.Since == nil {
				return ""
			}
			return r.Since.UTC().Format(time.RFC3339)
		},
		text: func(r ops.Review) string {
			if r.Since == nil {
				return "?"
			}
			return r.Since.UTC().Format("2006-01-02 15:04")
		},
		drop: 1,
	},
	{key: "reason", value: func(r ops.Review) string { return r.Reason }, text: reviewReason, foreign: true, wrap: true, paint: func(s screen, r ops.Review, cell string) string {
		if r.Error != "" {
			return s.red(cell)
		}
		return cell
	}},
	{key: "no_record", value: func(r ops.Review) string { return strconv.FormatBool(r.NoRecord) }, csvOnly: true},
	{key: "summary", value: func(r ops.Review) string { return r.Summary }, foreign: true, drop: 3},
	{key: "claimed_caller", value: func(r ops.Review) string { return r.ClaimedCaller }, foreign: true, csvOnly: true},
	{key: "claimed", value: func(r ops.Review) string { return r.Claimed }, foreign: true, csvOnly: true},
	{key: "error", value: func(r ops.Review) string { return r.Error }, foreign: true, csvOnly: true},
}

// reviewReason is the reason, with the verdicts that are possible if there is no
// record.
func reviewReason(r ops.Review) string {
	switch {
	case r.Error != "":
		return "the workflow does not answer"
	case r.NoRecord:
		reason := r.Reason + " (without a record: charge-as with --payer, or waive)"
		if r.Claimed != "" {
			reason += "; " + claimedWords(r.ClaimedCaller, r.Claimed)
		}
		return reason
	}
	return r.Reason
}

// claimedWords is what callbacks say of a call without record.
func claimedWords(caller, summary string) string {
	return "claimed by callbacks, not confirmed by Tencent: caller " + cmp.Or(caller, "unknown") + " · " + summary
}
