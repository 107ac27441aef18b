package cli

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
	"github.com/stretchr/testify/require"

	"aftercall/internal/testenv/pages"
)

// TestHelpExamplesAreValid: every example in the help of a command is a valid
// command line of it.
func TestHelpExamplesAreValid(t *testing.T) {
	parse := func() *kong.Kong {
		parser, err := kong.New(&commands{}, kong.Name("aftercall"))
		require.NoError(t, err)
		return parser
	}
	for _, command := range parse().Model.Leaves(false) {
		help := strings.ReplaceAll(command.Detail, "\\\n", " ")
		for _, example := range regexp.MustCompile(`(?m)^  aftercall (.*)$`).FindAllStringSubmatch(help, -1) {
			parsed, err := parse().Parse(words(example[1]))
			require.NoError(t, err, example[0])
			require.Equal(t, command.Path(), parsed.Selected().Path(), example[0])
		}
	}
}

// TestDocumentedCommandsAreValid: every command line of aftercall in README and docs is
// a valid one.
func TestDocumentedCommandsAreValid(t *testing.T) {
	project, err := filepath.Abs("../..")
	require.NoError(t, err)
	t.Chdir(t.TempDir())
	for _, file := range []string{"receipt.json"} { // made by the command before
		require.NoError(t, os.WriteFile(file, nil, 0o600))
	}
	checked := pages.RequireValid(t, project, "aftercall", map[string][]string{"aftercall": nil}, func() any { return &commands{} })
	require.Greater(t, checked, 50)
}

// TestDocumentedNames: every command and flag of aftercall that the text of README and docs
// names exists. What is whole is run by TestPages of dev.
func TestDocumentedNames(t *testing.T) {
	parser, err := kong.New(&commands{}, kong.Name("aftercall"))
	require.NoError(t, err)
	named := pages.Inline(t, "../..", "aftercall")
	for _, n := range named {
		if n.Script == "aftercall ledger entry 1" { // the first line of a leaf of the ledger's log
			continue
		}
		node := parser.Model.Node
		for _, word := range strings.Fields(n.Script)[1:] {
			if name, ok := strings.CutPrefix(word, "--"); ok {
				flags := slices.Concat(node.AllFlags(false)...)
				if node.DefaultCmd != nil {
					flags = append(flags, node.DefaultCmd.Flags...)
				}
				known := slices.ContainsFunc(flags, func(f *kong.Flag) bool { return f.Name == name })
				require.True(t, known, "%s:%d: %s has no flag --%s", n.Page, n.Line, node.Path(), name)
			} else if i := slices.IndexFunc(node.Children, func(c *kong.Node) bool { return c.Name == word }); i >= 0 {
				node = node.Children[i]
			} else {
				require.True(t, node.Leaf() || node.DefaultCmd != nil, "%s:%d: %s has no %s", n.Page, n.Line, node.Path(), word)
			}
		}
	}
	require.Greater(t, len(named), 100)
}

// TestRunbookBeginsWithACommand: every entry of the runbook begins with one command.
func TestRunbookBeginsWithACommand(t *testing.T) {
	page, err := os.ReadFile("../../docs/operations.md")
	require.NoError(t, err)
	entries := regexp.MustCompile(`(?m)^### (Aftercall\w+)\n`).FindAllStringSubmatchIndex(string(page), -1)
	require.Greater(t, len(entries), 20)
	for _, entry := range entries {
		require.Regexp(t, "^\n```sh\n.+\n```\n", string(page[entry[1]:]), string(page[entry[2]:entry[3]]))
	}
}

// words splits a command line as a shell does, without what follows the command.
func words(line string) []string {
	for _, end := range []string{" > ", " | ", " # "} {
		line, _, _ = strings.Cut(line, end)
	}
	var words []string
	for _, word := range regexp.MustCompile(`"[^"]*"|\S+`).FindAllString(line, -1) {
		words = append(words, strings.Trim(word, `"`))
	}
	return words
}

// TestExitCodesAreDocumented compares those of --help with the table of the documentation.
func TestExitCodesAreDocumented(t *testing.T) {
	page, err := os.ReadFile("../../docs/operations.md")
	require.NoError(t, err)
	table := regexp.MustCompile(`(?m)^\| (\d) \| (.*) \|$`).FindAllStringSubmatch(string(page), -1)
	var rows []string
	for _, row := range table {
		rows = append(rows, "  "+row[1]+"  "+row[2])
	}
	require.Equal(t, "Exit codes:\n\n"+strings.Join(rows, "\n"), exitCodes)
	require.Len(t, rows, Incomplete+1)
}
