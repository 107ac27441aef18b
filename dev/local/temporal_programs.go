package local

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"aftercall/internal/testenv/programs"
)

const (
	// minServer is the oldest server whose Web UI shows user metadata, and local
	// activities in the timeline.
	minServer = "1.29.0"
	// cliVersion is what dev/temporal builds.
	cliVersion = "1.5.1"
)

// EnsureTemporal returns the program of the topology's Temporal server, which it
// builds from source if needed.
func (t Topology) EnsureTemporal(ctx context.Context, root string, out io.Writer) (string, error) {
	if len(t.Nodes) > 0 {
		return EnsureCluster(ctx, root, out)
	}
	return EnsureTemporal(ctx, root, out)
}

// TemporalPath returns the path of the temporal CLI: TEMPORAL_BIN, one on PATH that
// is new enough, or the one in dev/bin. root is the project's folder.
func TemporalPath(ctx context.Context, root string) (string, error) {
	if bin := os.Getenv("TEMPORAL_BIN"); bin != "" {
		if _, err := serverVersion(ctx, bin); err != nil {
			return "", fmt.Errorf("TEMPORAL_BIN=%s is not a temporal CLI: %w", bin, err)
		}
		return bin, nil
	}
	if bin, err := exec.LookPath("temporal"); err == nil {
		if v, err := serverVersion(ctx, bin); err == nil && !older(v, minServer) {
			return bin, nil
		}
	}
	bin := builtPath(root, "temporal")
	if _, err := serverVersion(ctx, bin); err != nil {
		return "", fmt.Errorf("there is no temporal CLI yet: run `make temporal`, which builds it once (%w)", err)
	}
	return bin, nil
}

// EnsureTemporal returns TemporalPath, and builds the CLI from source if needed.
func EnsureTemporal(ctx context.Context, root string, out io.Writer) (string, error) {
	if bin, err := TemporalPath(ctx, root); err == nil || os.Getenv("TEMPORAL_BIN") != "" {
		return bin, err
	}
	fmt.Fprintf(out, "Building the temporal CLI %s with server and Web UI from source. This takes some minutes, once.\n", cliVersion)
	if err := goBuild(ctx, filepath.Join(root, "dev", "temporal"), out, "-o", builtPath(root, "temporal"),
		"-ldflags", "-w -X github.com/temporalio/cli/temporalcli.Version="+cliVersion, "github.com/temporalio/cli/cmd/temporal"); err != nil {
		return "", fmt.Errorf("build the temporal CLI: %w", err)
	}
	return TemporalPath(ctx, root)
}

// EnsureCluster builds the program of dev/cluster, unless it is built, and returns
// its path. The error names the programs that a cluster needs and this machine
// lacks.
func EnsureCluster(ctx context.Context, root string, out io.Writer) (string, error) {
	if err := programs.Check("redis", "postgres", "haproxy"); err != nil {
		return "", fmt.Errorf("a cluster needs more programs:\n%w", err)
	}
	bin := builtPath(root, "cluster")
	if _, err := os.Stat(bin); err != nil {
		fmt.Fprintln(out, "Building the Temporal server and its Web UI from source. This takes some minutes, once.")
	}
	// Go builds what has changed, which takes a second if nothing has.
	if err := goBuild(ctx, filepath.Join(root, "dev", "cluster"), out, "-o", bin, "."); err != nil {
		return "", fmt.Errorf("build the Temporal server: %w", err)
	}
	return bin, nil
}

// goBuild builds a program that takes minutes. The compiler spends a sixth of its time on
// collecting garbage, unless it may use more memory.
func goBuild(ctx context.Context, dir string, out io.Writer, args ...string) error {
	build := exec.CommandContext(ctx, "go", append([]string{"build"}, args...)...)
	build.Dir, build.Stdout, build.Stderr = dir, out, out
	build.Env = append(os.Environ(), "GOGC="+cmp.Or(os.Getenv("GOGC"), "400"))
	return build.Run()
}

func builtPath(root, name string) string {
	path := filepath.Join(root, "dev", "bin", name)
	if absolute, err := filepath.Abs(path); err == nil {
		return absolute
	}
	return path
}

var serverVersionPattern = regexp.MustCompile(`Server (\d+\.\d+\.\d+)`)

// serverVersion returns the version of the server in a CLI.
func serverVersion(ctx context.Context, bin string) (string, error) {
	out, err := exec.CommandContext(ctx, bin, "--version").Output()
	if err != nil {
		return "", err
	}
	m := serverVersionPattern.FindSubmatch(out)
	if m == nil {
		return "", errors.New("--version prints no server version")
	}
	return string(m[1]), nil
}

// older reports whether version a is older than b.
func older(a, b string) bool {
	as, bs := strings.Split(a, "."), strings.Split(b, ".")
	for i := range min(len(as), len(bs)) {
		x, errX := strconv.Atoi(as[i])
		y, errY := strconv.Atoi(bs[i])
		if errX != nil || errY != nil {
			return errX != nil
		}
		if x != y {
			return x < y
		}
	}
	return len(as) < len(bs)
}
