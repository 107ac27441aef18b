package simulation

import (
	"flag"
	"io"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"aftercall/internal/testenv/pages"
)

// TestDocumentedFlags: make simulate has flags of TestNights in the docs, with values
// that they take.
func TestDocumentedFlags(t *testing.T) {
	checked := 0
	for _, c := range pages.Commands(t, "../..") {
		args, ok := c.Arguments(t, "simulate", map[string][]string{"simulate": nil})
		if !ok {
			continue
		}
		known := flag.NewFlagSet("simulate", flag.ContinueOnError)
		known.SetOutput(io.Discard)
		flag.VisitAll(func(f *flag.Flag) {
			was := f.Value.String()
			known.Func(f.Name, f.Usage, func(text string) error {
				defer func() { require.NoError(t, f.Value.Set(was)) }()
				return f.Value.Set(text)
			})
		})
		require.NoError(t, known.Parse(args), "%s:%d", c.Page, c.Line)
		require.Empty(t, known.Args(), "%s:%d", c.Page, c.Line)
		checked++
	}
	require.Positive(t, checked)
}

// TestDocumentListsTheFaults: docs/reliability.md has the figures of every kind.
func TestDocumentListsTheFaults(t *testing.T) {
	text, err := os.ReadFile("../../docs/reliability.md")
	require.NoError(t, err)
	for _, fault := range Faults() {
		require.Contains(t, string(text), "| "+string(fault)+" | ")
	}
	require.Contains(t, string(text), "**Lost: 0. Doubled: 0. Other findings: 0.**")
}
