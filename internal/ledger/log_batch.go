package ledger

import (
	"context"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"aftercall/internal/ledgerlog"
)

const (
	batchColumns = "first_index, size, low, high, seqs, nodes, frontier, integrated_at"
	selectBatch  = "SELECT " + batchColumns + " FROM ledger_log "
	insertBatch  = `INSERT INTO ledger_log (first_index, size, low, high, seqs, nodes, frontier)
VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING`
	seqSize = 8
)

// logBatch is a row of ledger_log: entries that were taken into the log at once.
type logBatch struct {
	// first and size are the sizes of the log before and with the batch.
	first, size uint64
	// low is a seq up to which all entries are in earlier batches; high is the
	// highest seq of this batch and the earlier ones.
	low, high int64
	// seqs, nodes and frontier are as in the table.
	seqs, nodes, frontier []byte
	at                    time.Time
}

// scanBatch reads one row of selectBatch.
func scanBatch(scan func(...any) error) (logBatch, error) {
	var b logBatch
	var at int64
	if err := scan(&b.first, &b.size, &b.low, &b.high, &b.seqs, &b.nodes, &b.frontier, &at); err != nil {
		return logBatch{}, err
	}
	b.at = time.UnixMilli(at).UTC()
	return b, nil
}

// batchWhere reads one batch; ok is false if there is none.
func batchWhere(ctx context.Context, q querier, condition string, args ...any) (b logBatch, ok bool, err error) {
	b, err = scanBatch(q.QueryRowContext(ctx, selectBatch+condition, args...).Scan)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return logBatch{}, false, nil
	case err != nil:
		return logBatch{}, false, fmt.Errorf("ledger: read the log: %w", err)
	}
	return b, true, nil
}

// tailOf is the last batch. That of an empty log is the zero value.
func tailOf(ctx context.Context, q querier) (logBatch, error) {
	b, _, err := batchWhere(ctx, q, "ORDER BY first_index DESC LIMIT 1")
	return b, err
}

// insert adds the batch to the log. It is false if another process added one in
// its place.
func (b *logBatch) insert(ctx context.Context, db *sql.DB) (bool, error) {
	result, err := db.ExecContext(ctx, insertBatch, b.first, b.size, b.low, b.high, b.seqs, b.nodes, b.frontier)
	if err != nil {
		return false, fmt.Errorf("ledger: add to the log: %w", err)
	}
	n, err := result.RowsAffected()
	return n == 1, err
}

// seq is the seq of the entry i of the batch.
func (b *logBatch) seq(i int) int64 {
	return int64(binary.BigEndian.Uint64(b.seqs[i*seqSize:])) //nolint:gosec // it was an int64
}

// entries is the number of entries whose seq is in the batch.
func (b *logBatch) entries() int { return len(b.seqs) / seqSize }

// index is where in the log an entry is; ok is false if it is not in the batch.
func (b *logBatch) index(seq int64) (index uint64, ok bool) {
	for i := range b.entries() {
		if b.seq(i) == seq {
			return b.first + uint64(i), true
		}
	}
	return 0, false
}

// leaf is an entry on its way into the log.
type leaf struct {
	seq  int64
	hash ledgerlog.Hash
}

// next is the batch of leaves after b.
func (b *logBatch) next(low int64, leaves []leaf) (logBatch, error) {
	tree, err := ledgerlog.ResumeTree(b.size, b.frontier)
	if err != nil {
		return logBatch{}, fmt.Errorf("ledger: the log was altered: %w", err)
	}
	n := logBatch{first: b.size, low: low, high: b.high}
	for _, leaf := range leaves {
		n.seqs = binary.BigEndian.AppendUint64(n.seqs, uint64(leaf.seq)) //nolint:gosec // the bits are kept
		if n.nodes, err = tree.Append(leaf.hash, n.nodes); err != nil {
			return logBatch{}, err
		}
		n.high = max(n.high, leaf.seq)
	}
	n.size, n.frontier = tree.Size(), tree.Frontier()
	return n, nil
}
