package cli

import (
	"context"
	"fmt"
	"time"

	"aftercall/internal/ops"
)

type ledgerProveCommand struct {
	CallID string `arg:"" name:"CALLID" help:"The call."`
	App    string `help:"Name or SDKAppID of the app, if two apps have a call with this CallId." placeholder:"APP"`
}

// Help says what the receipt holds.
func (ledgerProveCommand) Help() string {
	return `Writes a receipt, as JSON: all entries of the call, the hashes that lead from each to the root of the log, and the last
checkpoint of the ledger. Anyone who has the public key of the ledger can check it with aftercall ledger check-receipt, or
without aftercall: see docs/ledger.md. It contains every column of the entries, including the accounts of those who were
called.

Example:

  aftercall ledger prove 055662e1-bc8a-469c-a334-1126c8c17d58 > receipt.json`
}

// Run writes the receipt.
func (c ledgerProveCommand) Run(ctx context.Context, p Process, d *ops.Deps) error {
	receipt, err := d.Prove(ctx, c.App, c.CallID)
	if err != nil {
		return err
	}
	return printJSON(p, receipt)
}

type ledgerCheckReceiptCommand struct {
	Format
	File       string   `arg:"" name:"FILE" help:"The receipt."`
	Key        []string `help:"Public key of the ledger; may be repeated." placeholder:"KEY" sep:"none"`
	Checkpoint string   `help:"File with a checkpoint that was kept outside the ledger, to use instead of a key." placeholder:"FILE"`
}

// Help says what is checked, and what that means.
func (ledgerCheckReceiptCommand) Help() string {
	return `Checks a receipt that aftercall ledger prove wrote, without the ledger and offline: the checkpoint must be signed with the
key, and each entry must be in its log. The exit code is 3 if anything in the receipt was changed.

Examples:

  aftercall ledger check-receipt receipt.json --key ledger.example.com+0f4a8d3c+AcsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I
  aftercall ledger check-receipt receipt.json --checkpoint checkpoint-2026-03.txt`
}

// Run checks the receipt.
func (c ledgerCheckReceiptCommand) Run(p Process) error {
	checked, err := ops.CheckReceipt(ops.ReceiptParams{File: c.File, Keys: c.Key, Checkpoint: c.Checkpoint})
	if err != nil {
		return err
	}
	return c.Print(p, checked, func(s screen) {
		for _, e := range checked.Entries {
			writeParagraph(s, "", fmt.Sprintf("%s: %s %s, entry %d of the log", e.Entry.Get("key"), e.Entry.Get("amount"), e.Entry.Get("currency"), e.LogIndex))
		}
		writeParagraph(s, s.green("proven")+" ", fmt.Sprintf("by the checkpoint of %s with %d entries, made at %s", checked.Origin, checked.Logged, checked.Time.Format(time.RFC3339)))
	})
}
