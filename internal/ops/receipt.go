package ops

import (
	"context"
	"errors"
	"os"
	"time"

	"aftercall/internal/ledger"
	"aftercall/internal/ledgerlog"
)

// Prove returns the receipt of all entries of a call.
func (d *Deps) Prove(ctx context.Context, app, callID string) (*ledgerlog.Receipt, error) {
	entries, err := d.entriesOfOneApp(ctx, app, callID)
	if err != nil {
		return nil, err
	}
	l, err := d.Ledger(ctx)
	if err != nil {
		return nil, err
	}
	receipt, err := l.Prove(ctx, entries[0].SDKAppID, callID)
	switch {
	case errors.Is(err, ledger.ErrNotProvable), errors.Is(err, ledger.ErrNoCheckpoint):
		return nil, Errorf(Refused, "make a checkpoint: aftercall ledger checkpoint", "%w", err)
	case err != nil:
		return nil, err
	}
	return &receipt, nil
}

// ReceiptParams say what a receipt is checked by.
type ReceiptParams struct {
	// File is the receipt.
	File string
	// Keys are public keys, one of which must have signed its checkpoint.
	Keys []string
	// Checkpoint is the file of a checkpoint that is trusted, instead of keys.
	Checkpoint string
}

// CheckedReceipt is what a receipt proves.
type CheckedReceipt struct {
	Origin string `json:"origin"`
	// Time is when the checkpoint was made, and Logged how many entries it holds.
	Time    time.Time     `json:"time"`
	Logged  uint64        `json:"logged"`
	Entries []ProvenEntry `json:"entries"`
}

// ProvenEntry is an entry that is in the log.
type ProvenEntry struct {
	LogIndex uint64           `json:"log_index"`
	Entry    ledgerlog.Fields `json:"entry"`
}

// CheckReceipt checks a receipt without the ledger.
func CheckReceipt(p ReceiptParams) (*CheckedReceipt, error) {
	if len(p.Keys) == 0 && p.Checkpoint == "" {
		return nil, Errorf(Usage, "give the public key of the ledger with --key, or a checkpoint that was mailed with --checkpoint", "nothing to check the receipt by")
	}
	keys, err := ledgerlog.ParsePublicKeys(p.Keys...)
	if err != nil {
		return nil, Errorf(Usage, "", "--key: %w", err)
	}
	text, err := os.ReadFile(p.File)
	if err != nil {
		return nil, Errorf(Usage, "", "the receipt cannot be read: %w", err)
	}
	receipt, err := ledgerlog.ParseReceipt(text)
	if err != nil {
		return nil, Errorf(Usage, "", "%s %w", p.File, err)
	}
	trusted, err := trustedCheckpoint(p, keys, receipt)
	if err != nil {
		return nil, err
	}
	if err := receipt.Check(trusted); err != nil {
		return nil, Errorf(Refused, "", "%s proves nothing: %w", p.File, err)
	}
	c := &CheckedReceipt{Origin: trusted.Origin, Time: trusted.Time, Logged: trusted.Size}
	for _, e := range receipt.Entries {
		c.Entries = append(c.Entries, ProvenEntry{LogIndex: e.Index, Entry: e.Entry})
	}
	return c, nil
}

// trustedCheckpoint is the checkpoint of the receipt if a key signed it, or that of
// the file.
func trustedCheckpoint(p ReceiptParams, keys ledgerlog.PublicKeys, receipt ledgerlog.Receipt) (ledgerlog.Checkpoint, error) {
	if p.Checkpoint != "" {
		return readCheckpoint(p.Checkpoint, keys)
	}
	c, err := keys.Verify(receipt.Checkpoint)
	if err != nil {
		return c, Errorf(Refused, "", "the checkpoint of %s cannot be trusted: %w", p.File, err)
	}
	return c, nil
}
