package operator

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"

	"aftercall/internal/billing"
	cli "aftercall/internal/oldcli"
	"aftercall/internal/tencent"
	"aftercall/workflows"
)

// decideTimeout is for a decision to be booked. It goes on without us.
const decideTimeout = 60 * time.Second

type reviewDecideCommand struct {
	cli.Output
	CallID           string            `arg:"" help:"CallId."`
	App              string            `help:"Name or SDKAppID of the app; needed where several have a call of this name." placeholder:"APP"`
	Verdict          billing.Verdict   `required:"" enum:"charge,waive,charge-as" help:"charge: the record is right. waive: charge nothing. charge-as: charge --connected-seconds."`
	ConnectedSeconds int64             `help:"How long the call was really connected, for charge-as." placeholder:"N"`
	Media            tencent.MediaType `help:"Audio or Video, where the record does not say." placeholder:"MEDIA"`
	CallType         tencent.CallType  `help:"SingleCall or MultiCall, where the record does not say." placeholder:"TYPE"`
	correction
}

// Help explains by examples.
func (reviewDecideCommand) Help() string {
	return `The decision is carried out at once: the call is charged by its tariff, and operator, reason and verdict are kept in the
ledger. What cannot be followed is answered with the reason, and the call stays in review.

Examples:

  worker review decide 055662e1-bc8a-469c-a334-1126c8c17d58 --verdict charge --operator alice --reason "checked with the doctor"
  worker review decide 055662e1-bc8a-469c-a334-1126c8c17d58 --verdict charge-as --connected-seconds 300 \
    --operator alice --reason "five minutes, says the doctor's log"
  worker review decide 055662e1-bc8a-469c-a334-1126c8c17d58 --verdict waive --operator alice --reason "test call"`
}

// Run sends the decision and waits until it is in the ledger.
func (c reviewDecideCommand) Run(ctx context.Context, p cli.Process) error {
	apps, err := appsOf(p, c.App)
	if err != nil {
		return err
	}
	t, err := connect(p)
	if err != nil {
		return err
	}
	defer t.Close()
	id, err := c.workflow(ctx, t, apps)
	if err != nil {
		return silent(err)
	}
	ctx, cancel := context.WithTimeout(ctx, decideTimeout)
	defer cancel()
	result, err := c.decide(ctx, t, id)
	if err != nil {
		return err
	}
	return c.Print(p.Stdout, result, func(w io.Writer) {
		fmt.Fprintf(w, "Decided: %s. %s %s for %d s, ledger entry %s\n",
			result.Outcome, result.Amount, result.Currency, result.BilledSeconds, printable(result.LedgerKey))
	})
}

// workflow finds the call among the apps.
func (c reviewDecideCommand) workflow(ctx context.Context, t client.Client, apps []tencent.SDKAppID) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	var found []string
	for _, app := range apps {
		id := workflows.AfterCallID(app, c.CallID)
		_, err := t.DescribeWorkflowExecution(ctx, id, "")
		if errors.As(err, new(*serviceerror.NotFound)) {
			continue
		}
		if err != nil {
			return "", fmt.Errorf("find the call: %w", err)
		}
		found = append(found, id)
	}
	switch len(found) {
	case 0:
		return "", cli.Errorf(cli.NotFound, "see worker review list", "no workflow handles a call %s", printable(c.CallID))
	case 1:
		return found[0], nil
	}
	return "", cli.Errorf(cli.Usage, "name the app with --app", "several apps have a call %s", printable(c.CallID))
}

func (c reviewDecideCommand) decide(ctx context.Context, t client.Client, id string) (result workflows.DecideResult, err error) {
	handle, err := t.UpdateWorkflow(ctx, client.UpdateWorkflowOptions{
		WorkflowID: id, UpdateName: workflows.UpdateDecide, WaitForStage: client.WorkflowUpdateStageCompleted,
		Args: []any{workflows.DecideParams{
			Verdict: c.Verdict, ConnectedSeconds: c.ConnectedSeconds, MediaType: c.Media, CallType: c.CallType, By: c.Operator, Reason: c.Reason,
		}},
	})
	if err == nil {
		err = handle.Get(ctx, &result)
	}
	return result, refused(err)
}

// refused says in words why a decision was not carried out.
func refused(err error) error {
	var app *temporal.ApplicationError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &app):
		return &cli.Error{Code: cli.Refused, Err: fmt.Errorf("the decision was not carried out: %s", app.Message())}
	case errors.As(err, new(*serviceerror.NotFound)):
		return cli.Errorf(cli.Refused, "see what it came to: worker ledger show CALLID", "the call is not in review: its workflow has ended")
	case errors.Is(err, context.DeadlineExceeded) || errors.As(err, new(*client.WorkflowUpdateServiceTimeoutOrCanceledError)):
		return cli.Errorf(cli.Incomplete, "it may be carried out yet, when a worker and the ledger answer: look with worker review list", "the decision was not confirmed within %s", decideTimeout)
	}
	return silent(fmt.Errorf("decide: %w", err))
}
