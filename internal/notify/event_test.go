package notify

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"aftercall/internal/tencent"
)

func TestEventInJSON(t *testing.T) {
	for _, event := range Samples() {
		text, err := json.Marshal(event)
		require.NoError(t, err)
		require.Contains(t, string(text), `"timestamp":"2026-03-01T12:00:05.211Z","data":{"`)
		var read Event
		require.NoError(t, json.Unmarshal(text, &read))
		require.Equal(t, event, read)
	}
}

func TestAnEmptyListIsSentAsAList(t *testing.T) {
	event := Event{Type: EventCallReview, Call: &CallData{}}
	body := sent(t, event)
	require.Contains(t, body, `"members":[]`)
	require.Contains(t, body, `"explanation":[]`)
	require.Nil(t, event.Call.Members, "the event itself is unchanged")
	require.Contains(t, sent(t, Event{Type: EventSweepRecovered, Sweep: &SweepData{}}), `"examples":[]`)
	require.Contains(t, sent(t, Event{Type: EventReviewBurst, Burst: &BurstData{}}), `"examples":[]`)
}

func TestSubscription(t *testing.T) {
	event := func(kind EventType, app string, result tencent.CallResult, media tencent.MediaType) Event {
		return Event{Type: kind, Call: &CallData{App: app, Result: result, MediaType: media}}
	}
	video := event(EventCallCharged, "clinic", tencent.ResultNormalEnd, tencent.MediaVideo)
	recovered := Event{Type: EventSweepRecovered, Sweep: &SweepData{App: "clinic"}}
	narrow := Subscription{
		Events: []EventType{EventCallCharged, EventSweepRecovered, EventCallReview}, Apps: []string{"clinic", "school"},
		Results: []tencent.CallResult{tencent.ResultNormalEnd}, Media: []tencent.MediaType{tencent.MediaVideo},
	}
	for name, tt := range map[string]struct {
		subscription Subscription
		event        Event
		want         bool
	}{
		"everything":                       {Subscription{}, video, true},
		"everything, a sweep":              {Subscription{}, recovered, true},
		"all lists":                        {narrow, video, true},
		"everything, but not a checkpoint": {Subscription{}, Event{Type: EventLedgerCheckpoint, Checkpoint: &CheckpointData{}}, false},
		"a checkpoint":                     {Subscription{Events: []EventType{EventLedgerCheckpoint}, Apps: []string{"clinic"}}, Event{Type: EventLedgerCheckpoint, Checkpoint: &CheckpointData{}}, true},
		"other event":                      {narrow, event(EventCallFree, "clinic", tencent.ResultNormalEnd, tencent.MediaVideo), false},
		"other app":                        {narrow, event(EventCallCharged, "bank", tencent.ResultNormalEnd, tencent.MediaVideo), false},
		"other result":                     {narrow, event(EventCallCharged, "clinic", tencent.ResultOffline, tencent.MediaVideo), false},
		"other media":                      {narrow, event(EventCallCharged, "clinic", tencent.ResultNormalEnd, tencent.MediaAudio), false},
		"nothing known":                    {narrow, event(EventCallReview, "school", "", ""), true},
		"a burst of reviews":               {narrow, Event{Type: EventReviewBurst, Burst: &BurstData{App: "clinic"}}, true},
		"a burst of another app":           {narrow, Event{Type: EventReviewBurst, Burst: &BurstData{App: "bank"}}, false},
		"a burst, without reviews":         {Subscription{Events: []EventType{EventCallCharged}}, Event{Type: EventReviewBurst, Burst: &BurstData{}}, false},
		"sweep":                            {narrow, recovered, true},
		"sweep of other app":               {narrow, Event{Type: EventSweepRecovered, Sweep: &SweepData{App: "bank"}}, false},
	} {
		t.Run(name, func(t *testing.T) { require.Equal(t, tt.want, tt.subscription.Matches(tt.event)) })
	}
}

func TestSubscribersInTheirOrder(t *testing.T) {
	charged := Subscription{Events: []EventType{EventCallCharged}}
	all := []Subscriber{{Name: "z"}, {Name: "money", Subscription: charged}, {Name: "a"}}
	require.Equal(t, []string{"z", "money", "a"}, Subscribers(all, Event{Type: EventCallCharged, Call: &CallData{}}))
	require.Equal(t, []string{"z", "a"}, Subscribers(all, Event{Type: EventCallFree, Call: &CallData{}}))
	require.Equal(t, []string{}, Subscribers(nil, Event{Type: EventCallFree, Call: &CallData{}}), "a list, not null, in a history")
}
