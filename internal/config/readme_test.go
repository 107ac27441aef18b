package config

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestReadmeConfiguration loads the configuration that the README has people write,
// with the variables that it has them set.
func TestReadmeConfiguration(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../README.md")
	require.NoError(t, err)
	written := regexp.MustCompile(`(?s)cat > aftercall.yaml <<'EOF'\n(.*?)\n   EOF\n   export ([^\n]+)`).FindStringSubmatch(string(page))
	require.NotNil(t, written)
	file := filepath.Join(t.TempDir(), "aftercall.yaml")
	require.NoError(t, os.WriteFile(file, []byte(strings.ReplaceAll("\n"+written[1], "\n   ", "\n")), 0o600))
	loaded, err := Load(file, func(name string) (string, bool) {
		return strings.Repeat("a1", 32), strings.Contains(" "+written[2], " "+name+"=")
	})
	require.NoError(t, err)
	require.Len(t, loaded.Apps, 1)
}
