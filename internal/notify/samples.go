package notify

import (
	"time"

	"aftercall/internal/tencent"
)

// Samples returns one complete event of every type, to try templates with.
func Samples() []Event {
	at := time.Date(2026, 3, 1, 12, 0, 5, 211e6, time.UTC)
	charged := CallData{
		App: "clinic", SDKAppID: 1400000000, CallID: "055662e1-bc8a-469c-a334-1126c8c17d58",
		Caller: "patient-1001", Members: []string{"patient-1001", "doctor-17"}, RoomID: "consultation-1001",
		MediaType: tencent.MediaAudio, CallType: tencent.CallTypeSingle, Result: tencent.ResultNormalEnd,
		StartTime: 1772366331, AcceptTime: 1772366339, EndTime: 1772366400,
		ConnectedSeconds: 61, BilledSeconds: 120, Amount: "0.24", Currency: "USD", Tariff: "consultation",
		Explanation: []string{
			"61 s connected", "first interval 60 s, then started intervals of 60 s", "120 s billed",
			"120/60 × 0.12 = 0.24", "rounded once", "0.24 USD",
		},
		LedgerKey: "charge:1400000000:055662e1-bc8a-469c-a334-1126c8c17d58",
	}
	free := charged
	free.Result, free.AcceptTime, free.ConnectedSeconds, free.BilledSeconds = tencent.ResultNotAnswer, 0, 0, 0
	free.Amount, free.Explanation = "0.00", []string{"not connected", "0.00 USD"}
	review := charged
	review.AcceptTime, review.ConnectedSeconds, review.BilledSeconds = 0, 0, 0
	review.Amount, review.Currency, review.Tariff, review.LedgerKey = "", "", "", ""
	review.Explanation = []string{"NormalEnd without AcceptTime"}
	reversed := charged
	reversed.Amount, reversed.LedgerKey, reversed.Reverses = "-0.24", "reversal:1400000000:"+charged.CallID, charged.LedgerKey
	reversed.Reason, reversed.Operator = "wrong tariff", "alice"
	adjusted := reversed
	adjusted.ConnectedSeconds, adjusted.BilledSeconds, adjusted.Adjustment, adjusted.Reverses = 0, 0, 1, ""
	adjusted.Amount, adjusted.LedgerKey = "-0.10", "adjustment:1400000000:"+charged.CallID
	adjusted.Explanation = []string{"the call costs 0.24 USD without it, and 0.14 USD with it"}
	adjusted.Reason = "the picture froze"
	return []Event{
		{Type: EventCallCharged, Version: EventVersion, Timestamp: at, Call: &charged},
		{Type: EventCallFree, Version: EventVersion, Timestamp: at, Call: &free},
		{Type: EventCallReview, Version: EventVersion, Timestamp: at, Call: &review},
		{Type: EventCallReversed, Version: EventVersion, Timestamp: at, Call: &reversed},
		{Type: EventCallAdjusted, Version: EventVersion, Timestamp: at, Call: &adjusted},
		{Type: EventReviewBurst, Version: EventVersion, Timestamp: at, Burst: &BurstData{
			App: "clinic", SDKAppID: 1400000000, Reviews: 49, Examples: []string{charged.CallID}, From: at.Add(-10 * time.Minute), To: at,
			Command: "aftercall review decide --all --reason-kind no-record --verdict waive --dry-run --operator NAME --reason TEXT --app clinic",
		}},
		{Type: EventSweepRecovered, Version: EventVersion, Timestamp: at, Sweep: &SweepData{
			App: "clinic", SDKAppID: 1400000000, Listed: 40, Known: 38, Recovered: 2,
			Examples: []string{charged.CallID}, From: at.Add(-6 * time.Hour), To: at,
		}},
		{Type: EventLedgerCheckpoint, Version: EventVersion, Timestamp: at, Checkpoint: &CheckpointData{
			Origin: "ledger.example.com", Entries: 4711, Root: "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=", Time: at,
			Text: "ledger.example.com\n4711\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\ntime 2026-03-01T12:00:05.211Z\n\n" +
				"— ledger.example.com x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n",
		}},
	}
}
