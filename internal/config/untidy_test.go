package config_test

import (
	"errors"
	"fmt"
	"maps"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"aftercall/internal/config"
)

// hidden is the value of a variable that no message may show.
const hidden = "hidden-4711-value"

// TestMessagesNeverShowVariables uses a variable where messages quote the value,
// or the names that are known.
func TestMessagesNeverShowVariables(t *testing.T) {
	for name, c := range map[string]struct{ old, new, want string }{
		"known app":            {"name: clinic", "name: ${HIDDEN}", `targets[0].apps[0]: unknown app "clinic": known here are ${HIDDEN}`},
		"app meant":            {"name: clinic", "name: ${HIDDEN}\n    #", `targets[0].apps[0]: unknown app "clinic"`},
		"currency":             {"currency: USD", "currency: ${HIDDEN}", "is not a currency"},
		"rounding":             {"currency: USD", "currency: USD\n    rounding: ${HIDDEN}", "rounding"},
		"template":             {"    url:", "    type: slack\n    text: '{{ ${HIDDEN} }}'\n    url:", "is not a template"},
		"function of template": {"    url:", "    type: slack\n    text: '{{ ${HIDDENWORD} }}'\n    url:", "is not a template"},
		"template that fails":  {"    url:", "    type: slack\n    text: '{{ index .App \"${HIDDEN}\" }}'\n    url:", "fails for the event"},
		"address":              {"https://crm.example.com/hook", "${HIDDENADDRESS}", "is a private address"},
	} {
		environ := environment()
		maps.Copy(environ, map[string]string{"HIDDEN": hidden, "HIDDENWORD": "hidden4711value", "HIDDENADDRESS": "http://10.47.11.99/"})
		_, err := config.Parse("test.yaml", []byte(replaceOnce(t, valid, c.old, c.new)), lookupIn(environ))
		require.ErrorContains(t, err, c.want, name)
		for _, value := range []string{hidden, "hidden4711", "10.47.11.99"} {
			require.NotContains(t, err.Error(), value, name)
		}
	}
}

// TestUntidyFilesAreRead reads files of 1 MiB of which some took minutes. The
// number of problems is limited, and so is their length.
func TestUntidyFilesAreRead(t *testing.T) {
	const size = 1<<20 - 300
	repeat := func(before, line, after string) string {
		var b strings.Builder
		b.WriteString(before)
		for i := 0; b.Len() < size-len(line)-20-len(after); i++ {
			b.WriteString(strings.ReplaceAll(line, "%d", fmt.Sprint(i)))
		}
		return b.String() + after
	}
	for name, text := range map[string]string{
		"unknown keys":           repeat("", "k%d: 1\n", ""),
		"the same key":           repeat("", "k: 1\n", ""),
		"with carriage returns":  repeat("", "k%d: 1\r\n", ""),
		"complex keys":           repeat("", "? a\n", ""),
		"merge keys":             repeat("", "<<: {}\n", ""),
		"aliases":                repeat("a: &a 1\n", "k%d: *a\n", ""),
		"keys in braces":         repeat("{", "k%d: 1, ", "}"),
		"keys of tariffs":        repeat("tariffs:\n", "  t%d: {}\n", ""),
		"empty apps":             repeat("apps: [", "{},", "]"),
		"apps":                   repeat("apps:\n", "- name: a%d\n", ""),
		"targets of no app":      repeat("apps:\n- name: a\ntargets:\n", "- {name: a%d, apps: [b%d]}\n", ""),
		"apps of a target":       repeat("targets:\n- apps:\n", "  - a%d\n", ""),
		"versions of a tariff":   repeat("tariffs:\n  a:\n    versions:\n", "    - {}\n", ""),
		"one long key":           repeat("", "k", ": 1\n"),
		"options of no target":   repeat("targets:\n- type: none\n", "  k%d: 1\n", ""),
		"documents":              repeat("", "---\na: 1\n", ""),
		"mappings in a sequence": repeat("apps:\n", "- a:\n   b:\n    c: 1\n", ""),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := config.Parse("test.yaml", []byte(text), lookupIn(environment()))
			var problems *config.Error
			require.True(t, errors.As(err, &problems))
			require.LessOrEqual(t, len(problems.Problems), 101)
			require.Less(t, len(err.Error()), 128<<10)
		})
	}
}
