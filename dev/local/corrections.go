package local

import (
	"context"
	"fmt"
	"slices"

	"aftercall/dev/webhookreceiver"
	"aftercall/internal/notify"
)

// goodwillTariff is the tariff of dev/aftercall.yaml that CorrectCharges rerates a call with.
const goodwillTariff = "goodwill"

// CorrectCharges reverses the charge of one call and rerates another, as an
// operator would, waits until the targets have received both corrections, and
// then verifies the ledger, also against Tencent's records. It returns the
// output of the verification, and a sentence about every deviation.
func (s *Stack) CorrectCharges(ctx context.Context, reversed, rerated SampleRun) (verification string, deviations []string) {
	ctx, cancel := context.WithTimeout(ctx, runTimeout)
	defer cancel()
	for _, args := range [][]string{
		{"ledger", "reverse", reversed.Call.Record.CallID, "--operator", "night shift", "--reason", "the doctor reports a dead line"},
		{
			"ledger", "rerate", "--call", rerated.Call.Record.CallID, "--use-tariff", goodwillTariff,
			"--apply", "--operator", "night shift", "--reason", "goodwill after a complaint",
		},
	} {
		if err := s.Command(ctx, args...).Err(); err != nil {
			deviations = append(deviations, fmt.Sprintf("%s %s: %v", args[0], args[1], err))
		}
	}
	for _, corrected := range []struct {
		SampleRun
		events []notify.EventType
	}{
		{reversed, []notify.EventType{notify.EventCallCharged, notify.EventCallReversed}},
		{rerated, []notify.EventType{notify.EventCallCharged, notify.EventCallCharged, notify.EventCallReversed}},
	} {
		for _, target := range corrected.Want.Targets {
			if err := s.awaitEvents(ctx, target, corrected.Call.Record.CallID, eventsOfTarget(target, corrected.events)); err != nil {
				deviations = append(deviations, corrected.Name+", corrected: "+err.Error())
			}
		}
	}
	verified := s.Command(ctx, "ledger", "verify", "--records")
	if err := verified.Err(); err != nil {
		deviations = append(deviations, "ledger verify: "+err.Error())
	}
	return verified.Stdout, deviations
}

// eventsOfTarget returns those of events that a target receives: the chat
// target receives only charges, as chat messages.
func eventsOfTarget(target string, events []notify.EventType) []notify.EventType {
	if target != chatTarget {
		return events
	}
	var received []notify.EventType
	for _, event := range events {
		if event == notify.EventCallCharged {
			received = append(received, webhookreceiver.TypeChat)
		}
	}
	return received
}

// awaitEvents waits until a target has received exactly these events of a call, in any order.
func (s *Stack) awaitEvents(ctx context.Context, target, callID string, want []notify.EventType) error {
	var received []notify.EventType
	err := poll(ctx, func(context.Context) (bool, error) {
		received = received[:0]
		for _, m := range s.Webhooks.Messages(webhookreceiver.Filter{Target: target, CallID: callID}) {
			received = append(received, notify.EventType(m.Type))
		}
		slices.Sort(received)
		return slices.Equal(received, want), nil
	})
	if err != nil {
		return fmt.Errorf("%s received %v, want %v: %w", target, received, want, err)
	}
	return nil
}
