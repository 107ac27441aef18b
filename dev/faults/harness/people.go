package main

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"time"

	"aftercall/dev/faults/checker"
	"aftercall/dev/local"
	"aftercall/dev/tencentsim"
	"aftercall/internal/tencent"
)

// patience is how long a person waits before they repeat a command that has failed.
const patience = time.Second

// people decide about the calls in review and correct charges while the faults happen,
// with the commands that an operator has. A command that fails is repeated.
type people struct {
	work sync.WaitGroup

	mu          sync.Mutex
	decisions   map[string]checker.Decision // by app and CallId
	deciding    map[string]bool
	corrections []checker.Correction
}

func newPeople() *people {
	return &people{decisions: map[string]checker.Decision{}, deciding: map[string]bool{}}
}

// made are the decisions and corrections so far, also those that are being made.
func (p *people) made() (decisions []checker.Decision, corrections []checker.Correction) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, d := range p.decisions {
		decisions = append(decisions, d)
	}
	return decisions, append(corrections, p.corrections...)
}

// inReview is a line of `aftercall review list`.
type inReview struct {
	CallID string           `json:"call_id"`
	App    tencent.SDKAppID `json:"sdk_app_id"`
	// Reason is empty while no worker answers.
	Reason string `json:"reason"`
}

// reviewCalls decides about every call that comes to be reviewed, until ctx ends.
func (w *world) reviewCalls(ctx context.Context) {
	for wait(ctx, patience) == nil {
		var reviews []inReview
		listed := w.stack.Command(ctx, "review", "list", "--output", "json")
		if json.Unmarshal([]byte(listed.Stdout), &reviews) != nil {
			continue // Temporal does not answer
		}
		for _, r := range reviews {
			if r.Reason != "" && w.people.begin(r.key()) {
				w.people.work.Go(func() {
					defer w.people.end(r.key())
					w.decide(ctx, r)
				})
			}
		}
	}
}

func (r inReview) key() string { return r.App.String() + " " + r.CallID }

// begin reports whether nobody decides about a call yet.
func (p *people) begin(key string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.deciding[key] {
		return false
	}
	p.deciding[key] = true
	return true
}

// end lets somebody decide about a call again, if it is still in review.
func (p *people) end(key string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.deciding, key)
}

// decide sends a person's decision, the same one each time.
func (w *world) decide(ctx context.Context, r inReview) {
	d := decision{verdict: "waive"} // of a call that a malformed callback has made up, too
	app, _ := w.stack.Config.App(r.App)
	noted := checker.Decision{App: app.Name, CallID: r.CallID, Reason: "decision about " + r.CallID + " of " + app.Name}
	args := []string{"review", "decide", "--app", app.Name, "--operator", "night shift", "--reason", noted.Reason}
	if c, found := w.find(r.App, r.CallID); found {
		d, noted.Type, noted.Media = c.decision, string(c.call.Record.CallType), string(c.spec.Media)
		if d.verdict == "charge-as" && !c.endConfirmed() {
			d.endedAt = c.call.Record.EndedAt()
		}
	}
	noted.Verdict, noted.Seconds, noted.Payer = d.verdict, d.seconds, d.payer
	args = append(args, "--verdict", d.verdict)
	if d.verdict == "charge-as" {
		args = append(args, "--connected-seconds", strconv.FormatInt(d.seconds, 10))
	}
	if d.verdict != "waive" {
		args = append(args, "--media", noted.Media, "--call-type", noted.Type)
	}
	if d.payer != "" {
		args = append(args, "--payer", d.payer)
	}
	if !d.endedAt.IsZero() {
		noted.EndedAt = d.endedAt.Unix()
		args = append(args, "--ended-at", d.endedAt.Format(time.RFC3339))
	}
	w.people.mu.Lock()
	w.people.decisions[r.key()] = noted
	w.people.mu.Unlock()
	result := w.stack.Command(ctx, append(args, "--", r.CallID)...)
	w.note("call %s of %s is in review (%.80s), and a person decides %s %d s: %s", r.CallID, app.Name, r.Reason, d.verdict, d.seconds, outcome(result))
}

// endConfirmed reports whether Tencent says when the call ended.
func (c placedCall) endConfirmed() bool {
	return c.recorded && !slices.ContainsFunc(c.spec.OddRecord, func(o tencentsim.Oddity) bool { return o.Field == "EndTime" })
}

// correct carries out the corrections of a call one after the other, each by as many
// people at once as the plan says. They all give the same command, and only one of them
// books something.
func (w *world) correct(ctx context.Context, c placedCall) {
	for i, made := range c.corrections {
		var done sync.WaitGroup
		for range c.correctors {
			done.Go(func() { w.correctOnce(ctx, c, made, fmt.Sprintf("correction %d", i+1)) })
		}
		done.Wait()
	}
}

// correctOnce repeats the command of a correction until it succeeds.
func (w *world) correctOnce(ctx context.Context, c placedCall, made checker.Correction, reason string) {
	app, _ := w.stack.Config.App(c.spec.SDKAppID)
	args := map[string][]string{
		checker.Reverse: {"ledger", "reverse"},
		checker.Undo:    {"ledger", "reverse", "--undo"},
		checker.Adjust:  {"ledger", "adjust", "--amount", made.Amount},
	}[made.Kind]
	args = append(args, "--app", app.Name, "--operator", "night shift", "--reason", reason, "--", c.spec.CallID)
	for {
		w.inPlace.RLock()
		result := w.correction(made, func() local.CommandResult { return w.stack.Command(ctx, args...) })
		w.inPlace.RUnlock()
		if result.Err() == nil {
			break
		}
		if wait(ctx, patience) != nil {
			w.note("call %s: %s is not carried out: %s", c, made.Kind, outcome(result))
			return
		}
	}
	w.note("call %s: %s %s is carried out", c, made.Kind, made.Amount)
}

// intend notes the corrections that are about to be made.
func (p *people) intend(c plannedCall) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.corrections = append(p.corrections, c.corrections...)
}

// outcome is a command's result in one line.
func outcome(r local.CommandResult) string {
	if err := r.Err(); err != nil {
		return err.Error()
	}
	return "done"
}

// placedCall is a planned call that has ended.
type placedCall struct {
	plannedCall
	call tencentsim.Call
}

// find finds a call that has ended.
func (w *world) find(app tencent.SDKAppID, callID string) (placedCall, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, c := range w.placed {
		if c.call.SDKAppID == app && c.call.Record.CallID == callID {
			return c, true
		}
	}
	return placedCall{}, false
}
