package ops

import (
	"io"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/temporal"

	"aftercall/workflows"
)

func TestWebUIColumns(t *testing.T) {
	t.Parallel()
	d := New(t.Context(), map[string]string{"TEMPORAL_NAMESPACE": `calls"`, "TEMPORAL_ADDRESS": "127.0.0.1:1"}, io.Discard)
	defer d.Close()
	script, err := d.WebUIColumns()
	require.NoError(t, err)
	require.Contains(t, script, `  "calls\"": ["Status","CallMedia",`)
	for _, column := range webUIColumns {
		if strings.HasPrefix(column, "Call") {
			require.True(t, slices.ContainsFunc(workflows.SearchAttributes, func(a temporal.SearchAttributeKeyKeyword) bool { return a.GetName() == column }), column)
		}
	}
}

// TestDocumentedWebUIColumns compares with docs/operations.md, whose script
// TestWebUI of dev/local runs in a browser.
func TestDocumentedWebUIColumns(t *testing.T) {
	t.Parallel()
	d := New(t.Context(), map[string]string{"TEMPORAL_NAMESPACE": "default", "TEMPORAL_ADDRESS": "127.0.0.1:1"}, io.Discard)
	defer d.Close()
	script, err := d.WebUIColumns()
	require.NoError(t, err)
	page, err := os.ReadFile("../../docs/operations.md")
	require.NoError(t, err)
	require.Contains(t, string(page), "```js\n"+script+"```\n")
}
