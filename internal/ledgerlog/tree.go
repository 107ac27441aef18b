package ledgerlog

import (
	"errors"
	"fmt"
	"math/bits"

	"github.com/transparency-dev/merkle/compact"
	"github.com/transparency-dev/merkle/proof"
	"github.com/transparency-dev/merkle/rfc6962"
)

var ranges = compact.RangeFactory{Hash: rfc6962.DefaultHasher.HashChildren}

// Tree is a Merkle tree that grows. It holds only the roots of its complete
// subtrees, a few dozen hashes, however large it is.
type Tree struct{ complete *compact.Range }

// NewTree returns an empty tree.
func NewTree() *Tree { return &Tree{ranges.NewEmptyRange(0)} }

// ResumeTree returns the tree of a size whose Frontier was stored.
func ResumeTree(size uint64, frontier []byte) (*Tree, error) {
	if len(frontier)%HashSize != 0 {
		return nil, errors.New("the tree's frontier is not a list of hashes")
	}
	var hashes [][]byte
	for ; len(frontier) > 0; frontier = frontier[HashSize:] {
		hashes = append(hashes, frontier[:HashSize:HashSize])
	}
	complete, err := ranges.NewRange(0, size, hashes)
	if err != nil {
		return nil, fmt.Errorf("the tree's frontier does not fit its size: %w", err)
	}
	return &Tree{complete}, nil
}

// Size is the number of leaves.
func (t *Tree) Size() uint64 { return t.complete.End() }

// Root is the root hash.
func (t *Tree) Root() (Hash, error) {
	if t.Size() == 0 {
		return Hash(rfc6962.DefaultHasher.EmptyRoot()), nil
	}
	root, err := t.complete.GetRootHash(nil)
	if err != nil {
		return Hash{}, err
	}
	return Hash(root), nil
}

// Frontier is what ResumeTree needs.
func (t *Tree) Frontier() []byte {
	var frontier []byte
	for _, hash := range t.complete.Hashes() {
		frontier = append(frontier, hash...)
	}
	return frontier
}

// Append adds a leaf. It appends the leaf and the nodes that it completes to
// nodes, the lowest first, and returns the result.
func (t *Tree) Append(leaf Hash, nodes []byte) ([]byte, error) {
	err := t.complete.Append(leaf[:], func(_ compact.NodeID, hash []byte) { nodes = append(nodes, hash...) })
	return nodes, err
}

// nodesBefore is how many nodes the first n leaves complete: each leaf itself and,
// for every trailing zero of the number of leaves so far, one above it.
func nodesBefore(n uint64) uint64 { return 2*n - uint64(bits.OnesCount64(n)) } //nolint:gosec // a count

// Node is a node of the tree whose hash is stored.
type Node struct{ id compact.NodeID }

// CompletedBy is the index of the leaf that completes the node.
func (n Node) CompletedBy() uint64 {
	_, end := n.id.Coverage()
	return end - 1
}

// In finds the hash of the node among the nodes that Append wrote for the leaves
// from first on.
func (n Node) In(first uint64, nodes []byte) (Hash, error) {
	at := (nodesBefore(n.CompletedBy()) - nodesBefore(first) + uint64(n.id.Level)) * HashSize
	if n.CompletedBy() < first || at+HashSize > uint64(len(nodes)) {
		return Hash{}, fmt.Errorf("the node %d of level %d of the tree is missing", n.id.Index, n.id.Level)
	}
	return Hash(nodes[at : at+HashSize]), nil
}

// LeafNode is the node of a leaf.
func LeafNode(index uint64) Node { return Node{compact.NewNodeID(0, index)} }

// ProveInclusion returns the proof that the leaf at an index is in the tree of a
// size. hashOf reads the hash of a node.
func ProveInclusion(index, size uint64, hashOf func(Node) (Hash, error)) ([]Hash, error) {
	nodes, err := proof.Inclusion(index, size)
	if err != nil {
		return nil, err
	}
	hashes := make([][]byte, len(nodes.IDs))
	for i, id := range nodes.IDs {
		hash, err := hashOf(Node{id})
		if err != nil {
			return nil, err
		}
		hashes[i] = hash[:]
	}
	if hashes, err = nodes.Rehash(hashes, rfc6962.DefaultHasher.HashChildren); err != nil {
		return nil, err
	}
	path := make([]Hash, len(hashes))
	for i, hash := range hashes {
		path[i] = Hash(hash)
	}
	return path, nil
}

// checkInclusion reports whether a leaf is at an index of the tree of a checkpoint.
func checkInclusion(c Checkpoint, index uint64, leaf Hash, path []Hash) error {
	hashes := make([][]byte, len(path))
	for i := range path {
		hashes[i] = path[i][:]
	}
	err := proof.VerifyInclusion(rfc6962.DefaultHasher, index, c.Size, leaf[:], hashes, c.Root[:])
	if errors.As(err, new(proof.RootMismatchError)) {
		return errors.New("its hashes lead to another root")
	}
	return err
}
