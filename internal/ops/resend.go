package ops

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"aftercall/activities"
	"aftercall/internal/config"
	"aftercall/internal/ledger"
	"aftercall/internal/notify"
	"aftercall/internal/shell"
	"aftercall/workflows"
)

// ResendParams choose what is sent again.
type ResendParams struct {
	// CallID names one call; with Failed it is empty.
	CallID string
	// App narrows the search; empty is all apps.
	App string
	// Targets are names; empty means the subscribers of an event or, with Failed,
	// those that did not get it.
	Targets []string
	// Events are types; empty means all that the ledger has.
	Events []notify.EventType
	// NewID gives the messages new IDs.
	NewID bool
	// Failed resends what was not delivered since Since.
	Failed bool
	Since  time.Duration
	DryRun bool
}

// Resent is one event that is sent again.
type Resent struct {
	App       string           `json:"app"`
	CallID    string           `json:"call_id"`
	Event     notify.EventType `json:"event"`
	LedgerKey string           `json:"ledger_key"`
	MessageID string           `json:"message_id"`
	Targets   []string         `json:"targets"`
	// WorkflowID is empty in a dry run.
	WorkflowID string `json:"workflow_id,omitempty"`
	Link       string `json:"link,omitempty"`
	// Deliveries are those that have ended.
	Deliveries []workflows.Delivery `json:"deliveries,omitempty"`

	params workflows.DeliverParams
	token  string
}

// resendWait is how long a resent call is followed.
const resendWait = 10 * time.Second

// Resend sends events of the ledger again. The events and, without NewID, their
// message IDs are the same as before. A delivery that has failed already makes
// an error, with the result.
func (d *Deps) Resend(ctx context.Context, p ResendParams) ([]Resent, error) {
	cfg, err := d.Config()
	if err != nil {
		return nil, err
	}
	if err := p.validate(cfg); err != nil {
		return nil, err
	}
	apps, err := d.Apps(p.App)
	if err != nil {
		return nil, err
	}
	var all []Resent
	if p.Failed {
		all, err = d.undelivered(ctx, p, apps)
	} else {
		all, err = d.eventsOfCall(ctx, p, apps)
	}
	if err != nil {
		return nil, err
	}
	if !p.DryRun {
		if err := d.startResends(ctx, all); err != nil {
			return nil, err
		}
		if !p.Failed {
			if err := d.awaitResends(ctx, all); err != nil {
				return nil, err
			}
		}
	}
	return all, failedDelivery(all)
}

func (p ResendParams) validate(cfg *config.Config) error {
	if p.Failed == (p.CallID != "") {
		return Errorf(Usage, "", "give either a CallId or --failed")
	}
	for _, name := range p.Targets {
		if _, ok := cfg.Target(name); !ok {
			return unknownTarget("--target", name, cfg)
		}
	}
	for _, event := range p.Events {
		if !slices.Contains(notify.EventTypes, event) {
			return Errorf(Usage, "events are: "+strings.Join(words(notify.EventTypes), ", "), "--event: there is no event %q", event)
		}
	}
	if p.Failed && p.Since <= 0 {
		return Errorf(Usage, "", "--since: must be more than 0")
	}
	if !p.Failed {
		return validateCallID(p.CallID)
	}
	return nil
}

func unknownTarget(what, name string, cfg *config.Config) error {
	return Errorf(Usage, "targets are: "+strings.Join(targetNames(cfg.Targets), ", "), "%s: there is no target %q", what, name)
}

func targetNames(targets []config.Target) []string {
	names := make([]string, len(targets))
	for i, target := range targets {
		names[i] = target.Name
	}
	return names
}

// eventsOfCall returns the events of one call that are to be sent again.
func (d *Deps) eventsOfCall(ctx context.Context, p ResendParams, apps []*config.App) ([]Resent, error) {
	cfg, err := d.Config()
	if err != nil {
		return nil, err
	}
	var known []string
	var entries []ledger.Entry
	for _, app := range apps {
		found, err := d.callEntries(ctx, app, p.CallID)
		if err != nil {
			return nil, err
		}
		if len(found) > 0 {
			known, entries = append(known, app.Name), found
		}
	}
	switch len(known) {
	case 0:
		return nil, Errorf(NotFound, shell.Command("aftercall call", p.CallID)+" says where it is", "the ledger has no entry of call %s, so there is nothing to send", p.CallID)
	case 1:
	default:
		return nil, ambiguousCall(known)
	}
	var all []Resent
	for _, entry := range entries {
		targets := p.Targets
		event, _ := activities.EventOf(entry)
		if len(targets) == 0 {
			targets = cfg.Subscribers(event)
		}
		if p.includes(event.Type) && len(targets) > 0 {
			all = append(all, p.resend(entry, targets))
		}
	}
	if len(all) == 0 {
		return nil, Errorf(Refused, "name targets with --target, or look at targets[].events in the configuration", "no target is subscribed to what the ledger has of call %s", p.CallID)
	}
	return all, nil
}

func (p ResendParams) includes(event notify.EventType) bool {
	return len(p.Events) == 0 || slices.Contains(p.Events, event)
}

// resend prepares the delivery of an entry to targets.
func (p ResendParams) resend(entry ledger.Entry, targets []string) Resent {
	token := "resend-" + uuid.NewString()
	event, id := activities.EventOf(entry)
	if p.NewID {
		id = notify.MessageID(entry.SDKAppID, entry.CallID(), event.Type, token)
	}
	return Resent{
		App: entry.App, CallID: entry.CallID(), Event: event.Type, LedgerKey: entry.Key, MessageID: id, Targets: targets,
		params: workflows.DeliverParams{Event: event, MessageID: id, Targets: targets}, token: token,
	}
}

// startResends starts the deliveries.
func (d *Deps) startResends(ctx context.Context, all []Resent) error {
	calls, err := d.starts()
	if err != nil {
		return err
	}
	for i := range all {
		r := &all[i]
		if _, err := ask(ctx, func(ctx context.Context) (bool, error) { return calls.StartDeliver(ctx, r.token, r.params) }); err != nil {
			explained := d.temporalError(err)
			return &Error{Kind: Failed, Cure: cureOf(explained), Err: fmt.Errorf("%d of %d were started: %w", i, len(all), explained)}
		}
		r.WorkflowID = workflows.DeliverID(r.params.Event, r.token)
		r.Link = d.link(r.WorkflowID, "")
	}
	return nil
}

// awaitResends waits a little for the deliveries; they go on without it.
func (d *Deps) awaitResends(ctx context.Context, all []Resent) error {
	c, _, err := d.Temporal()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, resendWait)
	defer cancel()
	for i := range all {
		var result workflows.DeliverResult
		switch err := c.GetWorkflow(ctx, all[i].WorkflowID, "").Get(ctx, &result); {
		case err == nil:
			all[i].Deliveries = result.Deliveries
		case ctx.Err() != nil:
			return nil
		default:
			return Errorf(Failed, "", "the delivery %s failed: %w", all[i].WorkflowID, err)
		}
	}
	return nil
}

// failedDelivery returns the first delivery that has failed as an error.
func failedDelivery(all []Resent) error {
	for _, r := range all {
		for _, delivery := range r.Deliveries {
			if !delivery.Delivered {
				return Errorf(Failed, "fix the target, and run the same command again", "%s did not accept %s of call %s: %s", delivery.Target, delivery.Event, r.CallID, delivery.Error)
			}
		}
	}
	return nil
}
