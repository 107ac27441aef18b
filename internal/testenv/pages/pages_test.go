package pages

import (
	"testing"

	"github.com/stretchr/testify/require"
)

const sample = "Text with `make test`, `aftercall call\nCALLID` and `x`.\n" +
	"| a table | `aftercall check` |\n| of | rows |\n\n" +
	"1. A step:\n\n   ```console\n   $ aftercall check\n   ok  3\n\n   $ aftercall waiting\n   none\n   ```\n\n" +
	"```sh\necho a\necho b\n```\n\n```json\n{\"x\": \"`no code`\"}\n```\n"

func TestParse(t *testing.T) {
	p := parse("a.md", sample)
	require.Equal(t, []Typed{
		{"a.md", 3, "make test", ""}, {"a.md", 3, "aftercall call CALLID", ""}, {"a.md", 3, "x", ""}, {"a.md", 3, "aftercall check", ""},
	}, p.spans)
	var typed []Typed
	for _, block := range p.blocks {
		typed = append(typed, block.Typed()...)
	}
	require.Equal(t, []Typed{
		{"a.md", 9, "aftercall check", "ok  3\n\n"}, {"a.md", 12, "aftercall waiting", "none\n\n"}, {"a.md", 17, "echo a\necho b\n", ""},
	}, typed)
}

func TestShape(t *testing.T) {
	require.Equal(t, Shape("Redis     remembers it for 191 h\nBooked  2026-11-25T02:15:00Z"), Shape("Redis  remembers it for 7 h\nBooked    2027-01-01T00:00:00Z\n"))
	require.Equal(t, Shape("https://temporal.example.com/namespaces in 19ms, every 5m0s"), Shape("http://127.0.0.1:8233/namespaces in 1.4s, every 24h0m0s"))
	require.NotEqual(t, Shape("Outcome  started"), Shape("Outcome  begun"))
	require.NotEqual(t, Shape("Redis  x\nLedger  y"), Shape("Redis  x"))
}
