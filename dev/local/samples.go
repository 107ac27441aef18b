package local

import (
	"encoding/json"
	"net/http"

	"aftercall/dev/tencentsim"
	"aftercall/dev/webhookreceiver"
	"aftercall/internal/billing"
	"aftercall/internal/tencent"
	"aftercall/workflows"
)

// The apps of dev/aftercall.yaml.
const (
	clinic   tencent.SDKAppID = 1400000000
	tutoring tencent.SDKAppID = 1400000001
	seminar  tencent.SDKAppID = 1400000002
)

// Sample is a call and its expected outcome.
type Sample struct {
	Name string
	Spec tencentsim.CallSpec
	// Decide is the decision to make when the call is in review; nil if it must
	// not need one.
	Decide *workflows.DecideParams
	// Fail makes a target fail for this call; nil for no failure.
	Fail *webhookreceiver.Failure
	// Resend are the arguments to resend this call's notifications with; nil for no resend.
	Resend []string
	Want   Want
}

// Want is the expected outcome of a call.
type Want struct {
	Outcome workflows.Outcome
	Billed  int64
	Amount  string
	// Targets receive one notification each, and one more if the call was in review.
	Targets []string
	// MemberSeconds are the connected seconds of each member, nil unless the call is
	// charged by them.
	MemberSeconds map[string]int64
	// Payer is the account that pays, the caller if empty.
	Payer string
	// Duplicates and Conflicts are the expected counts of the starter.
	Duplicates, Conflicts int
	// Source is SourceCallback if empty.
	Source workflows.Source
}

// chatTarget is the chat target that receives a message about every charged call.
const chatTarget = "desk"

// Samples returns the calls of `make dev` and `make demo`, with amounts computed
// by hand from the tariffs of dev/aftercall.yaml.
func Samples() []Sample {
	all := samples()
	for i := range all {
		if all[i].Want.Outcome == workflows.OutcomeCharged {
			all[i].Want.Targets = append(all[i].Want.Targets, chatTarget)
		}
	}
	return all
}

func samples() []Sample {
	return []Sample{
		{
			// 61 s are two minutes: 2 × 0.12.
			Name: "audio, 61 s",
			Spec: tencentsim.CallSpec{SDKAppID: clinic, Seconds: 61},
			Want: Want{Outcome: workflows.OutcomeCharged, Billed: 120, Amount: "0.24", Targets: []string{"crm"}},
		},
		{
			// 60 s and twelve times 6 s are 132 s: 132/60 × 0.30.
			Name: "video, 130 s",
			Spec: tencentsim.CallSpec{SDKAppID: clinic, Media: tencent.MediaVideo, Seconds: 130},
			Want: Want{Outcome: workflows.OutcomeCharged, Billed: 132, Amount: "0.66", Targets: []string{"crm"}},
		},
		{
			Name: "not answered",
			Spec: tencentsim.CallSpec{SDKAppID: clinic, Result: tencent.ResultNotAnswer},
			Want: Want{Outcome: workflows.OutcomeFree, Amount: "0.00", Targets: []string{"crm"}},
		},
		{
			// Four callbacks, one charge.
			Name: "callback posted four times",
			Spec: tencentsim.CallSpec{SDKAppID: clinic, Seconds: 10, Duplicates: 3},
			Want: Want{Outcome: workflows.OutcomeCharged, Billed: 60, Amount: "0.12", Targets: []string{"crm"}, Duplicates: 3},
		},
		{
			// The four callbacks race each other.
			Name: "four callbacks at once",
			Spec: tencentsim.CallSpec{SDKAppID: clinic, Media: tencent.MediaVideo, Seconds: 12, Duplicates: 3, Concurrent: true},
			Want: Want{Outcome: workflows.OutcomeCharged, Billed: 60, Amount: "0.30", Targets: []string{"crm"}, Duplicates: 3},
		},
		{
			// 31 s at 45 yen a minute are 23.25, times 3 callees: 69.75, rounded to whole yen.
			Name: "group of 4, signed, in yen",
			Spec: tencentsim.CallSpec{SDKAppID: tutoring, Media: tencent.MediaVideo, Seconds: 31, GroupSize: 4},
			Want: Want{Outcome: workflows.OutcomeCharged, Billed: 31, Amount: "70", Targets: []string{"crm", "audit"}},
		},
		{
			// One of three leaves half-way: 120 s, 120 s and 60 s are five minutes at 0.06.
			Name: "group of 3, one leaves half-way",
			Spec: tencentsim.CallSpec{
				SDKAppID: seminar, Media: tencent.MediaVideo, Seconds: 120, Members: []string{"teacher-7", "student-8", "student-9"},
				Attendance: []tencentsim.Presence{{Member: "teacher-7"}, {Member: "student-8"}, {Member: "student-9", LeaveAfterSeconds: 60}},
			},
			Want: Want{
				Outcome: workflows.OutcomeCharged, Billed: 300, Amount: "0.30", Targets: []string{"crm"},
				MemberSeconds: map[string]int64{"teacher-7": 120, "student-8": 120, "student-9": 60},
			},
		},
		{
			// A robot reminds of an appointment, and whom it calls pays: two minutes.
			Name: "started by a robot",
			Spec: tencentsim.CallSpec{SDKAppID: clinic, Seconds: 75, Members: []string{"robot-reminder", "patient-1017"}, Robot: true},
			Want: Want{Outcome: workflows.OutcomeCharged, Billed: 120, Amount: "0.24", Targets: []string{"crm"}, Payer: "patient-1017"},
		},
		{
			// The callback claims a much longer call; the record has 95 s: two minutes.
			Name: "callback differs from record",
			Spec: tencentsim.CallSpec{
				SDKAppID: clinic, Seconds: 95,
				Callback: json.RawMessage(`{"AcceptTime":1,"CallResult":"Interrupt"}`),
			},
			Want: Want{Outcome: workflows.OutcomeCharged, Billed: 120, Amount: "0.24", Targets: []string{"crm"}},
		},
		{
			// The callback is posted again, with other data.
			Name: "second callback differs",
			Spec: tencentsim.CallSpec{
				SDKAppID: tutoring, Seconds: 20, Duplicates: 1,
				LaterCallback: json.RawMessage(`{"CallResult":"Interrupt"}`),
			},
			Want: Want{
				Outcome: workflows.OutcomeCharged, Billed: 30, Amount: "23", Targets: []string{"crm", "audit"},
				Duplicates: 1, Conflicts: 1,
			},
		},
		{
			// Tencent answers 101050 until 9 s after the end.
			Name: "record comes late",
			Spec: tencentsim.CallSpec{SDKAppID: clinic, Seconds: 45, RecordAfterSeconds: 9},
			Want: Want{Outcome: workflows.OutcomeCharged, Billed: 60, Amount: "0.12", Targets: []string{"crm"}},
		},
		{
			// The record API fails twice with "internal, please retry".
			Name: "record API fails twice",
			Spec: tencentsim.CallSpec{
				SDKAppID: clinic, Seconds: 5,
				RecordFault: &tencentsim.APIFault{Code: tencent.CodeInternal, Times: 2},
			},
			Want: Want{Outcome: workflows.OutcomeCharged, Billed: 60, Amount: "0.12", Targets: []string{"crm"}},
		},
		{
			// 100 s less 30 s grace are 70 s, so two minutes.
			Name: "offline, with grace",
			Spec: tencentsim.CallSpec{SDKAppID: clinic, Seconds: 100, Result: tencent.ResultOffline},
			Want: Want{Outcome: workflows.OutcomeCharged, Billed: 120, Amount: "0.24", Targets: []string{"crm"}},
		},
		{
			// The record has NormalEnd but no AcceptTime. A person decides: five minutes.
			Name: "reviewed and decided",
			Spec: tencentsim.CallSpec{SDKAppID: clinic, Seconds: 310, Record: json.RawMessage(`{"AcceptTime":0}`)},
			Decide: &workflows.DecideParams{
				Verdict: billing.VerdictChargeAs, ConnectedSeconds: 300, By: "night shift", Reason: "five minutes according to the doctor's log",
			},
			Want: Want{Outcome: workflows.OutcomeCharged, Billed: 300, Amount: "0.60", Targets: []string{"crm"}},
		},
		{
			// AcceptTime is an object in the record, and the accounts are numbers. A
			// person decides: two minutes.
			Name: "odd record, decided",
			Spec: tencentsim.CallSpec{
				SDKAppID: clinic, Seconds: 119,
				OddRecord: []tencentsim.Oddity{
					{Field: "AcceptTime", Kind: tencentsim.OddObject},
					{Field: "StartTime", Kind: tencentsim.OddAsText},
					{Field: "RoomId", Kind: tencentsim.OddNumber},
				},
			},
			Decide: &workflows.DecideParams{
				Verdict: billing.VerdictChargeAs, ConnectedSeconds: 119, By: "night shift", Reason: "two minutes according to the doctor's log",
			},
			Want: Want{Outcome: workflows.OutcomeCharged, Billed: 120, Amount: "0.24", Targets: []string{"crm"}},
		},
		{
			// The callback is accepted, and the record decides: two minutes.
			Name: "odd callback",
			Spec: tencentsim.CallSpec{
				SDKAppID: clinic, Seconds: 118,
				OddCallback: []tencentsim.Oddity{
					{Field: "Caller_Account", Kind: tencentsim.OddNumber},
					{Field: "EndTime", Kind: tencentsim.OddOutOfRange},
					{Field: "CalleeList_Account", Kind: tencentsim.OddObject},
					{Field: "CallbackCommand", Kind: tencentsim.OddMissing},
				},
			},
			Want: Want{Outcome: workflows.OutcomeCharged, Billed: 120, Amount: "0.24", Targets: []string{"crm"}},
		},
		{
			// Tencent never posts it; the sweep finds its record.
			Name: "callback lost",
			Spec: tencentsim.CallSpec{SDKAppID: clinic, Seconds: 121, EndedAgoSeconds: 60, Lose: true},
			Want: Want{
				Outcome: workflows.OutcomeCharged, Billed: 180, Amount: "0.36", Targets: []string{"crm"},
				Source: workflows.SourceSweep,
			},
		},
		{
			// The crm fails twice, then succeeds. The chat target is not delayed.
			Name: "target fails for a while",
			Spec: tencentsim.CallSpec{SDKAppID: clinic, Seconds: 30},
			Fail: &webhookreceiver.Failure{Target: "crm", Times: 2, Status: http.StatusServiceUnavailable},
			Want: Want{Outcome: workflows.OutcomeCharged, Billed: 60, Amount: "0.12", Targets: []string{"crm"}},
		},
		{
			// The crm receives the same message again.
			Name:   "resent",
			Spec:   tencentsim.CallSpec{SDKAppID: clinic, Seconds: 31},
			Resend: []string{"--target", "crm"},
			Want:   Want{Outcome: workflows.OutcomeCharged, Billed: 60, Amount: "0.12", Targets: []string{"crm"}},
		},
	}
}
