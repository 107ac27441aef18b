package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"slices"
	"strings"
)

// activeMutant is the environment variable that names the mutant, by its number
// from 1, that a test program with many of them is to use.
const activeMutant = "MUTATE_ACTIVE"

// edit replaces some bytes of a file.
type edit struct {
	offset, length int
	text           string
}

// together returns source with all mutants in it, of which helpers choose one when
// the program runs: a < b becomes mutateBoundary40(7, a, b). Compiling them once
// takes seconds, and compiling each one for itself would take minutes. Lines stay
// what they are. numbers are those of the mutants at an operator's position.
func together(name string, source []byte, numbers map[position]map[string]int) ([]byte, error) {
	files := token.NewFileSet()
	file, err := parser.ParseFile(files, name, source, parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	var before, after []edit // of expressions, which contain one another
	ast.Inspect(file, func(n ast.Node) bool {
		op, pos := operatorOf(n)
		at := files.Position(pos)
		here := numbers[position{at.Line, at.Column}]
		if op == token.ILLEGAL || len(here) == 0 {
			return true
		}
		opening, closing, with := calls(n, op, here)
		offset := func(p token.Pos) int { return files.Position(p).Offset }
		before = append(before, edit{offset(n.Pos()), 0, opening})
		if with != op.String() {
			before = append(before, edit{at.Offset, len(op.String()), with})
		}
		after = append(after, edit{offset(n.End()), 0, closing})
		return true
	})
	slices.Reverse(after) // the inner expression ends first
	edits := slices.Concat(after, before)
	slices.SortStableFunc(edits, func(a, b edit) int { return a.offset - b.offset })
	var changed strings.Builder
	end := 0
	for _, e := range edits {
		changed.Write(source[end:e.offset])
		changed.WriteString(e.text)
		end = e.offset + e.length
	}
	changed.Write(source[end:])
	return []byte(changed.String()), nil
}

// calls returns what calls the helpers: what stands before and after an expression,
// and instead of its operator.
func calls(n ast.Node, op token.Token, numbers map[string]int) (opening, closing, with string) {
	with = op.String()
	for kind, number := range numbers {
		switch kind {
		case negation: // outside of the other one
		case increment:
			return fmt.Sprintf("%s(%d, &", helper(kind, op), number), ")", ""
		default:
			opening, closing, with = fmt.Sprintf("%s(%d, ", helper(kind, op), number), ")", ","
			if _, unary := n.(*ast.UnaryExpr); unary {
				opening, with = fmt.Sprintf("mutateSign(%d, ", number), ""
			}
		}
	}
	if number, ok := numbers[negation]; ok {
		opening, closing = fmt.Sprintf("(mutateActive(%d) != (", number)+opening, closing+"))"
	}
	return opening, closing, with
}

func helper(kind string, op token.Token) string {
	return fmt.Sprintf("mutate_%s_%d", kind, op)
}

// helpers is the source file of the helpers. They are part of the package, so that
// they need no import.
func helpers(pkg string) []byte {
	var b strings.Builder
	fmt.Fprintf(&b, `package %s

import (
	"cmp"
	"os"
	"strconv"
)

var mutateNumber, _ = strconv.Atoi(os.Getenv(%q))

func mutateActive(number int) bool { return number == mutateNumber }

type mutateInteger interface {
	~int | ~int8 | ~int16 | ~int32 | ~int64 | ~uint | ~uint8 | ~uint16 | ~uint32 | ~uint64 | ~uintptr
}

type mutateNumeric interface { mutateInteger | ~float32 | ~float64 }

func mutateSign[T mutateNumeric](number int, a T) T {
	if mutateActive(number) {
		return +a
	}
	return -a
}
`, pkg, activeMutant)
	binary := func(kind string, op, with token.Token, constraint, result string) {
		fmt.Fprintf(&b, "\nfunc %s[T %s](number int, a, b T) %s {\n\tif mutateActive(number) {\n\t\treturn a %s b\n\t}\n\treturn a %s b\n}\n",
			helper(kind, op), constraint, result, with, op)
	}
	for op, with := range replacements[boundary] {
		binary(boundary, op, with, "cmp.Ordered", "bool")
	}
	for op, with := range replacements[arithmetic] {
		constraint := "mutateNumeric"
		if op == token.REM {
			constraint = "mutateInteger"
		}
		binary(arithmetic, op, with, constraint, "T")
	}
	for op, with := range replacements[increment] {
		fmt.Fprintf(&b, "\nfunc %s[T mutateNumeric](number int, a *T) {\n\tif mutateActive(number) {\n\t\t*a%s\n\t\treturn\n\t}\n\t*a%s\n}\n",
			helper(increment, op), with, op)
	}
	return []byte(b.String())
}
