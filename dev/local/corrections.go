package local

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"aftercall/dev/webhookreceiver"
	"aftercall/internal/notify"
)

// goodwillTariff is the tariff of dev/aftercall.yaml that CorrectCharges rerates a call with.
const goodwillTariff = "goodwill"

// CorrectCharges reverses the charge of one call, and rerates another and gives a
// credit for it, as an operator would, waits until the targets have received both corrections, and
// then verifies the ledger, also against Tencent's records, and proves a charge by a
// receipt. It returns the output of the verification, and a sentence about every
// deviation.
func (s *Stack) CorrectCharges(ctx context.Context, reversed, rerated SampleRun) (verification string, deviations []string) {
	ctx, cancel := context.WithTimeout(ctx, runTimeout)
	defer cancel()
	for _, args := range [][]string{
		{"ledger", "reverse", reversed.Call.Record.CallID, "--operator", "night shift", "--reason", "the doctor reports a dead line"},
		{
			"ledger", "rerate", "--call", rerated.Call.Record.CallID, "--use-tariff", goodwillTariff,
			"--apply", "--operator", "night shift", "--reason", "goodwill after a complaint",
		},
		{"ledger", "adjust", rerated.Call.Record.CallID, "--amount", "-0.10", "--operator", "night shift", "--reason", "the picture froze"},
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
		{rerated, []notify.EventType{notify.EventCallAdjusted, notify.EventCallCharged, notify.EventCallCharged, notify.EventCallReversed}},
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
	if err := s.proveByReceipt(ctx, rerated.Call.Record.CallID); err != nil {
		deviations = append(deviations, err.Error())
	}
	return verified.Stdout, deviations
}

// proveByReceipt makes a checkpoint and the receipt of a call, and checks the
// receipt by the checkpoint.
func (s *Stack) proveByReceipt(ctx context.Context, callID string) error {
	folder, err := os.MkdirTemp("", "aftercall-receipt")
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder)
	checkpoint, receipt := filepath.Join(folder, "checkpoint.txt"), filepath.Join(folder, "receipt.json")
	for _, step := range []struct {
		args []string
		into string
	}{
		{[]string{"ledger", "checkpoint"}, checkpoint},
		{[]string{"ledger", "prove", callID}, receipt},
		{[]string{"ledger", "check-receipt", receipt, "--checkpoint", checkpoint}, filepath.Join(folder, "proven.txt")},
	} {
		result := s.Command(ctx, step.args...)
		if err := result.Err(); err != nil {
			return fmt.Errorf("%s: %w", strings.Join(step.args[:2], " "), err)
		}
		if err := os.WriteFile(step.into, []byte(result.Stdout), 0o600); err != nil {
			return err
		}
	}
	return nil
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
