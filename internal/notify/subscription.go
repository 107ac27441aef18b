package notify

import (
	"slices"

	"aftercall/internal/tencent"
)

// Subscription is what a target wants to hear of: whatever all of its lists
// name. An empty list is everything, so the zero value wants every event.
type Subscription struct {
	Events []EventType
	// Apps are the configured names of apps.
	Apps []string
	// Results and Media choose among the events of calls. What is not known of
	// a call, as in some reviews, is kept from nobody.
	Results []tencent.CallResult
	Media   []tencent.MediaType
}

// Wants reports whether e is of interest.
func (s Subscription) Wants(e Event) bool {
	if !chosen(s.Events, e.Type) {
		return false
	}
	if e.Sweep != nil {
		return chosen(s.Apps, e.Sweep.App)
	}
	c := e.Call
	return chosen(s.Apps, c.App) && (c.Result == "" || chosen(s.Results, c.Result)) && (c.MediaType == "" || chosen(s.Media, c.MediaType))
}

func chosen[T comparable](list []T, v T) bool { return len(list) == 0 || slices.Contains(list, v) }
