package attendance_test

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"aftercall/internal/attendance"
	"aftercall/internal/tencent"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

const confirmTolerance = 5 * time.Second

// claimed is what a callback says of a group call of 100 s that rang for 8 s.
func claimed() tencent.CallRecord {
	return tencent.CallRecord{
		CallID: "call-1", Caller: "caller", Members: []string{"caller", "b", "c", "nobody", "b"}, MediaType: tencent.MediaAudio,
		CallType: tencent.CallTypeMulti, Result: tencent.ResultNormalEnd, StartTime: 10_000, AcceptTime: 10_008, EndTime: 10_108, RoomID: "r", RoomIDType: 2,
	}
}

// seenAt is an event so many milliseconds after the claimed AcceptTime.
func seenAt(source attendance.Source, user string, kind attendance.Kind, ms int64) attendance.Event {
	return attendance.Event{Source: source, User: user, Kind: kind, At: time.UnixMilli(10_008_000 + ms).UTC()}
}

// seenByBoth is what both sources see of it, with c from 40 s to 70 s.
func seenByBoth() []attendance.Event {
	room, callback := attendance.SourceRoom, attendance.SourceCallback
	return []attendance.Event{
		seenAt(room, "caller", attendance.Opened, -8000),
		seenAt(room, "caller", attendance.Joined, -8000),
		seenAt(room, "b", attendance.Joined, 250),
		seenAt(room, "c", attendance.Joined, 40_250),
		seenAt(room, "c", attendance.Left, 70_000),
		seenAt(room, "b", attendance.Left, 99_000),
		seenAt(room, "caller", attendance.Left, 100_000),
		seenAt(callback, "b", attendance.Joined, 0),
		seenAt(callback, "c", attendance.Joined, 40_000),
		seenAt(callback, "c", attendance.Left, 70_500),
		seenAt(callback, "b", attendance.Left, 100_000),
	}
}

func without(events []attendance.Event, drop func(attendance.Event) bool) []attendance.Event {
	return slices.DeleteFunc(slices.Clone(events), drop)
}

func TestConfirm(t *testing.T) {
	c := attendance.Confirm(claimed(), seenByBoth(), confirmTolerance)
	require.Empty(t, c.Doubts)
	want := claimed()
	want.AcceptTime, want.EndTime, want.Members = 10_008, 10_106, []string{"caller", "b", "c"}
	require.Equal(t, want, c.Record, "98.75 s that both saw")
	require.Equal(t, 98_750*time.Millisecond, c.To.Sub(c.From))
	require.Len(t, c.Events, 11)
	require.Equal(t, []string{"caller", "b", "c", "nobody", "b"}, claimed().Members)
}

func TestDoubts(t *testing.T) {
	of := func(source attendance.Source) func(attendance.Event) bool {
		return func(e attendance.Event) bool { return e.Source == source }
	}
	about := func(source attendance.Source, user string, kinds ...attendance.Kind) func(attendance.Event) bool {
		return func(e attendance.Event) bool {
			return e.Source == source && e.User == user && (len(kinds) == 0 || slices.Contains(kinds, e.Kind))
		}
	}
	room, callback := attendance.SourceRoom, attendance.SourceCallback
	shifted := func(source attendance.Source, user string, kind attendance.Kind, ms int64) []attendance.Event {
		return append(without(seenByBoth(), about(source, user, kind)), seenAt(source, user, kind, ms))
	}
	for name, c := range map[string]struct {
		change func(*tencent.CallRecord)
		seen   []attendance.Event
		want   []attendance.Doubt
	}{
		"nothing":                  {nil, nil, []attendance.Doubt{attendance.UnseenByCallback, attendance.UnseenByRoom}},
		"callback alone":           {nil, without(seenByBoth(), of(room)), []attendance.Doubt{attendance.UnseenByRoom}},
		"room alone":               {nil, without(seenByBoth(), of(callback)), []attendance.Doubt{attendance.UnseenByCallback}},
		"the room has one member":  {nil, without(seenByBoth(), func(e attendance.Event) bool { return e.Source == room && e.User != "b" }), []attendance.Doubt{attendance.UnseenByRoom}},
		"another time":             {func(r *tencent.CallRecord) { r.StartTime, r.AcceptTime, r.EndTime = 20_000, 20_008, 20_108 }, seenByBoth(), []attendance.Doubt{attendance.UnseenByCallback, attendance.UnseenByRoom}},
		"a gap":                    {nil, append(seenByBoth(), seenAt(room, "caller", attendance.Left, 80_000), seenAt(room, "caller", attendance.Joined, 80_250)), []attendance.Doubt{attendance.UnseenByRoom}},
		"the sources differ":       {nil, shifted(callback, "b", attendance.Joined, -4900), []attendance.Doubt{attendance.TimesDiffer}},
		"the beginning is claimed": {func(r *tencent.CallRecord) { r.AcceptTime -= 6 }, seenByBoth(), []attendance.Doubt{attendance.ClaimDiffers}},
		"the end is claimed":       {func(r *tencent.CallRecord) { r.EndTime += 6 }, seenByBoth(), []attendance.Doubt{attendance.ClaimDiffers}},
		"both never left":          {nil, without(seenByBoth(), func(e attendance.Event) bool { return e.Kind == attendance.Left }), []attendance.Doubt{attendance.ClaimDiffers}},
		"a robot calls":            {func(r *tencent.CallRecord) { r.Caller = "robot" }, seenByBoth(), []attendance.Doubt{attendance.SeenOnce, attendance.CallerUnseen}},
		"a moment":                 {func(r *tencent.CallRecord) { r.EndTime = r.AcceptTime + 1 }, append(shifted(room, "b", attendance.Left, 1100), seenAt(callback, "b", attendance.Left, 1100)), []attendance.Doubt{attendance.TooShort}},
		"another caller":           {func(r *tencent.CallRecord) { r.Caller = "b" }, append(seenByBoth(), seenAt(callback, "caller", attendance.Joined, 0)), []attendance.Doubt{attendance.CallerUnseen}},
		"a callee at once":         {nil, shifted(room, "caller", attendance.Joined, 250), []attendance.Doubt{attendance.CallerUnseen}},
		"somebody else":            {func(r *tencent.CallRecord) { r.Members = []string{"caller", "b"} }, seenByBoth(), []attendance.Doubt{attendance.NotClaimed}},
		"c in the room only":       {nil, without(seenByBoth(), about(callback, "c")), []attendance.Doubt{attendance.SeenOnce}},
		"c by callback only":       {nil, without(seenByBoth(), about(room, "c")), []attendance.Doubt{attendance.SeenOnce}},
		"a single call of three":   {func(r *tencent.CallRecord) { r.CallType = tencent.CallTypeSingle }, seenByBoth(), []attendance.Doubt{attendance.NotSingle}},
		"c's time":                 {nil, shifted(callback, "c", attendance.Left, 80_000), []attendance.Doubt{attendance.MembersDiffer}},
		"c never left":             {nil, without(seenByBoth(), func(e attendance.Event) bool { return e.User == "c" && e.Kind == attendance.Left }), []attendance.Doubt{attendance.TimesDiffer}},
		"not connected":            {func(r *tencent.CallRecord) { r.AcceptTime = 0 }, seenByBoth(), []attendance.Doubt{attendance.WasConnected}},
		"not connected, callback":  {func(r *tencent.CallRecord) { r.AcceptTime = 0 }, without(seenByBoth(), func(e attendance.Event) bool { return e.Source == room && e.User != "caller" }), []attendance.Doubt{attendance.WasConnected}},
		"not connected, unseen":    {func(r *tencent.CallRecord) { r.AcceptTime = 0 }, nil, []attendance.Doubt{attendance.NobodyInRoom}},
	} {
		t.Run(name, func(t *testing.T) {
			claim := claimed()
			if c.change != nil {
				c.change(&claim)
			}
			require.Equal(t, c.want, attendance.Confirm(claim, c.seen, confirmTolerance).Doubts)
		})
	}
	for name, seen := range map[string][]attendance.Event{
		"a glimpse of somebody":    append(seenByBoth(), seenAt(room, "nurse", attendance.Joined, 50_000), seenAt(room, "nurse", attendance.Left, 54_000)),
		"another call before":      append(seenByBoth(), seenAt(room, "x", attendance.Joined, -100_000), seenAt(room, "y", attendance.Joined, -90_000), seenAt(room, "x", attendance.Left, -60_000), seenAt(room, "y", attendance.Left, -60_000)),
		"the caller was seen, too": append(seenByBoth(), seenAt(callback, "caller", attendance.Left, 100_000)),
		"within the tolerance":     shifted(callback, "b", attendance.Left, 103_900),
	} {
		require.Empty(t, attendance.Confirm(claimed(), seen, confirmTolerance).Doubts, name)
	}
}

// TestTheCallbackAloneConfirmsNothing, whatever it claims, and nor does the room.
func TestTheCallbackAloneConfirmsNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		source := rapid.SampledFrom([]attendance.Source{attendance.SourceCallback, attendance.SourceRoom}).Draw(t, "source")
		var events []attendance.Event
		for range rapid.IntRange(0, 12).Draw(t, "events") {
			events = append(events, seenAt(source, rapid.SampledFrom([]string{"caller", "b", "c"}).Draw(t, "user"),
				rapid.SampledFrom(attendance.Kinds).Draw(t, "kind"), rapid.Int64Range(-10_000, 110_000).Draw(t, "at")))
		}
		claim := claimed()
		claim.EndTime = claim.AcceptTime + rapid.Int64Range(1, 200).Draw(t, "seconds")
		require.NotEmpty(t, attendance.Confirm(claim, events, confirmTolerance).Doubts)
	})
}

// TestConfirmIsStable: neither order nor repetition matter, and what is confirmed is
// confirmed again.
func TestConfirmIsStable(t *testing.T) {
	confirmed := 0
	for seed := range uint64(20_000) {
		r := rand.New(rand.NewPCG(seed, 1))
		claim, events := randomCall(r)
		c := attendance.Confirm(claim, events, confirmTolerance)
		again := slices.Concat(events, events[:len(events)/2])
		r.Shuffle(len(again), func(i, j int) { again[i], again[j] = again[j], again[i] })
		require.Equal(t, c, attendance.Confirm(claim, again, confirmTolerance), seed)
		if len(c.Doubts) > 0 {
			continue
		}
		confirmed++
		second := attendance.Confirm(c.Record, c.Events, confirmTolerance)
		require.Empty(t, second.Doubts, seed)
		require.Equal(t, c.Record, second.Record, seed)
		require.Equal(t, c.Events, second.Events, seed)
	}
	require.Greater(t, confirmed, 3000)
}

// randomCall is a claim, and events of which some are moved, lost or made up.
func randomCall(r *rand.Rand) (tencent.CallRecord, []attendance.Event) {
	claim := claimed()
	claim.AcceptTime += r.Int64N(3) - 1
	events := seenByBoth()
	for range r.IntN(3) {
		i := r.IntN(len(events))
		switch r.IntN(5) {
		case 0:
			events = slices.Delete(events, i, i+1)
		case 1, 2:
			events[i].At = events[i].At.Add(time.Duration(r.IntN(40)-20) * 250 * time.Millisecond)
		case 3:
			events[i].At = events[i].At.Add(time.Duration(r.IntN(400)-200) * 250 * time.Millisecond)
		default:
			made := events[i]
			made.User = []string{"caller", "b", "c", "nobody", "x"}[r.IntN(5)]
			events = append(events, made)
		}
	}
	return claim, events
}

// tickMS is how finely the reference looks. All times of the random calls are multiples.
const tickMS = 250

// TestConfirmAgainstAReference counts tick by tick when two members were there.
func TestConfirmAgainstAReference(t *testing.T) {
	confirmed := 0
	for seed := range uint64(4000) {
		claim, events := randomCall(rand.New(rand.NewPCG(seed, 2)))
		c := attendance.Confirm(claim, events, confirmTolerance)
		from, to, ok := slowly(claim, events)
		if len(c.Doubts) == 0 {
			confirmed++
			require.True(t, ok, seed)
			require.Equal(t, from, c.From.UnixMilli(), seed)
			require.Equal(t, to, c.To.UnixMilli(), seed)
			require.Equal(t, (to-from)/1000, c.Record.ConnectedSeconds(), seed)
			continue
		}
		ofTime := slices.ContainsFunc(c.Doubts, func(d attendance.Doubt) bool {
			return slices.Contains([]attendance.Doubt{
				attendance.UnseenByCallback, attendance.UnseenByRoom, attendance.TimesDiffer, attendance.ClaimDiffers, attendance.TooShort,
			}, d)
		})
		require.Equal(t, ofTime, !ok, "%d %v", seed, c.Doubts)
	}
	require.Greater(t, confirmed, 600)
}

// slowly finds when both sources saw two members at once, and whether they agree with each
// other and with the claim.
func slowly(claim tencent.CallRecord, events []attendance.Event) (from, to int64, ok bool) {
	var begins, ends []int64
	happens := map[int64]bool{}
	for _, e := range events {
		happens[e.At.UnixMilli()] = true
	}
	begin, last := (claim.StartTime-305)*1000, (claim.EndTime+305)*1000
	for _, source := range []attendance.Source{attendance.SourceCallback, attendance.SourceRoom} {
		pieces, since, before, now := 0, int64(0), false, false
		for tick := begin; tick <= last; tick += tickMS {
			if tick == begin || happens[tick] {
				n := 0
				for _, user := range []string{"caller", "b", "c", "nobody", "x"} {
					if there(events, source, user, source == attendance.SourceCallback && user == claim.Caller, tick) {
						n++
					}
				}
				now = n >= 2
			}
			if tick == last {
				now = false
			}
			if now && !before {
				since = tick
			}
			if before && !now && since <= claim.EndTime*1000 && tick >= claim.AcceptTime*1000+1000 {
				pieces++
				begins, ends = append(begins, since), append(ends, tick)
			}
			before = now
		}
		if pieces != 1 {
			return 0, 0, false
		}
	}
	from, to = slices.Max(begins), slices.Min(ends)
	apart := func(a, b, most int64) bool { return max(a-b, b-a) > most }
	if apart(begins[0], begins[1], 5000) || apart(ends[0], ends[1], 5000) || to-from < 1000 {
		return 0, 0, false
	}
	if apart(from, claim.AcceptTime*1000, 6000) || apart(to, claim.EndTime*1000, 6000) {
		return 0, 0, false
	}
	return from, to, true
}

// there reports whether a user is there from a moment on, by the last joining or leaving
// until then. What happens both ways at one moment changes nothing.
func there(events []attendance.Event, source attendance.Source, user string, in bool, tick int64) bool {
	at := map[int64][2]bool{}
	for _, e := range events {
		if e.Source != source || e.User != user || e.Kind == attendance.Opened {
			continue
		}
		turns := at[e.At.UnixMilli()]
		if e.Kind == attendance.Joined {
			turns[0] = true
		} else {
			turns[1] = true
		}
		at[e.At.UnixMilli()] = turns
	}
	var moments []int64
	for moment := range at {
		moments = append(moments, moment)
	}
	slices.Sort(moments)
	for _, moment := range moments {
		if moment > tick {
			break
		}
		if turns := at[moment]; turns[0] != turns[1] {
			in = turns[0]
		}
	}
	return in
}
