package checker

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

var byWitnesses = Tariff{
	Currency: "USD", Digits: 2, MaxSeconds: 7200, Rules: []Rule{{PerMinute: "0.06", First: 30, Next: 6, Members: true}},
	Robots: "robot-", WithoutRecord: UnrecordedSeen,
}

// unrecordedCall is a call of 100 s without a record, with what both sources saw of it.
func unrecordedCall(t *testing.T, events ...string) Call {
	t.Helper()
	c := seenCall(t, events...)
	c.Recorded, c.Clean, c.SeenBefore = false, false, time.Unix(2000, 0)
	c.Claims = []Claim{{
		Caller: c.Caller, Media: c.Media, Type: "MultiCall", Result: c.Result, Start: c.Start, Accept: c.Accept, End: c.End, Members: c.Members, Room: true,
	}}
	return c
}

// ofTwo are the events of a call of alice and bob.
var ofTwo = []string{
	"room alice joined -10", "room bob joined 0", "room bob left 100", "room alice left 100",
	"callback bob joined 0", "callback bob left 100", "callback alice left 100",
}

func TestUnrecorded(t *testing.T) {
	claimed := func(change func(*Claim)) func(*Call) { return func(c *Call) { change(&c.Claims[0]) } }
	moved := func(from, to string) func(*Call) {
		return func(c *Call) {
			for i, s := range c.Seen {
				if s == seenCall(t, from).Seen[0] {
					c.Seen[i] = seenCall(t, to).Seen[0]
				}
			}
		}
	}
	more := func(events ...string) func(*Call) {
		return func(c *Call) { c.Seen = append(c.Seen, seenCall(t, events...).Seen...) }
	}
	without := func(source string) func(*Call) {
		return func(c *Call) {
			var seen []Seen
			for _, s := range c.Seen {
				if s.Source != source {
					seen = append(seen, s)
				}
			}
			c.Seen = seen
		}
	}
	sum := Sum{"0.20", "USD", 204} // twice 102 s
	for name, tt := range map[string]struct {
		change func(*Call)
		want   Sum
		payer  string
	}{
		"both agree":                 {func(*Call) {}, sum, "alice"},
		"the callback names no room": {claimed(func(c *Claim) { c.Room = false }), Sum{}, ""},
		"a robot's":                  {claimed(func(c *Claim) { c.Caller = "robot-1" }), Sum{}, ""},
		"not by one source":          {without("room"), Sum{}, ""},
		"nor the other":              {without("callback"), Sum{}, ""},
		"a little apart":             {moved("callback bob left 100", "callback bob left 95"), Sum{"0.19", "USD", 192}, "alice"},
		"too far apart":              {moved("callback bob left 100", "callback bob left 94"), Sum{}, ""},
		"claimed otherwise":          {claimed(func(c *Claim) { c.Accept -= 7 }), Sum{}, ""},
		"claimed a little wrong":     {claimed(func(c *Claim) { c.Accept -= 6 }), sum, "alice"},
		"not claimed":                {claimed(func(c *Claim) { c.Members = []string{"alice", "eve"} }), Sum{}, ""},
		"impossible":                 {claimed(func(c *Claim) { c.End = 1 }), Sum{}, ""},
		"unknown result":             {claimed(func(c *Claim) { c.Result = "Transferred" }), Sum{}, ""},
		"with a gap":                 {more("room bob left 50", "room bob joined 51", "callback bob left 50", "callback bob joined 51"), Sum{}, ""},
		"a third":                    {more("room eve joined 40", "room eve left 60", "callback eve joined 40", "callback eve left 60"), Sum{"0.23", "USD", 234}, "alice"},
		"a third, seen by one":       {more("room eve joined 40", "room eve left 60"), Sum{}, ""},
		"of one and one only": {func(c *Call) {
			c.Claims[0].Type = "SingleCall"
			more("room eve joined 40", "room eve left 60", "callback eve joined 40", "callback eve left 60")(c)
		}, Sum{}, ""},
		"the caller was not first": {moved("room alice joined -10", "room alice joined 0"), Sum{}, ""},
		"nobody was connected": {func(c *Call) {
			c.Claims[0].Accept, c.Claims[0].Result, c.Seen = 0, "NotAnswer", seenCall(t, "room alice joined -10", "room alice left 100").Seen
		}, Sum{"0.00", "USD", 0}, "alice"},
		"nobody, but two were": {claimed(func(c *Claim) { c.Accept, c.Result = 0, "NotAnswer" }), Sum{}, ""},
		"nobody was seen":      {func(c *Call) { c.Claims[0].Accept, c.Claims[0].Result, c.Seen = 0, "NotAnswer", nil }, Sum{}, ""},
	} {
		c := unrecordedCall(t, ofTwo...)
		tt.change(&c)
		as, got, ok := byWitnesses.Unrecorded(c, c.Claims[0])
		require.Equal(t, tt.want != Sum{}, ok, name)
		if ok {
			require.Equal(t, tt.want, got, name)
			require.Equal(t, tt.payer, as.Caller, name)
		}
	}
	c := unrecordedCall(t, ofTwo...)
	free := Tariff{Currency: "USD", Digits: 2, WithoutRecord: UnrecordedFree}
	as, got, ok := free.Unrecorded(c, c.Claims[0])
	require.True(t, ok)
	require.Equal(t, free.free(), got)
	require.Empty(t, as.Caller, "nobody pays")
	_, _, ok = free.Unrecorded(c, Claim{End: 4102444800})
	require.False(t, ok, "which has not ended")
	_, _, ok = tariff.Unrecorded(c, c.Claims[0])
	require.False(t, ok, "a person decides")
}

// TestChargedWithoutRecord changes one thing in a run with a call without a record.
func TestChargedWithoutRecord(t *testing.T) {
	run := func() Evidence {
		e := evidence()
		e.Tariffs["clinic"] = byWitnesses
		e.Calls[0] = unrecordedCall(t, ofTwo...)
		e.Calls[0].Seen = nil
		for _, s := range unrecordedCall(t, ofTwo...).Seen {
			e.Calls[0].Sent = append(e.Calls[0].Sent, Sent{s, time.Unix(1990, 0)})
		}
		e.Kept = map[string][]Seen{"charge:c": unrecordedCall(t, ofTwo...).Seen}
		e.Entries[0].Amount, e.Entries[0].BilledSeconds, e.Entries[0].EndedAt = "0.20", 204, 1110
		e.Messages[0].Amount, e.Messages[0].BilledSeconds = "0.20", 204
		return e
	}
	decided := func(e *Evidence) {
		e.Entries[0] = Entry{
			Key: "charge:c", Kind: "charge", App: "clinic", CallID: "c", Amount: "0.00", Currency: "USD", Operator: "bob", Reason: "why", Payer: "alice", EndedAt: 1110,
		}
		e.Decisions = []Decision{{App: "clinic", CallID: "c", Reason: "why", Verdict: "waive"}}
		e.Messages[0].Amount, e.Messages[0].BilledSeconds, e.Messages[0].Type = "0.00", 0, "call.free"
		e.Messages = append(e.Messages, Message{Target: "crm", MessageID: "m2", Type: "call.review", App: "clinic", CallID: "c", Accepted: 1})
	}
	for name, tt := range map[string]struct {
		change func(*Evidence)
		want   []string
	}{
		"as both saw it": {func(*Evidence) {}, nil},
		"by another sum": {func(e *Evidence) { e.Entries[0].Amount, e.Messages[0].Amount = "0.24", "0.24" }, []string{WrongSum}},
		"another payer":  {func(e *Evidence) { e.Entries[0].Payer, e.Messages[0].Payer = "bob", "bob" }, []string{WrongPayer}},
		"at another end": {func(e *Evidence) { e.Entries[0].EndedAt = 1000 }, []string{WrongEnd}},
		"another result": {func(e *Evidence) { e.Entries[0].Result = "Offline" }, []string{WrongRecord}},
		"by one source": {func(e *Evidence) {
			e.Calls[0].Sent = nil
			for _, s := range e.Kept["charge:c"][:4] {
				e.Calls[0].Sent = append(e.Calls[0].Sent, Sent{s, time.Unix(1990, 0)})
			}
			e.Kept["charge:c"] = e.Kept["charge:c"][:4]
		}, []string{Blind}},
		"without a callback": {func(e *Evidence) { e.Calls[0].Claims = nil }, []string{Blind}},
		"by a copy of the callback": {func(e *Evidence) {
			e.Calls[0].Claims = append([]Claim{{End: 1}}, e.Calls[0].Claims...)
		}, nil},
		"by an event that nobody posted": {func(e *Evidence) {
			e.Kept["charge:c"] = append(e.Kept["charge:c"], Seen{"room", "alice", "joined", 1099})
		}, []string{Invented}},
		"by a person": {decided, []string{NeedlessWait}},
		"by a person, because an event may have been late": {func(e *Evidence) {
			decided(e)
			e.Calls[0].Sent[3].Answered = time.Unix(2000, 0)
		}, nil},
		"by a person, because an event may not have been kept": {func(e *Evidence) {
			decided(e)
			e.Calls[0].Sent[3].Answered = time.Time{}
		}, nil},
		"by a person, because of a copy of the callback": {func(e *Evidence) {
			decided(e)
			e.Calls[0].Claims = append(e.Calls[0].Claims, Claim{End: 1})
		}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			e := run()
			tt.change(&e)
			require.ElementsMatch(t, tt.want, kinds(e))
		})
	}
}
