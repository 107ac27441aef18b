package checker

import (
	"cmp"
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/anishathalye/porcupine"
)

// OperationKind is what a client does about a call.
type OperationKind string

// The kinds of operations, and what Done, Already and Refused say about each. Nothing is
// known of an operation that is Unknown, except what it would have done.
const (
	// OpCallback posts the callback. Done: OK was answered.
	OpCallback OperationKind = "callback"
	// OpStart starts the workflow. Already: there is one, or an entry.
	OpStart OperationKind = "start"
	// OpCharge charges what Entries has. Already: the ledger has the entry in Entries.
	// Refused: the ledger has another sum.
	OpCharge OperationKind = "charge"
	// OpReverse reverses the entry with Key, or the charge that counts. Already: it is
	// reversed.
	OpReverse OperationKind = "reverse"
	// OpUndo charges again what was reversed last. Already: it is charged again.
	OpUndo OperationKind = "undo"
	// OpAdjust books the adjustment in Entries, without a Key as the next one. Already:
	// that one is booked.
	OpAdjust OperationKind = "adjust"
	// OpRead reads all entries of the call, which are Entries.
	OpRead OperationKind = "read"
	// OpFind looks for entries. Done: there are some, among them those in Entries.
	// Refused: there are none.
	OpFind OperationKind = "find"
)

// Outcome is what an operation has come to.
type Outcome string

// The outcomes.
const (
	Done    Outcome = "done"
	Already Outcome = "already done"
	Refused Outcome = "refused"
	// Succeeded is Done or Already, where a command does not tell which.
	Succeeded Outcome = "succeeded"
	// Unknown is an operation without an answer: it has happened at any time since it
	// began, or will, or never.
	Unknown Outcome = "no answer"
)

// Operation is something that a client did about a call. The operations of a call are
// its history, and many are under way at once.
type Operation struct {
	App, CallID      string
	Kind             OperationKind
	Called, Returned time.Time
	Outcome          Outcome
	// Key is the key of the entry that OpReverse reverses.
	Key string
	// Entries need Key, Kind, Amount and Reverses. Those that OpReverse and OpUndo have
	// booked may be left out.
	Entries []Entry
}

// String is the operation in one line.
func (o Operation) String() string {
	text := string(o.Kind)
	if o.Key != "" {
		text += " " + nameOf(o.Key)
	}
	text += ": " + string(o.Outcome)
	if booked := newBooked(o.Entries); len(booked) > 0 {
		text += " (" + describe(booked) + ")"
	}
	return text
}

// impatience is how long the search for an order may take. A history that is right takes
// milliseconds.
const impatience = time.Minute

// histories finds calls whose history is impossible: no order in which its operations
// could have happened one by one explains what they came to.
func (r *report) histories() {
	for _, of := range r.operated() {
		history := essence(newHistory(r.Operations, of))
		switch porcupine.CheckOperationsTimeout(model, history, impatience) {
		case porcupine.Illegal:
			_, info := porcupine.CheckOperationsVerbose(model, history, impatience)
			r.add(Impossible, of, "%s", explain(history, info))
		case porcupine.Unknown:
			r.add(Problem, of, "whether its %d operations are possible was not found out in %s", len(history), impatience)
		case porcupine.Ok:
		}
	}
}

// operated are the calls that have a history.
func (e Evidence) operated() (calls []ID) {
	for _, o := range e.Operations {
		calls = append(calls, o.ID())
	}
	slices.SortFunc(calls, func(a, b ID) int {
		return cmp.Or(cmp.Compare(a.CallID, b.CallID), cmp.Compare(a.App, b.App))
	})
	return slices.Compact(calls)
}

// newHistory is the history of a call in the order of its beginnings. Operations that
// overlap have different clients, by which a drawing has room for all.
func newHistory(operations []Operation, of ID) (history []porcupine.Operation) {
	var end int64 // of all, and when those without an answer return
	for _, o := range operations {
		if o.ID() == of {
			end = max(end, o.Called.UnixNano(), o.Returned.UnixNano())
			history = append(history, porcupine.Operation{Input: o, Call: o.Called.UnixNano(), Return: o.Returned.UnixNano()})
		}
	}
	slices.SortStableFunc(history, func(a, b porcupine.Operation) int { return cmp.Compare(a.Call, b.Call) })
	var free []int64 // when each client is free
	for i := range history {
		o := &history[i]
		if o.Input.(Operation).Outcome == Unknown {
			o.Return = end + int64(time.Second)
		}
		client := slices.IndexFunc(free, func(at int64) bool { return at < o.Call })
		if client < 0 {
			client, free = len(free), append(free, 0)
		}
		o.ClientId, free[client] = client, o.Return
	}
	return history
}

// essence leaves out what would only make the search for an order longer: callbacks that
// were not answered OK, which say nothing, and repetitions of operations without an
// answer. What a repetition may have done, the first one may have done then; that both
// have is a bug.
func essence(history []porcupine.Operation) []porcupine.Operation {
	last := map[OperationKind]string{} // without an answer, since the last one with an answer
	return slices.DeleteFunc(history, func(o porcupine.Operation) bool {
		op := o.Input.(Operation)
		text := op.String()
		switch {
		case op.Kind == OpCallback:
			return op.Outcome != Done
		case op.Outcome == Unknown:
			repeated := last[op.Kind] == text
			last[op.Kind] = text
			return repeated
		case op.Kind == OpReverse, op.Kind == OpUndo, op.Kind == OpAdjust: // which can be done again
			delete(last, op.Kind)
		}
		return false
	})
}

// explain says how far the operations of a history are possible, and which ones then
// cannot be the next.
func explain(history []porcupine.Operation, info porcupine.LinearizationInfo) string {
	var longest []int
	for _, partial := range info.PartialLinearizations()[0] {
		if len(partial) > len(longest) {
			longest = partial
		}
	}
	state, soonest := model.Init(), int64(math.MaxInt64)
	for _, i := range longest {
		_, state = model.Step(state, history[i].Input, nil)
	}
	var next []string
	for i, o := range history {
		if !slices.Contains(longest, i) {
			soonest = min(soonest, o.Return)
		}
	}
	for i, o := range history {
		if !slices.Contains(longest, i) && o.Call <= soonest {
			next = append(next, o.Input.(Operation).String())
		}
	}
	return fmt.Sprintf("no order of its %d operations is possible: after %d of them it is %s, and the next cannot be %s",
		len(history), len(longest), model.DescribeState(state), strings.Join(next, ", nor "))
}

// History is the history of a call, one line for each operation.
func (e Evidence) History(app, callID string) (lines []string) {
	history := newHistory(e.Operations, ID{app, callID})
	for _, o := range history {
		op := o.Input.(Operation)
		until := op.Returned.UTC().Format("01-02 15:04:05.000")
		if op.Outcome == Unknown {
			until = "…"
		}
		lines = append(lines, fmt.Sprintf("%s – %-18s  client %-2d  %s", op.Called.UTC().Format("01-02 15:04:05.000"), until, o.ClientId+1, op))
	}
	return lines
}

// Draw draws the impossible histories of findings as pages of HTML, one for each call,
// into a folder, and returns their files.
func (e Evidence) Draw(findings []Finding, folder string) (files []string, err error) {
	for _, f := range findings {
		if f.Kind != Impossible {
			continue
		}
		_, info := porcupine.CheckOperationsVerbose(model, essence(newHistory(e.Operations, ID{f.App, f.CallID})), impatience)
		file := filepath.Join(folder, "history-"+strings.ReplaceAll(f.App+"-"+f.CallID, "/", "_")+".html")
		if err := porcupine.VisualizePath(model, info, file); err != nil {
			return files, err
		}
		files = append(files, file)
	}
	return files, nil
}
