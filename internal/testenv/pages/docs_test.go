package pages_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"aftercall/internal/testenv/pages"
)

// root is the project's folder.
const root = "../../.."

// TestBlocksHaveALanguage: a block that is not marked as commands is not checked.
func TestBlocksHaveALanguage(t *testing.T) {
	for _, block := range pages.Blocks(t, root) {
		require.NotEmpty(t, block.Language, "%s:%d: say after ``` what follows: sh for commands, console for commands with what they print, text or a format", block.Page, block.Line)
		require.NotContains(t, []string{"bash", "shell", "zsh"}, block.Language, "%s:%d: say sh", block.Page, block.Line)
	}
}

// The make targets whose ARGS are checked where the program is.
var checkedTargets = []string{
	"aftercall", "dev", "cluster", "demo", "call", "faults", "load", "bench", "simulate", "push-image", "chart", "manifests",
}

// TestDocumentedTargets: the make targets and the tests that README and docs name exist.
// TestPages of dev runs the other commands, or says why it does not.
func TestDocumentedTargets(t *testing.T) {
	help, err := exec.Command("make", "-C", root, "help").Output()
	require.NoError(t, err)
	checked := 0
	for _, c := range pages.Commands(t, root) {
		switch c.Words[0] {
		case "make":
			for _, word := range c.Words[1:] {
				if !strings.Contains(word, "=") {
					require.Contains(t, string(help), "make "+word+" ", "%s:%d: %s", c.Page, c.Line, strings.Join(c.Words, " "))
					checked++
				}
			}
			requireArgs(t, c)
		case "go":
			if c.Words[1] == "test" {
				requireGoTest(t, c)
				checked++
			}
		}
	}
	require.Greater(t, checked, 60)
}

// requireArgs makes sure that ARGS are something that the make target takes: the name of
// a fuzz test, packages with tests, or what another test parses with the program.
func requireArgs(t *testing.T, c pages.Command) {
	t.Helper()
	args := c.MakeArgs(t)
	switch target := c.Words[1]; {
	case len(args) == 0:
	case target == "fuzz":
		require.Len(t, args, 1, "%s:%d", c.Page, c.Line)
		found, err := exec.Command("grep", "-rlE", "^func "+args[0]+"[A-Za-z]*\\(f \\*testing", "--include=*_test.go", root).Output()
		require.NoError(t, err, "%s:%d: no fuzz test %s", c.Page, c.Line, args[0])
		require.NotEmpty(t, found)
	case target == "mutate":
		requireGoTest(t, pages.Command{Page: c.Page, Line: c.Line, Words: append([]string{"go", "test"}, args...)})
	default:
		require.Contains(t, checkedTargets, target, "%s:%d: nothing checks these ARGS", c.Page, c.Line)
	}
}

// requireGoTest checks a command go test: its packages and the test that -run names.
func requireGoTest(t *testing.T, c pages.Command) {
	t.Helper()
	run := ""
	if i := slices.Index(c.Words, "-run"); i > 0 {
		run, _, _ = strings.Cut(strings.Trim(c.Words[i+1], "^$"), "/")
	}
	for _, word := range c.Words[2:] {
		folder, ok := strings.CutPrefix(word, "./")
		if !ok {
			continue
		}
		files, err := filepath.Glob(filepath.Join(root, folder, "*_test.go"))
		require.NoError(t, err)
		require.NotEmpty(t, files, "%s:%d: %s has no tests", c.Page, c.Line, word)
		found := run == ""
		for _, file := range files {
			text, err := os.ReadFile(file)
			require.NoError(t, err)
			found = found || strings.Contains(string(text), "\nfunc "+run)
		}
		require.True(t, found, "%s:%d: %s has no test %s", c.Page, c.Line, word, run)
	}
}

// TestIndexListsAllPages: a page that docs/README.md does not list is not found.
func TestIndexListsAllPages(t *testing.T) {
	index, err := os.ReadFile(filepath.Join(root, "docs", "README.md"))
	require.NoError(t, err)
	found, err := filepath.Glob(filepath.Join(root, "docs", "*.md"))
	require.NoError(t, err)
	for _, page := range found {
		if name := filepath.Base(page); name != "README.md" {
			require.Contains(t, string(index), "]("+name+")")
		}
	}
}
