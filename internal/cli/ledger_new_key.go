package cli

import (
	"fmt"

	"aftercall/internal/ledgerlog"
	"aftercall/internal/ops"
)

type ledgerNewKeyCommand struct {
	Format
	Name string `arg:"" name:"NAME" help:"Name of the ledger in its checkpoints, such as ledger.example.com."`
}

// ledgerKey is a new key.
type ledgerKey struct {
	Private string `json:"private"`
	Public  string `json:"public"`
}

// Help says where the keys belong.
func (ledgerNewKeyCommand) Help() string {
	return `Makes an Ed25519 key and prints it; nothing is stored. The private key goes into AFTERCALL_LEDGER_KEY of the worker, and
of operators who make checkpoints. Give the public key to everybody who verifies the ledger or a receipt.

Example:

  aftercall ledger new-key ledger.example.com`
}

// Run makes the key.
func (c ledgerNewKeyCommand) Run(p Process) error {
	private, public, err := ledgerlog.NewKey(c.Name)
	if err != nil {
		return ops.Errorf(ops.Usage, "", "%w", err)
	}
	return c.Print(p, ledgerKey{private, public}, func(s screen) {
		fmt.Fprintf(s, "Private key, for AFTERCALL_LEDGER_KEY of the worker:\n  %s\n", private)
		fmt.Fprintf(s, "Public key, for everybody who verifies:\n  %s\n", public)
	})
}
