package ledgerlog

import (
	"crypto/sha256"
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestLeafStaysTheSame: stored hashes are of this text.
func TestLeafStaysTheSame(t *testing.T) {
	fields := Fields{{"seq", "7", true}, {"key", "charge:1:ä\n\"<", false}, {"app", "", false}}
	const leaf = "aftercall ledger entry 1\nseq 1 7\nkey 14 charge:1:ä\n\"<\napp 0 \n"
	require.Equal(t, leaf, string(fields.Leaf()))
	require.Equal(t, Hash(sha256.Sum256([]byte("\x00"+leaf))), fields.Hash())
	text, err := json.Marshal(fields)
	require.NoError(t, err)
	var read Fields
	require.NoError(t, json.Unmarshal(text, &read))
	require.Equal(t, fields, read)
}

// TestNodesAreFoundWhereTheyWereWritten: every proof of a tree that was written in
// batches leads to its root.
func TestNodesAreFoundWhereTheyWereWritten(t *testing.T) {
	const size, batch = 37, 5
	tree := NewTree()
	var batches [][]byte
	leaf := func(i uint64) Hash { return Hash(sha256.Sum256([]byte{byte(i)})) }
	for i := range uint64(size) {
		if i%batch == 0 {
			var err error
			tree, err = ResumeTree(tree.Size(), tree.Frontier())
			require.NoError(t, err)
			batches = append(batches, nil)
		}
		nodes, err := tree.Append(leaf(i), batches[len(batches)-1])
		require.NoError(t, err)
		batches[len(batches)-1] = nodes
	}
	root, err := tree.Root()
	require.NoError(t, err)
	c := Checkpoint{Size: size, Root: root}
	for i := range uint64(size) {
		path, err := ProveInclusion(i, size, func(n Node) (Hash, error) {
			first := n.CompletedBy() / batch * batch
			return n.In(first, batches[first/batch])
		})
		require.NoError(t, err)
		require.NoError(t, checkInclusion(c, i, leaf(i), path))
		require.Error(t, checkInclusion(c, i, leaf(i+1), path))
	}
	_, err = LeafNode(9).In(10, batches[2])
	require.ErrorContains(t, err, "is missing")
}
