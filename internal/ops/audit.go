package ops

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"

	"aftercall/internal/config"
	"aftercall/internal/ledger"
	"aftercall/internal/sweep"
	"aftercall/internal/tencent"
	"aftercall/workflows"
)

// maxDeviations is how many deviations of each app are returned; all are counted.
const maxDeviations = 100

// RecordAudit compares the ledger with Tencent's call records of one app.
type RecordAudit struct {
	App      string           `json:"app"`
	SDKAppID tencent.SDKAppID `json:"sdk_app_id"`
	From     time.Time        `json:"from"`
	To       time.Time        `json:"to"`
	// Records were listed by Tencent, Compared are those with an entry.
	Records  int `json:"records"`
	Compared int `json:"compared"`
	// Running have no entry yet, but a running workflow: in review, for example.
	Running int `json:"running"`
	// Unconfirmed were charged without a record, as a person or the app's without_record
	// decided.
	Unconfirmed int       `json:"unconfirmed"`
	Missing     int       `json:"missing"`
	Extra       int       `json:"extra"`
	Different   int       `json:"different"`
	Found       []Problem `json:"found"`
}

// incompleteAuditError says that a part could not be compared; what was found
// is still true.
type incompleteAuditError struct{ error }

// auditRecords compares the ledger with the records of every configured app.
func (d *Deps) auditRecords(ctx context.Context, l *ledger.Ledger) ([]RecordAudit, error) {
	apps, err := d.Apps("")
	if err != nil {
		return nil, err
	}
	t, _, err := d.Temporal()
	if err != nil {
		return nil, err
	}
	var all []RecordAudit
	var incomplete error
	for _, app := range apps {
		records, err := d.Tencent(app)
		if err != nil {
			return nil, err
		}
		from, err := beginning(ctx, l, app)
		if err != nil {
			return nil, err
		}
		audit := recordAudit{
			app: *app, beginning: from, ledger: l, records: waitingClient{records}, now: d.now(ctx),
			isRunning: func(ctx context.Context, callID string) (bool, error) {
				return isRunning(ctx, t, workflows.AfterCallID(app.SDKAppID, callID))
			},
		}
		if err := audit.run(ctx); err != nil {
			if ctx.Err() != nil {
				return all, ctx.Err()
			}
			incomplete = errors.Join(incomplete, &incompleteAuditError{fmt.Errorf("not all records of %s were compared: %w", app.Name, err)})
		}
		all = append(all, audit.result)
	}
	return all, incomplete
}

// isRunning reports whether a workflow is running.
func isRunning(ctx context.Context, t client.Client, id string) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	description, err := t.DescribeWorkflowExecution(ctx, id, "")
	if errors.As(err, new(*serviceerror.NotFound)) {
		return false, nil
	}
	return err == nil && description.GetWorkflowExecutionInfo().GetStatus() == enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING, err
}

// recordAudit compares the ledger with the records of one app, one window at a
// time.
type recordAudit struct {
	app config.App
	// beginning is when the app began to charge, if that is known.
	beginning time.Time
	ledger    *ledger.Ledger
	records   recordClient
	now       time.Time
	isRunning func(ctx context.Context, callID string) (bool, error)
	result    RecordAudit
	// reported are the calls that deviate: neighbouring windows may both list one.
	reported map[string]bool
}

func (a *recordAudit) run(ctx context.Context) error {
	a.reported = map[string]bool{}
	a.result = RecordAudit{App: a.app.Name, SDKAppID: a.app.SDKAppID, Found: []Problem{}}
	windows := sweep.Windows(time.Time{}, a.beginning, a.now, a.app.Sweep.Settings())
	if len(windows) == 0 {
		return nil
	}
	var unread error
	a.result.From, a.result.To = windows[0].From.UTC(), windows[len(windows)-1].To.UTC()
	for len(windows) > 0 {
		w := windows[0]
		listing, err := sweep.List(ctx, a.records, w, func() {})
		if halves, ok := w.Halves(); ok && errors.Is(err, sweep.ErrWindowTooLarge) {
			windows = append(halves, windows[1:]...)
			continue
		}
		if err != nil {
			return err
		}
		if listing.Unread != nil { // the rows before it are compared
			unread = listing.Unread
		}
		windows = windows[1:]
		if err := a.window(ctx, w, listing.Rows); err != nil {
			return err
		}
		for _, row := range listing.Unreadable {
			a.report(&a.result.Missing, ProblemMissing, "row "+row.Hash, "Tencent lists a record whose CallId cannot be read: "+tencent.DescribeProblems(row.Problems))
		}
	}
	return unread
}

// window compares what Tencent listed of one window, in both directions.
func (a *recordAudit) window(ctx context.Context, w sweep.Window, rows []tencent.RecordRow) error {
	ids := make([]string, 0, len(rows))
	listed := make(map[string]bool, len(rows))
	for _, row := range rows {
		ids = append(ids, row.Record.CallID)
		listed[row.Record.CallID] = true
	}
	entries, err := a.ledger.Entries(ctx, a.app.SDKAppID, ids)
	if err != nil {
		return err
	}
	for _, row := range rows {
		if err := a.record(ctx, row, entries[row.Record.CallID]); err != nil {
			return err
		}
	}
	return a.extra(ctx, w, listed)
}

// record compares one of Tencent's records with the entries of its call.
func (a *recordAudit) record(ctx context.Context, row tencent.RecordRow, entries []ledger.Entry) error {
	r := row.Record
	if len(entries) == 0 && r.EndTime > 0 && (r.EndedAt().Before(a.beginning) || r.EndedAt().After(a.result.To)) {
		return nil // such calls are not charged, or not yet
	}
	a.result.Records++
	if len(entries) > 0 {
		a.result.Compared++
		if len(row.Problems) > 0 {
			a.reportUnreadable(entries[0], row.Problems)
			return nil
		}
		return a.compare(entries[0].Record, r)
	}
	running, err := a.isRunning(ctx, r.CallID)
	ended := "ended " + r.EndedAt().Format(time.RFC3339)
	switch {
	case running:
		a.result.Running++
	case err != nil:
		a.report(&a.result.Missing, ProblemMissing, r.CallID, ended+"; Temporal does not say whether its workflow is running: "+err.Error())
	default:
		a.report(&a.result.Missing, ProblemMissing, r.CallID, ended+" and was never charged; aftercall backfill charges it")
	}
	return nil
}

func (a *recordAudit) compare(ours, theirs tencent.CallRecord) error {
	differences, err := tencent.Differences(ours, theirs)
	if err != nil || len(differences) == 0 {
		return err
	}
	texts := make([]string, len(differences))
	for i, d := range differences {
		texts[i] = fmt.Sprintf("%s was %s and is %s", d.Field, d.Callback, d.Record)
	}
	a.report(&a.result.Different, ProblemDifferent, ours.CallID, strings.Join(texts, ", "))
	return nil
}

// extra examines the calls of a window that the ledger has and Tencent did not
// list. Since it is not documented whether a listing selects by the start or the
// end of a call, Tencent is asked for each of them by its CallId.
func (a *recordAudit) extra(ctx context.Context, w sweep.Window, listed map[string]bool) error {
	f := ledger.Filter{SDKAppID: a.app.SDKAppID, From: w.From, To: w.To, Kind: ledger.KindCharge}
	for e, err := range a.ledger.List(ctx, f) {
		if err != nil {
			return err
		}
		if e.Revision > 1 || listed[e.CallID()] {
			continue
		}
		if d := e.Charge.Decision(); d != nil && d.Unconfirmed || e.Charge.Unrecorded() != "" {
			a.result.Unconfirmed++
			continue
		}
		record, err := a.records.Record(ctx, e.CallID())
		var apiErr *tencent.APIError
		var unreadable *tencent.UnreadableRecordError
		switch {
		case errors.As(err, &unreadable):
			a.reportUnreadable(e, unreadable.Problems)
		case errors.As(err, &apiErr) && apiErr.Code == tencent.CodeRecordNotFound:
			a.report(&a.result.Extra, ProblemExtra, e.CallID(), "Tencent has no record of it")
		case err != nil:
			return err
		default:
			if err := a.compare(e.Record, record); err != nil {
				return err
			}
		}
	}
	return nil
}

// reportUnreadable reports a charged call whose record cannot be compared, unless
// a person has decided what to charge.
func (a *recordAudit) reportUnreadable(e ledger.Entry, problems []tencent.FieldError) {
	if e.Charge.Decision() != nil {
		return
	}
	a.report(&a.result.Different, ProblemDifferent, e.CallID(), "Tencent's record cannot be read: "+tencent.DescribeProblems(problems))
}

// report counts a deviating call once.
func (a *recordAudit) report(count *int, kind ProblemKind, callID, problem string) {
	if a.reported[callID] {
		return
	}
	a.reported[callID] = true
	*count++
	if len(a.result.Found) < maxDeviations {
		a.result.Found = append(a.result.Found, Problem{Kind: kind, SDKAppID: a.app.SDKAppID, CallID: callID, Problem: problem})
	}
}
