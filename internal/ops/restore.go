package ops

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	workflowpb "go.temporal.io/api/workflow/v1"

	"aftercall/activities"
	"aftercall/internal/billing"
	"aftercall/internal/config"
	"aftercall/internal/ledger"
	"aftercall/internal/shell"
	"aftercall/internal/tencent"
	"aftercall/workflows"
	"aftercall/workflows/launch"
)

// RestoreParams say what a ledger that has lost entries is compared with.
type RestoreParams struct {
	// App narrows the search; empty is all apps.
	App string
	// Ended is when the workflows ended; empty is as long as Temporal retains them. Those
	// that run are always compared.
	Ended Range
	Zone  string
	// Apply books what is missing. Otherwise nothing is booked.
	Apply bool
	// Notify notifies the targets again of what is booked.
	Notify bool
}

// Restoration is the result of comparing the ledger with the workflows that wrote it.
type Restoration struct {
	Applied bool `json:"applied"`
	// Workflows were compared. Of them, InLedger are those whose call has entries.
	Workflows int `json:"workflows"`
	InLedger  int `json:"in_ledger"`
	// Booked are the missing entries that were booked, Open those that are missing still.
	Booked int `json:"booked"`
	Open   int `json:"open"`
	// NotNotified counts booked entries whose notification could not be started.
	NotNotified int            `json:"not_notified"`
	Missing     []MissingEntry `json:"missing"`
}

// MissingEntry is an entry that the ledger has lost, or a call that was never charged.
type MissingEntry struct {
	App      string           `json:"app"`
	SDKAppID tencent.SDKAppID `json:"sdk_app_id"`
	CallID   string           `json:"call_id"`
	// Key, Amount and Currency are those of the entry; empty if there was none.
	Key      string `json:"key"`
	Amount   string `json:"amount"`
	Currency string `json:"currency"`
	Booked   bool   `json:"booked"`
	// Problem is why it cannot be booked; empty if it can be.
	Problem string `json:"problem"`
	// Cure says what to do; empty once it is booked.
	Cure string `json:"cure"`
}

// restoreBatch is how many calls are looked up at once.
const restoreBatch = 500

// Restore finds what the ledger has lost, as after the restore of an older copy, and
// books it as it was if p.Apply: charges from the histories of their workflows, and
// corrections from their notifications. It needs Temporal, but no worker, and no
// record from Tencent. A ledger that lacks something is an error, with the result.
func (d *Deps) Restore(ctx context.Context, p RestoreParams) (*Restoration, error) {
	r, err := d.newRestorer(ctx, p)
	if err != nil {
		return nil, err
	}
	if err := r.charges(ctx); err != nil {
		return nil, err
	}
	if err := r.corrections(ctx); err != nil {
		return nil, err
	}
	return &r.result, r.check()
}

func (d *Deps) newRestorer(ctx context.Context, p RestoreParams) (*restorer, error) {
	zone, err := Zone(p.Zone)
	if err != nil {
		return nil, err
	}
	r := &restorer{Deps: d, params: p, raters: map[string]*billing.Rater{}, result: Restoration{Applied: p.Apply, Missing: []MissingEntry{}}}
	if r.from, r.to, err = p.Ended.Parse(zone); err != nil {
		return nil, err
	}
	if r.apps, err = d.Apps(p.App); err != nil {
		return nil, err
	}
	if r.calls, err = d.starts(); err != nil {
		return nil, err
	}
	open := d.Ledger
	if p.Apply {
		open = d.WritableLedger
	}
	r.ledger, err = open(ctx)
	return r, err
}

// restorer compares the ledger with the workflows that wrote it.
type restorer struct {
	*Deps
	params    RestoreParams
	from, to  time.Time
	apps      []*config.App
	calls     launch.Calls
	ledger    *ledger.Ledger
	raters    map[string]*billing.Rater
	result    Restoration
	notifyErr error
}

// callRun is a run of a call's workflow.
type callRun struct {
	app           *config.App
	callID, runID string
}

// lostCall is a call without an entry, and the runs of its workflow, the newest first.
type lostCall struct {
	app    *config.App
	callID string
	runs   []string
}

// query is the List Filter of the workflows of a type that ended in the time range, or
// have not ended: what they still do, as notifying a target, follows what they have booked.
func (r *restorer) query(workflowType string) string {
	query := fmt.Sprintf("WorkflowType = %q", workflowType)
	var ended []string
	if !r.from.IsZero() {
		ended = append(ended, fmt.Sprintf("CloseTime >= %q", r.from.UTC().Format(time.RFC3339)))
	}
	if !r.to.IsZero() {
		ended = append(ended, fmt.Sprintf("CloseTime < %q", r.to.UTC().Format(time.RFC3339)))
	}
	if len(ended) > 0 {
		query += " AND (ExecutionStatus = 'Running' OR (" + strings.Join(ended, " AND ") + "))"
	}
	return query
}

// charges finds the calls that have no entry, and books what their workflows charged.
func (r *restorer) charges(ctx context.Context) error {
	var batch []callRun
	lost := &lostCalls{byID: map[string]*lostCall{}}
	err := r.eachWorkflow(ctx, r.query(workflows.AfterCallName), func(e *workflowpb.WorkflowExecutionInfo) error {
		app, callID, ok := callOfWorkflow(e.GetExecution().GetWorkflowId(), r.apps)
		if !ok {
			return nil
		}
		batch = append(batch, callRun{app, callID, e.GetExecution().GetRunId()})
		if len(batch) < restoreBatch {
			return nil
		}
		defer func() { batch = batch[:0] }()
		return r.lookUp(ctx, batch, lost)
	})
	if err == nil {
		err = r.lookUp(ctx, batch, lost)
	}
	if err != nil {
		return err
	}
	for _, c := range lost.inOrder {
		if err := r.charge(ctx, c); err != nil {
			return err
		}
	}
	return nil
}

// lostCalls are in memory all at once, unlike what is in the ledger.
type lostCalls struct {
	byID    map[string]*lostCall
	inOrder []*lostCall
}

func (l *lostCalls) add(run callRun) {
	id := workflows.AfterCallID(run.app.SDKAppID, run.callID)
	if l.byID[id] == nil {
		l.byID[id] = &lostCall{app: run.app, callID: run.callID}
		l.inOrder = append(l.inOrder, l.byID[id])
	}
	l.byID[id].runs = append(l.byID[id].runs, run.runID)
}

// lookUp adds those runs to lost whose calls are not in the ledger.
func (r *restorer) lookUp(ctx context.Context, batch []callRun, lost *lostCalls) error {
	byApp := map[tencent.SDKAppID][]string{}
	for _, run := range batch {
		byApp[run.app.SDKAppID] = append(byApp[run.app.SDKAppID], run.callID)
	}
	known := map[tencent.SDKAppID]map[string]bool{}
	for app, callIDs := range byApp {
		var err error
		if known[app], err = r.ledger.Known(ctx, app, callIDs); err != nil {
			return err
		}
	}
	for _, run := range batch {
		r.result.Workflows++
		if known[run.app.SDKAppID][run.callID] {
			r.result.InLedger++
			continue
		}
		lost.add(run)
	}
	return nil
}

// charge books the charge of a call as its workflow made it.
func (r *restorer) charge(ctx context.Context, c *lostCall) error {
	m := MissingEntry{App: c.app.Name, SDKAppID: c.app.SDKAppID, CallID: c.callID}
	id := workflows.AfterCallID(c.app.SDKAppID, c.callID)
	for _, runID := range c.runs {
		run, err := r.chargedRun(ctx, id, runID)
		if err != nil {
			return err
		}
		if run.charge == nil {
			continue
		}
		data := run.charge.Event.Call
		m.Key, m.Amount, m.Currency = ledger.Key(ledger.KindCharge, 1, c.app.SDKAppID, c.callID), data.Amount, data.Currency
		if run.charge.LedgerKey != m.Key {
			continue // it found a correction
		}
		entry, err := r.rebuild(ctx, c.app, id, run)
		if err != nil {
			m.Problem, m.Cure = err.Error(), rebuildCure(c)
			r.add(m)
			return nil //nolint:nilerr // it is the problem of this call
		}
		return r.book(ctx, m, entry)
	}
	outcome, err := r.calls.Inspect(ctx, c.app.SDKAppID, c.callID)
	switch {
	case err != nil:
		return r.temporalError(err)
	case outcome == activities.StillRunning:
		return nil // it will charge the call
	}
	m.Problem = "its workflow has ended without charging it"
	m.Cure = "within seven days of the call: " + shell.Command("aftercall start --app", c.app.Name, c.callID)
	r.add(m)
	return nil
}

// rebuildCure is what to do about a charge that cannot be booked as it was.
func rebuildCure(c *lostCall) string {
	return "run this with the tariffs by which the call was charged, or charge it as it would be now, within seven days of it: " +
		shell.Command("aftercall start --app", c.app.Name, c.callID)
}

// book books the first charge of a call, if that is wanted.
func (r *restorer) book(ctx context.Context, m MissingEntry, e ledger.Entry) error {
	if !r.params.Apply {
		m.Cure = restoreCure
		r.add(m)
		return nil
	}
	stored, inserted, err := r.ledger.Charge(ctx, e)
	var conflict *ledger.ConflictError
	switch {
	case errors.As(err, &conflict): // charged meanwhile
		m.Problem, m.Cure = conflict.Error(), conflictCure(e.WorkflowID, m.CallID, true)
	case err != nil:
		return err
	case inserted:
		m.Booked = true
		r.notify(ctx, stored)
	default:
		return nil // the sweep was first, with the same sum
	}
	r.add(m)
	return nil
}

const restoreCure = "aftercall ledger restore --apply"

func (r *restorer) add(m MissingEntry) {
	if m.Booked {
		r.result.Booked++
	} else {
		r.result.Open++
	}
	r.result.Missing = append(r.result.Missing, m)
}

// notify notifies the targets again, if that is wanted. The messages have the IDs
// that they had, and the workflows have others, because the first may be retained.
func (r *restorer) notify(ctx context.Context, entries ...ledger.Entry) {
	if !r.params.Notify {
		return
	}
	for _, e := range entries {
		if r.notifyErr == nil {
			event, id := activities.EventOf(e)
			_, r.notifyErr = ask(ctx, func(ctx context.Context) (bool, error) {
				return r.calls.StartDeliver(ctx, "restored-"+deliveryToken(e), workflows.DeliverParams{Event: event, MessageID: id})
			})
		}
		if r.notifyErr != nil {
			r.result.NotNotified++
		}
	}
}

// check returns the error of a ledger that lacks something.
func (r *restorer) check() error {
	switch {
	case r.result.Open > 0:
		return Errorf(Refused, "", "the ledger lacks %d entries", r.result.Open)
	case r.notifyErr != nil:
		return &Error{Kind: Incomplete, Cure: "once Temporal answers: aftercall resend CALLID", Err: fmt.Errorf("the targets are not notified of %d entries: %w", r.result.NotNotified, r.notifyErr)}
	}
	return nil
}
