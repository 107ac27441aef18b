package testenv

import (
	"flag"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "rewrite the tables of the documentation from the code")

// tablePattern matches the rows of a table below its header.
var tablePattern = regexp.MustCompile(`(?m)(^\|---.*\n)((?:^\|.*\n)*)`)

// RequireTable compares the table below a heading of a Markdown file with rows,
// which come from the code.
func RequireTable(t testing.TB, file, heading string, rows []string) {
	t.Helper()
	data, err := os.ReadFile(file)
	require.NoError(t, err)
	before, section, found := strings.Cut(string(data), "\n## "+heading+"\n")
	require.True(t, found, "heading %q", heading)
	table := tablePattern.FindStringSubmatchIndex(section)
	require.NotNil(t, table, "a table below %q", heading)
	want := strings.Join(rows, "\n") + "\n"
	if *update {
		section = section[:table[4]] + want + section[table[5]:]
		require.NoError(t, os.WriteFile(file, []byte(before+"\n## "+heading+"\n"+section), 0o644))
		return
	}
	require.Equal(t, want, section[table[4]:table[5]],
		"the table below %q in %s differs from the code; rewrite it with: go test <this package> -update", heading, file)
}

// RequireFile compares a file with text, which comes from the code.
func RequireFile(t testing.TB, file, text string) {
	t.Helper()
	if *update {
		require.NoError(t, os.WriteFile(file, []byte(text), 0o644))
		return
	}
	data, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, text, string(data), "%s differs from the code; rewrite it with: go test <this package> -update", file)
}
