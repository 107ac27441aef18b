package checker

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// at is an operation between two seconds.
func at(from, to int, kind OperationKind, outcome Outcome, entries ...Entry) Operation {
	return Operation{App: "clinic", CallID: "c", Kind: kind, Called: time.Unix(int64(from), 0), Returned: time.Unix(int64(to), 0), Outcome: outcome, Entries: entries}
}

func about(key string, o Operation) Operation {
	o.Key = key
	return o
}

// ofHistory is an entry as a history knows it: "charge:c", "charge.2:c" or "adjustment:c".
func ofHistory(key, amount string) Entry { return Entry{Key: key, Amount: amount} }

func reversalIn(reverses, amount string) Entry {
	return Entry{Key: "reversal:c", Amount: amount, Reverses: reverses}
}

var (
	charged  = ofHistory("charge:c", "0.24")
	credit   = ofHistory("adjustment:c", "-0.10")
	reversed = reversalIn("charge:c", "-0.24")
	uncredit = reversalIn("adjustment:c", "0.10")
	again    = ofHistory("charge.2:c", "0.24")
)

// TestHistories: what a call can go through, and what it cannot.
func TestHistories(t *testing.T) {
	started := []Operation{at(1, 3, OpCallback, Done), at(1, 2, OpStart, Done), at(4, 5, OpCharge, Done, charged)}
	with := func(more ...Operation) []Operation { return append(started[:3:3], more...) }
	adjusted := with(at(6, 7, OpAdjust, Done, credit))
	after := func(more ...Operation) []Operation { return append(adjusted[:4:4], more...) }
	for name, tt := range map[string]struct {
		history []Operation
		// impossible is part of the finding, empty if there is none.
		impossible string
	}{
		"a call":                        {with(at(6, 7, OpRead, Done, charged)), ""},
		"duplicates":                    {with(at(1, 3, OpCallback, Done), at(2, 3, OpStart, Already), at(9, 9, OpCallback, Done), at(4, 5, OpCharge, Already, charged)), ""},
		"refused callbacks say nothing": {[]Operation{at(1, 2, OpCallback, Refused), at(1, 2, OpCallback, Unknown)}, ""},
		"started late, by an unanswered request": {[]Operation{
			at(1, 2, OpStart, Unknown), at(5, 6, OpStart, Already), at(7, 8, OpCallback, Done),
		}, ""},
		"never started by an unanswered request": {[]Operation{at(1, 2, OpStart, Unknown), at(5, 6, OpStart, Done)}, ""},
		"charged by an unanswered request": {[]Operation{
			started[1], at(4, 5, OpCharge, Unknown, charged), at(6, 7, OpRead, Done), at(8, 9, OpRead, Done, charged), at(9, 9, OpCharge, Already, charged),
		}, ""},
		"started again when nobody knows its workflow": {with(at(9, 9, OpStart, Done), at(9, 9, OpCharge, Already, charged)), ""},
		"of two sums one is refused":                   {with(at(6, 7, OpCharge, Refused, ofHistory("charge:c", "0.36"))), ""},
		"reversed, undone": {after(
			about("charge:c", at(8, 8, OpReverse, Done, reversed, uncredit)), about("charge:c", at(9, 9, OpReverse, Already)), at(10, 10, OpUndo, Done), at(11, 11, OpUndo, Already),
			at(12, 12, OpRead, Done, charged, credit, reversed, uncredit, again, ofHistory("adjustment.2:c", "-0.10")),
		), ""},
		"two reversals at once": {with(about("charge:c", at(6, 8, OpReverse, Done)), about("charge:c", at(6, 8, OpReverse, Already))), ""},
		"an adjustment reversed": {after(
			about("adjustment:c", at(8, 8, OpReverse, Done, uncredit)), about("adjustment:c", at(9, 9, OpReverse, Already)), at(10, 10, OpUndo, Refused), at(11, 11, OpRead, Done, charged, credit, uncredit),
		), ""},
		"refused corrections": {[]Operation{
			about("charge:c", at(1, 1, OpReverse, Refused)), at(1, 1, OpUndo, Refused), at(1, 1, OpAdjust, Refused, credit), started[1], started[2],
			at(6, 6, OpUndo, Refused), at(7, 7, OpAdjust, Refused, ofHistory("adjustment.2:c", "0.10")), at(8, 8, OpAdjust, Refused, ofHistory("adjustment:c", "-0.50")),
		}, ""},
		"a correction without an answer": {after(about("charge:c", at(8, 9, OpReverse, Unknown)), at(10, 10, OpFind, Done, charged), at(12, 13, OpUndo, Done)), ""},
		"commands that do not tell, and are repeated": {with(
			at(6, 7, OpAdjust, Unknown, ofHistory("", "0.10")), at(8, 8, OpAdjust, Unknown, ofHistory("", "0.10")), at(9, 9, OpAdjust, Succeeded, ofHistory("", "0.10")),
			at(10, 11, OpReverse, Unknown), at(12, 13, OpReverse, Succeeded), at(14, 14, OpReverse, Succeeded), at(15, 15, OpUndo, Succeeded), at(16, 16, OpUndo, Succeeded),
			at(17, 17, OpFind, Done, again, ofHistory("adjustment.2:c", "0.10")),
		), ""},
		"a command that booked without an answer, and is repeated": {with(
			at(6, 99, OpAdjust, Unknown, ofHistory("", "30")), at(8, 8, OpRead, Done, charged, ofHistory("adjustment:c", "30")),
			at(9, 9, OpAdjust, Succeeded, ofHistory("", "30")), at(10, 10, OpRead, Done, charged, ofHistory("adjustment:c", "30")),
		), ""},
		"found at once": {with(at(4, 5, OpFind, Done, charged), at(3, 4, OpFind, Refused)), ""},

		"OK before the start":         {[]Operation{at(1, 2, OpCallback, Done), at(3, 4, OpStart, Done)}, "it is unknown, and the next cannot be callback: done"},
		"OK without a start":          {[]Operation{at(1, 2, OpCallback, Done)}, "callback: done"},
		"there was none":              {[]Operation{at(1, 2, OpStart, Already), at(3, 4, OpStart, Done)}, "start: already done"},
		"two workflows":               {[]Operation{at(1, 2, OpStart, Done), at(3, 4, OpStart, Done)}, "it is started, and the next cannot be start: done"},
		"charged without a workflow":  {started[2:3], "charge: done (charge 1 of 0.24)"},
		"two charges":                 {with(at(4, 6, OpCharge, Done, charged)), "after 3 of them it is charge 1 of 0.24, and the next cannot be charge: done (charge 1 of 0.24)"},
		"two charges under two keys":  {with(at(6, 7, OpRead, Done, charged, ofHistory("charge:c#2", "0.24"))), "read: done"},
		"charged and gone":            {with(at(6, 7, OpRead, Done, charged), at(8, 9, OpRead, Done)), "and the next cannot be read: done"},
		"another sum":                 {with(at(6, 7, OpFind, Done, ofHistory("charge:c", "0.36"))), "find: done (charge 1 of 0.36)"},
		"not found":                   {with(at(6, 7, OpFind, Refused)), "find: refused"},
		"refused for no reason":       {[]Operation{started[1], at(6, 7, OpCharge, Refused, charged)}, "charge: refused"},
		"reversed, and never charged": {[]Operation{started[1], about("charge:c", at(8, 9, OpReverse, Done))}, "reverse charge 1: done"},
		"reversed before":             {[]Operation{started[1], about("charge:c", at(1, 2, OpReverse, Done)), at(4, 5, OpCharge, Done, charged)}, "reverse charge 1: done"},
		"reversed twice":              {with(about("charge:c", at(6, 7, OpReverse, Done)), about("charge:c", at(6, 8, OpReverse, Done))), "reverse charge 1: done"},
		"its adjustment left":         {after(about("charge:c", at(8, 9, OpReverse, Done, reversed))), "reverse charge 1: done"},
		"reversed by another amount":  {with(about("charge:c", at(8, 9, OpReverse, Done, reversalIn("charge:c", "-0.12")))), "reverse charge 1: done"},
		"reversal lost":               {with(about("charge:c", at(6, 7, OpReverse, Done)), at(8, 9, OpRead, Done, charged)), "read: done (charge 1 of 0.24)"},
		"reversal that nobody made":   {with(at(8, 9, OpRead, Done, charged, reversed)), "read: done"},
		"adjustment lost":             {after(at(8, 9, OpRead, Done, charged)), "read: done"},
		"adjusted twice":              {after(at(6, 9, OpAdjust, Done, credit)), "adjust: done"},
		"adjusted, and not charged":   {[]Operation{started[1], at(6, 9, OpAdjust, Done, credit)}, "adjust: done"},
		"adjusted after the reversal": {with(about("charge:c", at(6, 7, OpReverse, Done)), at(8, 9, OpAdjust, Done, credit)), "adjust: done"},
		"adjusted by two repetitions": {with(
			at(6, 7, OpAdjust, Unknown, ofHistory("", "0.10")), at(8, 8, OpAdjust, Unknown, ofHistory("", "0.10")), at(9, 9, OpAdjust, Unknown, ofHistory("", "0.10")),
			at(10, 10, OpRead, Done, charged, ofHistory("adjustment:c", "0.10"), ofHistory("adjustment.2:c", "0.10")),
		), "adjustment 2 of 0.1"},
		"succeeded, and lost":      {with(at(6, 6, OpReverse, Succeeded), at(7, 7, OpRead, Done, charged)), "read: done"},
		"undone, and not reversed": {with(at(6, 7, OpUndo, Done)), "undo: done"},
		"undone twice":             {with(about("charge:c", at(6, 6, OpReverse, Done)), at(7, 8, OpUndo, Done), at(7, 8, OpUndo, Done)), "undo: done"},
		"undone by another sum":    {with(about("charge:c", at(6, 6, OpReverse, Done)), at(7, 8, OpUndo, Done, ofHistory("charge.2:c", "0.12"))), "undo: done"},
		"undone without adjustment": {after(
			about("charge:c", at(8, 8, OpReverse, Done)), at(9, 9, OpUndo, Done), at(11, 11, OpRead, Done, charged, credit, reversed, uncredit, again),
		), "read: done"},
		"refused, and it could be": {with(about("charge:c", at(6, 7, OpReverse, Refused))), "reverse charge 1: refused"},
	} {
		t.Run(name, func(t *testing.T) {
			findings := Check(Evidence{Operations: tt.history})
			if tt.impossible == "" {
				require.Empty(t, findings)
				return
			}
			require.Len(t, findings, 1)
			require.Equal(t, Impossible, findings[0].Kind)
			require.Equal(t, "c", findings[0].CallID)
			require.Contains(t, findings[0].Text, tt.impossible)
		})
	}
}

// TestHistoriesApart: every call has a history of its own.
func TestHistoriesApart(t *testing.T) {
	var e Evidence
	for i := range 3 {
		for _, o := range []Operation{at(1, 2, OpStart, Done), at(3, 4, OpCharge, Done, charged)} {
			o.CallID = fmt.Sprint(i)
			e.Operations = append(e.Operations, o)
		}
	}
	require.Empty(t, Check(e))
	e.Operations[3].CallID = "1/2"
	findings := Check(e)
	require.Len(t, findings, 1)
	require.Equal(t, "1/2", findings[0].CallID)

	files, err := e.Draw(findings, t.TempDir())
	require.NoError(t, err)
	require.Len(t, files, 1)
	page, err := os.ReadFile(files[0])
	require.NoError(t, err)
	require.Contains(t, string(page), "charge: done (charge 1 of 0.24)")
}

// TestManyUnanswered: a history that nobody can explain is found out soon, with many
// operations without an answer.
func TestManyUnanswered(t *testing.T) {
	history := []Operation{at(1, 2, OpStart, Done)}
	for i := range 20 {
		history = append(history, at(3+i, 4+i, OpCharge, Unknown, charged), at(3+i, 4+i, OpStart, Unknown), at(3+i, 3+i, OpCallback, Refused))
	}
	require.Empty(t, Check(Evidence{Operations: history}))
	history = append(history, at(60, 61, OpRead, Done, charged, charged))
	require.Equal(t, Impossible, Check(Evidence{Operations: history})[0].Kind)
}

// TestHistoryIsReadable is the text in the story of a call.
func TestHistoryIsReadable(t *testing.T) {
	e := Evidence{Operations: []Operation{at(3, 9, OpCharge, Unknown, charged), at(1, 2, OpStart, Done), at(2, 4, OpCallback, Refused)}}
	require.Equal(t, strings.Join([]string{
		"01-01 00:00:01.000 – 01-01 00:00:02.000  client 1   start: done",
		"01-01 00:00:02.000 – 01-01 00:00:04.000  client 2   callback: refused",
		"01-01 00:00:03.000 – …                   client 1   charge: no answer (charge 1 of 0.24)",
	}, "\n"), strings.Join(e.History("clinic", "c"), "\n"))
	require.Empty(t, e.History("clinic", "d"))
}
