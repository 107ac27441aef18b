package testenv

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// RequireAllocations compares how often each operation allocates memory with
// testdata/allocations.txt of the package. Unlike times, these numbers are exact, but
// they depend on Go: those of another release than the file's are only logged.
func RequireAllocations(t *testing.T, operations map[string]func()) {
	t.Helper()
	const runs = 100
	var text strings.Builder
	fmt.Fprintln(&text, goRelease())
	for _, name := range slices.Sorted(maps.Keys(operations)) {
		fmt.Fprintf(&text, "%s: %.0f\n", name, testing.AllocsPerRun(runs, operations[name]))
	}
	file := filepath.Join("testdata", "allocations.txt")
	if committed, err := os.ReadFile(file); err == nil && !strings.HasPrefix(string(committed), goRelease()+"\n") {
		t.Logf("%s is not from %s, which allocates:\n%s", file, goRelease(), text.String())
		if !*update {
			return
		}
	}
	if *update {
		require.NoError(t, os.MkdirAll(filepath.Dir(file), 0o755))
	}
	RequireFile(t, file, text.String())
}

// goRelease is the release without its patches, as in "go1.26".
func goRelease() string {
	parts := strings.SplitN(runtime.Version(), ".", 3)
	return strings.Join(parts[:min(2, len(parts))], ".")
}
