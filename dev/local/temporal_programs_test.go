package local_test

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestTheCLIHasTheSameModules makes sure that what the project and the temporal CLI both
// use is compiled once: it is a third of the CLI's packages.
func TestTheCLIHasTheSameModules(t *testing.T) {
	versions := func(file string) map[string]string {
		text, err := os.ReadFile(filepath.Join(root, file))
		require.NoError(t, err)
		found := map[string]string{}
		for _, m := range regexp.MustCompile(`(?m)^\t(\S+) (v\S+)`).FindAllStringSubmatch(string(text), -1) {
			found[m[1]] = m[2]
		}
		return found
	}
	ours, theirs := versions("go.mod"), versions("dev/temporal/go.mod")
	for _, module := range []string{
		"github.com/jackc/pgx/v5", "github.com/prometheus/client_golang", "github.com/prometheus/common",
		"go.opentelemetry.io/otel", "golang.org/x/net", "golang.org/x/sys", "golang.org/x/text", "google.golang.org/genproto/googleapis/rpc",
		"google.golang.org/grpc", "google.golang.org/protobuf", "modernc.org/libc", "modernc.org/memory", "modernc.org/sqlite",
	} {
		require.NotEmpty(t, ours[module], module)
		require.Equal(t, ours[module], theirs[module], "%s in dev/temporal: go get %s@%s", module, module, ours[module])
	}
}
