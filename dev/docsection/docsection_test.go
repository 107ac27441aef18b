package docsection

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestReplace(t *testing.T) {
	document := "a\n<!-- x -->\nold\n<!-- /x -->\nb\n<!-- y -->\n<!-- /y -->\n"
	got, err := Replace(document, Section{"x", "new\n"}, Section{"y", "1\n\n2\n"})
	require.NoError(t, err)
	require.Equal(t, "a\n<!-- x -->\nnew\n<!-- /x -->\nb\n<!-- y -->\n1\n\n2\n<!-- /y -->\n", got)
	_, err = Replace(document, Section{"z", ""})
	require.ErrorContains(t, err, "<!-- z -->")
	_, err = Replace("<!-- x -->\n", Section{"x", ""})
	require.ErrorContains(t, err, "<!-- /x -->")
}

func TestUpdate(t *testing.T) {
	path := filepath.Join(t.TempDir(), "page.md")
	require.NoError(t, os.WriteFile(path, []byte("<!-- x -->\n<!-- /x -->\n"), 0o600))
	require.NoError(t, Update(path, Section{"x", "new"}))
	require.ErrorContains(t, Update(path, Section{"z", "new"}), "page.md: ")
	got, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, "<!-- x -->\nnew\n<!-- /x -->\n", string(got))
}
