package cli

import (
	"context"
	"errors"
	"fmt"

	"aftercall/internal/ops"
)

type targetCommands struct {
	Test targetTestCommand `cmd:"" help:"Send a test event to a target, and say whether it was delivered."`
}

type targetTestCommand struct {
	Format
	Name string `arg:"" name:"NAME" help:"Name of the target in the configuration."`
}

// Help explains by examples.
func (targetTestCommand) Help() string {
	return `Sends one event of type target.test through the configured channel, from this machine, signed like the others. It is
about no call and has no amount; docs/notifications.md describes it. The exit code is 1 if it was not delivered.

Examples:

  aftercall target test crm
  aftercall target test crm --output json | jq .error`
}

// Run tests the target.
func (c targetTestCommand) Run(ctx context.Context, p Process, d *ops.Deps) error {
	test, err := d.TestTarget(ctx, c.Name)
	if test == nil {
		return err
	}
	return errors.Join(c.Print(p, test, func(s screen) {
		result := field{name: "Result", value: test.Error, paint: s.red}
		if test.Delivered {
			result.value, result.paint = fmt.Sprintf("delivered in %d ms", test.Milliseconds), s.green
		}
		writePainted(
			s,
			field{name: "Target", value: fmt.Sprintf("%s (%s)", test.Target, test.Type)},
			field{name: "Event", value: fmt.Sprintf("%s, message %s", test.Event, test.MessageID)},
			result,
		)
	}), err)
}
