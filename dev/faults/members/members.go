// Package members plays the members of calls that are charged by who was seen in them,
// for the harness with real processes and for the simulation, and tells the checker what
// Tencent has posted about them.
package members

import (
	"encoding/json"
	"math/rand/v2"
	"slices"
	"strconv"
	"time"

	"aftercall/dev/faults/checker"
	"aftercall/dev/tencentsim"
	"aftercall/internal/attendance"
	"aftercall/internal/tencent"
)

// Host is the caller of every call that is played, the first of whose guests pays.
const Host = "host"

// Play lets a host and up to three guests come to a connected call, leave it, be dropped
// and come back, while the events about them are lost, repeated and reordered.
func Play(random *rand.Rand, spec *tencentsim.CallSpec) {
	spec.MemberEvents, spec.RoomEvents = faults(random), faults(random)
	spec.Members = []string{Host}
	for i := range 1 + random.IntN(3) {
		spec.Members = append(spec.Members, "guest-"+strconv.Itoa(i+1))
	}
	for _, m := range spec.Members {
		stay := tencentsim.Presence{Member: m}
		if m != Host {
			stay.JoinAfterSeconds = random.Int64N(spec.Seconds)
		}
		if random.IntN(2) == 0 {
			stay.LeaveAfterSeconds = stay.JoinAfterSeconds + random.Int64N(spec.Seconds-stay.JoinAfterSeconds)
			stay.Dropped = random.IntN(5) == 0
		}
		spec.Attendance = append(spec.Attendance, stay)
		if left := stay.LeaveAfterSeconds; left > 0 && !stay.Dropped && left+2 < spec.Seconds && random.IntN(2) == 0 {
			spec.Attendance = append(spec.Attendance, tencentsim.Presence{Member: m, JoinAfterSeconds: left + 1 + random.Int64N(spec.Seconds-left-1)})
		}
	}
}

// Steady lets most calls of which there is no record be such that both sources agree: half
// lose no event, and in most the host and a guest are there all the time.
func Steady(random *rand.Rand, spec *tencentsim.CallSpec) {
	if random.IntN(2) == 0 {
		spec.MemberEvents.LoseEvery, spec.RoomEvents.LoseEvery = 0, 0
	}
	if random.IntN(4) > 0 {
		always := []string{Host, "guest-1"}
		spec.Attendance = slices.DeleteFunc(spec.Attendance, func(p tencentsim.Presence) bool { return slices.Contains(always, p.Member) })
		for _, m := range always {
			spec.Attendance = append(spec.Attendance, tencentsim.Presence{Member: m})
		}
	}
}

func faults(random *rand.Rand) (f tencentsim.EventFaults) {
	f.Reorder = random.IntN(2) == 0
	switch random.IntN(4) {
	case 0:
		f.LoseEvery = 1 + random.IntN(5)
	case 1:
		f.Repeat = 1 + random.IntN(3)
	}
	return f
}

// Answered is when a POST was answered, at the latest.
func Answered(p tencentsim.PostedCallback) time.Time {
	return p.SentAt.Add(time.Duration(p.LatencyMS+1) * time.Millisecond)
}

// Sent are the events of a call that Tencent has posted, with when they were first
// answered OK.
func Sent(call tencentsim.Call) (all []checker.Sent) {
	posted := func(p tencentsim.PostedCallback, seen checker.Seen) {
		i := slices.IndexFunc(all, func(s checker.Sent) bool { return s.Seen == seen })
		if i < 0 {
			i, all = len(all), append(all, checker.Sent{Seen: seen})
		}
		if at := Answered(p); p.Status == 200 && (all[i].Answered.IsZero() || at.Before(all[i].Answered)) {
			all[i].Answered = at
		}
	}
	for _, p := range call.Callbacks {
		var body struct {
			ChangedUserList []struct {
				Account string `json:"User_Account"`
				Action  string `json:"ActionType"`
			}
			EventTime int64
		}
		if p.Command != tencent.CommandAfterMemberChanged || json.Unmarshal(p.Body, &body) != nil {
			continue
		}
		kinds := map[string]string{"Answer": "joined", "Join": "joined", "Hangup": "left", "Offline": "dropped"}
		for _, changed := range body.ChangedUserList {
			if kind := kinds[changed.Action]; kind != "" {
				posted(p, checker.Seen{Source: "callback", User: changed.Account, Kind: kind, At: body.EventTime / 1000})
			}
		}
	}
	for _, p := range call.RoomWebhooks {
		var body struct {
			EventType int
			EventInfo struct {
				UserID  string `json:"UserId"`
				EventTs int64
				Reason  int
			}
		}
		if json.Unmarshal(p.Body, &body) != nil {
			continue
		}
		kind := map[int]string{103: "joined", 104: "left"}[body.EventType]
		if kind == "left" && body.EventInfo.Reason == 2 {
			kind = "dropped"
		}
		if kind != "" {
			posted(p, checker.Seen{Source: "room", User: body.EventInfo.UserID, Kind: kind, At: body.EventInfo.EventTs})
		}
	}
	return all
}

// Seen is what a charge was made from, but for who opened the room.
func Seen(events []attendance.Event) (all []checker.Seen) {
	for _, e := range events {
		if e.Kind == attendance.Opened {
			continue
		}
		all = append(all, checker.Seen{Source: string(e.Source), User: e.User, Kind: string(e.Kind), At: e.At.Unix()})
	}
	return all
}

// Claims are what callbacks about the end of a call say, as the starter reads them.
func Claims(callID string, posted []tencentsim.PostedCallback) (all []checker.Claim) {
	for _, p := range posted {
		read, err := tencent.DecodeCallback(tencent.ParseQuery("CallbackCommand="+string(p.Command)), p.Body)
		if err != nil || p.Command != tencent.CommandAfterEndCall || read.CallID != callID {
			continue
		}
		r := read.Record
		all = append(all, checker.Claim{
			Caller: r.Caller, Media: string(r.MediaType), Type: string(r.CallType), Result: string(r.Result),
			Start: r.StartTime, Accept: r.AcceptTime, End: r.EndTime, Members: r.Members, Room: r.RoomID != "",
		})
	}
	return all
}
