package notify

import (
	"slices"

	"aftercall/internal/tencent"
)

// Subscription chooses events: those that each of its lists names. An empty list
// chooses all, except that EventLedgerCheckpoint must be named. EventCallReview
// chooses EventReviewBurst too, which stands for many of them.
type Subscription struct {
	Events []EventType
	// Apps are the configured names of apps.
	Apps []string
	// Results and Media choose among the events of calls. An event whose result or
	// media type is not known, as in some reviews, matches.
	Results []tencent.CallResult
	Media   []tencent.MediaType
}

// Matches reports whether the subscription chooses e.
func (s Subscription) Matches(e Event) bool {
	if !chooses(s.Events, e.Type) {
		return false
	}
	if e.Burst != nil {
		return matches(s.Apps, e.Burst.App)
	}
	if e.Sweep != nil {
		return matches(s.Apps, e.Sweep.App)
	}
	c := e.Call
	if c == nil {
		return true
	}
	return matches(s.Apps, c.App) && (c.Result == "" || matches(s.Results, c.Result)) && (c.MediaType == "" || matches(s.Media, c.MediaType))
}

// chooses reports whether a list of events chooses one.
func chooses(list []EventType, e EventType) bool {
	if e == EventReviewBurst && slices.Contains(list, EventCallReview) {
		return true
	}
	return slices.Contains(list, e) || len(list) == 0 && !slices.Contains(namedOnly, e)
}

func matches[T comparable](list []T, v T) bool { return len(list) == 0 || slices.Contains(list, v) }

// Subscriber is a target and what it is subscribed to.
type Subscriber struct {
	Name         string
	Subscription Subscription
}

// Subscribers returns the names of those whose subscription matches e, in their
// order. It is the one place that decides who is notified of an event.
func Subscribers(all []Subscriber, e Event) []string {
	names := []string{}
	for _, s := range all {
		if s.Subscription.Matches(e) {
			names = append(names, s.Name)
		}
	}
	return names
}
