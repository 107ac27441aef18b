package main

import (
	"fmt"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const (
	architectureFile = "docs/architecture.md"
	module           = "aftercall"
)

// edge is an import of one package by another; both are paths in the module,
// and the package main at the top level is "aftercall".
type edge struct{ from, to string }

func (e edge) String() string { return e.from + " --> " + e.to }

// TestArchitectureShowsTheImports compares the charts and the table of
// docs/architecture.md with the imports of the code.
func TestArchitectureShowsTheImports(t *testing.T) {
	text, err := os.ReadFile(architectureFile)
	require.NoError(t, err)
	packages, real := imports(t)
	drawn := drawnEdges(t, string(text), packages)
	require.Greater(t, len(drawn), 50)
	for e := range real {
		switch {
		case !production(e.from):
		case !production(e.to):
			t.Errorf("%s: production code must not import what is only for development and tests", e)
		case !drawn[e]:
			t.Errorf("%s is imported, but %s does not show it", e, architectureFile)
		}
	}
	for e := range drawn {
		switch {
		case real[e]:
		case real[edge{e.to, e.from}]:
			t.Errorf("%s is reversed in %s", e, architectureFile)
		default:
			t.Errorf("%s is in %s, but not imported", e, architectureFile)
		}
	}
}

// production reports whether a package is part of the programs.
func production(name string) bool {
	for _, root := range []string{"dev", "internal/testenv", "internal/freeport"} {
		if name == root || strings.HasPrefix(name, root+"/") {
			return false
		}
	}
	return true
}

// imports returns all packages of the module, and which imports which outside tests.
func imports(t *testing.T) (packages map[string]bool, edges map[edge]bool) {
	t.Helper()
	packages, edges = map[string]bool{}, map[edge]bool{}
	require.NoError(t, filepath.WalkDir(".", func(file string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if file != "." && (strings.HasPrefix(d.Name(), ".") || d.Name() == "testdata" || exists(filepath.Join(file, "go.mod"))) {
				return fs.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(file, ".go") || strings.HasSuffix(file, "_test.go") {
			return nil
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		from := nameOf(path.Join(module, filepath.ToSlash(filepath.Dir(file))))
		packages[from] = true
		for _, spec := range parsed.Imports {
			imported, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				return err
			}
			if strings.HasPrefix(imported, module+"/") {
				edges[edge{from, nameOf(imported)}] = true
			}
		}
		return nil
	}))
	return packages, edges
}

// nameOf is how the documentation names a package.
func nameOf(importPath string) string {
	if importPath == module {
		return module
	}
	return strings.TrimPrefix(importPath, module+"/")
}

func exists(file string) bool {
	_, err := os.Stat(file)
	return err == nil
}

var (
	chartPattern = regexp.MustCompile("(?s)```mermaid\nflowchart[^\n]*\n(.*?)```")
	// arrowPattern matches a --> b & c, where an identifier can be followed by a label.
	arrowPattern = regexp.MustCompile(`^(.+?) --> (.+)$`)
	nodePattern  = regexp.MustCompile(`^(\w+)(?:\["([^"]+)"\])?$`)
	rowPattern   = regexp.MustCompile("(?m)^\\| `([^`]*[^`/])` \\| ([a-z, ]+) \\|$")
)

// drawnEdges reads the arrows of the charts, and the rows of the table, which
// name packages below internal/.
func drawnEdges(t *testing.T, text string, packages map[string]bool) map[edge]bool {
	t.Helper()
	edges := map[edge]bool{}
	add := func(from, to string) {
		require.True(t, packages[from], "%s: there is no package %s", architectureFile, from)
		require.True(t, packages[to], "%s: there is no package %s", architectureFile, to)
		require.False(t, edges[edge{from, to}], "%s shows %s twice", architectureFile, edge{from, to})
		edges[edge{from, to}] = true
	}
	charts := chartPattern.FindAllStringSubmatch(text, -1)
	require.NotEmpty(t, charts)
	for _, chart := range charts {
		labels := map[string]string{}
		// name is the package of a node: its label, or else its identifier.
		name := func(node string) string {
			parts := nodePattern.FindStringSubmatch(strings.TrimSpace(node))
			require.NotNil(t, parts, "%s: %q is not a node", architectureFile, node)
			if parts[2] != "" {
				labels[parts[1]] = parts[2]
			}
			label := parts[1]
			if labels[label] != "" {
				label = labels[label]
			}
			if !packages[label] && packages["internal/"+label] {
				return "internal/" + label
			}
			return label
		}
		for line := range strings.Lines(chart[1]) {
			arrow := arrowPattern.FindStringSubmatch(strings.TrimSpace(line))
			if arrow == nil {
				require.NotContains(t, line, "->", "%s: %q", architectureFile, line)
				continue
			}
			from := name(arrow[1])
			for to := range strings.SplitSeq(arrow[2], " & ") {
				add(from, name(to))
			}
		}
	}
	for _, row := range rowPattern.FindAllStringSubmatch(text, -1) {
		for to := range strings.SplitSeq(row[2], ", ") {
			add(row[1], "internal/"+to)
		}
	}
	return edges
}

var (
	// namedFile matches a file or folder of the repository in backticks, or as the
	// target of a link. <placeholders> and patterns are not files.
	namedFile = regexp.MustCompile("`((?:[\\w.-]+/)+[\\w.-]*|[\\w.-]+\\.(?:go|md|yaml|sql|json|mod))`")
	linkedTo  = regexp.MustCompile(`\]\(([^)#\s:]*)(#[^)\s]*)?\)`)
	heading   = regexp.MustCompile(`(?m)^#+ (.+)$`)
	codeBlock = regexp.MustCompile("(?ms)^```.*?^```$")
)

// TestDocumentsNameWhatExists checks the links between the documents, with
// their anchors, and the files that the pages for maintainers name.
func TestDocumentsNameWhatExists(t *testing.T) {
	documents, err := filepath.Glob("docs/*.md")
	require.NoError(t, err)
	documents = append(documents, "README.md", "CONTRIBUTING.md", "CHANGELOG.md")
	texts := map[string]string{}
	for _, document := range documents {
		text, err := os.ReadFile(document)
		require.NoError(t, err)
		texts[document] = codeBlock.ReplaceAllString(string(text), "")
	}
	for document, text := range texts {
		for _, link := range linkedTo.FindAllStringSubmatch(text, -1) {
			to := document
			if link[1] != "" {
				to = path.Join(path.Dir(document), link[1])
			}
			require.True(t, exists(to), "%s links to %s, which does not exist", document, to)
			if target, ok := texts[to]; ok && link[2] != "" {
				require.Contains(t, anchors(target), link[2], "%s links to %s%s: there is no such heading", document, to, link[2])
			}
		}
	}
	for _, document := range []string{architectureFile, "docs/development.md", "CONTRIBUTING.md", "docs/retries.md"} {
		for _, file := range namedFile.FindAllStringSubmatch(texts[document], -1) {
			if built(file[1]) {
				continue
			}
			require.True(t, exists(file[1]) || exists(path.Join("docs", file[1])), "%s names %s, which does not exist", document, file[1])
		}
	}
}

// built reports whether a file is made by make, so that a clone lacks it.
func built(file string) bool {
	return strings.HasPrefix(file, "bin/") || strings.HasPrefix(file, "dev/bin") || strings.HasPrefix(file, "dev/.state")
}

// anchors are the anchors of the headings of a document, as GitHub makes them.
func anchors(text string) []string {
	found := map[string]bool{}
	for _, h := range heading.FindAllStringSubmatch(text, -1) {
		anchor := strings.ToLower(strings.ReplaceAll(h[1], "`", ""))
		anchor = regexp.MustCompile(`[^\w\- ]`).ReplaceAllString(anchor, "")
		found[fmt.Sprintf("#%s", strings.ReplaceAll(anchor, " ", "-"))] = true
	}
	return slices.Sorted(maps.Keys(found))
}

// TestNamedTestsExist checks that the tests which docs/security.md names exist.
func TestNamedTestsExist(t *testing.T) {
	text, err := os.ReadFile("docs/security.md")
	require.NoError(t, err)
	var code strings.Builder
	require.NoError(t, filepath.WalkDir(".", func(path string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		source, err := os.ReadFile(path)
		code.Write(source)
		return err
	}))
	names := regexp.MustCompile("`(Test[A-Za-z0-9]+)`").FindAllStringSubmatch(string(text), -1)
	require.NotEmpty(t, names)
	for _, name := range names {
		require.Contains(t, code.String(), "\nfunc "+name[1]+"(", "docs/security.md names it")
	}
}
