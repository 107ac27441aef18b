package local

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"aftercall/dev/webhookreceiver"
	"aftercall/internal/cli"
	"aftercall/internal/notify"
	"aftercall/worker/operator"
	"aftercall/workflows"
)

// Operated is what a command of the worker answered.
type Operated struct {
	Code           int
	Stdout, Stderr string
}

// Operate runs a command of the worker against the stack, as a person would.
func (s *Stack) Operate(ctx context.Context, args ...string) Operated {
	var out, errs bytes.Buffer
	code := operator.Run(ctx, cli.Process{Environ: s.Environ(), Stdout: &out, Stderr: &errs}, args)
	return Operated{Code: code, Stdout: out.String(), Stderr: errs.String()}
}

// err is nil unless the command failed.
func (o Operated) err() error {
	if o.Code == cli.OK {
		return nil
	}
	return fmt.Errorf("exit code %d: %w", o.Code, errors.New(o.Stderr))
}

// decideArgs are a decision as a command line.
func decideArgs(callID string, d workflows.DecideParams) []string {
	args := []string{"review", "decide", callID, "--verdict", string(d.Verdict), "--operator", d.By, "--reason", d.Reason}
	if d.ConnectedSeconds != 0 {
		args = append(args, "--connected-seconds", strconv.FormatInt(d.ConnectedSeconds, 10))
	}
	return args
}

// goodwill is the tariff that Correct charges a call by instead of its own.
const goodwill = "goodwill"

// Correct takes the charge of one call back and charges another one anew, as a
// person would, waits until the targets have heard of both, and then verifies
// the ledger, also against Tencent's records. It returns what the verification
// printed, and what deviates.
func (s *Stack) Correct(ctx context.Context, reversed, rerated Ran) (printed string, deviations []string) {
	ctx, cancel := context.WithTimeout(ctx, runTimeout)
	defer cancel()
	for _, args := range [][]string{
		{"ledger", "reverse", reversed.Call.Record.CallID, "--operator", "night shift", "--reason", "the line was dead, says the doctor"},
		{
			"ledger", "rerate", "--call", rerated.Call.Record.CallID, "--price-list", goodwill,
			"--apply", "--operator", "night shift", "--reason", "goodwill after a complaint",
		},
	} {
		if err := s.Operate(ctx, args...).err(); err != nil {
			deviations = append(deviations, fmt.Sprintf("worker %s %s: %v", args[0], args[1], err))
		}
	}
	for _, corrected := range []struct {
		Ran
		events []notify.EventType
	}{
		{reversed, []notify.EventType{notify.EventCallCharged, notify.EventCallReversed}},
		{rerated, []notify.EventType{notify.EventCallCharged, notify.EventCallCharged, notify.EventCallReversed}},
	} {
		for _, target := range corrected.Want.Targets {
			if err := s.hears(ctx, target, corrected.Call.Record.CallID, toldTo(target, corrected.events)); err != nil {
				deviations = append(deviations, corrected.Name+", corrected: "+err.Error())
			}
		}
	}
	verified := s.Operate(ctx, "ledger", "verify", "--records")
	if err := verified.err(); err != nil {
		deviations = append(deviations, "worker ledger verify: "+err.Error())
	}
	return verified.Stdout, deviations
}

// toldTo is what a target hears of events: the chat only of charges, in words.
func toldTo(target string, events []notify.EventType) []notify.EventType {
	if target != chat {
		return events
	}
	var told []notify.EventType
	for _, event := range events {
		if event == notify.EventCallCharged {
			told = append(told, "chat")
		}
	}
	return told
}

// hears waits until a target has heard of exactly these events of a call.
func (s *Stack) hears(ctx context.Context, target, callID string, want []notify.EventType) error {
	var heard []notify.EventType
	err := poll(ctx, func(context.Context) (bool, error) {
		heard = heard[:0]
		for _, m := range s.Webhooks.Messages(webhookreceiver.Filter{Target: target, CallID: callID}) {
			heard = append(heard, notify.EventType(m.Type))
		}
		slices.Sort(heard)
		return slices.Equal(heard, want), nil
	})
	if err != nil {
		return fmt.Errorf("%s heard of %v, not of %v: %w", target, heard, want, err)
	}
	return nil
}
