package operator

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"golang.org/x/sync/errgroup"

	cli "aftercall/internal/oldcli"
	"aftercall/internal/config"
	"aftercall/internal/tencent"
	"aftercall/workflows"
)

// inReview finds the calls that wait for a decision.
const inReview = `WorkflowType = "` + workflows.AfterCallName + `" AND CallStage = "` + string(workflows.StageReview) + `" AND ExecutionStatus = "Running"`

const (
	queriesAtOnce = 8
	queryTimeout  = 5 * time.Second
)

type reviewListCommand struct {
	cli.Output
	App string `help:"Name or SDKAppID of an app." placeholder:"APP"`
}

// Help explains by examples.
func (reviewListCommand) Help() string {
	return `Calls that must not be charged blindly wait for a person, without a limit of time. The reason comes from the call's
workflow, which a running worker must answer for.

Examples:

  worker review list
  worker review list --app clinic --output json`
}

// waiting is a call in review.
type waiting struct {
	CallID     string           `json:"call_id"`
	SDKAppID   tencent.SDKAppID `json:"sdk_app_id"`
	WorkflowID string           `json:"workflow_id"`
	Since      time.Time        `json:"since,omitzero"`
	Reason     string           `json:"reason"`
	NoRecord   bool             `json:"no_record,omitempty"`
	Summary    string           `json:"summary,omitempty"`
	// Unknown is why the workflow could not be asked.
	Unknown string `json:"unknown,omitempty"`
}

// Run lists the calls in review, the oldest first.
func (c reviewListCommand) Run(ctx context.Context, p cli.Process) error {
	t, err := connect(p)
	if err != nil {
		return err
	}
	defer t.Close()
	only, err := c.only(p)
	if err != nil {
		return err
	}
	calls, err := listReviews(ctx, t, only)
	if err != nil {
		return silent(err)
	}
	if err := askReasons(ctx, t, calls); err != nil {
		return err
	}
	slices.SortStableFunc(calls, func(a, b waiting) int { return a.Since.Compare(b.Since) })
	if err := c.Print(p.Stdout, calls, func(w io.Writer) { reviewTable(w, calls) }); err != nil {
		return err
	}
	for _, call := range calls {
		if call.Unknown != "" {
			return cli.Errorf(cli.Incomplete, "start a worker: only it can answer for a workflow", "call %s did not say why it is in review: %s", printable(call.CallID), call.Unknown)
		}
	}
	return nil
}

// only is the app to list, 0 for all.
func (c reviewListCommand) only(p cli.Process) (tencent.SDKAppID, error) {
	if c.App == "" {
		return 0, nil
	}
	apps, err := appsOf(p, c.App)
	if err != nil {
		return 0, err
	}
	return apps[0], nil
}

// appsOf are the SDKAppIDs that a flag can mean: one by number, one by name,
// or all that are configured.
func appsOf(p cli.Process, flag string) ([]tencent.SDKAppID, error) {
	if id, err := tencent.ParseSDKAppID(flag); err == nil {
		return []tencent.SDKAppID{id}, nil
	}
	_, cfg, err := config.Worker(p.Environ)
	if err != nil {
		return nil, usage(err)
	}
	var ids []tencent.SDKAppID
	var names []string
	for _, app := range cfg.Apps {
		if flag == "" || app.Name == flag {
			ids = append(ids, app.SDKAppID)
		}
		names = append(names, app.Name)
	}
	if len(ids) == 0 {
		return nil, cli.Errorf(cli.Usage, "write one of "+strings.Join(names, ", ")+", or an SDKAppID", "--app: the configuration has no app %q", flag)
	}
	return ids, nil
}

func listReviews(ctx context.Context, t client.Client, only tencent.SDKAppID) ([]waiting, error) {
	ctx, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	calls := []waiting{}
	var next []byte
	for {
		page, err := t.ListWorkflow(ctx, &workflowservice.ListWorkflowExecutionsRequest{Query: inReview, NextPageToken: next})
		if err != nil {
			return nil, fmt.Errorf("list the calls in review: %w", err)
		}
		for _, info := range page.GetExecutions() {
			id := info.GetExecution().GetWorkflowId()
			app, callID, ok := workflows.ParseAfterCallID(id)
			if ok && (only == 0 || only == app) {
				calls = append(calls, waiting{CallID: callID, SDKAppID: app, WorkflowID: id})
			}
		}
		if next = page.GetNextPageToken(); len(next) == 0 {
			return calls, nil
		}
	}
}

// askReasons asks the workflows, some at a time.
func askReasons(ctx context.Context, t client.Client, calls []waiting) error {
	var group errgroup.Group
	group.SetLimit(queriesAtOnce)
	for i := range calls {
		group.Go(func() error {
			calls[i].ask(ctx, t)
			return nil
		})
	}
	return group.Wait()
}

func (w *waiting) ask(ctx context.Context, t client.Client) {
	ctx, cancel := context.WithTimeout(ctx, queryTimeout)
	defer cancel()
	var status workflows.Status
	value, err := t.QueryWorkflow(ctx, w.WorkflowID, "", workflows.QueryStatus)
	if err == nil {
		err = value.Get(&status)
	}
	if err != nil {
		w.Unknown = err.Error()
		return
	}
	if status.Record != nil {
		w.Summary = status.Record.Summary
	}
	if r := status.Review; r != nil {
		w.Since, w.Reason, w.NoRecord = r.Since, r.Reason, r.NoRecord
	}
}

func reviewTable(w io.Writer, calls []waiting) {
	if len(calls) == 0 {
		fmt.Fprintln(w, "No call is in review.")
		return
	}
	rows := make([][]string, len(calls))
	for i, c := range calls {
		since := "?"
		if !c.Since.IsZero() {
			since = c.Since.UTC().Format("2006-01-02 15:04:05 UTC")
		}
		reason := c.Reason
		if c.NoRecord {
			reason += " (there is no record: charge-as or waive)"
		}
		rows[i] = []string{printable(c.CallID), c.SDKAppID.String(), since, printable(c.Summary), printable(reason)}
	}
	cli.Table(w, []string{"call", "app", "since", "what", "why"}, rows...)
	fmt.Fprintln(w, "\nDecide with: worker review decide CALLID --verdict charge|waive|charge-as --operator NAME --reason TEXT")
}

// silent says that Temporal does not answer, where that is the error.
func silent(err error) error {
	if errors.As(err, new(*serviceerror.Unavailable)) || errors.Is(err, context.DeadlineExceeded) || errors.As(err, new(*serviceerror.DeadlineExceeded)) {
		return &cli.Error{Code: cli.Failed, Err: err, Cure: "Temporal does not answer: check TEMPORAL_ADDRESS and the server"}
	}
	return err
}
