package audit_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"aftercall/internal/audit"
	"aftercall/internal/evidence"
	"aftercall/internal/tencent"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// use is one of the room r, in seconds after noon.
func use(from, to int64) evidence.RoomUse {
	return evidence.RoomUse{RoomID: "r", RoomIDType: 2, From: at(from), To: at(to), Members: 2, EmptyAt: at(to), NeverLeft: from == to}
}

func at(seconds int64) time.Time { return noon.Add(time.Duration(seconds) * time.Second) }

// call is a record of the room r, in seconds after noon.
func call(start, end int64) tencent.CallRecord {
	return tencent.CallRecord{
		CallID: fmt.Sprint("call-", start), RoomID: "r", RoomIDType: 2, StartTime: noon.Unix() + start, AcceptTime: noon.Unix() + start, EndTime: noon.Unix() + end,
	}
}

func TestUnexplained(t *testing.T) {
	never := call(0, 0)
	never.EndTime = 0
	noStart := call(100, 200)
	noStart.StartTime = 0
	acceptedBefore := call(100, 200)
	acceptedBefore.AcceptTime -= 50
	otherRoom, digits := call(100, 200), call(100, 200)
	otherRoom.RoomID, digits.RoomIDType = "R", 1
	noType, otherNoType := call(100, 200), otherRoom
	noType.RoomIDType, otherNoType.RoomIDType = 0, 0
	for name, c := range map[string]struct {
		use     evidence.RoomUse
		records []tencent.CallRecord
		want    [][2]int64
	}{
		"no record":                      {use(100, 200), nil, [][2]int64{{100, 200}}},
		"the record of another room":     {use(100, 200), []tencent.CallRecord{otherRoom, digits}, [][2]int64{{100, 200}}},
		"the room without its type":      {use(100, 200), []tencent.CallRecord{noType}, nil},
		"another one without its type":   {use(100, 200), []tencent.CallRecord{otherNoType}, [][2]int64{{100, 200}}},
		"its record":                     {use(100, 200), []tencent.CallRecord{call(90, 200)}, nil},
		"clocks differ":                  {use(100, 200), []tencent.CallRecord{call(105, 195)}, nil},
		"the record began later":         {use(100, 200), []tencent.CallRecord{call(106, 195)}, [][2]int64{{100, 101}}},
		"members who were dropped":       {use(100, 305), []tencent.CallRecord{call(100, 200)}, nil},
		"longer than dead air":           {use(100, 306), []tencent.CallRecord{call(100, 200)}, [][2]int64{{205, 306}}},
		"a record before":                {use(206, 250), []tencent.CallRecord{call(100, 200)}, [][2]int64{{206, 250}}},
		"a redial after 3 s":             {use(203, 290), []tencent.CallRecord{call(100, 200)}, [][2]int64{{205, 290}}},
		"a moment after the end":         {use(203, 205), []tencent.CallRecord{call(100, 200)}, nil},
		"a record after":                 {use(100, 200), []tencent.CallRecord{call(206, 300)}, [][2]int64{{100, 200}}},
		"two calls, one after the other": {use(100, 300), []tencent.CallRecord{call(210, 300), call(100, 200)}, nil},
		"a call between two":             {use(100, 600), []tencent.CallRecord{call(100, 200), call(400, 600)}, [][2]int64{{205, 395}}},
		"a call within another":          {use(100, 600), []tencent.CallRecord{call(100, 550), call(200, 300)}, nil},
		"a record without an end":        {use(100, 600), []tencent.CallRecord{never}, nil},
		"a record without a start":       {use(100, 200), []tencent.CallRecord{noStart}, nil},
		"accepted before its start":      {use(50, 200), []tencent.CallRecord{acceptedBefore}, nil},
		"of unknown length":              {use(100, 100), nil, [][2]int64{{100, 100}}},
		"of unknown length, recorded":    {use(100, 100), []tencent.CallRecord{call(100, 200)}, nil},
		"of unknown length, just after":  {use(203, 203), []tencent.CallRecord{call(100, 200)}, nil},
		"of unknown length, at its end":  {use(206, 206), []tencent.CallRecord{call(100, 200)}, [][2]int64{{206, 206}}},
	} {
		var got [][2]int64
		for _, s := range audit.Unexplained([]evidence.RoomUse{c.use}, c.records) {
			got = append(got, [2]int64{int64(s.From.Sub(noon).Seconds()), int64(s.To.Sub(noon).Seconds())})
			require.Equal(t, int64(s.To.Sub(s.From).Seconds()), s.Seconds, name)
			require.Equal(t, audit.Room{ID: "r", IDType: 2}, s.Room, name)
			require.Equal(t, c.use.NeverLeft, s.NeverLeft, name)
			require.Equal(t, 2, s.Members, name)
		}
		require.Equal(t, c.want, got, name)
	}
}

// TestUnexplainedSecondBySecond compares with counting each second of each use.
func TestUnexplainedSecondBySecond(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		seconds := rapid.Int64Range(0, 2000)
		var uses []evidence.RoomUse
		for from := rapid.Int64Range(0, 500).Draw(t, "first"); len(uses) < 4; {
			to := from + rapid.Int64Range(1, 800).Draw(t, "length")
			uses = append(uses, use(from, to))
			from = to + rapid.Int64Range(1, rapid.SampledFrom([]int64{5, 300}).Draw(t, "longest pause")).Draw(t, "pause")
		}
		var records []tencent.CallRecord
		for range rapid.IntRange(0, 5).Draw(t, "records") {
			start := seconds.Draw(t, "start")
			records = append(records, call(start, start+rapid.Int64Range(0, 600).Draw(t, "length")))
		}
		got := map[int64]bool{}
		for _, s := range audit.Unexplained(uses, records) {
			for second := s.From.Unix(); second < s.To.Unix(); second++ {
				require.False(t, got[second], "twice")
				got[second] = true
			}
		}
		for _, u := range uses {
			for second := u.From.Unix(); second < u.To.Unix(); second++ {
				require.Equal(t, !explained(u, second, records), got[second], "%d s after noon", second-noon.Unix())
				delete(got, second)
			}
		}
		require.Empty(t, got)
		reversed := make([]tencent.CallRecord, len(records))
		for i, r := range records {
			reversed[len(records)-1-i] = r
		}
		require.Equal(t, audit.Unexplained(uses, records), audit.Unexplained(uses, reversed))
	})
}

// explained reports whether a record covers a second of a use, or the dead air after it
// does: until the next record, or the end of the use, whichever comes first. Dead air
// follows a call that was in this use.
func explained(u evidence.RoomUse, second int64, records []tencent.CallRecord) bool {
	covered := func(second int64) bool {
		for _, r := range records {
			if second >= r.StartTime-5 && second < r.EndTime+5 {
				return true
			}
		}
		return false
	}
	if covered(second) {
		return true
	}
	from, to := second, second+1
	for from > u.From.Unix() && !covered(from-1) {
		from--
	}
	for to < u.To.Unix() && !covered(to) {
		to++
	}
	inUse := slices.ContainsFunc(records, func(r tencent.CallRecord) bool { return r.EndTime > u.From.Unix() && r.EndTime+5 == from })
	return inUse && to-from <= 100
}
