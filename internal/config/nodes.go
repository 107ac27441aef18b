package config

import (
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"
)

// mapping calls each for every key of a mapping, once per key, and reports
// whether node is one.
func (d *decoder) mapping(node ast.Node, path string, each func(key, value ast.Node, name string)) bool {
	pairs, ok := pairsOf(node)
	if !ok {
		d.report(path, "must be a mapping, lines of “key: value” below it, not %s", kindOf(node))
		return false
	}
	first := map[string]int{}
	for _, pair := range pairs {
		if d.full() {
			return false
		}
		key, ok := pair.Key.(ast.ScalarNode)
		if !ok || pair.Key.Type() == ast.MergeKeyType {
			d.add(position(pair.Key), path, "a key must be a plain word; merge keys (<<) and complex keys (?) are not supported")
			continue
		}
		name := key.GetToken().Value
		if line, duplicate := first[name]; duplicate {
			d.add(position(pair.Key), foreignChild(path, name), "is there twice, first in line %d: remove one", line)
			continue
		}
		first[name] = position(pair.Key).Line
		each(pair.Key, pair.Value, name)
	}
	return true
}

// pairsOf returns the keys and values of a mapping; ok is false for other nodes.
func pairsOf(node ast.Node) (pairs []*ast.MappingValueNode, ok bool) {
	switch n := node.(type) {
	case *ast.MappingNode:
		return n.Values, true
	case *ast.MappingValueNode:
		return []*ast.MappingValueNode{n}, true
	default:
		return nil, false
	}
}

// position is where a node begins for a reader.
func position(node ast.Node) *token.Position {
	switch n := node.(type) {
	case *ast.MappingNode:
		// Its own token is the first colon, or the brace of a flow mapping.
		if !n.IsFlowStyle && len(n.Values) > 0 {
			return position(n.Values[0].Key)
		}
	case *ast.MappingValueNode:
		return position(n.Key)
	}
	return node.GetToken().Position
}

// kindOf names the kind of a node, without its content.
func kindOf(node ast.Node) string {
	switch node.(type) {
	case *ast.MappingNode, *ast.MappingValueNode:
		return "a mapping"
	case *ast.SequenceNode:
		return "a list"
	case *ast.IntegerNode, *ast.FloatNode, *ast.InfinityNode, *ast.NanNode:
		return "a number"
	case *ast.BoolNode:
		return "true or false"
	default:
		return "text"
	}
}
