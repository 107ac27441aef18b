package cli

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
	"github.com/stretchr/testify/require"
)

// TestWordsThatNoFlagKnows gives every flag whose values have a type of their own,
// such as tencent.MediaType, a value that the type does not have.
func TestWordsThatNoFlagKnows(t *testing.T) {
	t.Parallel()
	l := corrected(t)
	l.configure("0.12")
	parser, err := kong.New(&commands{})
	require.NoError(t, err)
	tried := 0
	for _, command := range parser.Model.Leaves(true) {
		for _, flag := range command.Flags {
			if !hasWords(flag.Target.Type()) {
				continue
			}
			tried++
			args := append(minimal(command), "--"+flag.Name, "nosuch")
			code, stdout, stderr := l.run(args...)
			require.Equal(t, Usage, code, "%v: %s", args, stderr)
			require.Empty(t, stdout, args)
			require.Contains(t, stderr, "--"+flag.Name, args)
			require.Contains(t, stderr, `"nosuch"`, args)
		}
	}
	require.Greater(t, tried, 10)
}

// TestEveryCommandRefusesAnUnknownApp gives every flag --app a name that no app has.
func TestEveryCommandRefusesAnUnknownApp(t *testing.T) {
	t.Parallel()
	l := corrected(t)
	l.configure("0.12")
	parser, err := kong.New(&commands{})
	require.NoError(t, err)
	tried := 0
	for _, command := range parser.Model.Leaves(true) {
		args, has := minimal(command), map[string]bool{}
		for _, flag := range command.Flags {
			has[flag.Name] = true
		}
		if has["operator"] && has["reason"] {
			args = append(args, "--operator=x", "--reason=x")
		}
		if !has["app"] {
			continue
		}
		tried++
		code, stdout, stderr := l.run(append(args, "--app", "nosuch")...)
		require.Equal(t, Usage, code, "%v: %s", args, stderr)
		require.Empty(t, stdout, args)
		require.Equal(t, "aftercall: --app: there is no app \"nosuch\"\n  → apps are: clinic\n", stderr, args)
	}
	require.Greater(t, tried, 20)
}

// hasWords reports whether a type is a kind of string, or a list of one.
func hasWords(t reflect.Type) bool {
	if t.Kind() == reflect.Slice {
		t = t.Elem()
	}
	return t.Kind() == reflect.String && t != reflect.TypeFor[string]()
}

// minimal is a command with the arguments and flags that it needs.
func minimal(command *kong.Node) []string {
	args := strings.Fields(command.Path())
	for _, argument := range command.Positional {
		if argument.Required {
			args = append(args, "call-1")
		}
	}
	if command.Name == "resend" || strings.HasPrefix(command.Path(), "waiting retry") || strings.HasPrefix(command.Path(), "review decide") {
		args = append(args, "call-1")
	}
	if command.Name == "statement" {
		args = append(args, "--payer", "patient-1")
	}
	values := map[string]string{"verdict": "charge", "from": "2026-03-01", "to": "2026-03-01", "month": "2026-03", "amount": "1"}
	for _, flag := range command.Flags {
		if flag.Required {
			args = append(args, fmt.Sprintf("--%s=%s", flag.Name, values[flag.Name]))
		}
	}
	return args
}
