package ops

import (
	"fmt"
	"os"

	"aftercall/internal/ledger"
	"aftercall/internal/ledgerlog"
)

// evidence reads what the ledger is verified by: the files of checkpoints, which a
// key must have signed if there is one.
func (d *Deps) evidence(p VerifyParams) (ledger.Evidence, error) {
	keys, err := d.publicKeys(p.Keys)
	if err != nil {
		return ledger.Evidence{}, err
	}
	e := ledger.Evidence{Keys: keys}
	for _, file := range p.Checkpoints {
		c, err := readCheckpoint(file, keys)
		if err != nil {
			return ledger.Evidence{}, err
		}
		e.Checkpoints = append(e.Checkpoints, ledger.OutsideCheckpoint{Name: "checkpoint in " + file, Checkpoint: c})
	}
	return e, nil
}

// publicKeys are those that were given, and that of the configured key.
func (d *Deps) publicKeys(given []string) (ledgerlog.PublicKeys, error) {
	settings, err := d.Settings()
	if err != nil {
		return nil, err
	}
	keys, err := ledgerlog.ParsePublicKeys(append(given, settings.LedgerKey.Public())...)
	if err != nil {
		return nil, Errorf(Usage, "", "--key: %w", err)
	}
	return keys, nil
}

// readCheckpoint reads a file with a checkpoint that one of the keys signed, if
// there are keys.
func readCheckpoint(file string, keys ledgerlog.PublicKeys) (ledgerlog.Checkpoint, error) {
	text, err := os.ReadFile(file) //nolint:gosec // the operator names it
	if err != nil {
		return ledgerlog.Checkpoint{}, Errorf(Usage, "", "--checkpoint: %w", err)
	}
	c, err := ledgerlog.ParseCheckpoint(string(text))
	if err != nil {
		return c, Errorf(Usage, "save the checkpoint alone, as aftercall ledger checkpoint prints it", "--checkpoint: %s %w", file, err)
	}
	if len(keys) > 0 {
		if _, err := keys.Verify(string(text)); err != nil {
			return c, Errorf(Refused, fmt.Sprintf("if %s signed with an earlier key, give that with --key, too", c.Origin), "%s cannot be trusted: %w", file, err)
		}
	}
	return c, nil
}
