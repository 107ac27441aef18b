package notify

import "time"

// EventTargetTest is sent when an operator tests a target. It is about no call.
// No target subscribes to it, so it is not among EventTypes.
const EventTargetTest EventType = "target.test"

// TestData is the data of EventTargetTest.
type TestData struct {
	// Target is the name of the target that is tested.
	Target string `json:"target"`
	// Message says, for people, that this is a test. It is the text of channels
	// with a text, whatever their templates.
	Message string `json:"message"`
}

// NewTestEvent returns the event that tests a target.
func NewTestEvent(target string, at time.Time) Event {
	return Event{
		Type: EventTargetTest, Version: EventVersion, Timestamp: at.UTC(),
		Test: &TestData{Target: target, Message: "Test of the target " + target + " by aftercall. No call ended, nothing was charged."},
	}
}
