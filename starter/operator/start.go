package operator

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	cli "aftercall/internal/oldcli"
	"aftercall/internal/config"
	"aftercall/internal/ledger"
	"aftercall/internal/tencent"
	"aftercall/workflows"
	"aftercall/workflows/launch"
)

// The outcomes of starter start.
const (
	outcomeStarted     = "started"
	outcomeWouldStart  = "would_start"
	outcomeInLedger    = "in_ledger"
	outcomeHasWorkflow = "has_workflow"
)

type startCommand struct {
	cli.Output
	CallID string `arg:"" name:"CallId" help:"The call."`
	App    string `help:"Name or SDKAppID of the app; may be left out if there is but one."`
	DryRun bool   `help:"Say what would be done, and do nothing."`
}

// Help teaches.
func (startCommand) Help() string {
	return `Reads the record of the call from Tencent and starts its workflow, as a
callback would have. A call that is in the ledger or has a workflow is left
alone, so that it is safe to run twice. The app's go_live does not keep an
operator from starting an earlier call.

Example:

  starter start 055662e1-bc8a-469c-a334-1126c8c17d58 --app clinic`
}

// startReport is the result of the command.
type startReport struct {
	App      string           `json:"app"`
	SDKAppID tencent.SDKAppID `json:"sdk_app_id"`
	CallID   string           `json:"call_id"`
	// Outcome is started, would_start, in_ledger or has_workflow.
	Outcome    string `json:"outcome"`
	WorkflowID string `json:"workflow_id"`
	Link       string `json:"link,omitempty"`
	// BeforeGoLive says that the call ended before the app's go_live.
	BeforeGoLive bool `json:"before_go_live"`

	words string
}

// fields are the outcome for people.
func (r startReport) fields() [][2]string {
	fields := [][2]string{{"Call", fmt.Sprintf("%s of %s (%s)", r.CallID, r.App, r.SDKAppID)}, {"Outcome", r.words}}
	if r.BeforeGoLive {
		fields = append(fields, [2]string{"Note", "it ended before the app's go_live"})
	}
	if r.Outcome != outcomeInLedger && r.Outcome != outcomeWouldStart {
		fields = append(fields, [2]string{"Workflow", strings.TrimSpace(r.WorkflowID + "\n" + r.Link)})
	}
	return fields
}

// Run starts one call by hand.
func (c startCommand) Run(ctx context.Context, p cli.Process) error {
	if err := tencent.ValidateCallID("CallId", c.CallID); err != nil {
		return cli.Errorf(cli.Usage, "", "%w", err)
	}
	return usingApp(ctx, p, c.App, func(t *tools, app *config.App) error { return c.report(ctx, t, app) })
}

func (c startCommand) report(ctx context.Context, t *tools, app *config.App) error {
	report := startReport{
		App: app.Name, SDKAppID: app.SDKAppID, CallID: c.CallID,
		WorkflowID: workflows.AfterCallID(app.SDKAppID, c.CallID), Link: t.link(workflows.AfterCallID(app.SDKAppID, c.CallID), ""),
	}
	if err := c.start(ctx, t, app, &report); err != nil {
		return err
	}
	return c.Print(t.process.Stdout, report, func(w io.Writer) { cli.Fields(w, report.fields()...) })
}

// start goes from the cheapest reason not to start to the start itself, which
// decides.
func (c startCommand) start(ctx context.Context, t *tools, app *config.App, report *startReport) error {
	entries, err := t.entries(ctx, app, c.CallID)
	if err != nil { // the worker asks again before it charges
		fmt.Fprintf(t.process.Stderr, "note: the ledger cannot be asked whether it has the call: %s\n", err)
	}
	if len(entries) > 0 {
		report.Outcome, report.words = outcomeInLedger, "nothing to do: the call is in the ledger, "+sum(entries[0])
		return nil
	}
	record, err := ask(ctx, func(ctx context.Context) (tencent.CallRecord, error) { return t.tencent(app).Record(ctx, c.CallID) })
	var apiErr *tencent.APIError
	if errors.As(err, &apiErr) && apiErr.Code == tencent.CodeRecordNotFound {
		meaning, cure := apiErr.Code.Explain()
		return cli.Errorf(cli.NotFound, cure, "%s: %s", app.Name, meaning)
	}
	if err != nil {
		return tencentError(app, err)
	}
	report.BeforeGoLive = record.EndedAt().Before(app.GoLive)
	calls := launch.NewCalls(t.temporal, t.settings.TaskQueue)
	if c.DryRun {
		return c.wouldStart(ctx, t, app, calls, report)
	}
	already, err := ask(ctx, func(ctx context.Context) (bool, error) {
		return calls.Start(ctx, workflows.AfterCallParams{
			SDKAppID: app.SDKAppID, App: app.Name, CallID: c.CallID, Source: workflows.SourceManual,
			Listed: &record, RecordDeadline: app.RecordDeadline,
		}, "")
	})
	if err != nil {
		return t.temporalError(err)
	}
	report.Outcome, report.words = outcomeStarted, "started"
	if already {
		c.hasWorkflow(report)
	}
	return nil
}

func (c startCommand) wouldStart(ctx context.Context, t *tools, app *config.App, calls launch.Calls, report *startReport) error {
	have, err := ask(ctx, func(ctx context.Context) (map[string]bool, error) {
		return calls.HaveWorkflow(ctx, app.SDKAppID, []string{c.CallID})
	})
	if err != nil {
		return t.temporalError(err)
	}
	report.Outcome, report.words = outcomeWouldStart, "would be started"
	if have[c.CallID] {
		c.hasWorkflow(report)
	}
	return nil
}

func (c startCommand) hasWorkflow(report *startReport) {
	report.Outcome = outcomeHasWorkflow
	report.words = "nothing to do: the call has a workflow; starter call " + c.CallID + " says where it stands"
}

// entries are the call's in the ledger.
func (t *tools) entries(ctx context.Context, app *config.App, callID string) ([]ledger.Entry, error) {
	return ask(ctx, func(ctx context.Context) ([]ledger.Entry, error) {
		book, err := t.ledger(ctx)
		if err != nil {
			return nil, err
		}
		entries, err := book.Get(ctx, app.SDKAppID, callID)
		return entries, errors.Join(err, book.Close())
	})
}

// sum is what an entry bills.
func sum(e ledger.Entry) string {
	return fmt.Sprintf("%s %s for %d s", e.Charge.Amount.Number(), e.Charge.Amount.CurrencyCode(), e.Charge.BilledSeconds)
}
