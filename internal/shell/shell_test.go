package shell_test

import (
	"os/exec"
	"strings"
	"testing"
	"unicode"

	"github.com/stretchr/testify/require"

	"aftercall/internal/shell"
)

func TestCommand(t *testing.T) {
	for arg, want := range map[string]string{
		"055662e1-bc8a-469c-a334-1126c8c17d58": "aftercall call 055662e1-bc8a-469c-a334-1126c8c17d58",
		"x; touch y":                           "aftercall call 'x; touch y'",
		"it's":                                 `aftercall call 'it'"'"'s'`,
		"":                                     "aftercall call ''",
		"-x":                                   "aftercall call -- -x",
		"a\nb":                                 `aftercall call $'a\x0ab'`,
		"a\u202eb":                             `aftercall call $'a\xe2\x80\xaeb'`,
	} {
		require.Equal(t, want, shell.Command("aftercall call", arg))
	}
	require.Equal(t, "aftercall callback set --app 'a b' c", shell.Command("aftercall callback set --app", "a b", "c"))
}

// TestBashPassesArgumentsOn lets bash print what it would pass.
func TestBashPassesArgumentsOn(t *testing.T) {
	for _, arg := range []string{
		"plain", "x; touch y", "$(id)", "`id`", "it's", `a\b`, "a|b&c>d<e", "*", "~", "#x", "!x", "a b", "中文", "é", "a\nb\x01", "\u202ea\u200b", "\xff\xfe'\\", "-n", "--config=x", "=x", "{a,b}", "\x7f",
	} {
		line := shell.Command(`last() { printf %s "${@: -1}"; }; last`, arg)
		require.True(t, strings.IndexFunc(line, func(r rune) bool { return !unicode.IsPrint(r) }) < 0, "%q", line)
		out, err := exec.Command("bash", "-c", line).Output()
		require.NoError(t, err, line)
		require.Equal(t, arg, string(out), line)
	}
}
