package checker

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

var tariff = Tariff{Currency: "USD", Digits: 2, MaxSeconds: 7200, Rules: []Rule{
	{Media: []string{"Audio"}, Results: []string{"NormalEnd"}, PerMinute: "0.12", First: 60, Next: 60},
	{Media: []string{"Video"}, Results: []string{"NormalEnd"}, PerMinute: "0.31", First: 60, Next: 6, PerParticipant: true},
	{Results: []string{"Offline"}, PerMinute: "0.12", First: 60, Next: 60, Grace: 30},
}, Robots: "robot-"}

func ended(seconds int64) Call {
	return Call{
		App: "clinic", CallID: "c", Caller: "alice", Media: "Audio", Type: "SingleCall", Result: "NormalEnd",
		Start: 1000, Accept: 1010, End: 1010 + seconds, Participants: 1, Recorded: true, Clean: true,
	}
}

func TestRate(t *testing.T) {
	for name, tt := range map[string]struct {
		change func(*Call)
		want   Sum
		review bool
	}{
		"a minute and a second": {func(*Call) {}, Sum{"0.24", "USD", 120}, false},
		"not connected":         {func(c *Call) { c.Result, c.Accept = "Cancel", 0 }, Sum{"0.00", "USD", 0}, false},
		"in steps of six, for two": {func(c *Call) {
			c.Media, c.Participants = "Video", 2
		}, Sum{"0.68", "USD", 66}, false},
		"grace":                 {func(c *Call) { c.Result = "Offline" }, Sum{"0.12", "USD", 60}, false},
		"all grace":             {func(c *Call) { c.Result, c.End = "Offline", 1040 }, Sum{"0.00", "USD", 0}, false},
		"unknown result":        {func(c *Call) { c.Result = "Transferred" }, Sum{}, true},
		"no accept time":        {func(c *Call) { c.Accept = 0 }, Sum{}, true},
		"accepted before start": {func(c *Call) { c.Accept = 999 }, Sum{}, true},
		"too long":              {func(c *Call) { c.End = c.Accept + 7201 }, Sum{}, true},
		"nobody to charge":      {func(c *Call) { c.Caller = "" }, Sum{"0.24", "USD", 120}, true},
	} {
		t.Run(name, func(t *testing.T) {
			c := ended(61)
			tt.change(&c)
			got, review := tariff.Rate(c)
			require.Equal(t, tt.review, review)
			require.Equal(t, tt.want, got)
		})
	}
}

func evidence() Evidence {
	return Evidence{
		Tariffs: map[string]Tariff{"clinic": tariff}, Targets: []Target{{Name: "crm", Reviews: true}, {Name: "other", Apps: []string{"school"}}}, Calls: []Call{ended(61)},
		Entries: []Entry{{Key: "charge:c", Kind: "charge", App: "clinic", CallID: "c", Amount: "0.24", Currency: "USD", BilledSeconds: 120, Result: "NormalEnd", Payer: "alice", EndedAt: 1071}},
		Messages: []Message{
			{Target: "crm", MessageID: "m1", Type: "call.charged", App: "clinic", CallID: "c", LedgerKey: "charge:c", Amount: "0.24", Currency: "USD", BilledSeconds: 120, Payer: "alice", Accepted: 2},
		},
		Answers: []Answer{{App: "clinic", CallID: "c", Known: true}},
	}
}

// ofRobot is a call whose first callee pays.
func ofRobot() Call {
	c := ended(61)
	c.Caller, c.FirstCallee = "robot-1", "alice"
	return c
}

// TestFindings changes one thing in a run without findings.
func TestFindings(t *testing.T) {
	require.Empty(t, Check(evidence()))
	robots := evidence()
	robots.Calls[0] = ofRobot()
	require.Empty(t, Check(robots), "the first callee pays")
	reversal := Entry{Key: "reversal:c", Kind: "reversal", App: "clinic", CallID: "c", Amount: "-0.24", Currency: "USD", Reverses: "charge:c", Operator: "bob", Payer: "alice", EndedAt: 1071}
	told := Message{Target: "crm", MessageID: "m2", Type: "call.reversed", App: "clinic", CallID: "c", LedgerKey: "reversal:c", Amount: "-0.24", Currency: "USD", Payer: "alice", Accepted: 1}
	for name, tt := range map[string]struct {
		change func(*Evidence)
		want   []string
	}{
		"lost":                  {func(e *Evidence) { e.Entries, e.Messages = nil, nil }, []string{Lost}},
		"doubled":               {func(e *Evidence) { e.Entries = append(e.Entries, e.Entries[0]) }, []string{Doubled}},
		"another amount":        {func(e *Evidence) { e.Entries[0].Amount, e.Messages[0].Amount = "0.12", "0.12" }, []string{WrongSum}},
		"another currency":      {func(e *Evidence) { e.Entries[0].Currency, e.Messages[0].Currency = "EUR", "EUR" }, []string{WrongSum}},
		"other seconds":         {func(e *Evidence) { e.Entries[0].BilledSeconds, e.Messages[0].BilledSeconds = 60, 60 }, []string{WrongSum}},
		"told another sum":      {func(e *Evidence) { e.Messages[0].Amount = "0.12" }, []string{WrongSum}},
		"told another currency": {func(e *Evidence) { e.Messages[0].Currency = "EUR" }, []string{WrongSum}},
		"told other seconds":    {func(e *Evidence) { e.Messages[0].BilledSeconds = 61 }, []string{WrongSum}},
		"told another payer":    {func(e *Evidence) { e.Messages[0].Payer = "mallory" }, []string{WrongPayer}},
		"told by another type":  {func(e *Evidence) { e.Messages[0].Type = "call.reversed" }, []string{WrongType}},
		"told without asking": {func(e *Evidence) {
			m := e.Messages[0]
			m.Target = "other"
			e.Messages = append(e.Messages, m)
		}, []string{NotSubscribed}},
		"charged for another app": {func(e *Evidence) {
			e.Entries[0].App = "school"
		}, []string{Extra, Lost, NotInLedger}},
		"charged by another result": {func(e *Evidence) { e.Entries[0].Result = "Offline" }, []string{WrongRecord}},
		"reversal in another currency": {func(e *Evidence) {
			reversal, told := reversal, told
			reversal.Currency, told.Currency = "EUR", "EUR"
			e.Entries, e.Messages, e.Corrections = append(e.Entries, reversal), append(e.Messages, told), []Correction{{"clinic", "c", Reverse, ""}}
		}, []string{WrongSum}},
		"blind":         {func(e *Evidence) { e.Calls[0].Result, e.Entries[0].Result = "Transferred", "Transferred" }, []string{Blind}},
		"decided":       {func(e *Evidence) { e.Entries[0].Operator = "bob" }, []string{NeedlessWait, Extra}},
		"another payer": {func(e *Evidence) { e.Entries[0].Payer, e.Messages[0].Payer = "mallory", "mallory" }, []string{WrongPayer}},
		"the robot pays": {func(e *Evidence) {
			e.Calls[0], e.Entries[0].Payer, e.Messages[0].Payer = ofRobot(), "robot-1", "robot-1"
		}, []string{WrongPayer}},
		"another time": {func(e *Evidence) { e.Entries[0].EndedAt = 1 }, []string{WrongEnd}},
		"without record": {func(e *Evidence) {
			e.Calls[0].Recorded, e.Calls[0].Clean, e.Entries, e.Messages = false, false, nil, nil
		}, []string{Lost}},
		"event of no call": {func(e *Evidence) {
			e.Messages = append(e.Messages, Message{Target: "crm", MessageID: "m2", Type: "call.charged", App: "clinic", CallID: "d", LedgerKey: "charge:d", Amount: "99.00", Accepted: 1})
		}, []string{NotInLedger}},
		"correction of another payer": {func(e *Evidence) {
			reversal, told := reversal, told
			reversal.Payer, told.Payer = "mallory", "mallory"
			e.Entries, e.Messages, e.Corrections = append(e.Entries, reversal), append(e.Messages, told), []Correction{{"clinic", "c", Reverse, ""}}
		}, []string{WrongPayer}},
		"of no call": {func(e *Evidence) { e.Calls[0].CallID = "d"; e.Calls[0].Recorded = false }, []string{Extra}},
		"not told":   {func(e *Evidence) { e.Messages[0].Accepted = 0 }, []string{NotNotified}},
		"told twice": {func(e *Evidence) {
			e.Messages = append(e.Messages, e.Messages[0])
			e.Messages[1].MessageID = "m2"
		}, []string{SeveralIDs}},
		"told differently":  {func(e *Evidence) { e.Messages[0].BodyChanged = true }, []string{ChangedBody}},
		"told early":        {func(e *Evidence) { e.Messages[0].Early = true }, []string{Early}},
		"no such entry":     {func(e *Evidence) { e.Messages[0].LedgerKey = "charge:d" }, []string{NotInLedger, NotNotified}},
		"nowhere":           {func(e *Evidence) { e.Answers[0].Known = false }, []string{AcceptedEmpty}},
		"stuck":             {func(e *Evidence) { e.Stuck = []string{"call c"} }, []string{Stuck}},
		"problem":           {func(e *Evidence) { e.Problems = []string{"failed"} }, []string{Problem}},
		"reversal missing":  {func(e *Evidence) { e.Corrections = []Correction{{"clinic", "c", Reverse, ""}} }, []string{Lost}},
		"reversal unwanted": {func(e *Evidence) { e.Entries, e.Messages = append(e.Entries, reversal), append(e.Messages, told) }, []string{Extra}},
		"reversal untold": {func(e *Evidence) {
			e.Entries, e.Corrections = append(e.Entries, reversal), []Correction{{"clinic", "c", Reverse, ""}}
		}, []string{NotNotified}},
		"reversal of others": {func(e *Evidence) {
			reversal := reversal
			reversal.Reverses = "charge:d"
			e.Entries, e.Messages, e.Corrections = append(e.Entries, reversal), append(e.Messages, told), []Correction{{"clinic", "c", Reverse, ""}}
		}, []string{WrongSum}},
		"reversed twice": {func(e *Evidence) {
			again := reversal
			again.Key = "reversal.2:c"
			e.Entries, e.Corrections = append(e.Entries, reversal, again), []Correction{{"clinic", "c", Reverse, ""}, {"clinic", "c", Reverse, ""}}
		}, []string{Doubled, NotNotified, NotNotified}},
		"unreadable, no decision": {func(e *Evidence) { e.Calls[0].Unreadable, e.Calls[0].Clean = true, false }, []string{Blind}},
		"no record, no decision":  {func(e *Evidence) { e.Calls[0].Recorded, e.Calls[0].Clean = false, false }, []string{Blind}},
	} {
		t.Run(name, func(t *testing.T) {
			e := evidence()
			tt.change(&e)
			require.ElementsMatch(t, tt.want, kinds(e))
		})
	}
}

// TestSameCallID: calls of two apps may have the same CallId, and each is checked on its
// own.
func TestSameCallID(t *testing.T) {
	both := func() Evidence {
		e := evidence()
		e.Tariffs["school"] = tariff
		call, entry, message, answer := e.Calls[0], e.Entries[0], e.Messages[0], e.Answers[0]
		call.App, entry.App, message.App, answer.App = "school", "school", "school", "school"
		entry.Key, message.LedgerKey, message.MessageID = "charge:c of school", "charge:c of school", "m2"
		other := message
		other.Target = "other"
		e.Calls, e.Entries, e.Answers = append(e.Calls, call), append(e.Entries, entry), append(e.Answers, answer)
		e.Messages = append(e.Messages, message, other)
		for _, app := range []string{"clinic", "school"} {
			for _, o := range []Operation{at(1, 2, OpStart, Done), at(3, 4, OpCharge, Done, charged)} {
				o.App = app
				e.Operations = append(e.Operations, o)
			}
		}
		return e
	}
	require.Empty(t, Check(both()))
	for name, tt := range map[string]struct {
		change func(*Evidence)
		want   []string
	}{
		"one is charged":             {func(e *Evidence) { e.Entries, e.Messages = e.Entries[:1], e.Messages[:1] }, []string{Lost}},
		"one is charged twice":       {func(e *Evidence) { e.Entries[1].App = "clinic" }, []string{Doubled, Lost, NotInLedger, NotInLedger, NotNotified}},
		"one has the other's event":  {func(e *Evidence) { e.Messages[1].LedgerKey = "charge:c" }, []string{NotInLedger, NotNotified}},
		"one corrected, not the one": {func(e *Evidence) { e.Corrections = []Correction{{"school", "c", Adjust, "1"}} }, []string{Lost}},
		"one has the other's start":  {func(e *Evidence) { e.Operations[2].App = "clinic" }, []string{Impossible, Impossible}},
	} {
		t.Run(name, func(t *testing.T) {
			e := both()
			tt.change(&e)
			require.ElementsMatch(t, tt.want, kinds(e))
		})
	}
}

// TestDecisions: a person's decision is charged as it was made.
func TestDecisions(t *testing.T) {
	e := evidence()
	e.Calls[0].Result, e.Calls[0].Clean = "Transferred", false
	e.Entries[0].Operator, e.Entries[0].Reason, e.Entries[0].Amount, e.Entries[0].BilledSeconds = "bob", "second", "0.36", 180
	e.Entries[0].Result = "Transferred"
	e.Messages[0].Amount, e.Messages[0].BilledSeconds = "0.36", 180
	e.Messages = append(e.Messages, Message{Target: "crm", MessageID: "m2", Type: "call.review", App: "clinic", CallID: "c", Accepted: 1})
	e.Decisions = []Decision{{App: "clinic", CallID: "c", Reason: "first", Verdict: "waive"}, {App: "clinic", CallID: "c", Reason: "second", Verdict: "charge-as", Seconds: 150}}
	require.Empty(t, Check(e))
	e.Messages[1].Accepted = 0
	require.Equal(t, []string{NotNotified}, kinds(e), "of the review")
	e.Messages[1] = Message{Target: "crm", MessageID: "m2", Type: "review.burst", App: "clinic", CallID: "d", Accepted: 1}
	require.Equal(t, []string{NotNotified}, kinds(e), "a burst is of calls without record")
	e.Messages[1].CallID, e.Messages[1].Type = "c", "call.review"

	e.Decisions[1].Payer, e.Decisions[1].EndedAt = "carol", 2000
	require.ElementsMatch(t, []string{WrongPayer, WrongEnd}, kinds(e))
	e.Entries[0].Payer, e.Entries[0].EndedAt, e.Messages[0].Payer = "carol", 2000, "carol"
	require.Empty(t, Check(e), "as the person has named them")
	e.Decisions[1].Payer, e.Decisions[1].EndedAt, e.Entries[0].Payer, e.Entries[0].EndedAt = "", 0, "alice", 1071
	e.Messages[0].Payer = "alice"

	e.Decisions[1].Seconds = 60
	require.Equal(t, []string{WrongSum}, kinds(e))
	e.Decisions[1].Verdict = "charge"
	require.Equal(t, []string{WrongSum}, kinds(e), "the record says 61 s")
	e.Entries[0].Amount, e.Entries[0].BilledSeconds, e.Messages[0].Amount = "0.24", 120, "0.24"
	e.Messages[0].BilledSeconds = 120
	require.Empty(t, Check(e), "by the rule for NormalEnd")
	e.Calls[0].Accept = 0
	require.Equal(t, []string{WrongSum}, kinds(e), "there is no time to charge")
}

// TestCorrections: a person's corrections are in the ledger as they were made, in any
// order in which the ledger lists them.
func TestCorrections(t *testing.T) {
	entry := func(key, kind, amount, reverses string) Entry {
		return Entry{Key: key, Kind: kind, App: "clinic", CallID: "c", Amount: amount, Currency: "USD", Reverses: reverses, Operator: "bob", Payer: "alice", EndedAt: 1071}
	}
	made := evidence()
	made.Targets = nil
	made.Corrections = []Correction{
		{"clinic", "other", Adjust, "9"},
		{"school", "c", Adjust, "9"},
		{"clinic", "c", Adjust, "0.10"},
		{"clinic", "c", Reverse, ""},
		{"clinic", "c", Undo, ""},
		{"clinic", "c", Adjust, "-0.04"},
		{"clinic", "c", Reverse, ""},
	}
	made.Entries = append(
		made.Entries, entry("a1", "adjustment", "0.10", ""), entry("r1", "reversal", "-0.24", "charge:c"), entry("ar1", "reversal", "-0.10", "a1"),
		entry("c2", "charge", "0.24", ""), entry("a2", "adjustment", "0.10", ""), entry("a3", "adjustment", "-0.04", ""),
		entry("r2", "reversal", "-0.24", "c2"), entry("ar2", "reversal", "-0.10", "a2"), entry("ar3", "reversal", "0.04", "a3"),
	)
	require.Empty(t, Check(made))
	for i := 1; i < len(made.Entries); i++ {
		e := made
		e.Entries = slices.Delete(slices.Clone(made.Entries), i, i+1)
		require.Contains(t, kinds(e), Lost, made.Entries[i].Key)
		e.Entries = slices.Insert(slices.Clone(made.Entries), i, made.Entries[i])
		require.Contains(t, kinds(e), map[bool]string{true: Doubled, false: Extra}[made.Entries[i].Kind == "charge"], made.Entries[i].Key)
		e.Entries = slices.Clone(made.Entries)
		e.Entries[i].Amount = "0.11"
		require.Contains(t, kinds(e), Lost, made.Entries[i].Key)
	}
	e := made
	e.Entries = slices.Clone(made.Entries)
	e.Entries[2].Reverses = "c2"
	require.Contains(t, kinds(e), Doubled, "c2 is reversed twice")
}

func kinds(e Evidence) (all []string) {
	for _, f := range Check(e) {
		all = append(all, f.Kind)
	}
	return all
}
