package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
)

// replacements are the operators that each type of mutant replaces, and with which.
var replacements = map[string]map[token.Token]token.Token{
	"ARITHMETIC_BASE": {
		token.ADD: token.SUB, token.SUB: token.ADD, token.MUL: token.QUO, token.QUO: token.MUL, token.REM: token.MUL,
	},
	"CONDITIONALS_BOUNDARY": {
		token.GEQ: token.GTR, token.GTR: token.GEQ, token.LEQ: token.LSS, token.LSS: token.LEQ,
	},
	"CONDITIONALS_NEGATION": {
		token.EQL: token.NEQ, token.NEQ: token.EQL,
		token.GEQ: token.LSS, token.LSS: token.GEQ, token.GTR: token.LEQ, token.LEQ: token.GTR,
	},
}

// changeCase replaces the operator of a mutant in source if it is in a case
// expression. Go's coverage profile does not contain these, so gremlins believes
// that no test reaches them.
func changeCase(source []byte, m mutant) (changed []byte, ok bool, err error) {
	return change(source, m, func(file *ast.File, visit func(ast.Node) bool) {
		ast.Inspect(file, func(n ast.Node) bool {
			if clause, ok := n.(*ast.CaseClause); ok {
				for _, expression := range clause.List {
					ast.Inspect(expression, visit)
				}
			}
			return true
		})
	})
}

// changeAny replaces the operator of a mutant in source wherever it is.
func changeAny(source []byte, m mutant) (changed []byte, ok bool, err error) {
	return change(source, m, func(file *ast.File, visit func(ast.Node) bool) { ast.Inspect(file, visit) })
}

// change replaces the operator of a mutant if it is of a binary expression that
// inspect visits.
func change(source []byte, m mutant, inspect func(*ast.File, func(ast.Node) bool)) (changed []byte, ok bool, err error) {
	files := token.NewFileSet()
	file, err := parser.ParseFile(files, m.File, source, parser.SkipObjectResolution)
	if err != nil {
		return nil, false, fmt.Errorf("parse: %w", err)
	}
	var found *ast.BinaryExpr
	inspect(file, func(n ast.Node) bool {
		if e, ok := n.(*ast.BinaryExpr); ok {
			if at := files.Position(e.OpPos); at.Line == m.Line && at.Column == m.Column {
				found = e
			}
		}
		return true
	})
	if found == nil {
		return nil, false, nil
	}
	with, ok := replacements[m.Type][found.Op]
	if !ok {
		return nil, false, nil
	}
	at := files.Position(found.OpPos).Offset
	changed = append(changed, source[:at]...)
	changed = append(changed, with.String()...)
	changed = append(changed, source[at+len(found.Op.String()):]...)
	return changed, true, nil
}
