package report

import (
	"context"
	"debug/buildinfo"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"aftercall/dev/bench/harness"
)

// compared are the modules whose versions are printed.
var compared = []string{
	"go.temporal.io/sdk", "github.com/dbos-inc/dbos-transact-golang", "github.com/riverqueue/river",
	"github.com/hibiken/asynq", "github.com/redis/go-redis/v9", "github.com/jackc/pgx/v5", "github.com/tsenart/vegeta/v12",
}

// Environment describes the machine and the versions that were measured.
func Environment(ctx context.Context, b *harness.Bench, runs int) string {
	var text strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&text, "- "+format+"\n", args...) }
	line("%s, %d runs: the median, and in parentheses the lowest and the highest", time.Now().UTC().Format(time.DateOnly), runs)
	line("%s, %d cores, %s, %s %s, %s", processor(), runtime.NumCPU(), mainMemory(), runtime.GOOS, kernel(), runtime.Version())
	var versions []string
	for _, server := range []struct{ name, path string }{
		{"PostgreSQL", b.Servers.Postgres()}, {"Redis", "redis-server"}, {"Temporal", b.Temporal},
	} {
		versions = append(versions, server.name+" "+version(ctx, server.path))
	}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, module := range info.Deps {
			if slices.Contains(compared, module.Path) {
				versions = append(versions, module.Path+" "+module.Version)
			}
		}
	}
	line("%s", strings.Join(versions, ", "))
	line("%s", harness.Durability)
	if b.Cluster != "" {
		line("%s Its server is %s.", harness.ClusterSettings, serverModule(b.Cluster))
	}
	return text.String()
}

// serverModule is the version of Temporal's server in a program.
func serverModule(program string) string {
	const module = "go.temporal.io/server"
	if info, err := buildinfo.ReadFile(program); err == nil {
		for _, m := range info.Deps {
			if m.Path == module {
				return m.Path + " " + m.Version
			}
		}
	}
	return "(unknown version)"
}

var versionPattern = regexp.MustCompile(`\d+\.\d+(\.\d+)?.*`)

// version returns the version that a program prints.
func version(ctx context.Context, path string) string {
	out, err := exec.CommandContext(ctx, path, "--version").Output()
	if err != nil {
		return "(unknown version)"
	}
	first, _, _ := strings.Cut(string(out), " sha=")
	return strings.TrimSpace(versionPattern.FindString(first))
}

// fromProc returns the value of a line "name : value" in a file of /proc.
func fromProc(file, name string) string {
	data, err := os.ReadFile(file)
	if err != nil {
		return ""
	}
	for line := range strings.Lines(string(data)) {
		if key, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(key) == name {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

func processor() string {
	if name := fromProc("/proc/cpuinfo", "model name"); name != "" {
		return name
	}
	return runtime.GOARCH
}

func mainMemory() string {
	var kib int64
	if _, err := fmt.Sscan(fromProc("/proc/meminfo", "MemTotal"), &kib); err != nil {
		return "memory unknown"
	}
	return fmt.Sprintf("%.0f GiB", float64(kib)/(1<<20))
}

func kernel() string {
	data, err := os.ReadFile("/proc/sys/kernel/osrelease")
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(data))
}
