package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"slices"
)

// gremlins' names of changes.
const (
	arithmetic = "ARITHMETIC_BASE"
	boundary   = "CONDITIONALS_BOUNDARY"
	negation   = "CONDITIONALS_NEGATION"
	increment  = "INCREMENT_DECREMENT"
	// inversion is for every minus the same as arithmetic.
	inversion = "INVERT_NEGATIVES"
)

// replacements are the operators that each type of mutant replaces, and with which.
var replacements = map[string]map[token.Token]token.Token{
	arithmetic: {token.ADD: token.SUB, token.SUB: token.ADD, token.MUL: token.QUO, token.QUO: token.MUL, token.REM: token.MUL},
	boundary:   {token.GEQ: token.GTR, token.GTR: token.GEQ, token.LEQ: token.LSS, token.LSS: token.LEQ},
	negation: {
		token.EQL: token.NEQ, token.NEQ: token.EQL,
		token.GEQ: token.LSS, token.LSS: token.GEQ, token.GTR: token.LEQ, token.LEQ: token.GTR,
	},
	increment: {token.INC: token.DEC, token.DEC: token.INC},
}

// position is one in a file.
type position struct{ line, column int }

// operator is one in the source of a file.
type operator struct {
	token  token.Token
	offset int // in bytes
	inCase bool
}

// operatorOf returns the operator of a node and its position, token.ILLEGAL if it
// has none.
func operatorOf(n ast.Node) (token.Token, token.Pos) {
	switch n := n.(type) {
	case *ast.BinaryExpr:
		return n.Op, n.OpPos
	case *ast.UnaryExpr:
		return n.Op, n.OpPos
	case *ast.IncDecStmt:
		return n.Tok, n.TokPos
	}
	return token.ILLEGAL, token.NoPos
}

// findOperator returns the operator that a mutant changes.
func findOperator(source []byte, m mutant) (found operator, err error) {
	files := token.NewFileSet()
	file, err := parser.ParseFile(files, m.File, source, parser.SkipObjectResolution)
	if err != nil {
		return operator{}, err
	}
	caseEnd := token.NoPos // where the expressions end of the case that is visited
	ast.Inspect(file, func(n ast.Node) bool {
		if clause, ok := n.(*ast.CaseClause); ok && len(clause.List) > 0 {
			caseEnd = clause.Colon
		}
		op, pos := operatorOf(n)
		if at := files.Position(pos); op != token.ILLEGAL && (position{at.Line, at.Column}) == m.position() {
			found = operator{op, at.Offset, pos < caseEnd}
		}
		return true
	})
	if _, ok := replacements[m.Type][found.token]; !ok {
		return operator{}, fmt.Errorf("%s: no such operator is there", m)
	}
	return found, nil
}

// change replaces the operator of a mutant in source.
func change(source []byte, m mutant, op operator) []byte {
	return slices.Concat(source[:op.offset], []byte(replacements[m.Type][op.token].String()), source[op.offset+len(op.token.String()):])
}
