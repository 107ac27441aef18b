package pages_test

import (
	"os"
	"path/filepath"
	"regexp"
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
var checkedTargets = []string{"aftercall", "dev", "cluster", "demo", "call", "faults", "load", "bench"}

// elsewhere are commands that are not run or checked here.
var elsewhere = map[string]string{
	"aftercall": "parsed in internal/cli", "bin/aftercall": "parsed in internal/cli", "temporal": "parsed by the real one in dev/local",
	"bin/starter": "run by every test of dev/local", "bin/worker": "run by every test of dev/local",

	"docker": "needs a container engine", "kubectl": "needs a Kubernetes cluster", "helm": "needs a Kubernetes cluster",
	"apt": "installs on the reader's machine", "systemctl": "needs systemd as the first process", "editor": "is for a person",
	"runuser": "needs the users of the package", "sudo": "needs the reader's PostgreSQL", "temporal-sql-tool": "comes with a Temporal server",
	pages.Filler:   "is named by a variable, here temporal-sql-tool",
	"redis-server": "run by TestConnectYourOwnApp of dev",
	"python3":      "is a receiver, which runs until it is stopped",
	"cosign":       "needs a release", "sha256sum": "needs a release",
	"curl": "needs the reader's services", "openssl": "needs the reader's services",
	"pg_dump": "run by TestRestore of dev/local", "pg_restore": "run by TestRestore of dev/local", "git": "needs the repository's address",
}

var shell = strings.Fields("cat cd cp echo export grep kill ls mkdir mv sed set sh sleep umask . [ unset")

// TestDocumentedCommands: every command in README and docs can be given. What is run or
// parsed elsewhere is in a list, with the reason.
func TestDocumentedCommands(t *testing.T) {
	makefile, err := os.ReadFile(filepath.Join(root, "Makefile"))
	require.NoError(t, err)
	used := map[string]bool{}
	for _, c := range pages.Commands(t, root) {
		line := strings.Join(c.Words, " ")
		switch program := c.Words[0]; {
		case program == "make":
			require.Regexp(t, `(?m)^`+regexp.QuoteMeta(c.Words[1])+`:`, string(makefile), "%s:%d: %s", c.Page, c.Line, line)
			requireArgs(t, c, string(makefile))
		case program == "go":
			requireGoTest(t, c)
		case elsewhere[program] != "":
			used[program] = true
		default:
			require.Contains(t, shell, program, "%s:%d: %s: check it by a test, or say in this file why that is not possible", c.Page, c.Line, line)
		}
	}
	require.Greater(t, len(used), 8)
}

// requireArgs makes sure that somebody checks the ARGS of a make target.
func requireArgs(t *testing.T, c pages.Command, makefile string) {
	t.Helper()
	args := c.MakeArgs(t)
	if len(args) == 0 || slices.Contains(checkedTargets, c.Words[1]) {
		return
	}
	recipe := regexp.MustCompile(`(?m)^` + c.Words[1] + `:.*\n((\t.*\n)+)`).FindString(makefile)
	require.Contains(t, recipe, "ARGS", "%s:%d: make %s takes no ARGS", c.Page, c.Line, c.Words[1])
}

// requireGoTest checks a command go test: its packages and the test that -run names.
func requireGoTest(t *testing.T, c pages.Command) {
	t.Helper()
	require.Equal(t, "test", c.Words[1], "%s:%d", c.Page, c.Line)
	run := ""
	if i := slices.Index(c.Words, "-run"); i > 0 {
		run = strings.Trim(c.Words[i+1], "^$")
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
