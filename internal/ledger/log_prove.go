package ledger

import (
	"context"
	"errors"
	"fmt"

	"aftercall/internal/ledgerlog"
	"aftercall/internal/tencent"
)

// ErrNotProvable is returned for entries that no checkpoint holds yet.
var ErrNotProvable = errors.New("no checkpoint holds the entry yet")

// Prove returns the receipt of all entries of a call, by the last checkpoint. If
// an entry was booked after it, the error is ErrNotProvable, or ErrNoCheckpoint if
// there is none.
func (l *Ledger) Prove(ctx context.Context, app tencent.SDKAppID, callID string) (ledgerlog.Receipt, error) {
	if err := l.requireOwnTables(ctx, l.read); err != nil {
		return ledgerlog.Receipt{}, fmt.Errorf("ledger: %w", err)
	}
	checkpoint, err := l.LastCheckpoint(ctx)
	if err != nil {
		return ledgerlog.Receipt{}, err
	}
	var rows []row
	const query = "SELECT " + entryColumns + " FROM ledger_entries e WHERE e.sdk_app_id = $1 AND e.call_id = $2 ORDER BY e.seq"
	err = each(ctx, l.read, query, []any{uint64(app), callID}, func(scan func(...any) error) error {
		var r row
		err := scan(r.columns()...)
		rows = append(rows, r)
		return err
	})
	if err != nil {
		return ledgerlog.Receipt{}, fmt.Errorf("ledger: read entries: %w", err)
	}
	var proofs []ledgerlog.Proof
	for i := range rows {
		proof, err := l.prove(ctx, &rows[i], checkpoint.Size)
		if err != nil {
			return ledgerlog.Receipt{}, fmt.Errorf("ledger: %s: %w", rows[i].entry.Key, err)
		}
		proofs = append(proofs, proof)
	}
	receipt := ledgerlog.NewReceipt(checkpoint.Text, proofs)
	if err := receipt.Check(checkpoint.Checkpoint); err != nil {
		return ledgerlog.Receipt{}, fmt.Errorf("ledger: the ledger was altered, verify it: %w", err)
	}
	return receipt, nil
}

// prove makes the proof of one entry in the log of a size.
func (l *Ledger) prove(ctx context.Context, r *row, size uint64) (ledgerlog.Proof, error) {
	index, err := l.logIndex(ctx, r.entry.Seq)
	if err != nil {
		return ledgerlog.Proof{}, err
	}
	if index >= size {
		return ledgerlog.Proof{}, ErrNotProvable
	}
	path, err := ledgerlog.ProveInclusion(index, size, func(n ledgerlog.Node) (ledgerlog.Hash, error) {
		b, _, err := batchWhere(ctx, l.read, "WHERE first_index <= $1 ORDER BY first_index DESC LIMIT 1", n.CompletedBy())
		if err != nil {
			return ledgerlog.Hash{}, err
		}
		return n.In(b.first, b.nodes)
	})
	return ledgerlog.Proof{Index: index, Path: path, Entry: r.fields()}, err
}

// logIndex finds where in the log an entry is.
func (l *Ledger) logIndex(ctx context.Context, seq int64) (uint64, error) {
	b, ok, err := batchWhere(ctx, l.read, "WHERE high >= $1 ORDER BY high, first_index LIMIT 1", seq)
	for ok && b.low < seq {
		if index, found := b.index(seq); found {
			return index, nil
		}
		b, ok, err = batchWhere(ctx, l.read, "WHERE first_index = $1", b.size)
	}
	if err != nil {
		return 0, err
	}
	return 0, ErrNotProvable
}
