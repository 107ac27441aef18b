package checker

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// seenCall is a call of 100 s, and events such as "room ada joined 0", in seconds after
// AcceptTime.
func seenCall(t *testing.T, events ...string) Call {
	t.Helper()
	c := ended(100)
	c.Members, c.Participants = []string{"alice", "bob", "eve"}, 2
	for _, e := range events {
		fields := strings.Fields(e)
		after, err := time.ParseDuration(fields[3] + "s")
		require.NoError(t, err)
		c.Seen = append(c.Seen, Seen{fields[0], fields[1], fields[2], c.Accept + int64(after.Seconds())})
	}
	return c
}

func TestMembers(t *testing.T) {
	for name, tt := range map[string]struct {
		events []string
		want   map[string]int
	}{
		"nothing":            {nil, nil},
		"nobody of the call": {[]string{"room mallory joined 3"}, nil},
		"one source": {
			[]string{"room alice left 100", "room bob joined 0", "room bob left 50"}, map[string]int{"alice": 100, "bob": 50, "eve": 0},
		},
		"again": {
			[]string{"room bob left 50", "room bob joined 10", "room bob joined 90", "room bob joined 20"}, map[string]int{"alice": 100, "bob": 50, "eve": 0},
		},
		"agree": {
			[]string{"room bob joined 0", "room bob left 50", "callback bob joined 2", "callback bob dropped 49"}, map[string]int{"alice": 100, "bob": 47, "eve": 0},
		},
		"differ": {
			[]string{"room bob joined 0", "room bob left 50", "callback bob joined 2"}, map[string]int{"alice": 100, "bob": 48, "eve": 0},
		},
		"one saw the leaving only": {
			[]string{"room bob joined 0", "callback bob left 60"}, map[string]int{"alice": 100, "bob": 60, "eve": 0},
		},
		"nobody joined": {[]string{"room alice left 70"}, map[string]int{"alice": 70, "bob": 0, "eve": 0}},
	} {
		require.Equal(t, tt.want, seenCall(t, tt.events...).members(false), name)
	}
	require.Equal(t, map[string]int{"alice": 100, "bob": 100, "eve": 0}, seenCall(t, "room bob joined 3").members(true), "as the record has it")
	byMembers := Tariff{Currency: "USD", Digits: 2, MaxSeconds: 7200, Rules: []Rule{{PerMinute: "0.06", First: 30, Next: 6, Members: true}}}
	sum, review := byMembers.Rate(seenCall(t, "room bob joined 0", "room bob left 50"))
	require.False(t, review)
	require.Equal(t, Sum{"0.16", "USD", 156}, sum, "102 s and 54 s")
	sum, _ = byMembers.Rate(seenCall(t))
	require.Equal(t, Sum{"0.20", "USD", 102}, sum, "for each of two")
}

func TestWhatAChargeIsMadeFrom(t *testing.T) {
	at := time.Unix(1111, 0)
	c := seenCall(t)
	c.SeenBefore = at
	seen := Seen{"room", "bob", "joined", 1010}
	c.Sent = []Sent{{Seen: seen, Answered: at.Add(-time.Second)}}
	check := func(kept ...Seen) (kinds []string) {
		r := &report{}
		c.Seen = kept
		r.seen(c, Entry{})
		for _, f := range r.findings {
			kinds = append(kinds, f.Kind)
		}
		return kinds
	}
	require.Empty(t, check(seen))
	require.Equal(t, []string{Overlooked}, check())
	require.Equal(t, []string{Invented}, check(seen, Seen{"room", "eve", "joined", 1010}))
	c.Sent[0].Answered = at
	require.Empty(t, check(), "it may have come too late")
	c.Sent[0].Answered = time.Time{}
	require.Empty(t, check())
}
