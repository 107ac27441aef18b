package local_test

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"aftercall/dev/local"
	"aftercall/internal/testenv/pages"
)

// TestDocumentedTemporalCommands: the temporal CLI knows every flag that the docs use.
func TestDocumentedTemporalCommands(t *testing.T) {
	t.Parallel()
	temporal, err := local.TemporalPath(t.Context(), root)
	require.NoError(t, err)
	checked := 0
	for _, c := range pages.Commands(t, root) {
		if c.Words[0] != "temporal" {
			continue
		}
		// It reads all flags before it prints the help.
		out, err := exec.CommandContext(t.Context(), temporal, append(c.Words[1:], "--help")...).CombinedOutput()
		require.NoError(t, err, "%s:%d: %s\n%s", c.Page, c.Line, strings.Join(c.Words, " "), out)
		checked++
	}
	require.Greater(t, checked, 4)
}
