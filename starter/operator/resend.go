package operator

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"aftercall/activities"
	cli "aftercall/internal/oldcli"
	"aftercall/internal/config"
	"aftercall/internal/ledger"
	"aftercall/internal/notify"
	"aftercall/internal/tencent"
	"aftercall/workflows"
	"aftercall/workflows/launch"
)

type resendCommand struct {
	cli.Output
	CallID string             `arg:"" optional:"" name:"CallId" help:"The call."`
	App    string             `help:"Name or SDKAppID of the app; left out, all apps are searched."`
	Target []string           `help:"Names of the targets to tell; left out, with a CallId those that want to hear of the event, with --failed those that were not told."`
	Event  []notify.EventType `help:"Events to tell of, such as call.charged; left out, all that the ledger has."`
	NewID  bool               `name:"new-id" help:"Give the messages new IDs, so that a receiver does not drop them as repetitions."`
	Failed bool               `help:"Send again what was not delivered, instead of one call."`
	Since  time.Duration      `help:"With --failed: how far back to look, by when the delivery was given up." default:"24h"`
	DryRun bool               `help:"Say what would be sent, and send nothing."`
}

// Help teaches.
func (resendCommand) Help() string {
	return `Tells targets of a call again. The events are made from the ledger, byte for
byte as they were, and have the same message IDs: a receiver that has one drops
it, unless --new-id gives it another. Nothing is charged or changed. Every run
is a delivery of its own, so that it works as often as you like.

With --failed, everything that targets refused, or did not take within their
horizon, is sent again; not what another run has delivered since.

Examples:

  starter resend 055662e1-bc8a-469c-a334-1126c8c17d58
  starter resend 055662e1-bc8a-469c-a334-1126c8c17d58 --target crm --new-id
  starter resend --failed --since 72h --target crm --dry-run`
}

// resendWait is how long a resent call is followed.
const resendWait = 10 * time.Second

// resent is one event that is told again.
type resent struct {
	App       string           `json:"app"`
	CallID    string           `json:"call_id"`
	Event     notify.EventType `json:"event"`
	LedgerKey string           `json:"ledger_key"`
	MessageID string           `json:"message_id"`
	Targets   []string         `json:"targets"`
	// WorkflowID is empty in a dry run.
	WorkflowID string `json:"workflow_id,omitempty"`
	Link       string `json:"link,omitempty"`
	// Deliveries are known if they have ended before the command has.
	Deliveries []workflows.Delivery `json:"deliveries,omitempty"`

	params workflows.DeliverParams
	token  string
}

// Run sends again.
func (c resendCommand) Run(ctx context.Context, p cli.Process) error {
	if c.Failed == (c.CallID != "") {
		return cli.Errorf(cli.Usage, "", "give either a CallId or --failed")
	}
	t, err := open(ctx, p)
	if err != nil {
		return err
	}
	defer t.close()
	if err := c.validate(t.config); err != nil {
		return err
	}
	apps, err := t.apps(c.App)
	if err != nil {
		return err
	}
	var all []resent
	if c.Failed {
		all, err = c.failed(ctx, t, apps)
	} else {
		all, err = c.call(ctx, t, apps)
	}
	if err != nil {
		return err
	}
	if !c.DryRun {
		if err := c.start(ctx, t, all); err != nil {
			return err
		}
	}
	if err := c.Print(p.Stdout, all, func(w io.Writer) { c.write(w, all) }); err != nil {
		return err
	}
	return refused(all)
}

func (c resendCommand) validate(cfg *config.Config) error {
	for _, name := range c.Target {
		if _, ok := cfg.Target(name); !ok {
			return cli.Errorf(cli.Usage, "configured are: "+strings.Join(targetNames(cfg.Targets), ", "), "--target: there is no target %q", name)
		}
	}
	for _, event := range c.Event {
		if !slices.Contains(notify.EventTypes, event) {
			return cli.Errorf(cli.Usage, fmt.Sprintf("there are: %v", notify.EventTypes), "--event: there is no event %q", event)
		}
	}
	if c.Failed && c.Since <= 0 {
		return cli.Errorf(cli.Usage, "", "--since must be more than 0")
	}
	return nil
}

func targetNames(targets []config.Target) []string {
	names := make([]string, len(targets))
	for i, target := range targets {
		names[i] = target.Name
	}
	return names
}

// call is what there is to tell of one call.
func (c resendCommand) call(ctx context.Context, t *tools, apps []*config.App) ([]resent, error) {
	if err := tencent.ValidateCallID("CallId", c.CallID); err != nil {
		return nil, cli.Errorf(cli.Usage, "", "%w", err)
	}
	var known []string
	var entries []ledger.Entry
	for _, app := range apps {
		found, err := t.entries(ctx, app, c.CallID)
		if err != nil {
			return nil, err
		}
		if len(found) > 0 {
			known, entries = append(known, app.Name), found
		}
	}
	switch len(known) {
	case 0:
		return nil, cli.Errorf(cli.NotFound, "starter call "+c.CallID+" says where it stands", "the ledger has no entry of call %s, so there is nothing to tell", c.CallID)
	case 1:
	default:
		return nil, cli.Errorf(cli.Usage, "say which with --app", "several apps know this CallId: %s", strings.Join(known, ", "))
	}
	var all []resent
	for _, entry := range entries {
		targets := c.Target
		event, _ := activities.EventOf(entry)
		if len(targets) == 0 {
			targets = t.config.Subscribers(event)
		}
		if c.tells(event.Type) && len(targets) > 0 {
			all = append(all, c.resend(entry, targets))
		}
	}
	if len(all) == 0 {
		return nil, cli.Errorf(cli.Refused, "name targets with --target, or look at targets[].events in the configuration", "no target wants to hear what the ledger has of call %s", c.CallID)
	}
	return all, nil
}

func (c resendCommand) tells(event notify.EventType) bool {
	return len(c.Event) == 0 || slices.Contains(c.Event, event)
}

// resend is the delivery of an entry to targets, not yet started.
func (c resendCommand) resend(entry ledger.Entry, targets []string) resent {
	token := "resend-" + uuid.NewString()
	event, id := activities.EventOf(entry)
	if c.NewID {
		id = notify.MessageID(entry.SDKAppID, entry.CallID(), event.Type, token)
	}
	return resent{
		App: entry.App, CallID: entry.CallID(), Event: event.Type, LedgerKey: entry.Key, MessageID: id, Targets: targets,
		params: workflows.DeliverParams{Event: event, MessageID: id, Targets: targets}, token: token,
	}
}

// start starts the deliveries, and waits a little for those of one call.
func (c resendCommand) start(ctx context.Context, t *tools, all []resent) error {
	calls := launch.NewCalls(t.temporal, t.settings.TaskQueue)
	for i := range all {
		r := &all[i]
		if _, err := ask(ctx, func(ctx context.Context) (bool, error) { return calls.StartDeliver(ctx, r.token, r.params) }); err != nil {
			return fmt.Errorf("%d of %d were started: %w", i, len(all), t.temporalError(err))
		}
		r.WorkflowID = workflows.DeliverID(r.params.Event, r.token)
		r.Link = t.link(r.WorkflowID, "")
	}
	if c.Failed {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, resendWait)
	defer cancel()
	for i := range all {
		var result workflows.DeliverResult
		switch err := t.temporal.GetWorkflow(ctx, all[i].WorkflowID, "").Get(ctx, &result); {
		case err == nil:
			all[i].Deliveries = result.Deliveries
		case ctx.Err() != nil:
			return nil // it goes on without
		default:
			return cli.Errorf(cli.Failed, "", "the delivery %s failed: %w", all[i].WorkflowID, err)
		}
	}
	return nil
}

func (c resendCommand) write(w io.Writer, all []resent) {
	if len(all) == 0 {
		fmt.Fprintln(w, "Nothing is undelivered.")
		return
	}
	rows := make([][]string, 0, len(all))
	for _, r := range all {
		rows = append(rows, []string{r.App, r.CallID, string(r.Event), strings.Join(r.Targets, "\n"), c.became(r), r.MessageID})
	}
	cli.Table(w, []string{"app", "call", "event", "targets", "became", "message"}, rows...)
}

// became is one line for each target.
func (c resendCommand) became(r resent) string {
	switch {
	case c.DryRun:
		return "would be sent"
	case len(r.Deliveries) == 0:
		return "under way: " + r.WorkflowID
	}
	lines := make([]string, len(r.Deliveries))
	for i, d := range r.Deliveries {
		lines[i] = "delivered"
		if !d.Delivered {
			lines[i] = d.Error
		}
	}
	return strings.Join(lines, "\n")
}

// refused makes a delivery that has failed already a failure of the command.
func refused(all []resent) error {
	for _, r := range all {
		for _, d := range r.Deliveries {
			if !d.Delivered {
				return cli.Errorf(cli.Failed, "mend the target, and run the same command again", "%s did not take %s of call %s: %s", d.Target, d.Event, r.CallID, d.Error)
			}
		}
	}
	return nil
}
