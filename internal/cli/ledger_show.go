package cli

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"time"

	"aftercall/internal/ops"
	"aftercall/internal/tencent"
)

type ledgerShowCommand struct {
	Output string `short:"o" enum:"table,json,svg" default:"table" help:"table for people, json for scripts, svg for a picture of who was in the call. The names in JSON are stable."`
	CallID string `arg:"" name:"CALLID" help:"The call."`
	App    string `help:"Name or SDKAppID of the app, if two apps have a call with this CallId." placeholder:"APP"`
}

// Help explains by examples.
func (ledgerShowCommand) Help() string {
	return `Everything that the ledger knows about a call: the record, the steps from the record to the amount, every correction in the
order of booking, with its operator and reason, and what the call costs now. svg draws the intervals of each member, and the
events by which they were found, of the last charge by participant minutes.

Examples:

  aftercall ledger show 055662e1-bc8a-469c-a334-1126c8c17d58
  aftercall ledger show 055662e1-bc8a-469c-a334-1126c8c17d58 --output svg > call.svg
  aftercall ledger show 055662e1-bc8a-469c-a334-1126c8c17d58 --output json`
}

// Run prints the entries of the call.
func (c ledgerShowCommand) Run(ctx context.Context, p Process, d *ops.Deps) error {
	entries, err := d.ExplainCall(ctx, c.App, c.CallID)
	if err != nil {
		return err
	}
	if c.Output == "svg" {
		var picture bytes.Buffer
		if err := ops.DrawIntervals(&picture, entries); err != nil {
			return err
		}
		return flush(p, func(b *bytes.Buffer) error {
			_, err := picture.WriteTo(b)
			return err
		})
	}
	return Format{Output: c.Output}.Print(p, entries, func(s screen) { writeExplanation(s, entries) })
}

// writeExplanation explains the call of each app.
func writeExplanation(s screen, entries []ops.ExplainedEntry) {
	var apps []tencent.SDKAppID
	byApp := map[tencent.SDKAppID][]ops.ExplainedEntry{}
	for _, e := range entries {
		if byApp[e.SDKAppID] == nil {
			apps = append(apps, e.SDKAppID)
		}
		byApp[e.SDKAppID] = append(byApp[e.SDKAppID], e)
	}
	for i, app := range apps {
		if i > 0 {
			fmt.Fprintln(s)
		}
		writeCall(s, byApp[app])
	}
}

func writeCall(s screen, entries []ops.ExplainedEntry) {
	first := entries[0]
	writeFields(
		s,
		[2]string{"Call", first.CallID},
		[2]string{"App", first.App + ", SDKAppID " + first.SDKAppID.String()},
		[2]string{"Payer", first.Payer},
		[2]string{"Kind", fmt.Sprintf("%s, %s, ended with %s", first.MediaType, first.CallType, first.Result)},
		[2]string{"Started", timeOrNever(first.StartTime)},
		[2]string{"Accepted", timeOrNever(first.AcceptTime)},
		[2]string{"Ended", timeOrNever(first.EndTime)},
		[2]string{"Workflow", first.WorkflowID},
		[2]string{"First run", first.FirstRunID},
	)
	for _, d := range first.Differences {
		writeParagraph(s, "", fmt.Sprintf("The callback has %s %s, the record has %s: the record counts.", d.Field, d.Callback, d.Record))
	}
	for _, e := range entries {
		writeEntry(s, e)
	}
	fmt.Fprintln(s)
	writeParagraph(s, "", costWords(entries))
}

// costWords say what a call costs now, and by which entries.
func costWords(entries []ops.ExplainedEntry) string {
	b, err := ops.BalanceOf(entries)
	switch {
	case err != nil:
		return "What the call costs is unknown: " + err.Error()
	case b.Charge == nil && len(b.Adjustments) == 0:
		return "The call is charged nothing: its charge was reversed."
	case b.Charge == nil:
		return fmt.Sprintf("The call costs %s: its charge was reversed, but not %s.", b.Costs, adjustmentWords(b.Adjustments))
	case len(b.Adjustments) == 0:
		return fmt.Sprintf("The call is charged %s, by %s.", b.Costs, b.Charge.Key)
	}
	return fmt.Sprintf("The call costs %s: %s %s by %s, and %s.", b.Costs, b.Charge.Amount, b.Charge.Currency, b.Charge.Key, adjustmentWords(b.Adjustments))
}

func adjustmentWords(adjustments []ops.LedgerEntry) string {
	words := make([]string, len(adjustments))
	for i, a := range adjustments {
		words[i] = fmt.Sprintf("%s %s by %s", a.Amount, a.Currency, a.Key)
	}
	return strings.Join(words, ", ")
}

func writeEntry(s screen, e ops.ExplainedEntry) {
	fmt.Fprintf(s, "\n%s  %s\n", printable(e.Key), paintAmount(s, e.Amount, e.Amount+" "+e.Currency))
	for i, step := range e.Steps {
		writeParagraph(s, fmt.Sprintf("  %d. ", i+1), step.NamedText())
	}
	writeParagraph(s, "  ", "booked "+dateTimeUTC(e.BookedAt))
	if e.Operator != "" {
		writeParagraph(s, "  ", "by "+e.Operator+": "+e.Reason)
	}
	writeParagraph(s, "  ", "tariff "+e.Tariff+", version of "+e.TariffEffectiveFrom.Format(time.RFC3339))
	fmt.Fprintf(s, "  SHA-256 %s\n", printable(e.TariffHash))
}
