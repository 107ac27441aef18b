package slimlist

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const root = "../.."

// conditions are what a string of a query has, and no other string of the code.
var conditions = regexp.MustCompile("\\b(WorkflowType|WorkflowId|RunId|ExecutionStatus|StartTime|CloseTime|ExecutionTime|TaskQueue|BuildIds|" +
	"(Parent|Root)(WorkflowId|RunId)|Temporal[A-Z]\\w+|Call(App|Result|Media|Type|Source|Id|Stage))`?" +
	"(\\s*(=|!=|<=?|>=?)\\s*['\"%]|\\s+(IN|IS|BETWEEN|STARTS_WITH)\\b)|AND %s|^%s (=|IS|IN|<|>)")

// TestEveryQueryIsListed finds the queries in the code and the docs, and compares them
// with Queries, in both directions.
func TestEveryQueryIsListed(t *testing.T) {
	listed := map[string][]string{}
	for _, q := range Queries() {
		switch {
		case strings.HasPrefix(q.From, webUI) || strings.HasSuffix(q.From, ".go") && q.Literals == nil:
		case q.Literals != nil:
			listed[q.From] = append(listed[q.From], q.Literals...)
		default:
			listed[q.From] = append(listed[q.From], q.Filter)
		}
	}
	found := queriesOf(t)
	for path, queries := range found {
		for _, query := range queries {
			require.Contains(t, listed[path], query, "%s has a query that dev/slimlist/queries.go lacks: "+
				"add it with the attribute whose index it uses, so that the stack keeps the index", path)
		}
	}
	for path, queries := range listed {
		for _, query := range queries {
			require.Contains(t, found[path], query, "%s has this query no longer: remove it from dev/slimlist/queries.go", path)
		}
	}
}

// TestFiltersAreThoseOfTheCode: an example has what the strings in the code have.
func TestFiltersAreThoseOfTheCode(t *testing.T) {
	verbs := regexp.MustCompile(`%q|'?%s'?`)
	for _, q := range Queries() {
		for _, literal := range q.Literals {
			for _, part := range verbs.Split(literal, -1) {
				require.Contains(t, q.Filter, part, "%s: %s", q.From, literal)
			}
		}
	}
}

// queriesOf are the strings of queries, by the file that has them.
func queriesOf(t *testing.T) map[string][]string {
	t.Helper()
	found := map[string][]string{}
	require.NoError(t, filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := filepath.ToSlash(strings.TrimPrefix(path, root+string(filepath.Separator)))
		switch {
		case d.IsDir() && (strings.HasPrefix(d.Name(), ".") && path != root || slices.Contains([]string{"dev/slimlist", "dev/simulation", "bin", "dev/bin", "dist"}, name)):
			return filepath.SkipDir
		case strings.HasSuffix(name, ".go") && !strings.HasSuffix(name, "_test.go"):
			return inCode(path, func(text string) { found[name] = append(found[name], text) })
		case strings.HasSuffix(name, ".md") && name != "CHANGELOG.md": // which has those of former releases
			return inDocs(path, func(text string) { found[name] = append(found[name], text) })
		}
		return nil
	}))
	return found
}

func inCode(path string, add func(string)) error {
	f, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
	if err != nil {
		return err
	}
	ast.Inspect(f, func(n ast.Node) bool {
		if literal, ok := n.(*ast.BasicLit); ok && literal.Kind == token.STRING {
			if text, err := strconv.Unquote(literal.Value); err == nil && conditions.MatchString(text) {
				add(text)
			}
		}
		return true
	})
	return nil
}

var code = regexp.MustCompile("`([^`\n]+)`")

func inDocs(path string, add func(string)) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	for _, m := range code.FindAllStringSubmatch(string(text), -1) {
		if conditions.MatchString(m[1]) {
			add(m[1])
		}
	}
	return nil
}
