package cli_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"testing"

	"github.com/stretchr/testify/require"

	"aftercall/internal/oldcli"
)

type commands struct {
	Serve serveCommand `cmd:"" default:"1" help:"Serve."`
	Find  findCommand  `cmd:"" help:"Find something."`
}

type serveCommand struct{}

func (serveCommand) Run(p cli.Process) error {
	_, err := fmt.Fprintln(p.Stdout, "serving", p.Environ["WHAT"])
	return err
}

type findCommand struct {
	cli.Output
	What string `arg:""`
}

func (findCommand) Help() string { return "Example:\n\n  tool find it" }

func (c findCommand) Run(_ context.Context, p cli.Process) error {
	if c.What != "it" {
		return fmt.Errorf("look: %w", cli.Errorf(cli.NotFound, "look elsewhere", "there is no %s", c.What))
	}
	return c.Print(p.Stdout, map[string]string{"url": "a?b&c"}, func(w io.Writer) {
		cli.Table(w, []string{"what", "where"}, []string{"it", "here"}, []string{"another", "over\nthere\x1b[2J"})
		cli.Fields(w, [2]string{"State", "found"}, [2]string{"", "twice"})
	})
}

func run(args ...string) (code int, stdout, stderr string) {
	var out, err bytes.Buffer
	program := cli.Program{Name: "tool", Description: "Does things.", Commands: &commands{}}
	code = program.Run(context.Background(), cli.Process{Environ: map[string]string{"WHAT": "dinner"}, Stdout: &out, Stderr: &err}, args)
	return code, out.String(), err.String()
}

func TestRun(t *testing.T) {
	tests := map[string]struct {
		args           []string
		code           int
		stdout, stderr string
	}{
		"default": {nil, cli.OK, "serving dinner\n", ""},
		"table": {
			[]string{"find", "it"},
			cli.OK,
			"WHAT     WHERE\nit       here\nanother  over\n         there\ufffd[2J\nState  found\n       twice\n", "",
		},
		"json":      {[]string{"find", "it", "--output", "json"}, cli.OK, "{\n  \"url\": \"a?b&c\"\n}\n", ""},
		"not found": {[]string{"find", "that"}, cli.NotFound, "", "tool: look: there is no that\n  → look elsewhere\n"},
		"bad flag":  {[]string{"find", "it", "--oputput=json"}, cli.Usage, "", "tool: unknown flag --oputput, did you mean \"--output\"?\n  → see tool find --help\n"},
		"bad value": {[]string{"find", "it", "-o", "xml"}, cli.Usage, "", "tool: --output must be one of \"table\",\"json\" but got \"xml\"\n  → see tool find --help\n"},
		"bad word":  {[]string{"fnid"}, cli.Usage, "", "tool: unexpected argument fnid, did you mean \"find\"?\n  → see tool --help\n"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			code, stdout, stderr := run(tt.args...)
			require.Equal(t, tt.code, code)
			require.Equal(t, tt.stdout, stdout)
			require.Equal(t, tt.stderr, stderr)
		})
	}
}

func TestHelpRunsNothing(t *testing.T) {
	code, stdout, stderr := run("--help")
	require.Equal(t, cli.OK, code)
	require.Contains(t, stdout, "Does things.")
	require.Contains(t, stdout, "  3  what was looked at is not as it should be")
	require.NotContains(t, stdout, "serving")
	require.Empty(t, stderr)

	_, stdout, _ = run("find", "--help")
	require.Contains(t, stdout, "  tool find it", "examples keep their form")
}

type full struct{}

func (full) Write([]byte) (int, error) { return 0, errors.New("no space left on device") }

func TestOutputThatCannotBeWritten(t *testing.T) {
	var stderr bytes.Buffer
	program := cli.Program{Name: "tool", Commands: &commands{}}
	code := program.Run(context.Background(), cli.Process{Stdout: full{}, Stderr: &stderr}, []string{"find", "it"})
	require.Equal(t, cli.Failed, code)
	require.Equal(t, "tool: print the result: no space left on device\n", stderr.String())
}
