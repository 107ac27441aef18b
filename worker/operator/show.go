package operator

import (
	"context"
	"fmt"
	"io"

	cli "aftercall/internal/oldcli"
	"aftercall/internal/ledger"
	"aftercall/internal/tencent"
)

type showCommand struct {
	cli.Output
	CallID string `arg:"" help:"CallId."`
	App    string `help:"Name or SDKAppID of the app, where two apps have a call of this name." placeholder:"APP"`
}

// Help explains by examples.
func (showCommand) Help() string {
	return `Everything that the ledger has about a call: the record, the steps of the sum in the order in which they were taken,
and every correction with who made it and why.

Examples:

  worker ledger show 055662e1-bc8a-469c-a334-1126c8c17d58
  worker ledger show 055662e1-bc8a-469c-a334-1126c8c17d58 --output json`
}

// Run prints the entries of the call.
func (c showCommand) Run(ctx context.Context, p cli.Process) error {
	f, _, err := selection{App: c.App, Call: c.CallID, Zone: "UTC"}.filter()
	if err != nil {
		return err
	}
	book, err := openLedger(ctx, p)
	if err != nil {
		return err
	}
	defer book.Close()
	entries, err := collect(ctx, book, f)
	if err != nil {
		return err
	}
	if len(entries) == 0 {
		return cli.Errorf(cli.NotFound, "look where it is: starter call "+printable(c.CallID), "the ledger has no entry of call %s", printable(c.CallID))
	}
	return c.Print(p.Stdout, entries, func(w io.Writer) { explain(w, entries) })
}

func collect(ctx context.Context, book *ledger.Ledger, f ledger.Filter) ([]ledger.Entry, error) {
	entries := []ledger.Entry{}
	for e, err := range book.List(ctx, f) {
		if err != nil {
			return nil, err
		}
		entries = append(entries, e)
	}
	return entries, nil
}

// explain tells the story of each app's call.
func explain(w io.Writer, entries []ledger.Entry) {
	var apps []tencent.SDKAppID
	byApp := map[tencent.SDKAppID][]ledger.Entry{}
	for _, e := range entries {
		if byApp[e.SDKAppID] == nil {
			apps = append(apps, e.SDKAppID)
		}
		byApp[e.SDKAppID] = append(byApp[e.SDKAppID], e)
	}
	for i, app := range apps {
		if i > 0 {
			fmt.Fprintln(w)
		}
		explainCall(w, byApp[app])
	}
}

func explainCall(w io.Writer, entries []ledger.Entry) {
	first := entries[0]
	r := first.Record
	cli.Fields(
		w,
		[2]string{"Call", printable(r.CallID)},
		[2]string{"App", printable(first.App) + ", SDKAppID " + first.SDKAppID.String()},
		[2]string{"Payer", printable(r.Caller)},
		[2]string{"What", printable(fmt.Sprintf("%s, %s, ended with %s", r.MediaType, r.CallType, r.Result))},
		[2]string{"When", fmt.Sprintf("started %s, accepted %s, ended %s", instant(r.StartTime), instant(r.AcceptTime), instant(r.EndTime))},
		[2]string{"Workflow", printable(first.WorkflowID) + ", first run " + first.FirstRunID},
	)
	for _, d := range first.Differences {
		fmt.Fprintf(w, "The callback said %s %s, the record says %s. The record counts.\n", d.Field, printable(d.Callback), printable(d.Record))
	}
	for _, e := range entries {
		explainEntry(w, e)
	}
	if live, ok := ledger.Live(entries); ok {
		fmt.Fprintf(w, "\nThe call is charged %s, by %s.\n", live.Charge.Amount, printable(live.Key))
	} else {
		fmt.Fprintln(w, "\nThe call is charged nothing: its charge was taken back.")
	}
}

func explainEntry(w io.Writer, e ledger.Entry) {
	fmt.Fprintf(w, "\n%s  %s  booked %s\n", printable(e.Key), e.Charge.Amount, e.CreatedAt.Format("2006-01-02 15:04:05 UTC"))
	for i, step := range e.Charge.Steps {
		fmt.Fprintf(w, "  %d. %s\n", i+1, printable(step.Text))
	}
	if e.Operator != "" {
		fmt.Fprintf(w, "  by %s: %s\n", printable(e.Operator), printable(e.Reason))
	}
	fmt.Fprintf(w, "  tariff %s of %s, SHA-256 %s\n", e.Charge.Tariff.Name, e.Charge.Tariff.EffectiveFrom.Format("2006-01-02T15:04:05Z07:00"), e.Charge.Tariff.Hash)
}
