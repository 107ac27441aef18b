package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"aftercall/internal/ops"
)

type testCommands struct {
	Find findCommand `cmd:"" help:"Find something."`
	List listCommand `cmd:"" help:"List something."`
}

type findCommand struct {
	Format
	What string `arg:""`
}

func (findCommand) Help() string { return "Example:\n\n  tool find it" }

func (c findCommand) Run(_ context.Context, p Process) error {
	if c.What != "it" {
		return fmt.Errorf("look: %w", ops.Errorf(ops.NotFound, "look elsewhere", "there is no %s", c.What))
	}
	return c.Print(p, map[string]string{"url": "a?b&c"}, func(s screen) {
		writeFields(s, [2]string{"State", "found"}, [2]string{"", "over\nthere\x1b[2J"})
	})
}

type listCommand struct{ ListFormat }

type item struct {
	CallID string `json:"call_id"`
	Amount string `json:"amount"`
	Reason string `json:"reason"`
}

var itemColumns = []column[item]{
	{key: "call_id", title: "call", value: func(i item) string { return i.CallID }, foreign: true},
	{key: "amount", value: func(i item) string { return i.Amount }, right: true, drop: 2},
	{key: "reason", value: func(i item) string { return i.Reason }, wrap: true, foreign: true},
}

func (c listCommand) Run(p Process) error {
	items := []item{
		{"055662e1-bc8a-469c-a334-1126c8c17d58", "1.50", "the record says that the call lasted for longer than a day, see https://example.com/a/very/long/address"},
		{"=1+1", "-12.25", "no"},
	}
	return printList(p, c.ListFormat, items, itemColumns, "No items.")
}

func runTest(environ map[string]string, args ...string) (code int, stdout, stderr string) {
	var out, err bytes.Buffer
	tool := program{name: "tool", description: "Does things.", commands: &testCommands{}}
	code = tool.run(context.Background(), Process{Environ: environ, Stdout: &out, Stderr: &err}, args)
	return code, out.String(), err.String()
}

func TestRun(t *testing.T) {
	tests := map[string]struct {
		args           []string
		code           int
		stdout, stderr string
	}{
		"fields":    {[]string{"find", "it"}, OK, "State  found\n       over\n       there\ufffd[2J\n", ""},
		"json":      {[]string{"find", "it", "--output", "json"}, OK, "{\n  \"url\": \"a?b&c\"\n}\n", ""},
		"not found": {[]string{"find", "that"}, NotFound, "", "tool: look: there is no that\n  → look elsewhere\n"},
		"bad flag":  {[]string{"find", "it", "--oputput=json"}, Usage, "", "tool: unknown flag --oputput, did you mean \"--output\"?\n  → see tool find --help\n"},
		"bad value": {[]string{"find", "it", "-o", "xml"}, Usage, "", "tool: --output must be one of \"table\",\"json\" but got \"xml\"\n  → see tool find --help\n"},
		"bad word":  {[]string{"fnid"}, Usage, "", "tool: unexpected argument fnid, did you mean \"find\"?\n  → see tool --help\n"},
		"table of 80 columns": {
			[]string{"list"},
			OK,
			`CALL                                  AMOUNT  REASON
055662e1-bc8a-469c-a334-1126c8c17d58    1.50  the record says that the call
                                              lasted for longer than a day, see
                                              https://example.com/a/very/long/address
=1+1                                  -12.25  no
`, "",
		},
		"csv": {
			[]string{"list", "--output", "csv"},
			OK,
			"call_id,amount,reason\r\n" +
				"055662e1-bc8a-469c-a334-1126c8c17d58,1.50,\"the record says that the call lasted for longer than a day, see https://example.com/a/very/long/address\"\r\n" +
				"'=1+1,-12.25,no\r\n", "",
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			code, stdout, stderr := runTest(nil, tt.args...)
			require.Equal(t, tt.code, code)
			require.Equal(t, tt.stdout, stdout)
			require.Equal(t, tt.stderr, stderr)
		})
	}
}

func TestNarrowTableLeavesColumnsOut(t *testing.T) {
	narrow := map[string]string{"COLUMNS": "58"}
	_, stdout, stderr := runTest(narrow, "list")
	require.Contains(t, stdout, "CALL                                  REASON\n")
	require.Equal(t, "note: not enough room for amount; --wide prints them\n", stderr)

	_, stdout, stderr = runTest(narrow, "list", "--wide")
	require.Contains(t, stdout, "1.50  the record says that the call lasted for longer than a day, see https")
	require.Empty(t, stderr)
}

func TestHelpRunsNothing(t *testing.T) {
	code, stdout, stderr := runTest(nil, "--help")
	require.Equal(t, OK, code)
	require.Contains(t, stdout, "Does things.")
	require.Contains(t, stdout, "  3  what was examined is not in order")
	require.Empty(t, stderr)

	_, stdout, _ = runTest(nil, "find", "--help")
	require.Contains(t, stdout, "  tool find it", "examples keep their form")
}

type full struct{}

func (full) Write([]byte) (int, error) { return 0, errors.New("no space left on device") }

func TestOutputThatCannotBeWritten(t *testing.T) {
	var stderr bytes.Buffer
	tool := program{name: "tool", commands: &testCommands{}}
	code := tool.run(context.Background(), Process{Stdout: full{}, Stderr: &stderr}, []string{"find", "it"})
	require.Equal(t, Failed, code)
	require.Equal(t, "tool: print the result: no space left on device\n", stderr.String())
}
