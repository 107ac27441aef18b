package operator

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"

	cli "aftercall/internal/oldcli"
	"aftercall/internal/config"
	"aftercall/internal/ledger"
	"aftercall/internal/ratelimit"
	"aftercall/internal/redisguard"
	"aftercall/internal/sweep"
	"aftercall/internal/tencent"
	"aftercall/worker/service"
	"aftercall/workflows"
)

// maxDeviations are printed of each app; all are counted.
const maxDeviations = 100

// recordsOfApp is how the ledger compares with Tencent's records of one app.
type recordsOfApp struct {
	App  string    `json:"app"`
	From time.Time `json:"from"`
	To   time.Time `json:"to"`
	// Records were listed by Tencent, Compared are those with an entry.
	Records  int `json:"records"`
	Compared int `json:"compared"`
	// UnderWay have no entry yet, but a workflow at work: in review, for example.
	UnderWay int `json:"under_way"`
	// Unconfirmed were charged without a record, as a person decided.
	Unconfirmed int         `json:"unconfirmed"`
	Missing     int         `json:"missing"`
	Extra       int         `json:"extra"`
	Different   int         `json:"different"`
	Deviations  []deviation `json:"deviations"`
}

// deviation is a call in which ledger and records disagree.
type deviation struct {
	Kind   string `json:"kind"`
	CallID string `json:"call_id"`
	Text   string `json:"text,omitempty"`
}

func (r recordsOfApp) print(w io.Writer) {
	for _, d := range r.Deviations {
		fmt.Fprintf(w, "%s: %s %s %s\n", r.App, d.Kind, printable(d.CallID), printable(d.Text))
	}
	fmt.Fprintf(w, "%s, Tencent's records from %s to %s: %d records, %d compared, %d under way, %d charged without a record; %d missing, %d extra, %d different.\n",
		r.App, r.From.UTC().Format(time.RFC3339), r.To.UTC().Format(time.RFC3339), r.Records, r.Compared, r.UnderWay, r.Unconfirmed, r.Missing, r.Extra, r.Different)
}

// incompleteError says that a part could not be asked; what was found stands.
type incompleteError struct{ error }

// compareRecords compares the ledger with the records of every configured app.
func compareRecords(ctx context.Context, p cli.Process, book *ledger.Ledger) ([]recordsOfApp, error) {
	settings, cfg, err := config.Worker(p.Environ)
	if err != nil {
		return nil, usage(err)
	}
	rdb, err := redisguard.NewClient(settings.RedisURL.Reveal(), redisguard.PatientTimeout)
	if err != nil {
		return nil, usage(err)
	}
	defer rdb.Close()
	reg := prometheus.NewRegistry()
	guard := redisguard.New(ctx, rdb, reg, slog.New(slog.DiscardHandler))
	defer guard.Close()
	clients := service.NewClients(cfg, nil, ratelimit.New(guard, reg), reg)
	t, err := connect(p)
	if err != nil {
		return nil, err
	}
	defer t.Close()

	var all []recordsOfApp
	var incomplete error
	for _, app := range cfg.Apps {
		check := recordCheck{
			app: app, book: book, records: patient{clients[app.SDKAppID]}, now: time.Now(),
			underWay: func(ctx context.Context, callID string) (bool, error) {
				return isRunning(ctx, t, workflows.AfterCallID(app.SDKAppID, callID))
			},
		}
		if err := check.run(ctx); err != nil {
			if ctx.Err() != nil {
				return all, ctx.Err()
			}
			incomplete = errors.Join(incomplete, &incompleteError{fmt.Errorf("the records of %s were not compared whole: %w", app.Name, err)})
		}
		all = append(all, check.found)
	}
	return all, incomplete
}

// isRunning reports whether a workflow is at work.
func isRunning(ctx context.Context, t client.Client, id string) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	description, err := t.DescribeWorkflowExecution(ctx, id, "")
	if errors.As(err, new(*serviceerror.NotFound)) {
		return false, nil
	}
	return err == nil && description.GetWorkflowExecutionInfo().GetStatus() == enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING, err
}

// recordSource is Tencent's record API; *tencent.Client is one.
type recordSource interface {
	sweep.Lister
	Record(ctx context.Context, callID string) (tencent.CallRecord, error)
}

// recordCheck compares the ledger with the records of one app, a stretch of
// time at a time.
type recordCheck struct {
	app      config.App
	book     *ledger.Ledger
	records  recordSource
	now      time.Time
	underWay func(ctx context.Context, callID string) (bool, error)
	found    recordsOfApp
	// told are the calls that deviate, which neighbouring stretches may both list.
	told map[string]bool
}

func (c *recordCheck) run(ctx context.Context) error {
	c.told = map[string]bool{}
	c.found = recordsOfApp{App: c.app.Name, Deviations: []deviation{}}
	windows := sweep.Windows(time.Time{}, c.app.GoLive, c.now, c.app.Sweep.Settings())
	if len(windows) == 0 {
		return nil
	}
	c.found.From, c.found.To = windows[0].From, windows[len(windows)-1].To
	for len(windows) > 0 {
		w := windows[0]
		records, err := sweep.List(ctx, c.records, w, func() {})
		if halves, ok := w.Halves(); ok && errors.Is(err, sweep.ErrWindowTooLarge) {
			windows = append(halves, windows[1:]...)
			continue
		}
		if err != nil {
			return err
		}
		windows = windows[1:]
		if err := c.window(ctx, w, records); err != nil {
			return err
		}
	}
	return nil
}

func (c *recordCheck) window(ctx context.Context, w sweep.Window, records []tencent.CallRecord) error {
	ids := make([]string, 0, len(records))
	listed := make(map[string]bool, len(records))
	for _, r := range records {
		ids = append(ids, r.CallID)
		listed[r.CallID] = true
	}
	entries, err := c.book.Entries(ctx, c.app.SDKAppID, ids)
	if err != nil {
		return err
	}
	for _, r := range records {
		if err := c.record(ctx, r, entries[r.CallID]); err != nil {
			return err
		}
	}
	return c.extra(ctx, w, listed)
}

// record compares one of Tencent's records with the entries of its call.
func (c *recordCheck) record(ctx context.Context, r tencent.CallRecord, entries []ledger.Entry) error {
	if len(entries) == 0 && (r.EndedAt().Before(c.app.GoLive) || r.EndedAt().After(c.found.To)) {
		return nil // nobody's business yet, or not any more
	}
	c.found.Records++
	if len(entries) > 0 {
		c.found.Compared++
		return c.compare(entries[0].Record, r)
	}
	running, err := c.underWay(ctx, r.CallID)
	switch {
	case running:
		c.found.UnderWay++
	case err != nil:
		c.tell(&c.found.Missing, deviation{"missing", r.CallID, "ended " + instant(r.EndTime) + "; Temporal cannot say whether it is under way: " + err.Error()})
	default:
		c.tell(&c.found.Missing, deviation{"missing", r.CallID, "ended " + instant(r.EndTime) + " and was never charged: starter backfill charges it"})
	}
	return nil
}

func (c *recordCheck) compare(ours, theirs tencent.CallRecord) error {
	differences, err := tencent.Differences(ours, theirs)
	if err != nil || len(differences) == 0 {
		return err
	}
	texts := make([]string, len(differences))
	for i, d := range differences {
		texts[i] = fmt.Sprintf("%s was %s and is %s", d.Field, d.Callback, d.Record)
	}
	c.tell(&c.found.Different, deviation{"different", ours.CallID, strings.Join(texts, ", ")})
	return nil
}

// extra looks at the calls of a stretch that the ledger has and Tencent did not
// list there. Since it is not documented whether a listing tests the start or
// the end of a call, Tencent is asked for each of them by name.
func (c *recordCheck) extra(ctx context.Context, w sweep.Window, listed map[string]bool) error {
	f := ledger.Filter{SDKAppID: c.app.SDKAppID, From: w.From, To: w.To, Kind: ledger.KindCharge}
	for e, err := range c.book.List(ctx, f) {
		if err != nil {
			return err
		}
		if e.Revision > 1 || listed[e.CallID()] {
			continue
		}
		if d := e.Charge.Decision(); d != nil && d.Unconfirmed {
			c.found.Unconfirmed++
			continue
		}
		record, err := c.records.Record(ctx, e.CallID())
		var apiErr *tencent.APIError
		switch {
		case errors.As(err, &apiErr) && apiErr.Code == tencent.CodeRecordNotFound:
			c.tell(&c.found.Extra, deviation{"extra", e.CallID(), "Tencent has no record of it"})
		case err != nil:
			return err
		default:
			if err := c.compare(e.Record, record); err != nil {
				return err
			}
		}
	}
	return nil
}

// tell counts a call that deviates once.
func (c *recordCheck) tell(count *int, d deviation) {
	if c.told[d.CallID] {
		return
	}
	c.told[d.CallID] = true
	*count++
	if len(c.found.Deviations) < maxDeviations {
		c.found.Deviations = append(c.found.Deviations, d)
	}
}
