package attendance_test

import (
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"aftercall/internal/attendance"
	"aftercall/internal/tencent"

	"github.com/stretchr/testify/require"
)

const accepted = int64(1_772_000_000)

// group is a call of 100 s with a caller and two others.
func group() tencent.CallRecord {
	return tencent.CallRecord{
		Caller: "caller", StartTime: accepted - 15, AcceptTime: accepted, EndTime: accepted + 100, Members: []string{"caller", "b", "a", "a", ""},
	}
}

// at is a time in milliseconds after AcceptTime.
func at(ms int64) time.Time { return time.UnixMilli(accepted*1000 + ms).UTC() }

// events are written as in "room a +0 -10.5": one source's joinings and leavings of a
// member, and drops as !20, in seconds after AcceptTime. Their IDs are source, member and time.
func events(t *testing.T, lines ...string) []attendance.Event {
	t.Helper()
	var all []attendance.Event
	for _, line := range lines {
		words := strings.Fields(line)
		for _, word := range words[2:] {
			seconds, err := strconv.ParseFloat(word[1:], 64)
			require.NoError(t, err, line)
			kind := map[byte]attendance.Kind{'+': attendance.Joined, '-': attendance.Left, '!': attendance.Dropped}[word[0]]
			all = append(all, attendance.Event{
				ID: words[0][:1] + "." + words[1] + "." + word, Source: attendance.Source(words[0]), User: words[1], Kind: kind, At: at(int64(seconds * 1000)),
			})
		}
	}
	return all
}

func policy(use attendance.Use) attendance.Policy {
	return attendance.Policy{Tolerance: 5 * time.Second, Sources: 1, Use: use}
}

// seconds are those of the members, in order: the caller, a and b.
func seconds(a attendance.Attendance) []int64 {
	var all []int64
	for _, m := range a.Members {
		all = append(all, m.Seconds)
	}
	return all
}

// problems are written as in "sources_differ a".
func problems(a attendance.Attendance) []string {
	var all []string
	for _, d := range a.Disagreements {
		all = append(all, strings.TrimSpace(string(d.Problem)+" "+d.User))
	}
	return all
}

func TestAttendance(t *testing.T) {
	both := func(line string) []string { return []string{"room " + line, "callback " + line} }
	for name, c := range map[string]struct {
		events []string
		// want are the seconds of caller, a and b by earliest_leave and by longest.
		earliest, longest []int64
		problems          []string
	}{
		"all until the end": {
			[]string{"room caller +-3 -100", "room a +0 -100.4", "room b +2 -99"},
			[]int64{100, 100, 97},
			nil, nil,
		},
		"re-joins add up, and are cut off once": {
			slices.Concat(both("caller -100"), both("a +0.6 -10.5 +20 -30.5"), both("b +0 -10.9 +50 -60.9")),
			[]int64{100, 20, 21},
			nil, nil,
		},
		"a drop is a leaving": {
			[]string{"room caller -100", "room a +0 !60", "room b +0 -50 !50.5"},
			[]int64{100, 60, 50},
			nil, nil,
		},
		"who never joined has no time": {
			slices.Concat(both("caller -100"), both("a +0 -100")),
			[]int64{100, 100, 0},
			nil, nil,
		},
		"joined twice, left twice within the tolerance": {
			[]string{"room caller -100", "room a +0 +10 -50 -53", "room b +0 -100"},
			[]int64{100, 50, 100},
			nil, nil,
		},
		"within the tolerance the common time counts": {
			[]string{"room caller -100", "callback caller -100", "room a +0 -60", "callback a +3 -63", "room b +0 -50", "callback b +0 -55"},
			[]int64{100, 57, 50},
			nil, nil,
		},
		"sources differ": {
			[]string{"room caller -100", "callback caller -100", "room a +0 -60", "callback a +0 -65.001", "room b +0 -50", "callback b +0 -50"},
			[]int64{100, 60, 50},
			[]int64{100, 65, 50},
			[]string{"sources_differ a"},
		},
		"one source has a short stay, the other none of it": {
			[]string{"room caller -100", "callback caller -100", "room a +0 -4", "callback a -4", "room b +0 -50", "callback b +0 -50"},
			[]int64{100, 4, 50},
			nil,
			[]string{"sources_differ a"},
		},
		"as long, but at another time": {
			[]string{"room caller -100", "callback caller -100", "room a +0 -40", "callback a +20 -60", "room b +0 -50", "callback b +0 -50"},
			[]int64{100, 20, 50},
			[]int64{100, 60, 50},
			[]string{"sources_differ a"},
		},
		"one source has lost a leaving": {
			[]string{"room caller -100", "callback caller -100", "room a +0", "callback a +0 -60", "room b +0 -50", "callback b +0 -50"},
			[]int64{100, 60, 50},
			[]int64{100, 100, 50},
			[]string{"sources_differ a"},
		},
		"one source has lost a joining": {
			[]string{"room caller -100", "callback caller -100", "room a -60", "callback a +20 -60", "room b +0 -50", "callback b +0 -50"},
			[]int64{100, 40, 50},
			[]int64{100, 60, 50},
			[]string{"sources_differ a", "joining_missed a"},
		},
		"one source has seen the leaving only": {
			[]string{"room caller -100", "callback caller -100", "room a +0", "callback a -60", "room b +0 -50", "callback b +0 -50"},
			[]int64{100, 60, 50},
			[]int64{100, 100, 50},
			[]string{"sources_differ a"},
		},
		"one source has seen nothing of a member": {
			[]string{"room caller -100", "callback caller -100", "room a +0 -60", "room b +0 -50", "callback b +0 -50"},
			[]int64{100, 60, 50},
			[]int64{100, 60, 50},
			[]string{"sources_differ a"},
		},
		"no source saw the leaving": {
			slices.Concat(both("caller -100"), both("a +40"), both("b +0 -50")),
			[]int64{100, 60, 50},
			[]int64{100, 60, 50},
			[]string{"never_left a"},
		},
		"no source saw the joining": {
			slices.Concat(both("caller -100"), both("a -40"), both("b +0 -50")),
			[]int64{100, 0, 50},
			[]int64{100, 40, 50},
			[]string{"joining_missed a"},
		},
		"no source saw the joining again": {
			[]string{"room caller -100", "room a +0 -10 -40", "room b +0 -50"},
			[]int64{100, 10, 50},
			[]int64{100, 40, 50},
			[]string{"joining_missed a"},
		},
		"nobody joined": {
			both("caller -100"),
			[]int64{100, 0, 0},
			[]int64{100, 0, 0},
			[]string{"nobody_joined"},
		},
		"the caller leaves and comes back": {
			[]string{"room caller +-9 --5 +-1 -20 +40 -100", "room a +0 -100", "room b +0 -100"},
			[]int64{80, 100, 100},
			nil, nil,
		},
		"nothing is said of the caller": {
			[]string{"room a +0 -100", "room b +0 -50"},
			[]int64{100, 100, 50},
			[]int64{100, 100, 50},
			[]string{"never_left caller"},
		},
		"a joining and a leaving at once change nothing": {
			[]string{"room caller -100", "room a +0 +30 -30 -60", "room b +10 -10 +0.1 -50"},
			[]int64{100, 60, 49},
			nil, nil,
		},
		"others do not count": {
			[]string{"room caller -100", "room a +0 -60", "room b +0 -50", "room robot +0 -100", "room  +0"},
			[]int64{100, 60, 50},
			nil, nil,
		},
		"outside of the call": {
			[]string{"room caller -120", "room a +-20 --10", "room b +110 -120"},
			[]int64{100, 0, 0},
			[]int64{100, 0, 0},
			[]string{"nobody_joined"},
		},
		"the next call in the room goes on": {
			[]string{"room caller +-3 -100 +120", "room a +0 -40 +121", "room b +0 -100 +121"},
			[]int64{100, 40, 100},
			nil, nil,
		},
		"the next call in the room is over": {
			[]string{"room caller +-3 -100 +120 -130", "room a +0 -40 +100 -130", "room b +0 -100.5 +101 -130"},
			[]int64{100, 40, 100},
			nil, nil,
		},
		"a leaving is missing, and the next call is over": {
			[]string{"room caller -100", "room a +0 -40", "room b +10 +120 -130"},
			[]int64{100, 40, 90},
			nil,
			[]string{"never_left b"},
		},
		"dropped from the call before": {
			[]string{"room caller -100", "room a +-20.001 !60", "room b +0 -100"},
			[]int64{100, 0, 100},
			[]int64{100, 60, 100},
			[]string{"joining_missed a"},
		},
		"joined before it began, within the tolerance": {
			[]string{"room caller -100", "room a +-20 -60", "room b +0 -100"},
			[]int64{100, 60, 100},
			nil, nil,
		},
	} {
		t.Run(name, func(t *testing.T) {
			given := events(t, c.events...)
			if c.longest == nil {
				c.longest = c.earliest
			}
			earliest := attendance.Of(group(), given, policy(attendance.UseEarliestLeave))
			require.Equal(t, c.problems, problems(earliest))
			require.Equal(t, c.earliest, seconds(earliest))
			require.Equal(t, c.longest, seconds(attendance.Of(group(), given, policy(attendance.UseLongest))))
			require.False(t, earliest.Review())
			reviewed := attendance.Of(group(), given, policy(attendance.UseReview))
			require.Equal(t, len(c.problems) > 0, reviewed.Review())
		})
	}
}

// TestUseRecord: only members with a disagreement have the time of the record, and all
// have it if the disagreement is about the call.
func TestUseRecord(t *testing.T) {
	given := events(t, "room caller -100", "room a +40", "room b +0 -50")
	require.Equal(t, []int64{100, 100, 50}, seconds(attendance.Of(group(), given, policy(attendance.UseRecord))))
	two := policy(attendance.UseRecord)
	two.Sources = 2
	a := attendance.Of(group(), given, two)
	require.Equal(t, []int64{100, 100, 100}, seconds(a))
	require.Equal(t, []attendance.Disagreement{
		{Problem: attendance.OneSource, Decided: attendance.UseRecord}, {Problem: attendance.NeverLeft, User: "a", Decided: attendance.UseRecord},
	}, a.Disagreements)
	require.Empty(t, a.Members[2].Proof, "it is not by the events")
}

// TestNextCallIsNoEvidence: a source that saw only the next call saw nothing of this one.
func TestNextCallIsNoEvidence(t *testing.T) {
	this := events(t, "callback caller -100", "callback a +0 -40", "callback b +0 -100")
	want := attendance.Of(group(), this, policy(attendance.UseReview))
	require.Empty(t, want.Disagreements)
	require.Equal(t, want, attendance.Of(group(), append(this, events(t, "room a +120", "room b +121 -130")...), policy(attendance.UseReview)))
}

// TestNoTime: nobody has to decide who was in a call of no time.
func TestNoTime(t *testing.T) {
	record := group()
	record.EndTime = record.AcceptTime
	a := attendance.Of(record, events(t, "room caller +-3 -0.9", "room a +0.2 -0.9"), policy(attendance.UseReview))
	require.Empty(t, a.Disagreements)
	require.Equal(t, []int64{0, 0, 0}, seconds(a))
}

func TestNoEvidence(t *testing.T) {
	for _, given := range [][]attendance.Event{nil, events(t, "room robot +0 -100"), {{Source: attendance.SourceRoom, User: "a", Kind: "invited", At: at(0)}}} {
		a := attendance.Of(group(), given, attendance.Policy{Sources: 2, Use: attendance.UseReview})
		require.Empty(t, a.Sources)
		require.Empty(t, a.Events)
		require.Empty(t, a.Disagreements)
	}
}

// TestProof: the intervals of a member, and the events by which they begin and end.
func TestProof(t *testing.T) {
	given := events(t, "room caller -100", "callback caller -99", "room a +-1 +10 -50 +60 -70", "callback a +1 -50 +61 -70", "room b +0 -50", "callback b +0 -50")
	a := attendance.Of(group(), given, policy(attendance.UseReview))
	require.Empty(t, a.Disagreements)
	require.Equal(t, attendance.Member{
		User: "a", Seconds: 58, Witnessed: true,
		Intervals: []attendance.Interval{{From: at(1000), To: at(50_000)}, {From: at(61_000), To: at(70_000)}},
		Proof:     []string{"c.a.+1", "c.a.-50", "c.a.+61", "c.a.-70", "r.a.+-1", "r.a.-50", "r.a.+60", "r.a.-70"},
	}, a.Members[1])
	require.Equal(t, []attendance.Source{attendance.SourceCallback, attendance.SourceRoom}, a.Sources)
	require.Equal(t, []string{"c.caller.-99", "r.caller.-100"}, a.Members[0].Proof)
}

// TestTimesThatTouch: one interval, and none in common.
func TestTimesThatTouch(t *testing.T) {
	given := events(t, "room a +0 -10", "callback a +10 -20")
	longest := attendance.Of(group(), given, policy(attendance.UseLongest))
	require.Equal(t, []attendance.Interval{{From: at(0), To: at(20_000)}}, longest.Members[1].Intervals)
	require.Empty(t, attendance.Of(group(), given, policy(attendance.UseEarliestLeave)).Members[1].Intervals)
}

// TestWitnessed: two sources saw the member leave, and the time ends with the first.
func TestWitnessed(t *testing.T) {
	for name, c := range map[string]struct {
		events []string
		use    attendance.Use
		want   bool
	}{
		"two agree":                    {[]string{"room a +0 -60", "callback a +0 -61"}, attendance.UseReview, true},
		"one saw a drop":               {[]string{"room a +0 -60", "callback a +0 !61"}, attendance.UseReview, false},
		"dropped and left at once":     {[]string{"room a +0 -60", "callback a +0 -61 !61"}, attendance.UseReview, false},
		"dropped, and back":            {[]string{"room a +0 !20 +30 -60", "callback a +0 !20 +30 -61"}, attendance.UseReview, false},
		"one source":                   {[]string{"room a +0 -60"}, attendance.UseReview, false},
		"two differ, the first counts": {[]string{"room a +0 -90", "callback a +0 -10"}, attendance.UseEarliestLeave, true},
		"two differ, the last counts":  {[]string{"room a +0 -90", "callback a +0 -10"}, attendance.UseLongest, false},
		"two differ, neither counts":   {[]string{"room a +0 -90", "callback a +0 -10"}, attendance.UseRecord, false},
		"the other saw only others":    {[]string{"room a +0 -60", "callback b +0 -60"}, attendance.UseEarliestLeave, false},
		"only one saw the leaving":     {[]string{"room a +0 -98", "callback a +0"}, attendance.UseReview, false},
	} {
		t.Run(name, func(t *testing.T) {
			require.Equal(t, c.want, attendance.Of(group(), events(t, c.events...), policy(c.use)).Members[1].Witnessed)
		})
	}
}
