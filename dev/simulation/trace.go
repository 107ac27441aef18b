package simulation

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"aftercall/dev/simulation/servermodel"
)

// Trace is what happened, in the order of time. What happens at one moment is in the
// order of the texts, because the order of goroutines means nothing.
type Trace struct {
	mu    sync.Mutex
	lines []line
}

type line struct {
	at   time.Time
	text string
}

// add notes something about a subject: a workflow, a CallId or a part of the system.
func (t *Trace) add(subject, format string, args ...any) {
	text := servermodel.RequestID.ReplaceAllString(fmt.Sprintf(format, args...), "RequestId")
	t.mu.Lock()
	defer t.mu.Unlock()
	t.lines = append(t.lines, line{time.Now(), subject + ": " + text})
}

// Lines returns the whole trace, or the story of one subject.
func (t *Trace) Lines(about string) []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	slices.SortStableFunc(t.lines, func(a, b line) int {
		return cmp.Or(a.at.Compare(b.at), cmp.Compare(a.text, b.text))
	})
	var all []string
	for _, l := range t.lines {
		if strings.Contains(l.text, about) {
			all = append(all, l.at.UTC().Format("01-02 15:04:05.000000000 ")+l.text)
		}
	}
	return all
}
