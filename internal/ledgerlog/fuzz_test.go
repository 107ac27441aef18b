package ledgerlog

import (
	"encoding/json"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// fuzzKey signs the checkpoint of the corpus. It protects nothing.
const fuzzKey = "PRIVATE+KEY+ledger.example.com+945a5189+AcgealB5FfOx9ofkPFKrvn7oKQcdOVX1kUwGHiu7U23h"

// fuzzLog is a log of entries, its checkpoint, and what verifies it.
type fuzzLog struct {
	leaves []string
	issued Issued
	keys   PublicKeys
	paths  [][]Hash
}

func newFuzzLog(tb testing.TB) fuzzLog {
	tb.Helper()
	var key Key
	require.NoError(tb, key.UnmarshalText([]byte(fuzzKey)))
	keys, err := ParsePublicKeys(key.Public())
	require.NoError(tb, err)
	l := fuzzLog{keys: keys}
	tree := NewTree()
	var nodes []byte
	for i := range uint64(fuzzEntries) {
		fields := fuzzEntry(i)
		l.leaves = append(l.leaves, string(fields.Leaf()))
		nodes, err = tree.Append(fields.Hash(), nodes)
		require.NoError(tb, err)
	}
	root, err := tree.Root()
	require.NoError(tb, err)
	for i := range uint64(fuzzEntries) {
		path, err := ProveInclusion(i, fuzzEntries, func(n Node) (Hash, error) { return n.In(0, nodes) })
		require.NoError(tb, err)
		l.paths = append(l.paths, path)
	}
	l.issued.Checkpoint = Checkpoint{Origin: key.Origin(), Size: fuzzEntries, Root: root, Time: time.UnixMilli(1772366405211).UTC()}
	l.issued.Text, err = l.issued.Sign(key)
	require.NoError(tb, err)
	return l
}

const fuzzEntries = 7

func fuzzEntry(i uint64) Fields {
	n := strconv.FormatUint(i, 10)
	return Fields{
		{"seq", n, true},
		{"key", "charge:1400000000:call-" + n, false},
		{"amount", "0.2" + n, false},
		{"currency", "USD", false},
		{"reason", "the operator wrote\n\"amount\" 4 9.99\n", false},
	}
}

// FuzzReceipt: a receipt that is taken for proof has nothing but entries of the log, at
// their places, and a checkpoint that is taken for signed is the one that was.
func FuzzReceipt(f *testing.F) {
	log := newFuzzLog(f)
	for _, entries := range [][]uint64{{3}, {0, 6}} {
		var proofs []Proof
		for _, i := range entries {
			proofs = append(proofs, Proof{Index: i, Path: log.paths[i], Entry: fuzzEntry(i)})
		}
		text, err := json.Marshal(NewReceipt(log.issued.Text, proofs))
		require.NoError(f, err)
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		receipt, err := ParseReceipt(text)
		if err != nil {
			require.NotEmpty(t, err.Error())
			require.Zero(t, receipt)
			return
		}
		require.NotEmpty(t, receipt.Entries)
		if receipt.Check(log.issued.Checkpoint) == nil {
			for _, e := range receipt.Entries {
				require.Less(t, e.Index, uint64(fuzzEntries))
				require.Equal(t, log.leaves[e.Index], string(e.Entry.Leaf()))
			}
		}
		if c, err := log.keys.Verify(receipt.Checkpoint); err == nil {
			require.Equal(t, log.issued.Checkpoint, c)
		}
		if c, err := ParseCheckpoint(receipt.Checkpoint); err == nil {
			written, err := ParseCheckpoint(c.body())
			require.NoError(t, err)
			again, err := ParseCheckpoint(written.body())
			require.NoError(t, err)
			require.Equal(t, written, again)
		}
		written, err := json.Marshal(receipt)
		require.NoError(t, err)
		again, err := ParseReceipt(written)
		require.NoError(t, err)
		require.Equal(t, receipt.Checkpoint, again.Checkpoint)
		for i, e := range receipt.Entries {
			require.Equal(t, string(e.Entry.Leaf()), string(again.Entries[i].Entry.Leaf()))
		}
	})
}
