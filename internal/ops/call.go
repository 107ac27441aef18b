package ops

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"aftercall/internal/config"
	"aftercall/internal/dedupe"
	"aftercall/internal/ledger"
	"aftercall/internal/shell"
	"aftercall/internal/tencent"
)

// CallStatus is what Redis, Temporal and the ledger have about a call.
type CallStatus struct {
	App      string           `json:"app"`
	SDKAppID tencent.SDKAppID `json:"sdk_app_id"`
	CallID   string           `json:"call_id"`
	// Summary says in one line where the call is.
	Summary string `json:"summary"`
	// Redis is null when it did not answer.
	Redis *RedisStatus `json:"redis"`
	// Workflow is null when there is none any more, or Temporal did not answer.
	Workflow *WorkflowStatus `json:"workflow"`
	// Ledger is null when it did not answer.
	Ledger []LedgerEntry `json:"ledger"`
	// Costs is what the call costs now, null if the ledger has no entry of it.
	Costs *Costs `json:"costs"`
	// Deliveries are those outside of the call's own workflow: of corrections,
	// and what was resent.
	Deliveries []DeliveryWorkflow `json:"deliveries"`
	// TemporalAnswered distinguishes a workflow that does not exist from one that could not be looked up.
	TemporalAnswered bool `json:"temporal_answered"`
	// Problems are the systems that did not answer, and why.
	Problems []string `json:"problems"`
}

// RedisStatus is what Redis remembers of a call.
type RedisStatus struct {
	Known bool `json:"known"`
	// Started is false while the start of the workflow is not confirmed.
	Started        bool  `json:"started"`
	ExpiresSeconds int64 `json:"expires_seconds"`
}

// Sum is what the entry bills, for people.
func (e LedgerEntry) Sum() string {
	if e.Adjusts() {
		return e.Amount + " " + e.Currency
	}
	return fmt.Sprintf("%s %s for %d s", e.Amount, e.Currency, e.BilledSeconds)
}

const checkCure = "aftercall check says what is wrong"

// Call looks a call up in one app, or in all if appName is empty. A status that
// lacks the answer of a system comes with an error of kind Incomplete.
func (d *Deps) Call(ctx context.Context, callID, appName string) (*CallStatus, error) {
	if err := validateCallID(callID); err != nil {
		return nil, err
	}
	apps, err := d.Apps(appName)
	if err != nil {
		return nil, err
	}
	all := make([]CallStatus, len(apps))
	var wg sync.WaitGroup
	for i, app := range apps {
		wg.Go(func() { all[i] = d.lookUpCall(ctx, app, callID) })
	}
	wg.Wait()
	status, err := chooseCall(all, callID)
	if err == nil && len(status.Problems) > 0 {
		err = Errorf(Incomplete, checkCure, "this is not all: %s", strings.Join(status.Problems, "; "))
	}
	return status, err
}

func validateCallID(callID string) error {
	if err := tencent.ValidateCallID("CallId", callID); err != nil {
		return &Error{Kind: Usage, Err: err}
	}
	return nil
}

// chooseCall returns the status of the app that knows the call.
func chooseCall(all []CallStatus, callID string) (found *CallStatus, err error) {
	var known []string
	for i, s := range all {
		if s.known() {
			found, known = &all[i], append(known, s.App)
		}
	}
	problems := all[0].Problems
	switch {
	case len(known) == 1:
		return found, nil
	case len(known) > 1:
		return nil, ambiguousCall(known)
	case len(problems) > 0:
		return nil, Errorf(Incomplete, checkCure, "no system that answers knows the call %s; but %s", callID, strings.Join(problems, "; "))
	}
	app := "APP"
	if len(all) == 1 {
		app = all[0].App
	}
	return nil, Errorf(NotFound, "if Tencent has its record, this starts it: "+shell.Command("aftercall start --app "+app, callID),
		"the call %s is unknown: its callback never arrived, or belongs to another app, or the CallId is wrong", callID)
}

func ambiguousCall(apps []string) error {
	return Errorf(Usage, "name one with --app", "several apps have a call with this CallId: %s", strings.Join(apps, ", "))
}

func (s *CallStatus) known() bool {
	return s.Workflow != nil || len(s.Ledger) > 0 || (s.Redis != nil && s.Redis.Known)
}

// lookUpCall asks every system about a call of an app.
func (d *Deps) lookUpCall(ctx context.Context, app *config.App, callID string) CallStatus {
	s := CallStatus{App: app.Name, SDKAppID: app.SDKAppID, CallID: callID, Deliveries: []DeliveryWorkflow{}, Problems: []string{}}
	problem := func(err error) { s.Problems = append(s.Problems, err.Error()) }
	var err error
	if s.Redis, err = d.redisStatus(ctx, app, callID); err != nil {
		problem(err)
	}
	if err := d.readWorkflow(ctx, &s); err != nil {
		problem(err)
	}
	if s.TemporalAnswered {
		if s.Deliveries, err = d.deliveries(ctx, app, callID); err != nil {
			problem(err)
		}
	}
	entries, err := d.callEntries(ctx, app, callID)
	if err != nil {
		problem(err)
	} else {
		s.Ledger = []LedgerEntry{}
	}
	for _, e := range entries {
		s.Ledger = append(s.Ledger, newLedgerEntry(e))
	}
	if len(entries) > 0 {
		costs, err := costsOf(entries)
		if err != nil {
			problem(err)
		}
		s.Costs = &costs
	}
	s.Summary = s.summarize()
	return s
}

func (d *Deps) redisStatus(ctx context.Context, app *config.App, callID string) (*RedisStatus, error) {
	rdb, _, err := d.Redis()
	if err != nil {
		return nil, err
	}
	now := d.now(ctx)
	seen, err := ask(ctx, func(ctx context.Context) (dedupe.State, error) {
		return dedupe.Lookup(ctx, rdb, now, app.SDKAppID, callID)
	})
	if err != nil {
		return nil, fmt.Errorf("Redis does not answer: %w", err)
	}
	return &RedisStatus{Known: seen.Found, Started: seen.Started, ExpiresSeconds: int64(seen.ExpiresIn.Seconds())}, nil
}

// callEntries returns a call's entries in the ledger, in the order of booking.
func (d *Deps) callEntries(ctx context.Context, app *config.App, callID string) ([]ledger.Entry, error) {
	l, err := d.Ledger(ctx)
	if err != nil {
		return nil, err
	}
	entries, err := ask(ctx, func(ctx context.Context) ([]ledger.Entry, error) { return l.Get(ctx, app.SDKAppID, callID) })
	if err != nil && !errors.As(err, new(*Error)) {
		err = Errorf(Failed, "is the database up?", "the ledger does not answer: %w", err)
	}
	return entries, err
}

// summarize says in one line where the call is.
func (s *CallStatus) summarize() string {
	switch {
	case s.Workflow != nil && s.Workflow.State == "running":
		return s.Workflow.summarize()
	case s.unsettled():
		return "NOT NOTIFIED: its workflow failed, " + s.Ledger[0].Sum() + " are in the ledger; " + conflictCure(s.Workflow.WorkflowID, s.CallID, true)
	case len(s.Ledger) > 1:
		return "done: corrected, costs " + s.Costs.String() + " now"
	case len(s.Ledger) > 0:
		return "done: charge of " + s.Ledger[0].Sum()
	case s.Workflow != nil && s.Workflow.State == "failed":
		return "NOT CHARGED: its workflow failed; " + conflictCure(s.Workflow.WorkflowID, s.CallID, false)
	case s.Workflow != nil:
		return "NOT CHARGED: not in the ledger, although its workflow is " + s.Workflow.State + "; start it with aftercall start"
	case len(s.Problems) > 0:
		return "unknown: not every system answers"
	default:
		return "NOT CHARGED: Redis remembers a start, but there is neither a workflow nor a ledger entry; start it with aftercall start"
	}
}

// unsettled reports whether the workflow has failed because the ledger had
// another sum, and nothing was done since: no correction, and no delivery.
func (s *CallStatus) unsettled() bool {
	if len(s.Ledger) == 0 || s.Workflow == nil || s.Workflow.State != "failed" {
		return false
	}
	for _, e := range s.Ledger {
		if e.Kind != ledger.KindCharge || e.Revision > 1 {
			return false
		}
	}
	return !slices.ContainsFunc(s.Deliveries, func(d DeliveryWorkflow) bool {
		return d.State == "completed" && d.StartedAt.After(s.Workflow.ClosedAt)
	})
}
