package notify

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"aftercall/internal/tencent"
)

func TestEventInJSON(t *testing.T) {
	at := time.Date(2026, 3, 1, 12, 0, 5, 0, time.UTC)
	call := Event{Type: EventCallCharged, Version: EventVersion, Timestamp: at, Call: &CallData{App: "clinic", CallID: "c1", Amount: "0.20"}}
	sweep := Event{Type: EventSweepRecovered, Version: EventVersion, Timestamp: at, Sweep: &SweepData{App: "clinic", Recovered: 2, From: at, To: at}}
	for _, event := range []Event{call, sweep} {
		text, err := json.Marshal(event)
		require.NoError(t, err)
		require.Contains(t, string(text), `"timestamp":"2026-03-01T12:00:05Z","data":{"app":"clinic"`)
		var read Event
		require.NoError(t, json.Unmarshal(text, &read))
		require.Equal(t, event, read)
	}
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
		"everything":          {Subscription{}, video, true},
		"everything, a sweep": {Subscription{}, recovered, true},
		"all lists":           {narrow, video, true},
		"other event":         {narrow, event(EventCallFree, "clinic", tencent.ResultNormalEnd, tencent.MediaVideo), false},
		"other app":           {narrow, event(EventCallCharged, "bank", tencent.ResultNormalEnd, tencent.MediaVideo), false},
		"other result":        {narrow, event(EventCallCharged, "clinic", tencent.ResultOffline, tencent.MediaVideo), false},
		"other media":         {narrow, event(EventCallCharged, "clinic", tencent.ResultNormalEnd, tencent.MediaAudio), false},
		"nothing known":       {narrow, event(EventCallReview, "school", "", ""), true},
		"sweep":               {narrow, recovered, true},
		"sweep of other app":  {narrow, Event{Type: EventSweepRecovered, Sweep: &SweepData{App: "bank"}}, false},
	} {
		t.Run(name, func(t *testing.T) { require.Equal(t, tt.want, tt.subscription.Wants(tt.event)) })
	}
}
