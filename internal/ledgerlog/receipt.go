package ledgerlog

import (
	"encoding/json"
	"errors"
	"fmt"
)

// receiptVersion is that of the JSON form of a Receipt.
const receiptVersion = 1

// Receipt proves that entries are in a log. It can be checked without the ledger.
type Receipt struct {
	Version int `json:"version"`
	// Checkpoint is the text of a checkpoint, signed or not.
	Checkpoint string  `json:"checkpoint"`
	Entries    []Proof `json:"entries"`
}

// Proof is an entry, its place in the log, and the hashes that lead from it to the
// root of the checkpoint.
type Proof struct {
	Index uint64 `json:"log_index"`
	Path  []Hash `json:"proof"`
	Entry Fields `json:"entry"`
}

// NewReceipt returns the receipt of entries that are in the log of a checkpoint.
func NewReceipt(checkpoint string, entries []Proof) Receipt {
	return Receipt{Version: receiptVersion, Checkpoint: checkpoint, Entries: entries}
}

// ParseReceipt reads a receipt.
func ParseReceipt(text []byte) (Receipt, error) {
	var r Receipt
	if err := json.Unmarshal(text, &r); err != nil {
		return Receipt{}, fmt.Errorf("is not a receipt: %w", err)
	}
	switch {
	case r.Version != receiptVersion:
		return Receipt{}, fmt.Errorf("is a receipt of version %d, and this release knows version %d", r.Version, receiptVersion)
	case len(r.Entries) == 0:
		return Receipt{}, errors.New("is a receipt without entries")
	}
	return r, nil
}

// Check reports whether the entries are in the log of a checkpoint, which the
// caller has verified, and not the one of the receipt unless it is the same.
func (r Receipt) Check(c Checkpoint) error {
	for _, e := range r.Entries {
		if err := checkInclusion(c, e.Index, e.Entry.Hash(), e.Path); err != nil {
			return fmt.Errorf("the entry %s is not in the log of the checkpoint: it was changed, or the receipt is of another one (%w)", e.Entry.Get("key"), err)
		}
	}
	return nil
}
