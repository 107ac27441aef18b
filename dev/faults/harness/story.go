package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	historypb "go.temporal.io/api/history/v1"

	"aftercall/dev/faults/checker"
	"aftercall/dev/faults/planted/active"
	"aftercall/dev/local"
	"aftercall/dev/webhookreceiver"
)

// note adds a line to the timeline.
func (w *world) note(format string, args ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.timeline = append(w.timeline, fmt.Sprintf("%7.1f s  %s", time.Since(w.started).Seconds(), fmt.Sprintf(format, args...)))
}

// stories are the whole stories of the calls of findings, and of processes that have
// leaked.
func (w *world) stories(ctx context.Context, e checker.Evidence, findings []checker.Finding) (all []string) {
	w.mu.Lock()
	placed := w.placed
	w.mu.Unlock()
	for _, c := range placed {
		if slices.ContainsFunc(findings, c.isOf) {
			all = append(all, w.story(ctx, c)+strings.Join(e.History(nameOf(c.spec.SDKAppID), c.spec.CallID), "\n"))
		}
	}
	if slices.ContainsFunc(findings, func(f checker.Finding) bool { return f.Kind == checker.Leaked }) {
		all = append(all, w.profiles(ctx)...)
	}
	drawn, err := e.Draw(findings, filepath.Join(w.stack.Dir(), "logs"))
	for _, file := range drawn {
		all = append(all, "the history that is impossible is drawn in "+file)
	}
	if err != nil {
		all = append(all, "a history could not be drawn: "+err.Error())
	}
	return all
}

// isOf reports whether a finding is about the call, or its text about its workflow.
func (c placedCall) isOf(f checker.Finding) bool {
	return f.App == nameOf(c.spec.SDKAppID) && f.CallID == c.spec.CallID || slices.Contains(strings.Fields(f.Text), local.WorkflowID(c.call))
}

// story is everything about a call: how it was planned, the deliveries of its callback
// and their answers, what the product says of it, the history of its workflow, its
// ledger entries, and its messages.
func (w *world) story(ctx context.Context, c placedCall) string {
	var story strings.Builder
	at := func(t time.Time, format string, args ...any) {
		fmt.Fprintf(&story, "%7.1f s  %s\n", t.Sub(w.started).Seconds(), fmt.Sprintf(format, args...))
	}
	fmt.Fprintf(&story, "call %s\nplanned: %s, clean %t, decided %+v, corrections %v\n", c, inJSON(c.spec), c.clean, c.decision, c.corrections)
	fmt.Fprintf(&story, "record: %s\n", inJSON(c.call.Record))
	posted, _ := w.stack.Tencent.Call(c.spec.SDKAppID, c.spec.CallID)
	for _, d := range posted.Callbacks {
		at(d.SentAt, "%s %d, answered %d after %d ms: %s%s\n           %.400s", d.Command, d.Number, d.Status, d.LatencyMS, d.Answer, d.Error, d.Body)
	}
	at(time.Now(), "the record was read %d times", posted.RecordReads)
	for _, args := range [][]string{{"call"}, {"ledger", "show"}} {
		shown := w.stack.Command(ctx, append(args, "--app", c.spec.SDKAppID.String(), "--", c.spec.CallID)...)
		story.WriteString(shown.Stdout + shown.Stderr)
	}
	events := w.stack.Temporal.GetWorkflowHistory(ctx, local.WorkflowID(c.call), "", false, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	for events.HasNext() {
		event, err := events.Next()
		if err != nil {
			fmt.Fprintf(&story, "history: %v\n", err)
			break
		}
		at(event.GetEventTime().AsTime(), "history %d %s %s", event.GetEventId(), event.GetEventType(), detail(event))
	}
	for _, m := range w.stack.Webhooks.Messages(webhookreceiver.Filter{CallID: c.spec.CallID}) {
		if m.App != nameOf(c.spec.SDKAppID) { // where a call has the same CallId
			continue
		}
		at(m.First, "message %s to %s: %s, %d attempts until %.1f s, %d accepted", m.MessageID, m.Target, m.Type, m.Attempts, m.Last.Sub(w.started).Seconds(), m.Accepted)
	}
	return story.String()
}

// detail is what an event of a history says beside its type: an activity, its failure.
func detail(event *historypb.HistoryEvent) string {
	switch {
	case event.GetActivityTaskScheduledEventAttributes() != nil:
		return event.GetActivityTaskScheduledEventAttributes().GetActivityType().GetName()
	case event.GetActivityTaskStartedEventAttributes() != nil:
		started := event.GetActivityTaskStartedEventAttributes()
		return fmt.Sprintf("attempt %d on %s; last failure: %s", started.GetAttempt(), started.GetIdentity(), started.GetLastFailure().GetMessage())
	case event.GetActivityTaskFailedEventAttributes() != nil:
		return event.GetActivityTaskFailedEventAttributes().GetFailure().GetMessage()
	case event.GetWorkflowTaskStartedEventAttributes() != nil:
		return "on " + event.GetWorkflowTaskStartedEventAttributes().GetIdentity()
	case event.GetWorkflowTaskFailedEventAttributes() != nil:
		return event.GetWorkflowTaskFailedEventAttributes().GetFailure().GetMessage()
	case event.GetMarkerRecordedEventAttributes() != nil:
		marker := event.GetMarkerRecordedEventAttributes()
		return fmt.Sprintf("%s %.200s %s", marker.GetMarkerName(), marker.GetDetails()["data"].GetPayloads(), marker.GetFailure().GetMessage())
	case event.GetWorkflowExecutionFailedEventAttributes() != nil:
		return event.GetWorkflowExecutionFailedEventAttributes().GetFailure().GetMessage()
	}
	return ""
}

func inJSON(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		return err.Error()
	}
	return string(text)
}

// print prints everything about a run.
func (w *world) print(to io.Writer, r result, dir string) error {
	out := &bytes.Buffer{} // in one piece, whatever other runs print
	fmt.Fprintf(out, "seed %d on %s: %d findings\n%s\n", r.plan.seed, r.topology, len(r.findings), strings.Join(w.timeline, "\n"))
	for _, f := range r.findings {
		fmt.Fprintln(out, f)
	}
	for _, story := range r.stories {
		fmt.Fprintln(out, "\n"+story)
	}
	fmt.Fprintf(out, "again: %s; logs are in %s/logs\n", w.again(r.plan.seed), dir)
	_, err := out.WriteTo(to)
	return err
}

// again is the command that runs the plan of a seed once more. Names of faults have
// apostrophes.
func (s setup) again(seed uint64) string {
	args := fmt.Sprintf("--seeds %d --topology %s --faults %d --calls %d", seed, s.topology.Name, s.faults, s.calls)
	for _, name := range s.only {
		args += ` --fault \"` + name + `\"`
	}
	if bug := s.environ[active.Variable]; bug != "" {
		args += " --bug " + bug
	}
	return `make faults ARGS="` + args + `"`
}
