package cli

import (
	"context"
	"errors"
	"fmt"

	"aftercall/internal/ops"
)

type ledgerCheckpointCommand struct {
	Format
	Notify bool `help:"Send it to the targets that subscribe to ledger.checkpoint." default:"true" negatable:""`
}

// Help says what a checkpoint is for.
func (ledgerCheckpointCommand) Help() string {
	return `Adds new entries to the log of the ledger, and makes, stores and prints a checkpoint of it: its name, the number of
entries, the root hash of their Merkle tree and the time, signed if AFTERCALL_LEDGER_KEY is set. Keep it where those who
can change the ledger cannot change it: verify and check-receipt take it with --checkpoint.

The worker also makes one every AFTERCALL_CHECKPOINT_EVERY.

Example:

  aftercall ledger checkpoint > checkpoint-2026-03.txt`
}

// Run makes the checkpoint and prints its text.
func (c ledgerCheckpointCommand) Run(ctx context.Context, p Process, d *ops.Deps) error {
	made, err := d.MakeCheckpoint(ctx, c.Notify)
	if made == nil {
		return err
	}
	return errors.Join(err, c.Print(p, made, func(s screen) { fmt.Fprint(s, made.Text) }))
}
