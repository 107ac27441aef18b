package ledger

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"aftercall/internal/ledgerlog"
)

// bookingTime is how long before its commit an entry can have its booked_at: by so
// much an entry can be older than a checkpoint that does not hold it.
const bookingTime = 10 * time.Minute

// Evidence is what a ledger is verified by, besides itself.
type Evidence struct {
	// Checkpoints were made earlier, and kept where nobody who can change the ledger
	// can change them.
	Checkpoints []OutsideCheckpoint
	// Keys are public keys that signed checkpoints. Without any, signatures are not
	// verified.
	Keys ledgerlog.PublicKeys
}

// OutsideCheckpoint is a checkpoint from outside the ledger.
type OutsideCheckpoint struct {
	// Name says in messages where it is from.
	Name string
	ledgerlog.Checkpoint
}

// knownCheckpoint is a checkpoint that the log must agree with.
type knownCheckpoint struct {
	OutsideCheckpoint
	// trusted means that nobody who can change the ledger could have made it.
	trusted bool
}

// String names the checkpoint in findings.
func (c *knownCheckpoint) String() string {
	return fmt.Sprintf("the %s of %s with %d entries", c.Name, c.Time.Format(time.RFC3339), c.Size)
}

// logged is an entry of the log whose row has not been read yet.
type logged struct {
	index uint64
	leaf  ledgerlog.Hash
	at    time.Time
	// before is the last checkpoint that does not hold the entry; nil if there is none.
	before *knownCheckpoint
}

// logVerifier compares the entries, as they are read in the order of their seq, with
// the log, and the log with its checkpoints. It holds a few batches in memory.
//
// Batches are read by other connections than the entries, because those are still
// being read. That does no harm: a batch never changes, and the last one to read is
// that of the snapshot.
type logVerifier struct {
	ledger   *Ledger
	snapshot querier
	report   func(kind FindingKind, e *Entry, format string, args ...any)
	// next is the first index of the next batch, and last that of the last one.
	next, last uint64
	done       bool
	// size is that of the log.
	size uint64
	// tree is computed from the leaves of the log; nil after a gap in it.
	tree *ledgerlog.Tree
	// settled is a seq up to which all entries are in the batches that were read.
	settled int64
	window  map[int64]logged
	// checkpoints are in the order of their sizes; the first compared ones were
	// compared. agreed is the last trusted one of them that agrees.
	checkpoints []*knownCheckpoint
	compared    int
	agreed      *knownCheckpoint
	waiting     int64
}

func newLogVerifier(l *Ledger, snapshot querier, report func(FindingKind, *Entry, string, ...any)) *logVerifier {
	return &logVerifier{ledger: l, snapshot: snapshot, report: report, tree: ledgerlog.NewTree(), window: map[int64]logged{}}
}

// start reads the checkpoints, and where the log ends.
func (v *logVerifier) start(ctx context.Context, evidence Evidence) error {
	for _, outside := range evidence.Checkpoints {
		v.checkpoints = append(v.checkpoints, &knownCheckpoint{outside, true})
	}
	if err := v.storedCheckpoints(ctx, evidence.Keys); err != nil {
		return err
	}
	slices.SortStableFunc(v.checkpoints, func(a, b *knownCheckpoint) int {
		return cmp.Or(cmp.Compare(a.Size, b.Size), a.Time.Compare(b.Time))
	})
	tail, err := tailOf(ctx, v.snapshot)
	v.last, v.done = tail.first, tail.size == 0
	v.compare()
	return err
}

// storedCheckpoints reads those in the ledger and verifies their signatures, if
// there are keys: from the first signed one on, all must be.
func (v *logVerifier) storedCheckpoints(ctx context.Context, keys ledgerlog.PublicKeys) error {
	signed := false
	return each(ctx, v.snapshot, "SELECT id, size, note FROM ledger_checkpoints ORDER BY id", nil, func(scan func(...any) error) error {
		var (
			id, size uint64
			text     string
		)
		if err := scan(&id, &size, &text); err != nil {
			return err
		}
		c, err := ledgerlog.ParseCheckpoint(text)
		if err != nil || c.Size != size {
			v.report(FindingLog, nil, "the stored checkpoint %d was altered", id)
			return nil //nolint:nilerr // it is reported
		}
		known := &knownCheckpoint{OutsideCheckpoint: OutsideCheckpoint{"stored checkpoint", c}}
		if len(keys) > 0 {
			_, err := keys.Verify(text)
			known.trusted = err == nil
			signed = signed || known.trusted
			if signed && !known.trusted {
				v.report(FindingLog, nil, "%s is not signed by a given key: it was altered, or put there by somebody else", known)
			}
		}
		v.checkpoints = append(v.checkpoints, known)
		return nil
	})
}

// entry compares an entry with the log. Entries come in the order of their seq.
func (v *logVerifier) entry(ctx context.Context, r *row) error {
	for !v.done && v.settled < r.entry.Seq {
		v.removed(r.entry.Seq)
		if err := v.read(ctx); err != nil {
			return err
		}
	}
	known, ok := v.window[r.entry.Seq]
	if !ok {
		v.unlogged(r)
		return nil
	}
	delete(v.window, r.entry.Seq)
	if r.fields().Hash() != known.leaf {
		v.report(FindingEntry, &r.entry, "was altered after %s: it has not the hash that the log keeps of its entry %d", v.since(known), known.index)
	}
	v.backdated(r, known.before)
	return nil
}

// unlogged reports an entry that is not in the log, but must be.
func (v *logVerifier) unlogged(r *row) {
	switch {
	case r.entry.Seq <= v.settled:
		v.report(FindingEntry, &r.entry, "was put in past the log, which holds all entries up to seq %d and not this one", v.settled)
	case !v.backdated(r, v.newest()):
		v.waiting++
	}
}

// newest is the last checkpoint of all.
func (v *logVerifier) newest() *knownCheckpoint {
	if len(v.checkpoints) == 0 {
		return nil
	}
	return v.checkpoints[len(v.checkpoints)-1]
}

// backdated reports an entry that claims to be older than a checkpoint that does
// not hold it.
func (v *logVerifier) backdated(r *row, before *knownCheckpoint) bool {
	booked := time.UnixMilli(r.createdAt).UTC()
	if before == nil || !booked.Add(bookingTime).Before(before.Time) {
		return false
	}
	v.report(FindingEntry, &r.entry, "claims to have been booked at %s, but is not in %s: it was put in later", booked.Format(time.RFC3339), before)
	return true
}

// since says after what an entry of the log was altered.
func (v *logVerifier) since(known logged) string {
	for _, c := range v.checkpoints {
		if c.Size > known.index {
			return c.String() + ", which holds it"
		}
	}
	return "it was taken into the log at " + known.at.Format(time.RFC3339) + ", and no checkpoint holds it yet"
}

// removed reports entries of the log before a seq that were not read.
func (v *logVerifier) removed(before int64) {
	for _, seq := range slices.Sorted(maps.Keys(v.window)) {
		if seq >= before {
			return
		}
		v.report(FindingLog, nil, "the entry with seq %d was removed after %s: it is entry %d of the log", seq, v.since(v.window[seq]), v.window[seq].index)
		delete(v.window, seq)
	}
}

// read reads the next batch, and checks it and the checkpoints in it.
func (v *logVerifier) read(ctx context.Context) error {
	b, ok, err := batchWhere(ctx, v.ledger.read, "WHERE first_index >= $1 ORDER BY first_index LIMIT 1", v.next)
	if err != nil {
		return err
	}
	v.done = !ok || b.first >= v.last
	if !ok {
		return nil
	}
	if v.tree != nil && b.first != v.tree.Size() {
		v.report(FindingLog, nil, "the log has a gap from entry %d to %d: no later checkpoint can be compared", v.tree.Size(), b.first)
		v.tree = nil
	}
	v.next, v.size = b.first+1, b.size
	v.settled = b.low
	if v.done && !v.ledger.concurrent() {
		v.settled = b.high
	}
	return v.batch(&b)
}

// batch checks a batch against the tree, and takes its entries into the window.
func (v *logVerifier) batch(b *logBatch) error {
	var nodes []byte
	for i := range b.entries() {
		index := b.first + uint64(i)
		leaf, err := ledgerlog.LeafNode(index).In(b.first, b.nodes)
		if err != nil {
			break // the nodes differ
		}
		known := logged{index: index, leaf: leaf, at: b.at}
		if v.compared > 0 {
			known.before = v.checkpoints[v.compared-1]
		}
		if _, twice := v.window[b.seq(i)]; twice {
			v.report(FindingLog, nil, "the log holds the entry with seq %d twice, the second time as its entry %d", b.seq(i), index)
		}
		v.window[b.seq(i)] = known
		if v.tree == nil {
			continue
		}
		if nodes, err = v.tree.Append(leaf, nodes); err != nil {
			return err
		}
		v.compare()
	}
	if v.tree != nil && (!bytes.Equal(nodes, b.nodes) || !bytes.Equal(v.tree.Frontier(), b.frontier) || v.tree.Size() != b.size) {
		v.report(FindingLog, nil, "the batch of the log with the entries %d to %d was altered", b.first, b.size-1)
	}
	return nil
}

// compare compares the tree with the checkpoints of its size.
func (v *logVerifier) compare() {
	for v.compared < len(v.checkpoints) && v.checkpoints[v.compared].Size == v.tree.Size() {
		c := v.checkpoints[v.compared]
		v.compared++
		root, err := v.tree.Root()
		switch {
		case err != nil || root != c.Root:
			v.report(FindingLog, nil, "the log differs from %s: entries%s were altered, removed, put in or reordered after it", c, v.between(c))
		case c.trusted:
			v.agreed = c
		}
	}
}

// between says which entries of a checkpoint can differ.
func (v *logVerifier) between(c *knownCheckpoint) string {
	if v.agreed == nil {
		return fmt.Sprintf(" before entry %d of the log", c.Size)
	}
	return fmt.Sprintf(" from %d to %d of the log, after those of %s,", v.agreed.Size, c.Size-1, v.agreed)
}

// end reads what is left of the log, and reports what was not found.
func (v *logVerifier) end(ctx context.Context) error {
	for !v.done {
		if err := v.read(ctx); err != nil {
			return err
		}
	}
	v.removed(1<<63 - 1)
	for _, c := range v.checkpoints[v.compared:] {
		v.report(FindingLog, nil, "the log does not reach %s: entries%s were removed after it", c, v.between(c))
	}
	return nil
}
