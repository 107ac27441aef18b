package config

import (
	"fmt"

	"github.com/goccy/go-yaml/token"
)

// maxKeys is how many keys one mapping may have. The parser's time grows with
// their square; only tariffs has free keys.
const maxKeys = 2000

// maxProblems is how many problems are reported. A file that is no configuration
// has one in every line.
const maxProblems = 100

// openMapping is a mapping or a flow list while its tokens are read.
type openMapping struct {
	column int // of its keys; 0 for a flow collection
	keys   int
}

// tooManyKeys returns the line where a mapping has more than maxKeys keys, or 0.
func tooManyKeys(tokens token.Tokens) int {
	open := []openMapping{{}}
	top := func() *openMapping { return &open[len(open)-1] }
	closeUntil := func(column int) {
		for top().column > column {
			open = open[:len(open)-1]
		}
	}
	line := 0
	for _, t := range tokens {
		if first := t.Position.Line > line; first {
			closeUntil(t.Position.Column)
		}
		line = t.Position.Line
		switch t.Type { //nolint:exhaustive // the others open and close nothing
		case token.MappingStartType, token.SequenceStartType:
			open = append(open, openMapping{})
		case token.MappingEndType, token.SequenceEndType:
			closeUntil(0)
			if len(open) > 1 {
				open = open[:len(open)-1]
			}
		case token.MappingKeyType, token.MappingValueType:
			key := t
			if t.Type == token.MappingValueType && t.Prev != nil {
				key = t.Prev
			}
			// Inside a flow collection the column means nothing.
			if inFlow := len(open) > 1 && top().column == 0; !inFlow {
				closeUntil(key.Position.Column)
				if top().column < key.Position.Column {
					open = append(open, openMapping{column: key.Position.Column})
				}
			}
			if top().keys++; top().keys > maxKeys {
				return line
			}
		}
	}
	return 0
}

// full reports whether there are so many problems that no more are looked for.
func (d *decoder) full() bool { return len(d.problems) >= maxProblems }

// err returns the problems as an error, or nil.
func (d *decoder) err() error {
	err := asError(d.problems)
	if d.full() {
		err.(*Error).Problems = append(d.problems, Problem{ //nolint:errorlint // not wrapped
			File: d.file, Message: fmt.Sprintf("has more problems than these %d: correct them first", maxProblems),
		})
	}
	return err
}
