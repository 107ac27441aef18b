package ops

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"aftercall/internal/notify"
)

// TargetTest is the result of testing a target.
type TargetTest struct {
	Target    string           `json:"target"`
	Type      notify.Type      `json:"type"`
	Event     notify.EventType `json:"event"`
	MessageID string           `json:"message_id"`
	Delivered bool             `json:"delivered"`
	// Milliseconds is how long the request took.
	Milliseconds int64 `json:"milliseconds"`
	// Error says why it was not delivered.
	Error string `json:"error,omitempty"`
}

// TestTarget sends a test event to a target, once, from this process. A target
// that does not accept it makes an error, with the result.
func (d *Deps) TestTarget(ctx context.Context, name string) (*TargetTest, error) {
	cfg, err := d.Config()
	if err != nil {
		return nil, err
	}
	target, ok := cfg.Target(name)
	if !ok {
		return nil, unknownTarget("NAME", name, cfg)
	}
	if channel, ok := target.Type.Channel(); ok && len(channel.Events) > 0 && !slices.Contains(channel.Events, notify.EventTargetTest) {
		return nil, Errorf(Refused, "the next charge tests it; aftercall resend CALLID --target "+name+" sends an earlier one again",
			"a target of type %s cannot be tested: it accepts only %s", target.Type, eventList(channel.Events))
	}
	sender, problems := cfg.Sender(target, nil, func() time.Time { return d.now(ctx) })
	if len(problems) > 0 { // reading the configuration has checked it
		return nil, Errorf(Usage, "", "target %s: %s: %s", name, problems[0].Key, problems[0].Message)
	}
	test := &TargetTest{Target: name, Type: target.Type, Event: notify.EventTargetTest, MessageID: "msg_test_" + strings.ReplaceAll(uuid.NewString(), "-", "")}
	ctx, cancel := context.WithTimeout(ctx, notify.RequestTimeout)
	defer cancel()
	start := time.Now()
	err = sender.Send(ctx, test.MessageID, notify.NewTestEvent(name, d.now(ctx)))
	test.Milliseconds = time.Since(start).Milliseconds()
	if err != nil {
		test.Error = err.Error()
		return test, Errorf(Failed, "compare the target's settings in the configuration with those of the receiver", "%s did not accept the test: %w", name, err)
	}
	test.Delivered = true
	return test, nil
}

func eventList(events []notify.EventType) string {
	names := make([]string, len(events))
	for i, e := range events {
		names[i] = string(e)
	}
	return strings.Join(names, ", ")
}
