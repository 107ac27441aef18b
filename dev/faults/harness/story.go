package main

import (
	"context"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"aftercall/dev/faults/checker"
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
	told := map[string]bool{}
	for _, f := range findings {
		if f.CallID == "" || told[f.CallID] {
			continue
		}
		told[f.CallID] = true
		var story strings.Builder
		fmt.Fprintf(&story, "call %s\n%s\n", f.CallID, strings.Join(e.History(f.CallID), "\n"))
		for _, c := range w.stack.Tencent.Calls() {
			if c.Record.CallID != f.CallID {
				continue
			}
			for _, d := range c.Callbacks {
				fmt.Fprintf(&story, "%7.1f s  callback %d: %d %s%s\n", d.SentAt.Sub(w.started).Seconds(), d.Number, d.Status, d.Answer, d.Error)
			}
			shown := w.stack.Command(ctx, "call", f.CallID, "--app", c.SDKAppID.String())
			story.WriteString(shown.Stdout + shown.Stderr)
		}
		all = append(all, story.String())
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

// print prints everything about a run.
func (w *world) print(out io.Writer, r result, dir string) error {
	fmt.Fprintf(out, "seed %d on %s: %d findings\n%s\n", r.plan.seed, r.topology, len(r.findings), strings.Join(w.timeline, "\n"))
	for _, f := range r.findings {
		fmt.Fprintln(out, f)
	}
	for _, story := range r.stories {
		fmt.Fprintln(out, "\n"+story)
	}
	_, err := fmt.Fprintf(out, "again: make faults ARGS=\"--seeds %d --topology %s\"; logs are in %s/logs\n", r.plan.seed, r.topology, dir)
	return err
}
